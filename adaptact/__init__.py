"""adaptact: adaptive activation functions in PyTorch, and the experiments of five sources on them."""

__version__ = "0.1.0"

from . import functional
from .activations import AHAF, LEAF, activation_parameters, make, register
from .errors import UserError
from .models import KerasNet, LeNet5
from .records import Record, Run, Store
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
    "activation_parameters",
    "functional",
    "make",
    "register",
    "train",
]
