"""Learned shapes of any activation: `recorded` units, their `measures`, their `comparisons`, and the `figures` of the atlas."""

from .recorded import BINS, Unit, evaluate, pooled, spread, units

__all__ = ["BINS", "Unit", "evaluate", "pooled", "spread", "units"]
