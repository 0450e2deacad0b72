r"""A learned mixture of fixed functions whose coefficients sum to one.

.. math:: A(x) = \alpha\,\mathrm{ReLU}(x) + \beta\tanh x + \gamma\sin x, \qquad \alpha + \beta + \gamma = 1
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ..errors import UserError, choose
from .base import Adaptive
from .fused import fused

FUNCTIONS = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sin": torch.sin,
    "cos": torch.cos,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "gelu": F.gelu,
    "elu": F.elu,
    "softplus": F.softplus,
    "mish": F.mish,
    "identity": torch.clone,
}
# From raw weights, stacked along the first dimension, to coefficients; and back, from a start to raw weights.
NORMALISATIONS = {
    "softmax": (lambda raw: torch.softmax(raw, 0), torch.log),
    "sum": (lambda raw: raw / raw.sum(0), torch.clone),
    "square": (lambda raw: raw**2 / (raw**2).sum(0), torch.sqrt),
    "absolute": (lambda raw: raw.abs() / raw.abs().sum(0), torch.clone),
}


def weighted_sum(x, coefficients, functions=("relu", "tanh", "sin")):
    r"""Mixture of fixed functions, by default :math:`c_1\mathrm{ReLU}(x) + c_2\tanh x + c_3\sin x`.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    coefficients : torch.Tensor or sequence of float
        One a function, along the first dimension; each broadcast against `x`. They should sum to one; plain numbers are
        checked, a tensor is taken as it is.
    functions : tuple of str or callable, default ("relu", "tanh", "sin")
        Keys of `FUNCTIONS`, products of them such as ``"relu*tanh"``, or elementwise functions of one tensor.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with a coefficient.

    Raises
    ------
    UserError
        If a function is unknown, or the coefficients are not one a function or do not sum to one.

    References
    ----------
    Bansal (2022), eq. 10, arXiv 2202.12065.

    Examples
    --------
    >>> weighted_sum(torch.tensor([-1.0, 0.0, 1.0]), (0.5, 0.5, 0.0))
    tensor([-0.3808,  0.0000,  0.8808])
    """
    functions = _resolve(functions)
    if not isinstance(coefficients, torch.Tensor):
        _summing_to_one(coefficients, functions)
    elif len(coefficients) != len(functions):
        raise UserError(f"there are {len(coefficients)} coefficients for {len(functions)} functions: give one each.")
    return fused(_Mixture(functions), x, *coefficients)


@dataclass(frozen=True)
class _Mixture:
    """The formula of one list of functions; equal for equal lists, so that it is compiled once."""

    functions: tuple

    def __call__(self, x, *coefficients):
        return sum(c * function(x) for c, function in zip(coefficients, self.functions, strict=True))


def weighted_sum_derivatives(x, c1, c2, c3):
    """The closed forms of the default mixture's derivatives with respect to x and its coefficients, in this order."""
    slope = c1 * (x > 0) + c2 * (1 - torch.tanh(x) ** 2) + c3 * torch.cos(x)
    return slope, torch.relu(x), torch.tanh(x), torch.sin(x)


class WeightedSum(Adaptive):
    """A mixture of fixed functions with trainable coefficients that sum to one.

    The paper maps three raw weights to the coefficients by an equation that is not in the text available to us, so there
    are four candidates to choose from.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer, as in the paper), the number of channels, or the shape of one sample (per neuron).
    functions : tuple of str or callable, default ("relu", "tanh", "sin")
        Keys of `FUNCTIONS`, products of them such as ``"relu*tanh"``, or elementwise functions of one tensor.
    normalisation : {"softmax", "sum", "square", "absolute"}, default "softmax"
        How raw weights w become coefficients: exp(w), w, w**2 or \\|w\\|, divided by their sum. With "sum" a coefficient may
        leave [0, 1], and the quotient blows up where the weights cancel; the others stay inside.
    init : "equal", "random" or sequence of float, default "equal"
        The coefficients at the start: all alike; as many numbers from a uniform distribution on (0, 1], divided by their sum;
        or given, summing to one. What the paper starts from is not in the text available to us. Softmax cannot start at 0 or
        below, square and absolute not below 0.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If an argument makes no sense, or an input does not fit the parameters.

    References
    ----------
    Bansal (2022), eqs 9 and 10, arXiv 2202.12065.

    Examples
    --------
    >>> WeightedSum(init=(0.5, 0.3, 0.2), normalisation="square").coefficients[:, 0]
    tensor([0.5000, 0.3000, 0.2000], grad_fn=<SelectBackward0>)
    """

    def __init__(
        self,
        num_parameters=1,
        *,
        functions=("relu", "tanh", "sin"),
        normalisation="softmax",
        init="equal",
        device=None,
        dtype=None,
    ):
        self.functions = _resolve(functions)
        self.normalisation = choose("normalisation", normalisation, NORMALISATIONS)
        labels = [f.replace("*", "_") if isinstance(f, str) else f.__name__.strip("<>") for f in functions]
        if len(set(labels)) < len(labels):  # two lambdas, or one function twice
            labels = [f"{label}{number}" for number, label in enumerate(labels, 1)]
        self.labels = tuple(labels)
        if isinstance(init, str):
            choose("start of WeightedSum", init, ["equal", "random"])
            start = [1 / len(labels)] * len(labels)
        else:
            start = _summing_to_one(init, self.functions)
        lowest, strict = {"softmax": (0, True), "sum": (-math.inf, True)}.get(normalisation, (0, False))
        if any(c < lowest or (strict and c == lowest) for c in start):
            raise UserError(
                f"normalisation {normalisation!r} cannot start at {tuple(start)}: give coefficients "
                f"{'above' if strict else 'of at least'} 0, or normalisation 'sum'."
            )
        self.random = isinstance(init, str) and init == "random"
        raw = NORMALISATIONS[normalisation][1](torch.tensor(start, dtype=torch.float64)).tolist()
        self.starts = {"start": {f"weight_{label}": weight for label, weight in zip(labels, raw, strict=True)}}
        super().__init__(num_parameters, init="start", device=device, dtype=dtype)

    def reset_parameters(self):
        """Set every weight back to where `init` starts it; drawn anew for "random"."""
        super().reset_parameters()
        if self.random:
            drawn = 1 - torch.rand(len(self.names), *self.num_parameters)  # in (0, 1]: softmax takes no zero
            with torch.no_grad():
                for name, raw in zip(self.names, NORMALISATIONS[self.normalisation][1](drawn / drawn.sum(0)), strict=True):
                    getattr(self, name).copy_(raw)

    @property
    def coefficients(self):
        """What each function is multiplied by: one row a function, of shape ``(functions, *num_parameters)``."""
        return NORMALISATIONS[self.normalisation][0](torch.stack([getattr(self, name) for name in self.names]))

    def values(self):
        """The `coefficients` by the labels of their functions.

        Returns
        -------
        dict of str to torch.Tensor
            Each of shape `num_parameters`.
        """
        return dict(zip(self.labels, self.coefficients, strict=True))

    def forward(self, x):
        coefficients = NORMALISATIONS[self.normalisation][0](torch.stack(self.expanded(x)))
        return weighted_sum(x, coefficients, self.functions)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}, functions={self.labels}, normalisation={self.normalisation!r}"


def _resolve(functions):
    if not isinstance(functions, (list, tuple)) or not functions:
        raise UserError(f"functions is {functions!r}: give a list of names or callables, such as ('relu', 'tanh', 'sin').")
    return tuple(f if callable(f) else _named(f) for f in functions)


def _named(name):
    factors = [FUNCTIONS[choose("base function", factor, FUNCTIONS)] for factor in str(name).split("*")]
    return factors[0] if len(factors) == 1 else _Product(tuple(factors))


@dataclass(frozen=True)
class _Product:
    """Several functions of one input, multiplied."""

    factors: tuple

    def __call__(self, x):
        return math.prod(factor(x) for factor in self.factors)


def _summing_to_one(coefficients, functions):
    coefficients = [float(c) for c in coefficients]
    if len(coefficients) != len(functions):
        raise UserError(f"there are {len(coefficients)} coefficients for {len(functions)} functions: give one each.")
    if not abs(sum(coefficients) - 1) < 1e-6:
        raise UserError(f"the coefficients {tuple(coefficients)} sum to {sum(coefficients):g}: give numbers that sum to one.")
    return coefficients
