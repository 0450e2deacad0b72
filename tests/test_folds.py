"""Tables of cross-validated experiments, on made-up values where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from adaptact import folds, stats, tables
from adaptact.experiments import get
from adaptact.records import Store
from adaptact.sweep import sweep

REPEATS = [(seed, fold) for seed in (1, 2) for fold in range(1, 6)]


def made_up(gains, spread=1.0):
    """Values of rows, each higher than the first by its gain, give or take its part of noise."""
    random = np.random.default_rng(0)
    lines = []
    for number, (row, gain) in enumerate(gains.items()):
        for seed, fold in REPEATS:
            score = 90 + gain + 0.1 * fold + spread * 0.1 * random.standard_normal()
            lines.append(
                {"row": row, "column": "A", "seed": seed, "fold": fold, **dict.fromkeys(folds.METRICS, score + number * 0)}
            )
    return pd.DataFrame(lines)


def test_an_interval_over_folds_is_wider_than_the_naive_one():
    values = list(np.random.default_rng(0).standard_normal(10))
    naive, ours = stats.estimate(values, test=True), stats.estimate(values, test=True, overlap=0.25)
    # Nadeau and Bengio's variance, s²(1/n + test / training), against scipy's plain interval.
    low, high = scipy_stats.t.interval(0.95, 9, loc=np.mean(values), scale=np.std(values, ddof=1) * np.sqrt(1 / 10 + 1 / 4))
    assert (ours.low, ours.high) == pytest.approx((low, high))
    assert ours.high - ours.low > naive.high - naive.low
    assert ours.p > naive.p
    assert naive.p == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue)


def test_differences_are_paired_by_seed_and_fold_and_corrected_together():
    values = made_up({"PLTanh": 0.0, "ReLU": 1.0, "ALReLU": 0.0})
    found = folds.against(values, "PLTanh", ["ReLU", "ALReLU", "absent"], 0.25)
    assert list(found) == [("A", "ReLU"), ("A", "ALReLU")]
    difference, p = found["A", "ReLU"]
    assert difference.mean == pytest.approx(-1, abs=0.1)
    assert difference.n == 10
    assert p < 0.01 < found["A", "ALReLU"][1]
    assert p == pytest.approx(2 * difference.p)
    shown = folds.differences(found)
    assert shown.loc["A", ("less ReLU", "points [95 % interval]")].startswith("−")
    half = values[~((values["row"] == "ReLU") & (values["fold"] > 2))]
    assert folds.against(half, "PLTanh", ["ReLU"], 0.25)["A", "ReLU"][0].n == 4


def test_components_tell_seeds_from_folds():
    random = np.random.default_rng(0)
    seeds, by_fold = 3 * random.standard_normal(40), random.standard_normal(40)
    lines = [
        {"seed": s, "fold": f, "test_accuracy": seeds[s] + by_fold[f] + 0.5 * random.standard_normal()}
        for s in range(40)
        for f in range(40)
    ]
    found = folds.components(pd.DataFrame(lines))
    assert found["seed"] == pytest.approx(np.std(seeds, ddof=1), rel=0.1)
    assert found["fold"] == pytest.approx(np.std(by_fold, ddof=1), rel=0.1)
    assert found["rest"] == pytest.approx(0.5, rel=0.1)
    with pytest.raises(ValueError, match="each of two or more seeds"):
        folds.components(pd.DataFrame(lines[:-1]))


def test_the_metrics_of_a_sweep_are_those_of_its_records(tmp_path):
    experiment, store = get("pltanh/folds"), Store(tmp_path)
    runs = [run for run in experiment.runs("smoke", [42]) if run.model == "simple_cnn" and run.activation in ("relu", "pltanh")]
    sweep([run for run in runs if not run.options], store, device="cpu", jobs=1)
    found = tables.collect(experiment, "smoke", store, [42])
    values = folds.measured(found)
    assert set(values["fold"]) == {1, 2}
    line = values[(values["row"] == "ReLU") & (values["fold"] == 2)].iloc[0]
    record = store.get(next(run for run in runs if run.activation == "relu" and run.fold == 2))
    assert line["macro_f1"] == record.scores["last"]["macro_f1"]
    assert line["auc"] == 100 * record.scores["last"]["auc"]
    shown = folds.scores(values, experiment.overlap)
    assert shown.loc[("MNIST", "ReLU"), "n"] == 2
