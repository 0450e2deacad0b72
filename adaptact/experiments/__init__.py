"""The papers, and what goes beyond them, as lists of Runs, with the published numbers."""

from ..errors import choose
from . import leaf, leaf_studies, pltanh, recurrent, weighted_sum
from .base import PROFILES, SEEDS, Cell, Experiment, Profile

_ALL = [*leaf.tables(), *leaf_studies.studies(), recurrent.experiment(), *weighted_sum.studies(), *pltanh.studies()]
EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}


def get(name):
    """An experiment by name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    return EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]


__all__ = ["EXPERIMENTS", "PROFILES", "SEEDS", "Cell", "Experiment", "Profile", "get"]
