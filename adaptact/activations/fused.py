"""Elementwise formulas that keep only their input and parameters for the backward pass, compiled where that pays.

Autograd of ``(rho1 * x + rho2) * sigmoid(rho3 * x) + rho4`` keeps three tensors of the size of `x` and passes over memory
eighteen times. Here the backward pass computes the formula again. Compiled, forward and backward are one pass each.
"""

import contextlib
import itertools
import logging
import math
from functools import cache
from types import FunctionType

import torch

from ..errors import choose

MODES = ("auto", "always", "never")
# Below this size a compiled call's own cost, near 100 microseconds, eats what it gains (``python -m adaptact bench``).
WORTH_COMPILING = 2**16
_state = {"mode": "auto", "works": True, "used": False}
_serial = itertools.count()
_log = logging.getLogger("adaptact")


@contextlib.contextmanager
def compiled(mode):
    """Whether the formulas of LEAF, AHAF, PLTanh, ALReLU, APALU and WeightedSum are compiled in a ``with`` block.

    Compiled and plain formulas agree to 1e-5 in float32, relative to the largest value or gradient; not to the last
    digit. So what decides between them is a rule, not a stopwatch: the same program gives the same numbers every time.

    Parameters
    ----------
    mode : {"auto", "always", "never"}
        Auto, the default elsewhere, compiles calls with at least 2**16 elements. Where torch has no compiler to call,
        the plain formula serves in every mode, without a word.

    Yields
    ------
    None

    Raises
    ------
    UserError
        If the mode is unknown.

    Examples
    --------
    >>> with compiled("never"):
    ...     fused(lambda x, slope: slope * x, torch.ones(2), torch.tensor(3.0))
    tensor([3., 3.])
    """
    before = {"mode": _state["mode"], "used": _state["used"]}
    _state.update(mode=choose("mode", mode, MODES), used=False)
    try:
        yield
    finally:
        _state.update(before)


def was_compiled():
    """Whether a compiled formula has been used since the innermost `compiled` block began.

    Returns
    -------
    bool
    """
    return _state["used"]


def fused(formula, x, *parameters):
    """Compute ``formula(x, *parameters)`` so that only `x` and the parameters are kept for the backward pass.

    Double backward, forward-mode derivatives, and the transforms of `torch.func` fall back to the plain formula, and so
    does tracing by `torch.compile` or `torch.export`, which see through it.

    Parameters
    ----------
    formula : callable
        Elementwise in `x`. It is compiled once; one that is made anew for each call, with no ``__eq__``, is compiled anew.
    x : torch.Tensor
    *parameters : torch.Tensor or float
        Broadcast against `x`. With a plain number among them, plain autograd is used.

    Returns
    -------
    torch.Tensor
    """
    if torch.compiler.is_compiling() or not all(isinstance(p, torch.Tensor) for p in parameters):
        return formula(x, *parameters)
    wanted = _state["mode"] == "always" or (_state["mode"] == "auto" and x.numel() >= WORTH_COMPILING)
    layout = _layout(x, parameters) if wanted and _state["works"] else None
    return _Fused.apply(formula, layout, x, *parameters)


class _Fused(torch.autograd.Function):
    """The formula, once more in the backward pass."""

    @staticmethod
    def forward(formula, layout, x, *parameters):
        with torch.autocast(x.device.type, enabled=False):  # there is none in the backward pass either
            if layout is not None and (y := _compiled_forward(formula, layout, x, parameters)) is not None:
                return y
            return formula(x, *parameters)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.formula, ctx.layout, *tensors = inputs
        ctx.save_for_backward(*tensors)
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx, gradient):
        twice = torch.is_grad_enabled()  # a graph of this backward pass is being built, for a second derivative
        needs = ctx.needs_input_grad[2:]
        if ctx.layout is not None and not twice:
            x, *parameters = ctx.saved_tensors
            gradients = _compiled_backward(ctx.formula, ctx.layout, needs, gradient, x, parameters)
            if gradients is not None:
                return None, None, *gradients
        if twice:  # by torch.func, which also finds its way where it is itself what calls for a derivative
            found = torch.func.vjp(ctx.formula, *ctx.saved_tensors)[1](gradient)
            return None, None, *(part if need else None for part, need in zip(found, needs, strict=True))
        tensors = [tensor.detach().requires_grad_(need) for tensor, need in zip(ctx.saved_tensors, needs, strict=True)]
        with torch.enable_grad():
            y = ctx.formula(*tensors)
        wanted = [tensor for tensor, need in zip(tensors, needs, strict=True) if need]
        found = iter(torch.autograd.grad(y, wanted, gradient))
        return None, None, *(next(found) if need else None for need in needs)

    @staticmethod
    def jvp(ctx, _formula, _layout, *tangents):
        # From reverse mode, which is all an elementwise formula needs: torch does not nest forward mode.
        gradients = elementwise_derivatives(ctx.formula, *ctx.saved_tensors)
        return sum(g * t for g, t in zip(gradients, tangents, strict=True) if t is not None)

    @staticmethod
    def vmap(info, in_dims, formula, layout, *tensors):
        return torch.vmap(formula, in_dims=in_dims[2:], randomness=info.randomness)(*tensors), 0


def elementwise_derivatives(formula, x, *parameters):
    """The formula's derivatives with respect to `x` and each parameter, at every element of `x`."""
    y, pull = torch.func.vjp(formula, x, *(p.expand_as(x) for p in parameters))
    return pull(torch.ones_like(y))


def _layout(x, parameters):
    """Shapes of two or three dimensions under which all inputs of a kind share one kernel, or None.

    Returns
    -------
    (tuple, tuple) or None
        The views of `x` and of each parameter: ``(rows, P)`` and ``(P,)``, a set a neuron; ``(N, C, rest)`` and
        ``(C, 1)``, a set a channel; ``(size,)`` and ``(1,)``, one set.
    """
    shape = parameters[0].shape if parameters else ()
    if not x.is_contiguous() or not x.numel() or any(p.shape != shape or not p.is_contiguous() for p in parameters):
        return None
    count = math.prod(shape)
    if count == 1:
        return (x.numel(),), (1,)  # or no parameters at all
    if shape == x.shape[x.dim() - len(shape) :]:
        return (x.numel() // count, count), (count,)
    if x.dim() == len(shape) + 1 and shape == (x.shape[1], *(1,) * (len(shape) - 1)):
        return (x.shape[0], count, x.numel() // x.shape[0] // count), (count, 1)
    return None


def _compiled_forward(formula, layout, x, parameters):
    shape, each = layout
    y = _attempt(kernel(formula, len(shape)), x.view(shape), *(p.view(each) for p in parameters))
    return None if y is None else y.view(x.shape)


def _compiled_backward(formula, layout, needs, gradient, x, parameters):
    shape, each = layout
    group = math.gcd(shape[0], 8) if len(shape) == 2 else 1
    backward = kernel(_gradients(formula, needs, group), len(shape))
    found = _attempt(backward, gradient.contiguous().view(shape), x.view(shape), *(p.view(each) for p in parameters))
    if found is None:
        return None
    first = found.pop(0).view(x.shape) if needs[0] else None
    # The kernel has summed over groups of rows; torch's own sum over what is left is the fastest there is.
    rest = iter(
        part.sum(0).view(parameters[0].shape) if part.dim() > len(each) else part.view(parameters[0].shape) for part in found
    )
    return first, *(next(rest) if need else None for need in needs[1:])


@cache
def _gradients(formula, needs, group):
    """A function of the gradient, x and the parameters that returns the gradients that are needed."""

    def elementwise(gradient, x, parameters):
        found = elementwise_derivatives(formula, x, *parameters)
        return [gradient * part for part, need in zip(found, needs, strict=True) if need]

    def gradients(gradient, x, *parameters):
        if x.dim() != 2:
            found = elementwise(gradient, x, parameters)
            axes = (0, 2) if x.dim() == 3 else (0,)
            return [part if needs[0] and i == 0 else part.sum(axes) for i, part in enumerate(found)]
        # Rows in small groups: a compiler's own sum over all rows walks down the columns, past every cache.
        gradient, x = gradient.view(-1, group, gradient.shape[1]), x.view(-1, group, x.shape[1])
        rows = [elementwise(gradient[:, row], x[:, row], parameters) for row in range(group)]
        first = [torch.stack([row[0] for row in rows], 1)] if needs[0] else []
        return first + [sum(row[i] for row in rows) for i in range(len(first), len(rows[0]))]

    return gradients


@cache
def kernel(function, kind):
    """A compiled copy of a function for one kind of input, such as a number of dimensions; sizes may vary."""

    def compute(*arguments):
        return function(*arguments)

    # Where CUDA is installed and no GPU is there, a module that the compiler imports remarks on it, once a process.
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
    # torch counts compilations by code object and gives up, silently, after eight: each kernel gets one of its own.
    code = compute.__code__.replace(co_name=f"kernel_{next(_serial)}")
    return torch.compile(FunctionType(code, globals(), code.co_name, None, compute.__closure__), dynamic=True)


def _attempt(function, *arguments):
    """What a compiled function returns, or None, and none is tried again, where there is no compiler for it."""
    try:
        result = function(*arguments)
        _state["used"] = True
        return result
    except Exception as error:  # torch names no one class for a missing compiler, an old one, or a failing one
        _state["works"] = False
        _log.info("torch.compile does not work here, plain formulas serve: %s", str(error).partition("\n")[0])
        return None
