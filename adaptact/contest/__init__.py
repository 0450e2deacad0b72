"""The arena's results, compared: `results` (scores, differences, costs), `ranks`, `tuning`, and the `figures` of its page."""

from .results import ADDED, MATCHED, STARTS, added_numbers, by_seed, collect, compare, costs, guessing, marked, means, pooled, shown

__all__ = [
    "ADDED",
    "MATCHED",
    "STARTS",
    "added_numbers",
    "by_seed",
    "collect",
    "compare",
    "costs",
    "guessing",
    "marked",
    "means",
    "pooled",
    "shown",
]
