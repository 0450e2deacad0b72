"""adaptact: adaptive activation functions in PyTorch, and the experiments of five sources on them."""

from . import functional
from ._version import __version__
from .activations import AHAF, LEAF, activation_parameters, make, register
from .errors import UserError
from .models import KerasNet, LeNet5
from .records import Record, Store
from .run import Run
from .training import train

__all__ = [
    "AHAF",
    "LEAF",
    "KerasNet",
    "LeNet5",
    "Record",
    "Run",
    "Store",
    "UserError",
    "__version__",
    "activation_parameters",
    "functional",
    "make",
    "register",
    "train",
]
