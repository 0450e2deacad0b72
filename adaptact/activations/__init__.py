"""Activation functions: a plain function and a thin module each, and a registry of names."""

from torch import nn

from .base import Adaptive, activation_parameters
from .leaf import AHAF, LEAF, ahaf, leaf
from .registry import GRANULARITIES, is_trainable, make, names, register, silu_manual

for _name, _module in {"relu": nn.ReLU, "silu": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}.items():
    register(_name)(_module)
register("leaf")(LEAF)
register("ahaf")(AHAF)

__all__ = [
    "AHAF",
    "GRANULARITIES",
    "LEAF",
    "Adaptive",
    "activation_parameters",
    "ahaf",
    "is_trainable",
    "leaf",
    "make",
    "names",
    "register",
    "silu_manual",
]
