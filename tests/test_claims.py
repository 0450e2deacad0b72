"""The claims' rules on made-up records, and the verdicts that need none."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_records import record_of

from adaptact import Store, UserError, claims
from adaptact.__main__ import main
from adaptact.claims import rules
from adaptact.claims.base import Claim, Evidence, Pair, Verdict
from adaptact.claims.leaf_training import (
    PRINTED_WINNERS,
    asymmetry,
    best_networks,
    negative_saturation,
    plateau,
    rectify,
    rho1,
    same_winners,
)
from adaptact.experiments import SEEDS, get

ADAPTIVE, BASE = "LEAF as Tanh, P24SI", "Tanh"
PAIR = Pair("leaf/table-5", "CIFAR-10", ADAPTIVE, BASE)
OTHER = Pair("leaf/table-5", "Fashion-MNIST", ADAPTIVE, BASE)
NOISE = dict(zip(SEEDS, (0.4, -0.3, 0.1, -0.4, 0.2), strict=True))


def put(store, pair, gain, profile="laptop", seeds=SEEDS, spread=0.02):
    """Records of a pair: the base differs over seeds, the row is better by a gain that hardly does."""
    cells = {(cell.column, cell.row): cell for cell in get(pair.experiment).cells}
    for number, seed in enumerate(seeds):
        for row, accuracy in ((pair.base, 50 + NOISE[seed]), (pair.row, 50 + NOISE[seed] + gain + spread * number)):
            run = get(pair.experiment).run(cells[pair.column, row], profile, seed)
            score = {"epoch": 5, "test_accuracy": accuracy}
            curves = {"train_loss": [2.0, 1.0], "test_loss": [2.0, 1.0], "test_accuracy": [accuracy - 1, accuracy]}
            store.put(record_of(run, scores={"best_test": score, "last": score}, curves=curves))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("gains", "verdict"),
    [
        ((1, 1), "holds"),
        ((-1, -1), "does not hold"),
        ((1, -1), "holds in part"),
        ((1, None), "holds in part"),
        ((None, None), "undecided"),
    ],
)
def test_better_is_decided_by_corrected_tests(store, gains, verdict):
    for pair, gain in zip((PAIR, OTHER), gains, strict=True):
        if gain is not None:
            put(store, pair, gain)
    found = rules.better([PAIR, OTHER])(Evidence(store))
    assert found.verdict == verdict
    opposite = {"holds": "does not hold", "does not hold": "holds"}
    turned = rules.better([PAIR, OTHER], worse=True)(Evidence(store)).verdict
    assert turned == (opposite.get(verdict) or ("undecided" if None in gains else verdict)) or gains == (1, None)
    if gains == (1, 1):
        assert (found.n, found.profile) == (5, "laptop")
        assert found.interval[0] < 1.04 < found.interval[1]
        assert found.hardware


def test_a_difference_within_its_interval_is_undecided(store):
    put(store, PAIR, 0.5, spread=-0.3)
    found = rules.better([PAIR])(Evidence(store))
    assert found.verdict == "undecided"
    assert "in 1 the interval is too wide" in found.reason


def test_the_average_of_several_may_show_a_part(store):
    # Each varies too much alone; what one gains from a seed the other loses, so their average does not vary at all.
    put(store, PAIR, -1.0, spread=0.9)
    put(store, OTHER, 3.0, spread=-0.8)
    found = rules.better([PAIR, OTHER])(Evidence(store))
    assert found.verdict == "holds in part"
    assert "their average is above the base, with its whole interval" in found.reason
    assert found.interval[0] > 0
    assert rules.better([PAIR, OTHER], worse=True)(Evidence(store)).verdict == "undecided"


def test_one_seed_decides_nothing(store):
    put(store, PAIR, 5, seeds=SEEDS[:1])
    assert rules.better([PAIR])(Evidence(store)).verdict == "undecided"
    put(store, PAIR, 6.69, profile="paper", seeds=SEEDS[:1])
    assert rules.printed_gain(PAIR, 6.69)(Evidence(store)).verdict == "undecided"


@pytest.mark.parametrize(
    ("gain", "spread", "verdict"),
    [(0.0, 0.02, "holds"), (3.0, 0.02, "does not hold"), (-3.0, 0.02, "does not hold"), (0.2, 0.3, "undecided")],
)
def test_level_means_less_than_a_seed_makes(store, gain, spread, verdict):
    put(store, PAIR, gain, spread=spread)
    assert rules.level([PAIR])(Evidence(store)).verdict == verdict
    if gain == 3.0:
        assert rules.level([PAIR], or_better=True)(Evidence(store)).verdict == "holds"


def test_seed_deviation_is_pooled():
    groups = [[1.0, 2.0, 3.0], [5.0, 5.0], [9.0]]
    assert rules.seed_deviation(groups) == pytest.approx(np.sqrt(2 / 3))


@pytest.mark.parametrize(("gain", "verdict"), [(6.65, "holds"), (3.0, "holds in part"), (-3.0, "does not hold")])
def test_a_printed_number_is_decided_at_the_papers_scale_alone(store, gain, verdict):
    put(store, PAIR, gain)
    rule = rules.printed_gain(PAIR, 6.69)
    found = rule(Evidence(store))
    assert (found.verdict, found.profile, found.n) == ("undecided", "laptop", 5)
    assert "5 epochs on 10,000 images" in found.reason
    put(store, PAIR, gain, profile="paper")
    found = rule(Evidence(store))
    assert (found.verdict, found.profile) == (verdict, "paper")


def test_paper_records_are_preferred_once_they_are_as_many(store):
    put(store, PAIR, 1)
    put(store, PAIR, -1, profile="paper", seeds=SEEDS[:1])
    assert rules.better([PAIR])(Evidence(store)).verdict == "holds"
    put(store, PAIR, -1, profile="paper")
    assert rules.better([PAIR])(Evidence(store)).verdict == "does not hold"


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (("holds", "holds"), "holds"),
        (("holds", "undecided"), "holds in part"),
        (("does not hold", "undecided"), "does not hold"),
        (("holds", "does not hold"), "holds in part"),
        (("undecided", "not testable"), "undecided"),
    ],
)
def test_parts(verdicts, whole):
    named = {str(i): lambda _, v=v: Verdict(v, "so") for i, v in enumerate(verdicts)}
    assert rules.parts(named)(None).verdict == whole


def test_printed_counts_the_papers_own_cells():
    assert rules.printed([PAIR, OTHER]) == "above in 2 of 2 cells"
    below = Pair("leaf/table-3", "Fashion-MNIST", "AHAF as ReLU", "ReLU")
    assert rules.printed([PAIR, below]) == "above in 1 of 2 cells"


def test_asymmetry():
    assert asymmetry((0, 2, 2, -1)) == pytest.approx(0, abs=1e-12)  # tanh
    assert asymmetry((1, 0, 2.0**16, 0)) == pytest.approx(1)  # ReLU
    assert asymmetry((1, 0, 1, 0)) == pytest.approx(0.76, abs=0.01)  # SiLU
    assert asymmetry((0, 0, 1, 0)) == 0


def test_every_claim_has_a_verdict_without_any_record(store):
    found = claims.judge(store)
    assert len(found) == len(claims.CLAIMS)
    for claim, verdict in found.items():
        assert verdict.verdict in claims.VERDICTS
        assert verdict.reason
        if verdict.n == 0 and verdict.profile != "computed":
            assert verdict.verdict == "undecided", claim.id
    said = {claim.id: verdict.verdict for claim, verdict in found.items()}
    assert said["leaf-shapes"] == said["leaf-gradients"] == "holds in part"
    assert said["leaf-vanishing"] == "does not hold"


def test_the_leaf_papers_18_claims():
    ids = [claim.id for claim in claims.CLAIMS.values() if claim.paper == "leaf"]
    assert len(ids) == len(set(ids)) == 18
    assert claims.CLAIMS["leaf-tanh-everywhere"].published == "above in 8 of 8 cells"
    assert claims.CLAIMS["leaf-linear-level"].published == "above in 29 of 32 cells"
    assert claims.CLAIMS["ahaf-gain"].published == "above in 13 of 16 cells"


def test_a_verdict_or_kind_of_ones_own_is_refused():
    with pytest.raises(UserError, match="unknown verdict 'maybe'"):
        Verdict("maybe", "so")
    with pytest.raises(UserError, match="unknown kind of claim"):
        Claim("x", "leaf", "here", "hunch", "text", rule=None)


def test_the_command(store, capsys):
    put(store, PAIR, 0.5)
    assert main(["claims", "--paper", "leaf", "--results", str(store.target)]) == 0
    text = capsys.readouterr().out
    assert "leaf-tanh-gain: undecided" in text
    assert "18 claims: " in text
    assert main(["claims", "--json", "--results", str(store.target)]) == 0
    (gain,) = [entry for entry in json.loads(capsys.readouterr().out) if entry["id"] == "leaf-tanh-gain"]
    assert gain.keys() >= {"id", "paper", "claim", "verdict", "published", "ours", "interval", "n", "profile", "hardware", "reason"}
    assert (gain["published"], gain["ours"], gain["n"], gain["profile"]) == ("+6.69", "+0.54", 5, "laptop")
    assert main(["claims", "--paper", "leaves"]) == 2
    assert "Did you mean 'leaf'?" in capsys.readouterr().err


def test_records_of_another_protocol_are_no_evidence(store):
    put(store, PAIR, 1)
    for record in store.records():
        store.path(record.run).write_text(replace(record, protocol=0).to_json())
    assert rules.better([PAIR])(Evidence(store)).verdict == "undecided"


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(-8.0, -4.0, "holds"), (-1.0, 1.0, "does not hold"), (4.0, 8.0, "does not hold")]
)
def test_inputs_on_the_flat_side_are_a_finding_from_two_seeds_on(store, low, high, verdict):
    cells = {(cell.column, cell.row): cell for cell in get("leaf/table-5").cells}
    for number, seed in enumerate(SEEDS[:2], start=1):
        for init, span in (("Sigmoid", [low, high]), ("Tanh", [-1.0, 1.0])):
            run = get("leaf/table-5").run(cells["CIFAR-10", f"LEAF as {init}, P24SI"], "laptop", seed)
            store.put(record_of(run, shapes={"act1": {"inputs": {"index": [0], "range": [span], "counts": [[5] * 40]}}}))
        assert negative_saturation(Evidence(store)).verdict == ("undecided" if number == 1 else verdict)


def full_scale(store, experiment, column, row, accuracies, seeds=SEEDS):
    """Records of a row at the paper's scale: accuracies of the epochs, the same for each seed but for a little."""
    cell = next(cell for cell in get(experiment).cells if (cell.column, cell.row) == (column, row))
    for number, seed in enumerate(seeds):
        values = [value + 0.01 * number for value in accuracies]
        score = {"epoch": 1 + int(np.argmax(values)), "test_accuracy": max(values)}
        curves = {"train_loss": [1.0] * len(values), "test_loss": [1.0] * len(values), "test_accuracy": values}
        store.put(record_of(get(experiment).run(cell, "paper", seed), scores={"best_test": score, "last": score}, curves=curves))


def test_kerasnet_is_compared_with_lenet_at_full_scale(store):
    full_scale(store, "leaf/table-2", "CIFAR-10", "ReLU", [70.0, 78.0], seeds=(42,))
    full_scale(store, "leaf/table-3", "CIFAR-10", "ReLU", [70.0, 85.0], seeds=(42,))
    found = best_networks(Evidence(store))
    assert (found.verdict, found.waits, found.ours) == ("undecided", "seeds", "+7.00 best against best")
    for gain, verdict in ((85.0, "holds"), (80.0, "does not hold")):
        full_scale(store, "leaf/table-2", "CIFAR-10", "ReLU", [70.0, 78.0])
        full_scale(store, "leaf/table-3", "CIFAR-10", "ReLU", [70.0, gain])
        found = best_networks(Evidence(store))
        assert (found.verdict, found.profile, found.n) == (verdict, "paper", 5)
    full_scale(store, "leaf/table-2", "CIFAR-10", "SiLU", [78.0], seeds=(42,))
    full_scale(store, "leaf/table-3", "CIFAR-10", "SiLU", [99.0], seeds=(42,))
    assert best_networks(Evidence(store)).ours == "+2.00 best against best", "a row of one seed neither decides nor hinders"


@pytest.mark.parametrize(("late", "verdict"), [(2.0, "holds"), (-1.5, "does not hold")])
def test_a_plateau_is_told_from_the_second_half(store, late, verdict):
    early = [60.0] * 50
    full_scale(store, "leaf/figure-6", "CIFAR-10", "Tanh", early + [62.0] * 50)
    full_scale(store, "leaf/figure-6", "CIFAR-10", "LEAF as Tanh, P24SI", early + [62.0 + late] * 50, seeds=(42,))
    assert plateau(Evidence(store)).verdict == "undecided", "one seed has no interval"
    full_scale(store, "leaf/figure-6", "CIFAR-10", "LEAF as Tanh, P24SI", early + [62.0 + late] * 50)
    found = plateau(Evidence(store))
    assert (found.verdict, found.profile) == (verdict, "paper")
    assert f"LEAF gains {late:+.2f} points more" in found.reason


def test_the_printed_winners_are_looked_for_at_full_scale(store):
    cells = get("leaf/seeds").cells
    for network, printed in PRINTED_WINNERS.items():
        for cell in cells:
            for seed, winner in printed.items() if cell.column == network else ():
                full_scale(store, "leaf/seeds", network, cell.row, [80.0 + cell.row.startswith(winner)], seeds=(seed,))
    assert same_winners(Evidence(store)).verdict == "holds"
    one = next(cell for cell in cells if cell.column == "KerasNet" and cell.row == "ReLU")
    full_scale(store, "leaf/seeds", "KerasNet", one.row, [99.0], seeds=(42,))
    found = same_winners(Evidence(store))
    assert (found.verdict, found.reason) == ("holds in part", "9 of 10 winners agree")


def test_one_seed_at_full_scale_does_not_outweigh_several_at_a_smaller_one(store):
    put(store, PAIR, 1.0)
    rows = {row: Evidence(store).records("leaf/table-5", "CIFAR-10", row, "laptop") for row in (ADAPTIVE, BASE)}
    assert all(len(of) == 5 for of in rows.values())
    place = ("leaf/table-5", "CIFAR-10")
    full_scale(store, *place, BASE, [77.0], seeds=(42,))
    full_scale(store, *place, ADAPTIVE, [84.0], seeds=(42,))
    assert rules.better([PAIR])(Evidence(store)).profile == "laptop"
    assert rules.scale_of(Evidence(store), [(*place, BASE), (*place, ADAPTIVE)]) == "laptop"
    full_scale(store, *place, BASE, [77.0])
    full_scale(store, *place, ADAPTIVE, [84.0])
    assert rules.better([PAIR])(Evidence(store)).profile == "paper"
    assert rules.scale_of(Evidence(store), [(*place, BASE), (*place, ADAPTIVE)]) == "paper"


LEAF_ROWS = ("LEAF as SiLU, P24SI",), ("LEAF as ReLU, P24SI",)
BOUNDED = ("LEAF as Tanh, P24SI", "LEAF as Sigmoid, P24SI")


@pytest.mark.parametrize(
    ("rule", "experiments", "rows"),
    [
        (best_networks, ("leaf/table-2", "leaf/table-3"), ("ReLU",)),
        (plateau, ("leaf/figure-6",), ("Tanh", "LEAF as Tanh, P24SI")),
        (partial(rho1, ("leaf/table-2",), *LEAF_ROWS), ("leaf/table-2",), sum(LEAF_ROWS, ())),
        (partial(rectify, BOUNDED), ("leaf/table-5",), BOUNDED),
        (negative_saturation, ("leaf/table-5",), BOUNDED),
        (same_winners, ("leaf/seeds",), None),
    ],
    ids=["networks", "plateau", "rho1", "rectify", "saturation", "winners"],
)
def test_each_rule_on_training_looks_for_two_seeds_first(store, rule, experiments, rows):
    shape = {
        "quantiles": {f"rho{i}": [[0, 1, 1, 1, 1, 1], [5, 1, 1, 1, 1, 1]] for i in (1, 2, 3, 4)},
        "sample": {f"rho{i}": [1.0] for i in (1, 2, 3, 4)},
        "inputs": {"index": [0], "range": [[-1.0, 1.0]], "counts": [[5] * 40]},
    }
    curves = {"train_loss": [1.0] * 4, "test_loss": [1.0] * 4, "test_accuracy": [50.0, 60.0, 61.0, 62.0]}
    score = {"epoch": 4, "test_accuracy": 62.0}

    def put_all(profile, seeds):
        for experiment in map(get, experiments):
            for cell in experiment.cells:
                if (rows is None or cell.row in rows) and cell.column != "Fashion-MNIST":
                    for seed in seeds:
                        run = experiment.run(cell, profile, seed)
                        scores = {"best_test": score, "last": score}
                        store.put(record_of(run, scores=scores, curves=curves, shapes={"act1": shape}))

    for profile, seeds, deciding in (("paper", [42], "paper"), ("laptop", [42, 100], "laptop"), ("paper", [100], "paper")):
        put_all(profile, seeds)
        assert rule(Evidence(store)).profile == deciding
