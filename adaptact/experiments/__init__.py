"""The papers, and what goes beyond them, as lists of Runs, with the published numbers."""

from ..errors import choose
from . import leaf, leaf_studies, recurrent
from .base import PROFILES, SEEDS, Cell, Experiment, Profile

EXPERIMENTS = {experiment.name: experiment for experiment in [*leaf.tables(), *leaf_studies.studies(), recurrent.experiment()]}


def get(name):
    """An experiment by name.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    return EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]


__all__ = ["EXPERIMENTS", "PROFILES", "SEEDS", "Cell", "Experiment", "Profile", "get"]
