r"""APALU, a trainable function of two pieces.

.. math:: f(x) = a\,(x + x\,\sigma(1.702 x)) \quad (x \ge 0), \qquad b\,(e^x - 1) \quad (x < 0)
"""

import math

import torch
import torch.nn.functional as F

from ..errors import choose
from .base import Adaptive, positive
from .fused import fused


def apalu(x, a=0.55, b=0.065):
    r"""Adaptive piecewise approximated linear unit: :math:`a(x + x\sigma(1.702x))` from zero up, :math:`b(e^x - 1)` below.

    The slopes at zero are 1.5 a from above and b from below: a kink unless b = 1.5 a.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    a, b : torch.Tensor or float, default 0.55 and 0.065
        Positive, broadcast against `x`; the defaults are those of the paper's Fig. 1.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with the parameters.

    References
    ----------
    Subramanian et al. (2024), arXiv 2402.08244.

    Examples
    --------
    >>> apalu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.0411,  0.0000,  1.0152])
    """
    return fused(_apalu, x, a, b)


def _apalu(x, a, b):
    # Clamped, since where() also computes the branch it drops, and there exp overflows and makes the gradient NaN.
    return torch.where(x >= 0, a * (x + x * torch.sigmoid(1.702 * x)), b * torch.expm1(x.clamp(max=0)))


def apalu_derivatives(x, a, b):
    """The closed forms of APALU's derivatives with respect to x, a and b, in this order; at zero those from above."""
    gate = torch.sigmoid(1.702 * x)
    above, below = x >= 0, x.clamp(max=0)
    return (
        torch.where(above, a * (1 + gate + 1.702 * x * gate * (1 - gate)), b * torch.exp(below)),
        torch.where(above, x + x * gate, 0.0),
        torch.where(above, 0.0, torch.expm1(below)),
    )


class APALU(Adaptive):
    """APALU as a module with trainable ``a`` and ``b``.

    The paper wants both positive; how it keeps them so is not in the text available to us. Here each is the softplus of
    a free number, ``raw_a`` and ``raw_b``, so every step of any optimiser leaves it positive, its gradient never
    vanishes at a bound as a clamp's would, and small values such as b = 0.065 move in proportion to their size.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer), the number of channels, or the shape of one sample (per neuron). Which of them the paper means
        is not in the text available to us.
    a, b : float, default 0.55 and 0.065
        Where they start; positive.
    held : tuple of str, default ()
        ``"a"``, ``"b"``, or both: those that stay as they start.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters`, `a` or `b` makes no sense, or an input does not fit the parameters.

    References
    ----------
    Subramanian et al. (2024), arXiv 2402.08244.

    Examples
    --------
    >>> layer = APALU(32)
    >>> layer.a[0].item(), layer.b[0].item()
    (0.55..., 0.06...)
    """

    def __init__(self, num_parameters=1, *, a=0.55, b=0.065, held=(), device=None, dtype=None):
        # The inverse of softplus, log(exp(y) - 1), written so that a large y does not overflow.
        raw = {
            f"raw_{name}": value + math.log(-math.expm1(-value))
            for name, value in (("a", positive("APALU's a", a)), ("b", positive("APALU's b", b)))
        }
        self.starts = {"paper": raw}
        held = (held,) if isinstance(held, str) else held
        raw_held = tuple(f"raw_{choose('parameter of APALU', name, ('a', 'b'))}" for name in held)
        super().__init__(num_parameters, init="paper", held=raw_held, device=device, dtype=dtype)

    @property
    def a(self):
        """Slope factor of the upper piece, positive, of shape `num_parameters`."""
        return F.softplus(self.raw_a)

    @property
    def b(self):
        """Depth of the lower piece, positive, of shape `num_parameters`."""
        return F.softplus(self.raw_b)

    def values(self):
        """The positive numbers `a` and `b`, by name.

        Returns
        -------
        dict of str to torch.Tensor
            Each of shape `num_parameters`.
        """
        return {"a": self.a, "b": self.b}

    def learned(self):
        """Those of `a` and `b` that are not held.

        Returns
        -------
        dict of str to torch.Tensor
            Each of shape `num_parameters`.
        """
        return {name: value for name, value in self.values().items() if f"raw_{name}" not in self.held}

    def forward(self, x):
        return apalu(x, *(F.softplus(raw) for raw in self.expanded(x)))
