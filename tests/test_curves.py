"""Known functions as data sets, and the rules for APALU's claims of theory on made-up records."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_records import record_of

from adaptact import Record, Run, Store, UserError, data, train
from adaptact.__main__ import main
from adaptact.claims import CLAIMS, Evidence, apalu_theory
from adaptact.claims.gradients import keeps_more, trains_better
from adaptact.data.curves import POINTS
from adaptact.experiments import PROFILES, SEEDS, get
from adaptact.experiments.apalu import FIVE
from adaptact.experiments.apalu_theory import CURVES, EPOCHS, LOWER, WIDTHS, depth_column, width_column
from adaptact.sweep import sweep
from adaptact.training import parts

RUN = Run(dataset="curve_sine", train_images=POINTS, model="mlp", activation="relu", epochs=2, seed=42, augment=False, lr=1e-2)
AT = {
    "curve_sine": [(0.0, 0.0), (1 / 6, 1.0), (0.5, -1.0)],
    "curve_step": [(-0.001, -1.0), (0.3, 1.0)],
    "curve_runge": [(0.0, 1.0), (0.2, 0.5), (-1.0, 1 / 26)],
}


@pytest.mark.parametrize("name", CURVES)
def test_points_lie_on_the_curve_and_need_no_files(name, tmp_path):
    source, loaded = data.SOURCES[name], data.load(name, tmp_path)
    for x, y in ((loaded.train_images, loaded.train_labels), (loaded.test_images, loaded.test_labels)):
        assert (x.shape, y.shape) == ((POINTS, *source.in_shape), (POINTS,))
        assert x.dtype == y.dtype == torch.float32
        assert x.abs().max() <= 1
        for where, value in AT[name]:
            nearest = (x.flatten() - where).abs().argmin()
            assert y[nearest] == pytest.approx(value, abs=0.03) or abs(x.flatten()[nearest]) < 1e-4
    grid = loaded.test_images.flatten().double()
    assert grid.diff() == pytest.approx(2 / (POINTS - 1), abs=1e-6)
    assert grid[[0, -1]].tolist() == [-1, 1]
    assert abs(loaded.train_images.mean()) < 0.1
    assert abs(loaded.train_images.std() - 1 / math.sqrt(3)) < 0.02
    assert (source.outputs, source.shipped, source.tabular) == (1, True, True)
    assert data.fetch(name, tmp_path) == f"{source.title}: needs no files, nothing to fetch."


def test_points_are_the_same_everywhere_and_for_all_curves():
    drawn = [data.load(name).train_images.flatten() for name in CURVES]
    assert all(torch.equal(drawn[0], other) for other in drawn)
    assert drawn[0][:3].tolist() == pytest.approx([0.09762701, 0.43037874, 0.20552675])


def test_a_training_makes_the_squared_error_small(tmp_path):
    run, store = replace(RUN, dataset="curve_runge", epochs=40, batch_size=32, shuffle=True, depth=1), Store(tmp_path)
    record = train(run)
    assert record.scores["last"] == {"epoch": 40, "test_rmse": record.curves["test_rmse"][-1]}
    assert record.curves["test_rmse"][-1] == pytest.approx(math.sqrt(record.curves["test_loss"][-1]))
    assert record.scores["best_test"]["test_rmse"] == min(record.curves["test_rmse"])
    assert record.curves["test_rmse"][-1] < 0.02 < record.curves["test_rmse"][0]
    outcome = sweep([replace(run, epochs=1)], store, jobs=1)
    assert (len(outcome.done), outcome.failed) == (1, {})
    store.put(record)
    assert store.get(run) == Record.from_json(record.to_json()) == record


def test_smoke_keeps_a_curve_a_curve_and_other_profiles_keep_it_whole():
    assert PROFILES["smoke"].scale(RUN) == replace(RUN, train_images=256, epochs=1)
    experiment = get("apalu/approximation")
    assert experiment.runs("laptop") == experiment.runs("paper")
    assert {run.epochs for run in experiment.runs("laptop")} == {EPOCHS}
    assert {run.seed for run in experiment.runs("paper")} == set(SEEDS)
    assert {run.dataset for run in experiment.runs("smoke")} == set(CURVES)


def test_what_has_no_classes_is_not_divided_by_them():
    with pytest.raises(UserError, match=r"^curve_sine has no classes to hold samples out by: leave validation_images 0\.$"):
        replace(RUN, validation_images=100)


def test_folds_of_numbers_part_them_at_random():
    split = [parts(replace(RUN, fold=fold), data.load("curve_sine")) for fold in (1, 2)]
    assert {len(part.test_labels) for part in split} == {205}
    assert len(torch.cat([split[0].test_labels, split[1].test_labels]).unique()) == 410


def test_the_commands_know_curves(tmp_path, capsys):
    assert main(["data", "curve_runge", "--data", str(tmp_path)]) == 0
    assert "needs no files" in capsys.readouterr().out
    assert main(["list"]) == 0
    assert "curve_step           sign(x), 1,024 + 1,024 rows of (1, 1, 1)" in capsys.readouterr().out


def test_functions_differ_in_nothing_else():
    for name, bases in (("apalu/approximation", len(CURVES) * (len(WIDTHS) + 1)), ("apalu/depth", 2)):
        cells = get(name).cells
        assert len({cell.run for cell in cells}) == len(cells) == 5 * bases
        own = {(cell.row, cell.column): cell.run for cell in cells}
        for cell in cells:
            plain = {"activation": "apalu", "granularity": "layer", "options": ()}
            assert cell.base is None or replace(cell.run, **plain) == own[cell.base, cell.column]
    (slope,) = {cell.run.options for cell in get("apalu/depth").cells if cell.row == "Leaky ReLU"}
    assert slope == (("negative_slope", 0.1),)


def test_relus_deep_networks_are_those_of_pltanh():
    runs = {run for run in get("apalu/depth").runs("laptop") if run.activation == "relu"}
    assert len(runs) == 10
    assert runs <= set(get("pltanh/depth").runs("laptop"))


def learned(store, error, loss=lambda row, width: [1e-4] * 20, rows=tuple(FIVE), status="done"):
    """Records of all curves in which the error, as a share of the curve's deviation, is what a function of row and width says."""
    experiment, noise = get("apalu/approximation"), np.random.default_rng(0)
    for cell in experiment.cells:
        if cell.row.removesuffix(LOWER) not in rows:
            continue
        for seed in SEEDS:
            run = experiment.run(cell, "paper", seed)
            scale = apalu_theory.deviation(run.dataset)
            value = error(cell.row, run.fc_width) * scale * (1 + 0.05 * noise.standard_normal())
            curves = {"train_loss": loss(cell.row, run.fc_width), "test_loss": [1.0] * 20, "test_rmse": [1.0] * 18 + [value] * 2}
            store.put(record_of(run, status=status, curves=curves, scores={"last": {"epoch": 20, "test_rmse": value}}))
    return Evidence(store)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (lambda row, width: 1 / width, "holds"),  # falls to 1.6 %
        (lambda row, width: 0.01, "holds"),  # small from the start
        (lambda row, width: 0.5, "does not hold"),  # stays large
        (lambda row, width: 2 / width, "holds"),
        (lambda row, width: 8 / width, "does not hold"),  # falls, to 12.5 %
        (lambda row, width: 1e-4 * width, "holds"),  # rises with width, and is small all the same
        (lambda row, width: 1e-3 * width**1.2, "does not hold"),  # rises from small to 15 %
        (lambda row, width: 0.1 if width == WIDTHS[-1] else 0.5, "undecided"),  # falls to the limit itself
    ],
)
def test_the_widest_network_must_be_small(tmp_path, error, verdict):
    found = apalu_theory.approximates(learned(Store(tmp_path), error))
    assert found.verdict == verdict
    assert (found.n, found.profile) == (5, "paper")


def test_the_error_is_a_share_of_the_curves_deviation_and_ignores_a_single_epoch(tmp_path):
    evidence = learned(Store(tmp_path), lambda row, width: 1 / width, rows=["APALU"])
    (record, *_) = evidence.records("apalu/approximation", width_column("curve_step", 4), "APALU", "paper").values()
    assert apalu_theory.deviation("curve_step") == pytest.approx(1)
    assert apalu_theory.error(record) == pytest.approx(0.25, rel=0.2)
    long = replace(record, curves=record.curves | {"test_rmse": [9.0] * 90 + [0.3] * 9 + [5.0]})
    assert apalu_theory.error(long) == pytest.approx(0.3, rel=1e-4)
    assert apalu_theory.error(replace(record, status="diverged")) is None


def test_beside_the_rivals_is_told_and_does_not_decide(tmp_path):
    evidence = learned(Store(tmp_path), lambda row, width: (2 if row.startswith("APALU") else 1) / width)
    assert apalu_theory.beside(evidence) == apalu_theory.beside(evidence, LOWER) == (0, 12, 12)
    found = apalu_theory.approximates(evidence)
    assert found.verdict == "holds"
    assert "at a rate of 0.01 it is significantly smaller in 0 and larger in 12 of 12 comparisons" in found.reason


@pytest.mark.parametrize(
    ("loss", "verdict", "words"),
    [
        (lambda row, width: [1.0] * 16 + [1e-4] * 4, "holds", "in 45, falls further in 0 and rises in 0"),
        (lambda row, width: [1.0] * 18 + [1e-4] * 2, "undecided", "in 0, falls further in 45 and rises in 0"),
        (lambda row, width: [1e-4] * 18 + [1.0] * 2, "does not hold", "in 0, falls further in 0 and rises in 45"),
        (lambda row, width: [1e-4] * 18 + [1.0 if width == 4 else 1e-4] * 2, "holds in part", "in 30, falls further in 0"),
    ],
)
def test_a_loss_settles_falls_or_rises(tmp_path, loss, verdict, words):
    found = apalu_theory.settles(learned(Store(tmp_path), lambda row, width: 0.05, loss, rows=["APALU"]))
    assert found.verdict == verdict
    assert words in found.reason
    assert "0 of 45 trainings diverge" in found.reason


def test_a_diverged_training_has_not_settled(tmp_path):
    found = apalu_theory.settles(learned(Store(tmp_path), lambda row, width: 0.05, rows=["APALU"], status="diverged"))
    assert (found.verdict, found.n) == ("does not hold", 5)
    assert found.reason.startswith("45 of 45 trainings diverge")


@pytest.mark.parametrize(("gain", "verdict"), [(3.0, "holds"), (-3.0, "does not hold")])
def test_deep_networks_are_compared_at_the_last_epoch(tmp_path, gain, verdict):
    experiment, store, noise = get("apalu/depth"), Store(tmp_path), np.random.default_rng(0)
    for cell in experiment.cells:
        for seed in SEEDS:
            score = 60 + gain * (cell.row == "APALU") + 0.1 * noise.standard_normal()
            last = {"epoch": 5, "test_accuracy": score}
            store.put(
                record_of(experiment.run(cell, "laptop", seed), scores={"last": last, "best_test": {**last, "test_accuracy": 70}})
            )
    found = apalu_theory.trains(Evidence(store))
    assert (found.verdict, found.n, found.profile) == (verdict, 5, "laptop")
    rule = trains_better("apalu/depth", [(depth_column(4), "ReLU", "ELU")], "ReLU")
    assert rule(Evidence(store)).verdict == "undecided"


def test_gradients_that_are_kept_beat_those_that_are_lost():
    evidence = Evidence(None)
    saturating, open_ended = ("tanh", {}), ("pltanh", {"alpha": 1.0})
    assert keeps_more({"tanh": saturating, "ReLU": ("relu", {})}, "tanh")(evidence).verdict == "holds"
    assert keeps_more({"ReLU": ("relu", {}), "tanh": saturating, "|x|": open_ended}, "ReLU")(evidence).verdict == "does not hold"


def test_the_theorem_asks_for_no_polynomial(monkeypatch):
    assert apalu_theory.theorem(None).reason.endswith("APALU, ReLU, Leaky ReLU, ELU, GELU")
    square = torch.nn.Module()
    square.forward = torch.square
    monkeypatch.setattr(apalu_theory.activations, "make", lambda name, shape, **options: square)
    assert apalu_theory.theorem(None).verdict == "does not hold"


def test_the_claims_are_undecided_or_in_part_without_records(tmp_path):
    evidence = Evidence(Store(tmp_path))
    for name in ("apalu-vanishing", "apalu-approximation"):
        verdict = CLAIMS[name].rule(evidence)
        assert verdict.verdict == "holds in part", name
        assert verdict.n == 0
