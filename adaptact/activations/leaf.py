r"""LEAF and AHAF, the sigmoid-gated linear functions with a shape of their own.

.. math:: \mathrm{LEAF}(u) = (\rho_1 u + \rho_2)\,\sigma(\rho_3 u) + \rho_4, \qquad \mathrm{AHAF}(u) = \beta u\,\sigma(\gamma u)
"""

import torch

from .base import Adaptive
from .fused import fused


def leaf(x, rho1, rho2, rho3, rho4):
    r"""Learnable Extended Activation Function, :math:`(\rho_1 x + \rho_2)\,\sigma(\rho_3 x) + \rho_4`.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    rho1, rho2, rho3, rho4 : torch.Tensor or float
        Broadcast against `x`.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with the parameters.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), eq. 2, doi 10.47839/ijc.22.3.3225.

    Examples
    --------
    >>> leaf(torch.tensor([-1.0, 0.0, 1.0]), 0.0, 2.0, 2.0, -1.0)  # tanh
    tensor([-0.7616,  0.0000,  0.7616])
    """
    return fused(_leaf, x, rho1, rho2, rho3, rho4)


def _leaf(x, rho1, rho2, rho3, rho4):
    return (rho1 * x + rho2) * torch.sigmoid(rho3 * x) + rho4


def leaf_derivatives(x, rho1, rho2, rho3, rho4):
    """The closed forms of LEAF's derivatives with respect to x, rho1, rho2, rho3 and rho4, in this order."""
    gate, line = torch.sigmoid(rho3 * x), rho1 * x + rho2
    slope = gate * (1 - gate)
    return rho1 * gate + line * slope * rho3, x * gate, gate, line * slope * x, torch.ones_like(x)


def ahaf(x, beta, gamma):
    r"""Adaptive Hybrid Activation Function, :math:`\beta x\,\sigma(\gamma x)`.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    beta, gamma : torch.Tensor or float
        Amplitude and slope, broadcast against `x`.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with the parameters.

    References
    ----------
    Bodyanskiy and Kostiuk (2022), doi 10.20535/srit.2308-8893.2022.1.07.

    Examples
    --------
    >>> ahaf(torch.tensor([-1.0, 0.0, 1.0]), 1.0, 1.0)  # SiLU
    tensor([-0.2689,  0.0000,  0.7311])
    """
    return fused(_ahaf, x, beta, gamma)


def _ahaf(x, beta, gamma):
    return beta * x * torch.sigmoid(gamma * x)


def ahaf_derivatives(x, beta, gamma):
    """The closed forms of AHAF's derivatives with respect to x, beta and gamma, in this order."""
    gate = torch.sigmoid(gamma * x)
    slope = gate * (1 - gate)
    return beta * (gate + gamma * x * slope), x * gate, beta * x * x * slope


class LEAF(Adaptive):
    """LEAF as a module with trainable ``rho1`` to ``rho4``.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer), the number of channels, or the shape of one sample (per neuron, as in the paper's networks).
    init : {"silu", "relu", "tanh", "sigmoid"}, default "silu"
        The function it starts as. As ReLU it is an approximation: the gate's slope rho3 starts at 2**16, which
        overflows float16. The paper's Table 1 prints rho2 = 0 for the sigmoid, which is the zero function; 1 is meant.
    held : tuple of str, default ()
        Parameters that stay as they start, such as ``("rho4",)``.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters`, `init` or `held` makes no sense, or an input does not fit the parameters.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), eq. 2 and Table 1, doi 10.47839/ijc.22.3.3225.

    Examples
    --------
    >>> LEAF((500,), init="tanh")(torch.zeros(2, 500)).shape
    torch.Size([2, 500])
    """

    starts = {
        "relu": {"rho1": 1.0, "rho2": 0.0, "rho3": 2.0**16, "rho4": 0.0},
        "silu": {"rho1": 1.0, "rho2": 0.0, "rho3": 1.0, "rho4": 0.0},
        "tanh": {"rho1": 0.0, "rho2": 2.0, "rho3": 2.0, "rho4": -1.0},
        "sigmoid": {"rho1": 0.0, "rho2": 1.0, "rho3": 1.0, "rho4": 0.0},
    }

    def __init__(self, num_parameters=1, *, init="silu", held=(), device=None, dtype=None):
        super().__init__(num_parameters, init=init, held=held, device=device, dtype=dtype)

    def forward(self, x):
        return leaf(x, *self.expanded(x))


class AHAF(Adaptive):
    r"""AHAF as a module with trainable ``beta`` and ``gamma``: LEAF without rho2 and rho4.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer), the number of channels, or the shape of one sample (per neuron, as in the paper's networks).
    init : {"silu", "relu"}, default "silu"
        The function it starts as; as ReLU gamma is 2**16, as in LEAF's reference code (the AHAF paper's has 1e9).
    held : tuple of str, default ()
        Parameters that stay as they start. ``held=("beta",)`` is Swish with a trainable slope,
        :math:`x\,\sigma(\gamma x)`.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters`, `init` or `held` makes no sense, or an input does not fit the parameters.

    References
    ----------
    Bodyanskiy and Kostiuk (2022), doi 10.20535/srit.2308-8893.2022.1.07.

    Examples
    --------
    >>> AHAF(32, init="relu")(torch.zeros(2, 32, 8, 8)).shape
    torch.Size([2, 32, 8, 8])
    """

    starts = {
        "relu": {"beta": 1.0, "gamma": 2.0**16},
        "silu": {"beta": 1.0, "gamma": 1.0},
    }

    def __init__(self, num_parameters=1, *, init="silu", held=(), device=None, dtype=None):
        super().__init__(num_parameters, init=init, held=held, device=device, dtype=dtype)

    def forward(self, x):
        return ahaf(x, *self.expanded(x))
