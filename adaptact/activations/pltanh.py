r"""PLTanh and its author's earlier functions: the larger of two simple ones.

.. math::
   \mathrm{PLTanh}(x) = \max(\tanh x, \alpha|x|), \qquad \mathrm{ALReLU}(x) = \max(|\alpha x|, x), \qquad
   \mathrm{SigmoReLU}(x) = \max(\mathrm{ReLU}(x), \sigma(x))
"""

import torch

from ..errors import UserError
from .base import Adaptive
from .fused import fused


def pltanh(x, alpha=0.01):
    r"""Parametric leaky tanh, :math:`\max(\tanh x, \alpha|x|)`.

    Below zero it is :math:`-\alpha x`, so negative inputs give positive outputs and it is not monotone. Above zero it is
    tanh up to the point where :math:`\tanh x = \alpha x` (near 100 for 0.01, 2.46 for 0.4) and :math:`\alpha x` beyond: it
    is not bounded, and it has a kink there and at zero.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    alpha : torch.Tensor or float, default 0.01
        Leak, broadcast against `x`.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with `alpha`. Where both are equal, autograd takes the mean of their slopes. At zero torch's
        slope of :math:`|x|` is 0, so that this is 1/2 for any alpha.

    References
    ----------
    Mastromichalakis (2023), arXiv 2310.07720.

    Examples
    --------
    >>> pltanh(torch.tensor([-2.0, 0.0, 1.0]), 0.01)
    tensor([0.0200, 0.0000, 0.7616])
    """
    return fused(_pltanh, x, alpha)


def _pltanh(x, alpha):
    return torch.maximum(torch.tanh(x), alpha * x.abs())


def pltanh_derivatives(x, alpha):
    """The closed forms of PLTanh's derivatives with respect to x and alpha, in this order, away from its kinks."""
    leaks = alpha * x.abs() > torch.tanh(x)
    return torch.where(leaks, alpha * x.sign(), 1 - torch.tanh(x) ** 2), torch.where(leaks, x.abs(), 0.0)


def alrelu(x, alpha=0.01):
    r"""Absolute leaky ReLU, :math:`\max(|\alpha x|, x)`: for an `alpha` in [0, 1], x above zero and :math:`\alpha|x|` below.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.
    alpha : torch.Tensor or float, default 0.01
        Leak, broadcast against `x`.

    Returns
    -------
    torch.Tensor
        The shape of `x` broadcast with `alpha`.

    References
    ----------
    The comparator of the PLTanh paper, Mastromichalakis (2023), arXiv 2310.07720; alpha as in its author's code.

    Examples
    --------
    >>> alrelu(torch.tensor([-2.0, 0.0, 1.0]))
    tensor([0.0200, 0.0000, 1.0000])
    """
    return fused(_alrelu, x, alpha)


def _alrelu(x, alpha):
    return torch.maximum((alpha * x).abs(), x)


def alrelu_derivatives(x, alpha):
    """The closed forms of ALReLU's derivatives with respect to x and alpha, in this order, away from its kink."""
    leaks = (alpha * x).abs() > x
    return torch.where(leaks, (alpha * x).sign() * alpha, 1.0), torch.where(leaks, (alpha * x).sign() * x, 0.0)


def sigmorelu(x):
    r"""SigmoReLU, :math:`\max(\mathrm{ReLU}(x), \sigma(x))`: the sigmoid up to its fixed point 0.659, x beyond.

    Parameters
    ----------
    x : torch.Tensor
        Any shape.

    Returns
    -------
    torch.Tensor
        The shape of `x`.

    References
    ----------
    The PLTanh author's earlier function, from his released code; Mastromichalakis (2023), arXiv 2310.07720.

    Examples
    --------
    >>> sigmorelu(torch.tensor([-1.0, 0.0, 2.0]))
    tensor([0.2689, 0.5000, 2.0000])
    """
    return fused(_sigmorelu, x)


def _sigmorelu(x):
    return torch.maximum(torch.relu(x), torch.sigmoid(x))


def sigmorelu_derivatives(x):
    """The closed form of SigmoReLU's derivative with respect to x, away from its kink."""
    gate = torch.sigmoid(x)
    return (torch.where(gate > x, gate * (1 - gate), 1.0),)


class _Leaky(Adaptive):
    """What PLTanh and ALReLU share: a leak that is fixed unless it is asked to be learned."""

    def __init__(self, num_parameters=1, *, alpha=0.01, trainable=False, device=None, dtype=None):
        if not isinstance(alpha, (int, float)) or isinstance(alpha, bool) or not 0 <= alpha < float("inf"):
            raise UserError(f"alpha of {type(self).__name__} is {alpha!r}: give a number of at least 0, such as 0.01.")
        self.starts = {"alpha": {"alpha": float(alpha)}}
        super().__init__(num_parameters, init="alpha", held=() if trainable else ("alpha",), device=device, dtype=dtype)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}, alpha={self.starts['alpha']['alpha']}, trainable={not self.held}"


class PLTanh(_Leaky):
    """PLTanh as a module.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer), the number of channels, or the shape of one sample (per neuron).
    alpha : float, default 0.01
        The leak. The paper picks it by Bayesian optimisation for each data set; 0.01 is its author's snippet.
    trainable : bool, default False
        Whether alpha is learned. It is then free to become negative.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters` or `alpha` makes no sense, or an input does not fit the parameters.

    References
    ----------
    Mastromichalakis (2023), arXiv 2310.07720.

    Examples
    --------
    >>> PLTanh(alpha=0.4)(torch.tensor([-1.0, 1.0, 5.0]))
    tensor([0.4000, 0.7616, 2.0000])
    """

    def forward(self, x):
        return pltanh(x, *self.expanded(x))


class ALReLU(_Leaky):
    """ALReLU as a module.

    Parameters
    ----------
    num_parameters : int or tuple of int, default 1
        1 (per layer), the number of channels, or the shape of one sample (per neuron).
    alpha : float, default 0.01
        The leak.
    trainable : bool, default False
        Whether alpha is learned.
    device, dtype : optional
        As in every torch module.

    Raises
    ------
    UserError
        If `num_parameters` or `alpha` makes no sense, or an input does not fit the parameters.

    References
    ----------
    The comparator of the PLTanh paper, Mastromichalakis (2023), arXiv 2310.07720; alpha as in its author's code.

    Examples
    --------
    >>> ALReLU()(torch.tensor([-2.0, 2.0]))
    tensor([0.0200, 2.0000])
    """

    def forward(self, x):
        return alrelu(x, *self.expanded(x))


class SigmoReLU(torch.nn.Module):
    """SigmoReLU as a module; see `sigmorelu`. It has no parameters.

    Examples
    --------
    >>> SigmoReLU()(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([0.2689, 0.5000, 1.0000])
    """

    def __init__(self):
        super().__init__()

    def forward(self, x):
        return sigmorelu(x)
