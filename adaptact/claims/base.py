"""What a claim is, what a verdict is, and how a rule reads the records."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ..errors import choose
from ..experiments import PROFILES, get
from ..records import PROTOCOL

VERDICTS = ("holds", "holds in part", "does not hold", "undecided", "not testable")
KINDS = {
    "value": "a printed number",
    "order": "one thing is above another",
    "property": "checked by calculus or by machine",
    "effect": "a mechanism to measure",
}


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of a claim.

    Parameters
    ----------
    verdict : str
        One of `VERDICTS`. Undecided: the evidence does not reach, or its interval is too wide. Not testable: something is
        missing that no record could supply.
    reason : str
        One sentence or two, with the numbers that decided.
    ours : str, optional
        The value that stands beside the published one.
    interval : tuple of float, optional
        Its 95 % interval.
    n : int
        Seeds; the smallest number where several comparisons have different ones. 0 where nothing was trained.
    profile : str, optional
        The scale of the records; "computed" where none are needed, "benchmark" where times were measured instead.
    hardware : str, optional
    """

    verdict: str
    reason: str
    ours: str | None = None
    interval: tuple | None = None
    n: int = 0
    profile: str | None = None
    hardware: str | None = None

    def __post_init__(self):
        choose("verdict", self.verdict, VERDICTS)


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that can be put to the test.

    Parameters
    ----------
    id : str
        Such as ``leaf-tanh-gain``; what stands before the first hyphen need not be the paper.
    paper : str
    where : str
        Section, table, figure, or equation.
    kind : str
        A key of `KINDS`. A value that rests on training is decided by records of the paper profile alone.
    text : str
        What is claimed, in our words.
    rule : callable
        Given an `Evidence`, returns a `Verdict`; see `adaptact.claims.rules`.
    published : str, optional
        What is printed, in the form in which ours stands beside it.
    note : str, optional
    """

    id: str
    paper: str
    where: str
    kind: str
    text: str
    rule: Callable
    published: str | None = None
    note: str | None = None

    def __post_init__(self):
        choose("kind of claim", self.kind, KINDS)


class Pair(NamedTuple):
    """Two rows of one column of an experiment, or of two experiments, to be compared seed by seed."""

    experiment: str
    column: str
    row: str
    base: str

    def __str__(self):
        return f"{self.row} against {self.base} ({self.experiment}, {self.column})"


class Evidence:
    """All records of a store, found by what they are of.

    Parameters
    ----------
    store : adaptact.Store
    """

    def __init__(self, store):
        self.store = store

    @cached_property
    def _by_run(self):
        found = {}
        for record in self.store.records():
            if record.protocol == PROTOCOL:
                run, fold = record.run, record.run.fold
                repeat = run.seed if fold is None else (run.seed, fold)
                found.setdefault(replace(run, seed=0, fold=fold and 1), {})[repeat] = record
        return found

    def records(self, experiment, column, row, profile):
        """Records of one cell.

        Parameters
        ----------
        experiment, column, row : str
        profile : str
            A key of `adaptact.experiments.PROFILES`.

        Returns
        -------
        dict of int to Record
            By seed, or by seed and fold, in order; diverged ones too.
        """
        experiment = get(experiment)
        cells = {(cell.column, cell.row): cell for cell in experiment.cells}
        run = experiment.run(cells[column, row], choose("profile", profile, PROFILES), 0, experiment.folds[0])
        return dict(sorted(self._by_run.get(run, {}).items()))

    def scores(self, experiment, column, row, profile, selection="best_test", metric="test_accuracy"):
        """A metric of one cell by seed, or by seed and fold, without those of diverged runs; see `adaptact.Record`."""
        records = self.records(experiment, column, row, profile)
        found = {seed: record.scores.get(selection, {}).get(metric) for seed, record in records.items()}
        return {seed: value for seed, value in found.items() if value is not None}


def hardware_of(records):
    """The devices and processors of records, in words."""
    found = {}
    for record in records:
        machine = record.hardware.get("gpu") or f"{record.hardware.get('cpu')}, {record.hardware.get('threads')} thread a run"
        found[machine] = None
    return "; ".join(found)
