"""adaptact: adaptive activation functions in PyTorch, and the experiments of five sources on them."""

from . import functional
from ._version import __version__
from .activations import (
    AHAF,
    APALU,
    LEAF,
    Adaptive,
    ALReLU,
    Facts,
    PLTanh,
    SigmoReLU,
    WeightedSum,
    activation_parameters,
    compiled,
    convert,
    fused,
    make,
    register,
)
from .errors import UserError
from .models import KerasNet, LeNet5
from .records import Record, Store
from .run import Run
from .training import train

__all__ = [
    "AHAF",
    "APALU",
    "LEAF",
    "ALReLU",
    "Adaptive",
    "Facts",
    "KerasNet",
    "LeNet5",
    "PLTanh",
    "Record",
    "Run",
    "SigmoReLU",
    "Store",
    "UserError",
    "WeightedSum",
    "__version__",
    "activation_parameters",
    "compiled",
    "convert",
    "functional",
    "fused",
    "make",
    "register",
    "train",
]
