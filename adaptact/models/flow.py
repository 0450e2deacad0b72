"""A normalising flow over feature vectors: affine coupling blocks of FrEIA, with any activation in their subnetworks."""

import importlib.util
from itertools import pairwise

import numpy as np
from torch import nn

from ..errors import UserError
from .resnet import WIDTHS

SCALES = 3  # an image is looked at in its size, in half of it, and in a quarter
FEATURES = SCALES * WIDTHS[-1]


class Flow(nn.Module):
    """Coupling blocks, each after a fixed random permutation, that map feature vectors to a standard normal distribution.

    Parameters
    ----------
    in_shape : tuple of int
        Ignored: what comes in are `FEATURES` numbers, whatever image they are of.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int
        Ignored: there are none.
    blocks : int, default 8
    width : int, default 2048
        Of the three hidden layers of each of a block's two subnetworks.
    clamp : float, default 3
        Bounds the logarithm of a block's scale, softly.

    Raises
    ------
    UserError
        If FrEIA is not installed.

    Notes
    -----
    Input ``(N, 768)``; output ``(N, 768)`` and the logarithm of the Jacobian's determinant, ``(N,)``. Six activation sites a block.

    References
    ----------
    Rudolph et al. (2021), Same Same But DifferNet, arXiv 2008.12577, and the released code.
    """

    def __init__(self, in_shape, activation, num_classes=None, *, blocks=8, width=2048, clamp=3.0):
        super().__init__()
        if importlib.util.find_spec("FrEIA") is None:
            raise UserError("DifferNet's flow needs FrEIA: python -m pip install FrEIA")
        from FrEIA import framework, modules  # here, since only this network needs it

        def subnet(inputs, outputs):
            sizes = [inputs, width, width, width]
            hidden = [nn.Sequential(nn.Linear(*pair), activation((width,))) for pair in pairwise(sizes)]
            return nn.Sequential(*hidden, nn.Linear(width, outputs))

        self.flow = framework.SequenceINN(FEATURES)
        # FrEIA seeds NumPy's own generator for each permutation; nobody else's numbers may change by that.
        drawn = np.random.get_state()  # noqa: NPY002
        for block in range(blocks):
            self.flow.append(modules.PermuteRandom, seed=block)
            self.flow.append(modules.GLOWCouplingBlock, subnet_constructor=subnet, clamp=clamp, clamp_activation="ATAN")
        np.random.set_state(drawn)  # noqa: NPY002

    def forward(self, x):
        return self.flow(x)
