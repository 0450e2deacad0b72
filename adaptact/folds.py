"""Tables of cross-validated experiments: five metrics of the last epoch, differences over seeds and folds, and what varies more."""

import pandas as pd

from .stats import estimate, holm, paired
from .tables import NOTHING

METRICS = {
    "test_accuracy": "accuracy, %",
    "macro_precision": "precision, %",
    "macro_recall": "recall, %",
    "macro_f1": "F1, %",
    "auc": "AUC, %",
}
ERRORS = {"test_rmse": "RMSE", "test_mae": "MAE", "test_r2": "R²"}  # of numbers


def measured(found, metrics=tuple(METRICS)):
    """The metrics of records from folds.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.tables.collect`.
    metrics : iterable of str, optional
        Those of `METRICS`, or of numbers such as `ERRORS`.

    Returns
    -------
    pandas.DataFrame
        One line a record that did not diverge and has them: ``row``, ``column``, ``seed``, ``fold``, and the metrics of its last
        epoch. Those of classes are in percent; precision, recall and F1 are plain means over classes, AUC is one class against
        the rest. Errors are in the unit of the set.
    """
    lines = []
    for of in found.itertuples():
        last = of.record.scores.get("last", {})
        if set(metrics) <= set(last):
            values = {name: last[name] for name in metrics}
            if values.get("auc") is not None:
                values["auc"] *= 100
            lines.append({"row": of.row, "column": of.column, "seed": of.seed, "fold": of.fold, **values})
    return pd.DataFrame(lines, columns=["row", "column", "seed", "fold", *metrics])


def scores(values, overlap, metrics=tuple(METRICS)):
    """Means of metrics over seeds and folds.

    Parameters
    ----------
    values : pandas.DataFrame
        From `measured`.
    overlap : float
        That of the experiment; see `adaptact.stats.estimate`.
    metrics : iterable of str

    Returns
    -------
    pandas.DataFrame
        Text: a line a column and row of the experiment, with mean, half of the 95 % interval, and n.
    """
    lines = {}
    for (column, row), of in values.groupby(["column", "row"], sort=False):
        line = lines.setdefault((column, row), {})
        for name in metrics:
            ours = estimate(of[name].dropna(), overlap=overlap)
            half = "" if ours.low is None else f" ± {ours.high - ours.mean:.2f}"
            line[METRICS[name]] = f"{ours.mean:.2f}{half}"
        line["n"] = len(of)
    return pd.DataFrame.from_dict(
        {key: lines[key] for column in dict.fromkeys(values["column"]) for key in lines if key[0] == column}, orient="index"
    )


def against(values, row, others, overlap, metric="test_accuracy"):
    """A row against others, in each column in which both are.

    Parameters
    ----------
    values : pandas.DataFrame
        From `measured`.
    row : str
    others : iterable of str
    overlap : float
    metric : str, default "test_accuracy"
        One of `METRICS`.

    Returns
    -------
    dict of (str, str) to (Estimate, float or None)
        By column and other row: the mean difference in points over the seeds and folds that both have, and the p-value of the
        paired t-test, Holm-corrected over all of them.
    """
    by_cell = {
        key: {(seed, fold): value for seed, fold, value in zip(of["seed"], of["fold"], of[metric], strict=True)}
        for key, of in values.dropna(subset=[metric]).groupby(["column", "row"], sort=False)
    }
    found = {}
    for column in dict.fromkeys(values["column"]):
        for other in others:
            if (column, row) in by_cell and (column, other) in by_cell:
                difference = paired(by_cell[column, row], by_cell[column, other], overlap=overlap)
                if difference is not None:
                    found[column, other] = difference
    corrected = holm([difference.p for difference in found.values()])
    return {key: (difference, p) for (key, difference), p in zip(found.items(), corrected, strict=True)}


def differences(found):
    """`against` as text: a line a column, and for each other row the difference with its interval, and p.

    Parameters
    ----------
    found : dict
        From `against`.

    Returns
    -------
    pandas.DataFrame
    """
    table = {}
    for (column, other), (ours, p) in found.items():
        line = table.setdefault(column, {})
        line[f"less {other}", "points [95 % interval]"] = said(ours)
        line[f"less {other}", "p (Holm)"] = NOTHING if p is None else f"{p:.3f}" if p >= 0.001 else "< 0.001"
    frame = pd.DataFrame.from_dict(table, orient="index")
    frame.columns = pd.MultiIndex.from_tuples(frame.columns)
    return frame.fillna(NOTHING)


def said(ours, digits=2):
    """An estimate of a difference as text, with its interval.

    Parameters
    ----------
    ours : Estimate
    digits : int, default 2
        After the decimal point.

    Returns
    -------
    str
    """
    ends = [] if ours.low is None else [ours.low, ours.high]
    mean, *ends = (f"{value:+.{digits}f}".replace("-", "−") for value in (ours.mean, *ends))
    return f"{mean} [{', '.join(ends)}]" if ends else mean


def components(values, metric="test_accuracy"):
    """How much a metric varies with the seed, with the fold, and with what is left: a two-way analysis of variance.

    Parameters
    ----------
    values : pandas.DataFrame
        From `measured`, of one row and column, with each seed in each fold.
    metric : str, default "test_accuracy"

    Returns
    -------
    dict of str to float
        Standard deviations in points: ``seed``, ``fold``, and ``rest``, which another seed and fold together bring. A variance
        that comes out negative, which happens to small ones, counts as zero.

    Raises
    ------
    ValueError
        If a seed lacks a fold, or there is only one of either.
    """
    from statsmodels.formula.api import ols  # here, since it takes two seconds to import and few pages need it
    from statsmodels.stats.anova import anova_lm

    seeds, folds = values["seed"].nunique(), values["fold"].nunique()
    if min(seeds, folds) < 2 or len(values) != seeds * folds or values.duplicated(["seed", "fold"]).any():
        raise ValueError("each of two or more seeds must have each of two or more folds, once")
    model = ols("score ~ C(seed) + C(fold)", data=values.rename(columns={metric: "score"})).fit()
    table = anova_lm(model)
    squares = table["sum_sq"] / table["df"]
    rest = squares["Residual"]
    variances = {"seed": (squares["C(seed)"] - rest) / folds, "fold": (squares["C(fold)"] - rest) / seeds, "rest": rest}
    return {name: float(max(value, 0.0) ** 0.5) for name, value in variances.items()}


__all__ = ["ERRORS", "METRICS", "against", "components", "differences", "measured", "said", "scores"]
