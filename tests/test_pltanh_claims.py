"""The rules for PLTanh's claims on made-up records, where the right verdict is known, and the numbers that stand in the code."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_records import record_of

from adaptact import Store
from adaptact.claims import CLAIMS, Evidence
from adaptact.claims.gradients import decades
from adaptact.claims.pltanh_gradients import flows, negative_slope, no_dead, no_nearly_dead, too_high, too_low
from adaptact.claims.pltanh_training import consistently, gains, one_alpha, reported, tuned
from adaptact.experiments import PROFILES, SEARCHES, get
from adaptact.experiments import pltanh as experiments
from adaptact.records import project_folder
from adaptact.search import best, load

METRICS = ("test_accuracy", "macro_precision", "macro_recall", "macro_f1", "auc")


def put(store, experiment, score, profile="laptop", seeds=(1, 2), rows=None, columns=None, **fields):
    """Records of an experiment's cells; each metric is what `score` gives for a row and column, give or take a little."""
    experiment, noise = get(experiment), np.random.default_rng(0)
    for cell in experiment.cells:
        if (rows and cell.row not in rows) or (columns and cell.column not in columns):
            continue
        for seed, fold in experiment.repeats(profile, seeds):
            value = score(cell.row, cell.column) + 0.02 * noise.standard_normal()
            last = {"epoch": 5, **dict.fromkeys(METRICS, value)}
            run = experiment.run(cell, profile, seed, fold)
            store.put(record_of(run, scores={"last": last, "best_test": last}, **fields))
    return Evidence(store)


def level_with_rivals(row, column, gain):
    return 80.0 + (gain if row == "PLTanh, searched" else 0.0)


@pytest.fixture
def every_set_searched(monkeypatch):
    """As if slopes had been searched for on each set."""
    slopes = {dataset: dict.fromkeys(experiments.SLOPES, 0.123) for dataset in experiments.SETS}
    monkeypatch.setattr(experiments, "FOUND", {"laptop": slopes})
    from adaptact import experiments as package

    monkeypatch.setitem(package.EXPERIMENTS, "pltanh/folds", experiments.folds())


def test_above_everywhere_holds_at_full_scale_only(tmp_path, every_set_searched):
    small, full = Store(tmp_path / "small"), Store(tmp_path / "full")
    above = put(small, "pltanh/folds", lambda row, column: level_with_rivals(row, column, 1.0))
    assert gains()(above).verdict == "undecided"
    assert "a printed number is decided at the paper's scale" in gains()(above).reason
    assert consistently(METRICS[1:4])(above).verdict == "holds"
    assert tuned(above).verdict == "holds"
    above = put(full, "pltanh/folds", lambda row, column: level_with_rivals(row, column, 1.0), "paper")
    assert gains()(above).verdict == "holds"
    assert gains()(above).n == 10


def test_one_set_below_at_full_scale_refutes_it_but_a_stand_in_does_not(tmp_path, every_set_searched):
    below = put(Store(tmp_path / "a"), "pltanh/folds", lambda r, c: level_with_rivals(r, c, -1.0), "paper", columns=["MNIST"])
    assert gains()(below).verdict == "does not hold"
    below = put(
        Store(tmp_path / "b"), "pltanh/folds", lambda r, c: level_with_rivals(r, c, -1.0), "paper", columns=["PneumoniaMNIST"]
    )
    assert gains()(below).verdict == "undecided"
    assert consistently(METRICS[1:4])(below).verdict == "does not hold"
    assert gains()(Evidence(Store(tmp_path / "none"))).verdict == "undecided"


def test_a_reported_number_is_decided_at_full_scale(tmp_path):
    rule = reported(["cifar10"], "PLTanh, 0.4", 85.87, "pltanh/alpha")
    store = Store(tmp_path)
    near = put(store, "pltanh/alpha", lambda row, column: 85.7, seeds=[1], rows=["PLTanh, 0.4"], columns=["CIFAR-10"])
    assert rule(near).verdict == "undecided"
    near = put(store, "pltanh/alpha", lambda row, column: 85.7, "paper", [1], ["PLTanh, 0.4"], ["CIFAR-10"])
    assert rule(near).verdict == "holds"
    far = put(Store(tmp_path / "far"), "pltanh/alpha", lambda row, column: 70.0, "paper", [1], ["PLTanh, 0.4"], ["CIFAR-10"])
    assert rule(far).verdict == "undecided", "the network is our guess"


def test_one_alpha_for_all_or_one_each(tmp_path):
    def own(row, column):
        return 80.0 + 5 * ((row, column) in {("PLTanh, 0.001", "MNIST"), ("PLTanh, 1", "CIFAR-10")})

    different = put(Store(tmp_path / "a"), "pltanh/alpha", own, columns=["MNIST", "CIFAR-10"])
    assert one_alpha(different).verdict == "holds"
    same = put(
        Store(tmp_path / "b"), "pltanh/alpha", lambda row, column: 80.0 + 5 * (row == "PLTanh, 0.1"), columns=["MNIST", "CIFAR-10"]
    )
    assert one_alpha(same).verdict == "undecided"
    assert "MNIST 0.1, CIFAR-10 0.1" in one_alpha(same).reason


def ended(dead, nearly):
    return {"act1": {"dead": dead, "nearly_dead": nearly, "saturated": 0.5, "mean": 0.1, "gradient": 0.01}}


def test_dead_and_nearly_dead_units_are_those_of_the_records(tmp_path):
    store = Store(tmp_path)
    put(store, "pltanh/folds", lambda row, column: 80.0, rows=["ReLU"], columns=["MNIST"], units=ended(0.3, 0.3))
    evidence = put(store, "pltanh/folds", lambda row, column: 80.0, rows=["PLTanh"], columns=["MNIST"], units=ended(0.0, 0.1))
    assert no_dead(evidence).verdict == "holds"
    assert "with ReLU 10 of 10 layers have some" in no_dead(evidence).reason
    # Ten times the same difference have no spread to test it by: nothing is shown.
    assert "MNIST −20" in no_nearly_dead(evidence).reason
    evidence = put(store, "pltanh/folds", lambda row, column: 80.0, rows=["PLTanh"], columns=["MNIST"], units=ended(0.1, 0.1))
    assert no_dead(Evidence(store)).verdict == "does not hold"
    assert negative_slope(None).verdict == "holds"


def test_too_high_and_too_low(tmp_path):
    store = Store(tmp_path)
    calm, rising = {"train_loss": [1.0, 0.5]}, {"train_loss": [1.0, 1.5]}
    seeds = range(5)
    for alpha in experiments.DEEP_ALPHAS:
        row, high = f"PLTanh, {alpha:g}", alpha >= 1
        put(
            store,
            "pltanh/depth",
            lambda row, column: 80.0,
            seeds=seeds,
            rows=[row],
            curves=rising if high else calm,
            units=ended(0, 0.1),
        )
    assert too_high(Evidence(store)).verdict == "holds"
    assert too_low(Evidence(store)).verdict == "does not hold"
    put(store, "pltanh/depth", lambda row, column: 80.0, seeds=seeds, rows=["PLTanh, 0.001"], curves=calm, units=ended(0.2, 0.4))
    assert too_low(Evidence(store)).verdict == "holds"
    put(store, "pltanh/depth", lambda row, column: 80.0, seeds=seeds, curves=calm, units=ended(0, 0.1))
    assert too_high(Evidence(store)).verdict == "does not hold"


def test_decades_are_the_loss_of_the_gradient_and_leave_the_generator_alone():
    state = torch.get_rng_state()
    lost = {layers: decades("relu", layers, 0) for layers in (2, 8)}
    assert torch.equal(state, torch.get_rng_state())
    assert 0 < lost[2] < lost[8]
    assert decades("pltanh", 16, 0, "he", alpha=1.0) < 0, "|x| explodes where weights are drawn for ReLU"
    assert decades("tanh", 4, 3) == decades("tanh", 4, 3) != decades("tanh", 4, 4)
    assert flows(Evidence(None)).verdict == "does not hold"


def test_the_slopes_in_the_code_are_those_of_the_recorded_searches():
    store = Store(project_folder() / "results")
    for profile, by_set in experiments.FOUND.items():
        for dataset, slopes in by_set.items():
            for name, slope in slopes.items():
                trials = load(SEARCHES[f"pltanh/{dataset}/{experiments.fixed(name)['activation']}"], profile, store)
                assert float(f"{best(trials)['value']:.3g}") == slope, (profile, dataset, name)


def test_searched_cells_have_the_slope_of_their_profile(monkeypatch):
    found = {"laptop": {"mnist": {"PLTanh": 0.5}}, "paper": {"mnist": {"PLTanh": 0.25}}}
    monkeypatch.setattr(experiments, "FOUND", found)
    experiment = experiments.folds()
    (cell,) = [cell for cell in experiment.cells if cell.row == "PLTanh, searched"]
    slopes = {profile: dict(experiment.run(cell, profile, 1, 2).options)["alpha"] for profile in PROFILES}
    assert slopes == {"smoke": 0.25, "laptop": 0.5, "paper": 0.25}
    assert experiment.run(cell, "laptop", 1, 2) == replace(experiment.run(cell, "laptop", 7, 1), seed=1, fold=2)


def test_eleven_claims():
    assert len([claim for claim in CLAIMS.values() if claim.paper == "pltanh"]) == 11
