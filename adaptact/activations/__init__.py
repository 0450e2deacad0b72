"""Activation functions: a plain function and a thin module each, and a registry of names."""

from .apalu import APALU, apalu
from .base import Adaptive, activation_parameters
from .catalogue import silu_manual
from .conversion import convert
from .fused import compiled, fused, was_compiled
from .leaf import AHAF, LEAF, ahaf, leaf
from .pltanh import ALReLU, PLTanh, SigmoReLU, alrelu, pltanh, sigmorelu
from .registry import GRANULARITIES, Facts, custom, facts, granularities, is_trainable, make, names, register, restore
from .weighted_sum import WeightedSum, weighted_sum

__all__ = [
    "AHAF",
    "APALU",
    "GRANULARITIES",
    "LEAF",
    "ALReLU",
    "Adaptive",
    "Facts",
    "PLTanh",
    "SigmoReLU",
    "WeightedSum",
    "activation_parameters",
    "ahaf",
    "alrelu",
    "apalu",
    "compiled",
    "convert",
    "custom",
    "facts",
    "fused",
    "granularities",
    "is_trainable",
    "leaf",
    "make",
    "names",
    "pltanh",
    "register",
    "restore",
    "sigmorelu",
    "silu_manual",
    "was_compiled",
    "weighted_sum",
]
