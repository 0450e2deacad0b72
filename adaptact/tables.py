"""A paper's table from records: scores beside the published ones, and paired differences to the base functions."""

from dataclasses import replace

import pandas as pd

from .data import SOURCES
from .stats import estimate, holm, paired

SELECTIONS = {"best_test": "best epoch", "best_validation": "best epoch on validation", "last": "last epoch"}
NOTHING = "–"


def collect(experiment, profile, store, seeds=None):
    """The records of an experiment as a long table.

    Parameters
    ----------
    experiment : Experiment
    profile : str
        A key of `adaptact.experiments.PROFILES`.
    store : Store or dict of Run to Record
    seeds : iterable of int, optional
        By default the experiment's.

    Returns
    -------
    pandas.DataFrame
        One line a cell, seed and fold that has a record: ``row``, ``column``, ``seed``, ``fold``, ``status``, one column a
        selection of `SELECTIONS` with the test accuracy in percent, ``best_epoch``, and ``record``.
    """
    lines = []
    for cell in experiment.cells:
        for seed, fold in experiment.repeats(profile, seeds):
            record = store.get(experiment.run(cell, profile, seed, fold))
            if record is not None:
                scores = {name: record.scores.get(name, {}).get("test_accuracy") for name in SELECTIONS}
                best_epoch = record.scores.get("best_test", {}).get("epoch")
                found = {"row": cell.row, "column": cell.column, "seed": seed, "fold": fold, "status": record.status}
                lines.append({**found, **scores, "best_epoch": best_epoch, "record": record})
    return pd.DataFrame(lines, columns=["row", "column", "seed", "fold", "status", *SELECTIONS, "best_epoch", "record"])


def without_empty_doubles(experiment, found):
    """An experiment without the columns of a set that have no record, where its stand-in has some, and the other way round.

    Parameters
    ----------
    experiment : Experiment
    found : pandas.DataFrame
        From `collect`.

    Returns
    -------
    Experiment
    """
    recorded, dataset = set(found["column"]), {cell.column: SOURCES[cell.run.dataset] for cell in experiment.cells}
    doubles = [(column, SOURCES[of.stands_in_for].title) for column, of in dataset.items() if of.stands_in_for]
    idle = {a for both in doubles for a, b in (both, both[::-1]) if a not in recorded and b in recorded}
    return replace(experiment, cells=tuple(cell for cell in experiment.cells if cell.column not in idle))


def scores(experiment, profile, store, seeds=None):
    """Test accuracy in percent, as the paper's table has it.

    Parameters
    ----------
    experiment, profile, store, seeds
        As for `collect`.

    Returns
    -------
    pandas.DataFrame
        Text. For each data set: at paper scale the published number, if the paper prints any, with its epoch, and its gap to
        ours; mean and half of the 95 % interval over the seeds, for the best epoch on the test set and for the last one.
        Without any record, only the published numbers beside empty cells.
    """
    seeds = tuple(seeds or experiment.default_seeds(profile))
    found, table = collect(experiment, profile, store, seeds), {}
    beside = profile == "paper" and is_printed(experiment)
    for cell in experiment.cells:
        ours = _of(found, cell)
        line = table.setdefault(cell.row, {})
        if beside:
            printed = cell.published is not None
            line[cell.column, "published (epoch)"] = f"{cell.published:.2f} ({cell.published_epoch})" if printed else NOTHING
        for selection in ("best_test", "last") if len(found) else ("best_test",):
            values = ours[selection].dropna()
            diverged = (ours["status"] == "diverged").sum()
            line[cell.column, SELECTIONS[selection]] = _mean(
                values, len(experiment.repeats(profile, seeds)), diverged, experiment.overlap
            )
        if beside and len(found):
            values = ours["best_test"].dropna()
            line[cell.column, "gap"] = _signed(values.mean() - cell.published) if printed and len(values) else NOTHING
    return _frame(table)


def compare(experiment, profile, store, seeds=None, selection="best_test"):
    """Each adaptive variant against its base function, over the seeds that both have.

    Parameters
    ----------
    experiment, profile, store, seeds
        As for `collect`.
    selection : str, default "best_test"
        A key of `SELECTIONS`.

    Returns
    -------
    list of (Cell, Estimate or None, float or None)
        The variant's cell, its mean difference to the base in points, and the p-value of a paired t-test, Holm-corrected
        over all comparisons of this table.
    """
    found = collect(experiment, profile, store, seeds)
    cells = {(cell.row, cell.column): cell for cell in experiment.cells}
    compared = [cell for cell in experiment.cells if cell.base]
    values = [(_by_seed(found, cell, selection), _by_seed(found, cells[cell.base, cell.column], selection)) for cell in compared]
    estimates = [paired(*both, overlap=experiment.overlap) for both in values]
    return list(zip(compared, estimates, holm([ours and ours.p for ours in estimates]), strict=True))


def differences(experiment, profile, store, seeds=None, selection="best_test"):
    """`compare` as text, with the published differences.

    Parameters
    ----------
    experiment, profile, store, seeds, selection
        As for `compare`.

    Returns
    -------
    pandas.DataFrame
        For each data set: the published difference, if the paper prints any; ours, with the 95 % interval; the corrected p-value.
    """
    cells = {(cell.row, cell.column): cell for cell in experiment.cells}
    table = {}
    for cell, ours, p in compare(experiment, profile, store, seeds, selection):
        # "LEAF as Tanh, shuffled" names its base, "Tanh, shuffled", and so does "Tanh, wider"; other rows are told theirs.
        named = f" as {cell.base}".lower() in cell.row.lower() or cell.row.startswith(f"{cell.base},")
        label = cell.row if named else f"{cell.row} less {cell.base}"
        line = table.setdefault(label, {})
        printed, base = cell.published, cells[cell.base, cell.column].published
        if is_printed(experiment):
            line[cell.column, "published"] = NOTHING if None in (printed, base) else _signed(printed - base)
        line[cell.column, "ours [95 % interval]"] = _difference(ours)
        line[cell.column, "p (Holm)"] = NOTHING if p is None else f"{p:.3f}" if p >= 0.001 else "< 0.001"
    return _frame(table)


def tally(experiment, profile, store, seeds=None, selection="best_test"):
    """How `compare` turned out, in numbers.

    Parameters
    ----------
    experiment, profile, store, seeds, selection
        As for `compare`.

    Returns
    -------
    dict of str to int
        ``comparisons`` that have records; those with the mean ``above`` the base; with the whole interval above
        (``interval above``) or below (``interval below``) it; and ``significant`` ones, p < 0.05 after correction.
    """
    made = [(ours, p) for _, ours, p in compare(experiment, profile, store, seeds, selection) if ours]
    return {
        "comparisons": len(made),
        "above": sum(ours.mean > 0 for ours, _ in made),
        "interval above": sum(ours.low is not None and ours.low > 0 for ours, _ in made),
        "interval below": sum(ours.high is not None and ours.high < 0 for ours, _ in made),
        "significant": sum(p is not None and p < 0.05 for _, p in made),
    }


def coverage(experiment, profile, store, seeds=None):
    """How much of a table there is, in one line: cells, and the seeds they are of."""
    seeds = tuple(seeds or experiment.default_seeds(profile))
    found = collect(experiment, profile, store, seeds)
    total = len(experiment.cells) * len(experiment.repeats(profile, seeds))
    return f"{len(found)} of {total} cells recorded; seeds {', '.join(map(str, seeds))} (n = {len(seeds)})."


def measured(found, measure, digits=1):
    """A measure of runs that did not diverge, by row and column.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    measure : callable
        Of a record; None where it has no such number.
    digits : int, default 1

    Returns
    -------
    pandas.DataFrame
        Text: the mean and half of the 95 % interval over seeds and folds.
    """
    table = {}
    for (row, column), records in found.groupby(["row", "column"], sort=False)["record"]:
        values = [measure(record) for record in records if record.status == "done"]
        values = [value for value in values if value is not None]
        ours = estimate(values) if values else None
        half = "" if ours is None or ours.low is None else f" ± {ours.high - ours.mean:.{digits}f}"
        table.setdefault(column, {})[row] = NOTHING if ours is None else f"{ours.mean:.{digits}f}{half}".replace("-", "−")
    frame = pd.DataFrame(table)
    return frame.reindex(list(dict.fromkeys(found["row"]))).fillna(NOTHING)


def is_printed(experiment):
    """Whether the paper prints a number of any cell."""
    return any(cell.published is not None for cell in experiment.cells)


def _of(found, cell):
    return found[(found["row"] == cell.row) & (found["column"] == cell.column)]


def _by_seed(found, cell, selection):
    of = _of(found, cell).dropna(subset=[selection])
    repeats = zip(of["seed"], of["fold"], strict=True)
    return {seed if fold is None else (seed, fold): value for (seed, fold), value in zip(repeats, of[selection], strict=True)}


def _mean(values, wanted, diverged, overlap=0.0):
    note = f" (n = {len(values)})" if 0 < len(values) < wanted else ""
    note += f" ({diverged} diverged)" if diverged else ""
    if not len(values):
        return (NOTHING + note).strip()
    ours = estimate(values, overlap=overlap)
    return f"{ours.mean:.2f}{_half(ours)}{note}"


def _half(ours):
    return "" if ours.low is None else f" ± {ours.high - ours.mean:.2f}"


def _difference(ours):
    if ours is None:
        return NOTHING
    return _signed(ours.mean) + ("" if ours.low is None else f" [{_signed(ours.low)}, {_signed(ours.high)}]")


def _signed(value):
    return f"{value:+.2f}".replace("-", "−")


def _frame(table):
    frame = pd.DataFrame.from_dict(table, orient="index")
    frame.columns = pd.MultiIndex.from_tuples(frame.columns)
    # The printed tables alternate between the data sets line by line; here each set's columns stand together.
    return frame[list(dict.fromkeys(column[0] for column in frame.columns))].fillna(NOTHING)  # a row need not be in all columns


__all__ = ["NOTHING", "SELECTIONS", "collect", "compare", "differences", "measured", "scores", "tally", "without_empty_doubles"]
