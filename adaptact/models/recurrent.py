"""A GRU and an LSTM, written out, that read an image row by row: the recurrent use of an adaptive activation."""

import math
from functools import partial

from torch import nn

from ..errors import UserError


class _Recurrent(nn.Module):
    """The weights that both networks have, drawn as `torch.nn.GRU` and `torch.nn.LSTM` draw theirs."""

    def __init__(self, in_shape, num_classes, hidden, parts):
        super().__init__()
        channels, _, columns = in_shape
        self.hidden = hidden
        self.from_input = nn.Linear(channels * columns, parts * hidden)
        self.from_state = nn.Linear(hidden, parts * hidden)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))
        self.fc = nn.Linear(hidden, num_classes)

    def steps(self, x):
        """What the input sends to each part: one ``(N, parts * hidden)`` for each row of the image, from the top."""
        return self.from_input(x.permute(2, 0, 1, 3).flatten(2))


class GRU(_Recurrent):
    r"""One layer of gated recurrent units over the rows of an image, and a linear layer on its last state.

    .. math::

        r_t &= \sigma(W_{ir} x_t + b_{ir} + W_{hr} h_{t-1} + b_{hr}) \\
        z_t &= \sigma(W_{iz} x_t + b_{iz} + W_{hz} h_{t-1} + b_{hz}) \\
        n_t &= \tanh(W_{in} x_t + b_{in} + r_t \odot (W_{hn} h_{t-1} + b_{hn})) \\
        h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it. It stands in the place of the
        tanh and, with `gates`, is also called as ``activation(shape, init="sigmoid")``, for those of the sigmoids.
    num_classes : int, default 10
    gates : bool, default False
        Whether the gates' sigmoids are adaptive too. Where `activation` gives a fixed function they stay the sigmoid.
    hidden : int, default 64
        The number of units.

    Raises
    ------
    UserError
        With `gates`, if the activation is trainable and cannot start as the sigmoid.

    Notes
    -----
    Input ``(N, *in_shape)``, read as `rows` steps of ``channels * columns`` features; output ``(N, num_classes)`` logits.
    Parts are in torch's order, r, z, n, so ``from_input`` and ``from_state`` hold what `torch.nn.GRU` calls
    ``weight_ih_l0``, ``bias_ih_l0``, ``weight_hh_l0`` and ``bias_hh_l0``. A site serves all time steps, since its
    parameters belong to the unit; sites share nothing. The state of a GRU stays between -1 and 1 only while the functions
    in the places of tanh and sigmoid keep to their ranges.

    References
    ----------
    Cho et al. (2014), arXiv 1406.1078, in torch's form, where r multiplies after the matrix. LEAF in the places of tanh
    and sigmoid is what Bodyanskiy and Kostiuk (2023), doi 10.47839/ijc.22.3.3225, propose without trying it.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, gates=False, hidden=64):
        super().__init__(in_shape, num_classes, hidden, parts=3)
        self.candidate = activation((hidden,))
        gate = partial(_gate, activation, hidden, self.candidate) if gates else nn.Sigmoid
        self.reset, self.update = gate(), gate()

    def forward(self, x):
        h = x.new_zeros(len(x), self.hidden)
        for step in self.steps(x):
            input_r, input_z, input_n = step.chunk(3, dim=1)
            state_r, state_z, state_n = self.from_state(h).chunk(3, dim=1)
            r = self.reset(input_r + state_r)
            z = self.update(input_z + state_z)
            n = self.candidate(input_n + r * state_n)
            h = self.state(r, z, n, h)
        return self.fc(h)

    def state(self, r, z, n, h):
        """The next state, from the reset and the update gate, the candidate, and the state.

        Parameters
        ----------
        r, z, n, h : torch.Tensor
            ``(N, hidden)``.

        Returns
        -------
        torch.Tensor
            ``(N, hidden)``.
        """
        return (1 - z) * n + z * h


class LSTM(_Recurrent):
    r"""One layer of long short-term memory over the rows of an image, and a linear layer on its last state.

    .. math::

        i_t &= \sigma(W_{ii} x_t + b_{ii} + W_{hi} h_{t-1} + b_{hi}) \\
        f_t &= \sigma(W_{if} x_t + b_{if} + W_{hf} h_{t-1} + b_{hf}) \\
        g_t &= \tanh(W_{ig} x_t + b_{ig} + W_{hg} h_{t-1} + b_{hg}) \\
        o_t &= \sigma(W_{io} x_t + b_{io} + W_{ho} h_{t-1} + b_{ho}) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t)

    Parameters
    ----------
    in_shape, activation, num_classes, gates, hidden
        As for `GRU`. There are two sites in the places of tanh, and three of the sigmoid.

    Raises
    ------
    UserError
        As for `GRU`.

    Notes
    -----
    Input ``(N, *in_shape)``, read as `rows` steps of ``channels * columns`` features; output ``(N, num_classes)`` logits.
    Parts are in the order of `torch.nn.LSTM`: i, f, g, o. All biases start at random, as torch's do; the forget gate's is
    not set to one.

    References
    ----------
    Hochreiter and Schmidhuber (1997), doi 10.1162/neco.1997.9.8.1735, in torch's form, with a forget gate. For LEAF see
    `GRU`.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, gates=False, hidden=64):
        super().__init__(in_shape, num_classes, hidden, parts=4)
        self.candidate = activation((hidden,))
        self.squash = activation((hidden,))
        gate = partial(_gate, activation, hidden, self.candidate) if gates else nn.Sigmoid
        self.input_gate, self.forget_gate, self.output_gate = gate(), gate(), gate()

    def forward(self, x):
        h = c = x.new_zeros(len(x), self.hidden)
        for step in self.steps(x):
            i, f, g, o = (step + self.from_state(h)).chunk(4, dim=1)
            c = self.forget_gate(f) * c + self.input_gate(i) * self.candidate(g)
            h = self.output_gate(o) * self.squash(c)
        return self.fc(h)


def _gate(activation, hidden, like):
    """The function of one gate: the sigmoid, or, where `like` is trainable, a fresh activation that starts as it."""
    if next(like.parameters(), None) is None:
        return nn.Sigmoid()
    try:
        return activation((hidden,), init="sigmoid")
    except (TypeError, ValueError) as error:  # torch's PReLU has an init too, and it is a number
        what = f"a gate starts as the sigmoid, and {type(like).__name__} cannot"
        raise UserError(f"{what}: choose a model without adaptive gates, or an activation such as leaf.") from error
