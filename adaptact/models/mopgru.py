"""The MOPGRU cell: a GRU whose update gate is multiplied by its reset gate."""

import torch
from torch.nn import functional as F

from .recurrent import GRU


class MOPGRU(GRU):
    r"""A GRU with the three changes of MOPGRU: the update gate, the candidate's activation, and softsign.

    .. math::

        r_t &= \sigma(W_{ir} x_t + b_{ir} + W_{hr} h_{t-1} + b_{hr}) \\
        z_t &= \sigma(W_{iz} x_t + b_{iz} + W_{hz} h_{t-1} + b_{hz}) \\
        n_t &= f(W_{in} x_t + b_{in} + r_t \odot (W_{hn} h_{t-1} + b_{hn})) \\
        h_t &= s((1 - r_t \odot z_t) \odot n_t + r_t \odot z_t \odot h_{t-1}), \quad s(u) = u / (1 + |u|)

    Parameters
    ----------
    in_shape, activation, num_classes
        As for `GRU`. The activation is f, in the place of the tanh; MOPGRU itself has ELU there.
    on_logits : bool, default False
        Whether the softsign s is put on the network's outputs, and not on the state. Outputs then lie between -1 and 1, so
        that the cross entropy of k classes cannot fall below :math:`\log(1 + (k - 1) e^{-2})`, and nothing bounds the state
        where f is unbounded.
    hidden : int, default 64
        The number of units.

    Notes
    -----
    Input and output as for `GRU`, and so are the initial weights: those of a seed are the same.

    References
    ----------
    Subramanian et al. (2022), doi 10.1038/s41598-022-15998-7. Only its abstract is available to us: the update gate is
    multiplied by the reset gate "to discard the redundant information from the past", so that here the product weighs the
    past state; ELU replaces the tanh; and softsign replaces the softmax "in the output layer of the GRU cell". That this is
    the state which the cell hands on is our reading, and `on_logits` is the other one.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, on_logits=False, hidden=64):
        super().__init__(in_shape, activation, num_classes, hidden=hidden)
        self.on_logits = on_logits

    def state(self, r, z, n, h):
        """The next state, softsign of the mixture; without it where softsign is `on_logits`.

        Parameters
        ----------
        r, z, n, h : torch.Tensor
            ``(N, hidden)``.

        Returns
        -------
        torch.Tensor
            ``(N, hidden)``.
        """
        h = torch.lerp(n, h, r * z)  # the same in one step: of many short steps each operation counts
        return h if self.on_logits else F.softsign(h)

    def forward(self, x):
        outputs = super().forward(x)
        return F.softsign(outputs) if self.on_logits else outputs
