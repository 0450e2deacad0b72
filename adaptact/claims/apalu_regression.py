"""Rules for the APALU paper's claim on regression and stock forecasting: errors beside its rivals', and the naive forecast's."""

import numpy as np

from ..data import SOURCES
from ..experiments import get
from ..experiments.apalu import RIVALS
from ..experiments.apalu_regression import NETWORKS, SERIES, TABLES, forecast_column
from ..stats import holm, paired
from .base import ALPHA, Verdict, hardware_of, stated
from .gradients import shown
from .rules import FEW, TRAINED, decided

REGRESSION, FORECASTING = "apalu/regression", "apalu/forecasting"
TABLE_COLUMNS = tuple(SOURCES[dataset].title for dataset in TABLES)
# The random walk is a control, where nothing is to be won: it has no say in the verdict.
STOCK_COLUMNS = tuple(forecast_column(model, dataset) for model in NETWORKS for dataset in SERIES if dataset != "random_walk")


def orders(evidence, experiment, column, row, profile, metric="test_rmse"):
    """An error of one cell after the last epoch by seed and fold, as powers of ten, without diverged runs."""
    values = evidence.scores(experiment, column, row, profile, "last", metric)
    return {repeat: float(np.log10(value)) for repeat, value in values.items()}


def compared(evidence, experiment, columns, profile, row="APALU", rivals=RIVALS):
    """A row's error over that of each rival, in each column.

    Errors are compared by their ratio: sets have different units, and blocks of a series are not equally hard.

    Parameters
    ----------
    evidence : Evidence
    experiment : str
    columns : iterable of str
    profile : str
    row : str
    rivals : iterable of str

    Returns
    -------
    dict of (str, str) to (Estimate, float or None)
        By column and rival, of what has two pairs or more: the mean power of ten of the ratio over seeds and folds, below zero
        where the row is better, and the p-value of a paired t-test, Holm-corrected over all of them.
    """
    overlap, found = get(experiment).overlap, {}
    for column in columns:
        for rival in rivals:
            both = (orders(evidence, experiment, column, of, profile) for of in (row, rival))
            found[column, rival] = paired(*both, overlap=overlap)
    return _corrected(found)


def beside_naive(evidence, profile, columns=STOCK_COLUMNS):
    """As `compared`, by column and row: each row's error over that of the naive forecast on the same days."""
    experiment, found = get(FORECASTING), {}
    rows = dict.fromkeys(cell.row for cell in experiment.cells)
    for column in columns:
        for row in rows:
            both = (orders(evidence, FORECASTING, column, row, profile, metric) for metric in ("test_rmse", "naive_rmse"))
            found[column, row] = paired(*both, overlap=experiment.overlap)
    return _corrected(found)


def _corrected(found):
    found = {key: difference for key, difference in found.items() if difference is not None and difference.n >= FEW}
    corrected = holm([difference.p for difference in found.values()])
    return {key: (difference, p) for (key, difference), p in zip(found.items(), corrected, strict=True)}


def percent(order):
    """By how many percent an error is above another, from the power of ten of their ratio, in words."""
    value = 100 * (10**order - 1)
    said = f"{value:+,.0f}" if abs(value) >= 100 else f"{value:+.3g}"
    return f"{said} %".replace("-", "−")


def lower_errors(experiment, columns):
    """APALU's root mean squared error is below each rival's in each column.

    Parameters
    ----------
    experiment : str
    columns : tuple of str

    Returns
    -------
    callable
        Its verdict: that of paired t-tests over seeds and folds, corrected over all comparisons, by `rules.decided`.
    """

    folded = "t-tests paired by seed and fold ({alpha}, Holm, corrected for overlapping folds)"

    @stated(f"APALU's error is below each rival's on each set or series by {folded}", experiment)
    def rule(evidence):
        by_profile = {profile: compared(evidence, experiment, columns, profile) for profile in TRAINED}
        profile = max(TRAINED, key=lambda name: len(by_profile[name]))  # of equals the first
        found = by_profile[profile]
        if not found:
            return Verdict("undecided", f"no comparison has two records on each side yet; {experiment} makes them")
        total = len(columns) * len(RIVALS)
        worse, better = shown(evidence, [difference for difference, _ in found.values()])
        spread = " to ".join(percent(of(difference.mean for difference, _ in found.values())) for of in (min, max))
        reason = f"of {total} comparisons {len(found)} are recorded: APALU's error is significantly below the rival's in {better}"
        reason += f" and above in {worse}, in the mean by {spread}"
        used = [
            record
            for column in columns
            for row in ("APALU", *RIVALS)
            for record in evidence.records(experiment, column, row, profile).values()
        ]
        own = [record for record in used if record.run.activation == "apalu"]
        if diverged := sum(record.status == "diverged" for record in own):
            reason += f"; {diverged} of its {len(own)} trainings diverged and count in none"
        n = min(difference.n for difference, _ in found.values())
        return Verdict(decided(better, worse, total), reason, spread, n=n, profile=profile, hardware=hardware_of(used))

    return rule


_on_stocks = lower_errors(FORECASTING, STOCK_COLUMNS)


@stated(_on_stocks.says, FORECASTING)
def forecasts_better(evidence):
    """`lower_errors` on the stock price, and beside it whether any network is worth more than the naive forecast."""
    verdict = _on_stocks(evidence)
    if not verdict.n:
        return verdict
    naive = beside_naive(evidence, verdict.profile)
    above, below = shown(evidence, [difference for difference, _ in naive.values()])
    lasts = [
        record.scores["last"]
        for column, row in naive
        for record in evidence.records(FORECASTING, column, row, verdict.profile).values()
        if "last" in record.scores
    ]
    ahead = sum(last["test_rmse"] < last["naive_rmse"] for last in lasts)
    reason = f"{verdict.reason}; the naive forecast, that nothing changes, is beaten significantly by {below} and beats {above} of"
    reason += f" {len(naive)} combinations of network, target and function; of their {len(lasts)} trainings {ahead}"
    reason += " have a smaller error than it"
    return Verdict(**{**vars(verdict), "reason": reason})


def star(p):
    """What marks a significant comparison."""
    return " *" if p is not None and p < ALPHA else ""
