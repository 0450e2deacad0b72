"""The papers, and what goes beyond them, as lists of Runs, with the published numbers."""

from ..errors import choose
from . import (
    apalu,
    apalu_defects,
    apalu_regression,
    apalu_sign,
    apalu_theory,
    arena,
    imbalance,
    leaf,
    leaf_studies,
    pltanh,
    recurrent,
    weighted_sum,
)
from .base import PROFILES, SEEDS, Cell, Experiment, Profile, Search

_ALL = [
    *leaf.tables(),
    *leaf_studies.studies(),
    recurrent.experiment(),
    *weighted_sum.studies(),
    *pltanh.studies(),
    *apalu.studies(),
    *apalu_theory.studies(),
    *apalu_defects.studies(),
    *apalu_regression.studies(),
    *apalu_sign.studies(),
    *imbalance.studies(),
    *arena.studies(),
]
EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}
SEARCHES = {search.name: search for search in pltanh.searches()}


def get(name):
    """An experiment by name.

    Parameters
    ----------
    name : str
        A key of `EXPERIMENTS`, such as ``leaf/table-4``.

    Returns
    -------
    Experiment

    Raises
    ------
    UserError
        If there is none of that name.

    Examples
    --------
    >>> get("leaf/table-4").default_seeds("laptop")
    (42, 100, 128, 1999, 7823)
    """
    return EXPERIMENTS[choose("experiment", name, EXPERIMENTS)]


def get_searches(name):
    """The search of a name, or all whose names go on from it after a slash: ``pltanh/mnist``, ``pltanh``.

    Parameters
    ----------
    name : str
        A key of `SEARCHES`, or what several begin with.

    Returns
    -------
    list of Search

    Raises
    ------
    UserError
        If there is none.
    """
    found = [search for search in SEARCHES.values() if f"{search.name}/".startswith(f"{name}/")]
    return found or [SEARCHES[choose("search", name, SEARCHES)]]


__all__ = ["EXPERIMENTS", "PROFILES", "SEARCHES", "SEEDS", "Cell", "Experiment", "Profile", "Search", "get", "get_searches"]
