"""The papers as lists of Runs, with their published numbers."""

from ..errors import choose
from . import leaf, leaf_studies
from .base import PROFILES, SEEDS, Cell, Experiment, Profile

EXPERIMENTS = {experiment.name: experiment for experiment in [*leaf.tables(), *leaf_studies.studies()]}


def get(name):
    """An experiment by name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    return EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]


__all__ = ["EXPERIMENTS", "PROFILES", "SEEDS", "Cell", "Experiment", "Profile", "get"]
