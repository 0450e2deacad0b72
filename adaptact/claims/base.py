"""What a claim is, what a verdict is, and how a rule reads the records."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ..errors import UserError, choose
from ..experiments import PROFILES, get
from ..records import PROTOCOL
from ..stats import estimate, holm, paired
from .pages import PAGES

ALPHA = 0.05  # of the tests of one claim together, by Holm's correction, and of the intervals that decide
MARGIN = 1.0  # standard deviations over seeds within which two rows are level

VERDICTS = ("holds", "holds in part", "does not hold", "undecided", "not testable")
KINDS = {
    "value": "a printed number",
    "order": "one thing is above another",
    "property": "checked by calculus or by machine",
    "effect": "a mechanism to measure",
}
WAITS = {
    "records": "for any record of two seeds",
    "scale": "for records of longer or larger trainings, at the paper's scale",
    "seeds": "for more seeds: the intervals are too wide to tell",
    "source": "for what the paper does not give: a start, or its data",
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
        Its interval, of 95 % at the usual significance level.
    n : int
        Seeds; the smallest number where several comparisons have different ones. 0 where nothing was trained.
    profile : str, optional
        The scale of the records; "computed" where none are needed, "benchmark" where times were measured instead.
    hardware : str, optional
    waits : str, optional
        For what an undecided verdict waits, a key of `WAITS`; by default for records where there are none, else for seeds.
    """

    verdict: str
    reason: str
    ours: str | None = None
    interval: tuple | None = None
    n: int = 0
    profile: str | None = None
    hardware: str | None = None
    waits: str | None = None

    def __post_init__(self):
        choose("verdict", self.verdict, VERDICTS)
        if self.verdict != "undecided":
            object.__setattr__(self, "waits", None)
        elif self.waits is None:
            object.__setattr__(self, "waits", "seeds" if self.n else "records")


def stated(says, *tests):
    """Give a rule the sentence that states it, and what it looks at: the one place where both are written.

    Parameters
    ----------
    says : str
        What must be so that the claim holds, with the tolerance. ``{alpha}``, ``{interval}`` and ``{margin}`` stand for the
        thresholds that it uses.
    *tests : str
        Names of experiments or of benchmarks, or "calculus" for what is computed on the spot.

    Returns
    -------
    callable
        A decorator.
    """

    def give(rule):
        rule.says, rule.tests = says, tuple(dict.fromkeys(tests))
        return rule

    return give


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
        Given an `Evidence`, returns a `Verdict`; see `adaptact.claims.rules`, and `stated` for its sentence.
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

    @property
    def _stated(self):
        return self.rule if hasattr(self.rule, "says") else getattr(self.rule, "func", self.rule)  # a partial has no such names

    @property
    def tested_by(self):
        """What its rule looks at: names of experiments or of benchmarks, or "calculus"."""
        return getattr(self._stated, "tests", ())

    @property
    def page(self):
        """The notebook with its evidence, without folder and ending; None for a claim that the book does not have."""
        return PAGES.get(self.id)

    def says(self, alpha=ALPHA, margin=MARGIN):
        """Its rule in a sentence, with the thresholds that it uses.

        Parameters
        ----------
        alpha, margin : float
            See `Evidence`.

        Returns
        -------
        str
            Empty for a rule without a sentence.
        """
        condition = getattr(self._stated, "says", "")
        interval = f"{100 - 100 * alpha:g} % interval"
        return condition and f"Holds if {condition}.".format(
            alpha=f"{100 * alpha:g} %", interval=interval, margin=deviations(margin)
        )

    def uses(self, threshold):
        """Whether its rule uses a threshold, "alpha" or "margin".

        Parameters
        ----------
        threshold : {"alpha", "margin"}

        Returns
        -------
        bool
        """
        names = {"alpha": ("{alpha}", "{interval}"), "margin": ("{margin}",)}[threshold]
        return any(name in getattr(self._stated, "says", "") for name in names)


def deviations(margin):
    """A margin in words."""
    return "one standard deviation over seeds" if margin == 1 else f"{margin:g} standard deviations over seeds"


class Pair(NamedTuple):
    """Two rows of one column of an experiment, to be compared seed by seed.

    Parameters
    ----------
    experiment : str
        Its name, such as ``leaf/table-4``.
    column, row, base : str
    """

    experiment: str
    column: str
    row: str
    base: str

    def __str__(self):
        return f"{self.row} against {self.base} ({self.experiment}, {self.column})"


class Evidence:
    """All records of a store, found by what they are of, and the thresholds that verdicts on them keep to.

    Parameters
    ----------
    store : adaptact.Store
    alpha : float, default 0.05
        The level of significance of all tests of a claim together; intervals that decide have a coverage of 1 − alpha.
    margin : float, default 1
        Standard deviations over seeds within which two rows are called level.

    Raises
    ------
    UserError
        If a threshold makes no sense.
    """

    def __init__(self, store, alpha=ALPHA, margin=MARGIN):
        self.store, self._cells = store, {}
        self.alpha, self.margin = _checked(alpha, margin)

    def at(self, alpha=ALPHA, margin=MARGIN):
        """The same records, read once, with other thresholds.

        Parameters
        ----------
        alpha, margin : float
            As for the class.

        Returns
        -------
        Evidence
        """
        self._by_run  # noqa: B018  read now, so that the copy has it
        other = copy(self)
        other.alpha, other.margin = _checked(alpha, margin)
        return other

    def significant(self, p_values):
        """Which tests of one family pass, by Holm's correction; those that are None do not count, and do not pass.

        Parameters
        ----------
        p_values : sequence of float or None

        Returns
        -------
        list of bool
        """
        return [p is not None and p < self.alpha for p in holm(p_values)]

    def estimate(self, values, **options):
        """`adaptact.stats.estimate` with an interval of this evidence's coverage.

        Parameters
        ----------
        values : sequence of float
        **options
            As for `adaptact.stats.estimate`.

        Returns
        -------
        Estimate
        """
        return estimate(values, alpha=self.alpha, **options)

    def paired(self, values, base, **options):
        """`adaptact.stats.paired` with an interval of this evidence's coverage.

        Parameters
        ----------
        values, base : dict of int to float
        **options
            As for `adaptact.stats.paired`.

        Returns
        -------
        Estimate or None
        """
        return paired(values, base, alpha=self.alpha, **options)

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
        asked = (experiment, column, row, profile)
        if asked not in self._cells:
            experiment = get(experiment)
            cells = {(cell.column, cell.row): cell for cell in experiment.cells}
            run = experiment.run(cells[column, row], choose("profile", profile, PROFILES), 0, experiment.folds[0])
            self._cells[asked] = dict(sorted(self._by_run.get(run, {}).items()))
        return {repeat: self.store.heard(record) for repeat, record in self._cells[asked].items()}

    def scores(self, experiment, column, row, profile, selection="best_test", metric="test_accuracy"):
        """A metric of one cell by seed, or by seed and fold, without those of diverged runs; see `adaptact.Record`.

        Parameters
        ----------
        experiment, column, row : str
        profile : str
            A key of `adaptact.experiments.PROFILES`.
        selection : {"best_test", "best_validation", "last"}
            Of which epoch.
        metric : str, default "test_accuracy"

        Returns
        -------
        dict of int to float
            By seed, or by seed and fold.
        """
        records = self.records(experiment, column, row, profile)
        found = {seed: record.scores.get(selection, {}).get(metric) for seed, record in records.items()}
        return {seed: value for seed, value in found.items() if value is not None}


def _checked(alpha, margin):
    if not 0 < alpha < 1:
        raise UserError(f"alpha is {alpha:g}: give a level of significance between 0 and 1, such as 0.05.")
    if not 0 < margin < float("inf"):
        raise UserError(f"margin is {margin:g}: give a number of standard deviations above 0, such as 1.")
    return alpha, margin


def hardware_of(records):
    """The devices and processors of records, in words."""
    return "; ".join(dict.fromkeys(record.machine for record in records))


__all__ = ["Claim", "Evidence", "Pair", "Verdict", "stated"]
