"""The rules for the claims on class imbalance, in made-up worlds where the right verdict is known."""

import functools
import json
import re

import numpy as np
import pytest
from test_records import record_of

from adaptact import Store
from adaptact.claims import CLAIMS, Evidence
from adaptact.claims.contrasts import Contrast, Place, beyond, by_seed, contrasted, difference, interaction, judged, table
from adaptact.claims.imbalance_choice import depends, interacts, not_alone, on_the_network, on_the_ratio, reliable, varies_less
from adaptact.claims.imbalance_cost import cheapest, only_slightly, swish_costs_more
from adaptact.claims.imbalance_measures import dead, lost_more, minority_dead, pr_auc, rises
from adaptact.experiments import SEEDS, get

RATIOS = "imbalance/ratios"
SITE = {"dead": 0.1, "nearly_dead": 0.2, "mean": 0.5, "minority_dead": 0.2, "majority_dead": 0.1}
KNOWN = {}


@functools.cache
def little(*of):
    """A small number that looks random and is the same each time."""
    return np.random.default_rng(list("/".join(map(str, of)).encode())).normal(scale=0.02)


class Made(Evidence):
    """Evidence whose records are made up: what `world` says of an experiment, a column and a row, give or take a little."""

    def __init__(self, world, seeds=SEEDS, status="done"):
        super().__init__(None)
        self.world, self.seeds, self.status = world, seeds, status

    def records(self, experiment, column, row, profile):
        if (experiment, column, row) not in KNOWN:
            KNOWN.update({(experiment, cell.column, cell.row): cell.run for cell in get(experiment).cells})
        run = KNOWN[experiment, column, row]  # an unknown cell is an error, as with real records
        found = {}
        for seed in self.seeds:
            noise = little(seed, experiment, column, row)
            given = self.world(experiment, column, row)
            score = given.get("score", 50) + noise
            units = {
                name: value + noise / 100 * (not name.startswith("majority"))
                for name, value in (SITE | given.get("units", {})).items()
            }
            gradients = {"minority_first": 1.0, "minority_last": 1.0, "majority_first": 1.0, "majority_last": 1.0}
            gradients |= given.get("gradients", {})
            curves = {f"{name}_gradient": [value * 10 ** (noise * (name == "minority_first"))] for name, value in gradients.items()}
            curves["train_loss"] = given.get("losses", [1.0, 0.5, 0.4, 0.3])
            curves["train_loss"] = [loss * 10 ** (noise / 10) for loss in curves["train_loss"]]
            last = {"epoch": 4, **dict.fromkeys(("test_accuracy", "pr_auc", "macro_f1", "minority_recall"), score)}
            made = {"scores": {"last": last}, "units": {"act1": units}, "curves": curves, "status": self.status}
            found[seed] = record_of(run, **made)
        return found


def flat(experiment, column, row):
    return {}


def ratio_of(column):
    """The ratio of a column; 50 where it names none."""
    tail = column.rpartition("1:")[2]
    return float(tail) if tail.isdigit() else 50.0


def verdict(claim, world, **of):
    return CLAIMS[claim].rule(Made(world, **of)).verdict


def parts_of(claim, world):
    """The verdict of each part by its name."""
    said = CLAIMS[claim].rule(Made(world)).reason
    return re.findall(r": (holds in part|holds|does not hold|undecided),", said)


A, B, C, D = (Place(RATIOS, column, row) for column in ("1:1", "1:50") for row in ("ReLU", "ELU"))


def test_contrasts_are_taken_seed_by_seed():
    made = Made(lambda experiment, column, row: {"score": 60 + 5 * (row == "ELU") + 10 * (row == "ELU" and column == "1:50")})
    np.testing.assert_allclose(by_seed(made, difference("", B, A), pr_auc), 5, atol=0.2)
    np.testing.assert_allclose(by_seed(made, interaction("", (D, C), (B, A)), pr_auc), 10, atol=0.2)
    exact = [made.records(*D, "laptop")[seed].scores["last"]["pr_auc"] for seed in sorted(SEEDS)]
    exact = np.array(exact) - [made.records(*C, "laptop")[seed].scores["last"]["pr_auc"] for seed in sorted(SEEDS)]
    np.testing.assert_allclose(by_seed(made, difference("", D, C), pr_auc), exact)
    assert by_seed(Made(flat, status="diverged"), Contrast("", (A,), (B,)), pr_auc).size == 0
    shown = table(made, [difference("of both", B, A)], pr_auc).loc["of both"]
    assert shown["n"] == 5
    assert shown["mean [95 % interval]"].startswith(("+5.0 [", "+4.9 ["))
    assert table(Made(flat, seeds=[]), [difference("of none", B, A)], pr_auc).empty


def test_thresholds_decide_for_and_against():
    noise = np.random.default_rng(0).normal(scale=0.1, size=5)
    wide = np.array([-9, 7, -4, 8, 1.0])
    assert judged([noise + 5, noise - 5, noise, wide], 0, 2) == ([True, False, False, False], [False, True, True, False])
    assert judged([noise + 1], 0, 2) == ([True], [False]), "small, but there"
    assert judged([noise - 1, noise - 3], -2, -2) == ([True, False], [False, True]), "not inferior by more than two"
    assert (beyond(np.zeros(5), 1, "less"), beyond(np.zeros(5), 0, "greater")) == (0, 1), "no spread at all"


def test_a_rule_needs_five_seeds_and_says_what_makes_them():
    rule = contrasted([difference("it", B, A)], pr_auc, ("above", "below"))
    few = rule(Made(flat, seeds=SEEDS[:4]))
    assert few.verdict == "undecided"
    assert "imbalance/ratios makes them" in few.reason
    made = Made(lambda e, c, row: {"score": 50 + (row == "ELU")})
    found = rule(made)
    assert (found.verdict, found.n, found.profile) == ("holds", 5, "laptop")
    assert "for it it" in found.reason


def test_gradients_that_vanish_for_the_minority_and_those_that_do_not():
    def vanish(experiment, column, row):
        ratio, layers = ratio_of(column), float(column.partition(" ")[0]) if "layers" in column else 5
        score = 90 - (ratio > 1) * layers
        return {"gradients": {"minority_first": 1 / ratio}, "score": score}

    assert verdict("imb-gradient", vanish) == "holds"
    assert verdict("imb-gradient", flat) == "does not hold"

    def larger(experiment, column, row):
        return {"gradients": dict.fromkeys(("minority_first", "minority_last"), ratio_of(column))}

    assert parts_of("imb-gradient", larger) == ["does not hold"] * 3, "what is larger on the whole way does not vanish"
    record = Made(lambda *_: {"gradients": {"minority_first": 1e-3, "majority_first": 1e-1}}).records(*A, "laptop")[42]
    assert lost_more(record) == pytest.approx(2, abs=0.1)


def test_dying_is_of_all_units_and_of_the_minority():
    def die(experiment, column, row):
        more = 0.2 * (ratio_of(column) > 1)
        return {"units": {"dead": 0.1 + more, "minority_dead": 0.2 + more}}

    assert verdict("imb-dying", die) == "holds"
    assert verdict("imb-dying", flat) == "does not hold"
    assert parts_of("imb-dying", lambda *of: {"units": {"dead": die(*of)["units"]["dead"]}}) == ["holds", "does not hold"]
    record = Made(flat).records(*A, "laptop")[42]
    assert dead(record) == pytest.approx(10, abs=0.2)
    assert minority_dead(record) == pytest.approx(10, abs=0.1)


def better(row_wanted, by, where=lambda column: True):
    return lambda experiment, column, row: {"score": 50 + by * (row.startswith(row_wanted) and where(column))}


def test_leaks_and_elu():
    alive = {"units": {"dead": 0.0, "nearly_dead": 0.0}}
    assert parts_of("imb-leaky", lambda e, c, row: alive if row == "Leaky ReLU" else {}) == ["holds", "does not hold"]
    assert parts_of("imb-leaky", better("Leaky", 5)) == ["does not hold", "holds"]

    class Exact(Made):  # zero exactly, and not give or take a little
        def records(self, *of):
            found = super().records(*of)
            for record in found.values():
                record.units["act1"]["dead"] = self.world(*of[:3]).get("units", SITE)["dead"]
            return found

    rule = CLAIMS["imb-elu"].rule
    assert rule(Exact(lambda e, c, row: alive if row == "ELU" else {})).verdict == "holds"
    assert rule(Exact(flat)).verdict == "does not hold"
    assert rule(Exact(lambda *_: alive)).verdict == "does not hold", "no unit of ReLU is dead either, and none is saved"


def test_prelu_above_leaky_relu_and_the_more_so():
    assert parts_of("imb-prelu", better("PReLU", 5)) == ["holds", "does not hold"], "no interaction"
    assert parts_of("imb-prelu", better("PReLU", 5, lambda column: ratio_of(column) > 1)) == ["holds", "holds"]
    assert verdict("imb-prelu", better("PReLU", -5)) == "does not hold"
    assert verdict("imb-prelu", flat, seeds=SEEDS[:2]) == "undecided"


def test_elus_mean_and_speed():
    assert verdict("imb-elu-mean", lambda e, c, row: {"units": {"mean": -0.1 if row == "ELU" else 0.5}}) == "holds"
    assert verdict("imb-elu-mean", lambda e, c, row: {"units": {"mean": -0.9 if row == "ELU" else 0.5}}) == "does not hold"

    def helps(experiment, column, row):
        gain = 10 * ("noise" in column and not column.startswith("0")) + 10 * (ratio_of(column) > 1) + 3
        return {"score": 50 + gain * (row == "ELU"), "losses": [0.5 if row == "ELU" else 1.0] * 4}

    assert parts_of("imb-elu-speed", helps) == ["holds"] * 4
    assert parts_of("imb-elu-speed", better("ELU", 5)) == ["does not hold", "holds", "does not hold", "does not hold"]


def test_swish_with_depth_and_remedies():
    rising = {"losses": [1.0, 2.0, 1.0, 2.0]}
    found = parts_of("imb-swish-depth", lambda e, column, row: rising if row == "ReLU" else {"score": 60})
    assert found[0] == "holds"
    assert found[2:] == ["holds", "does not hold"]
    assert rises(Made(lambda *_: rising).records(*A, "laptop")[42]) == 2
    assert verdict("imb-swish-costsens", better("Swish", 5)) == "does not hold", "as much with a remedy as without"
    assert verdict("imb-swish-costsens", better("Swish", 5, lambda column: column != "nothing")) == "holds"


def test_a_deviation_over_seeds_is_compared():
    class Spread(Made):
        def records(self, experiment, column, row, profile):
            found = super().records(experiment, column, row, profile)
            for number, record in enumerate(found.values()):
                record.scores["last"]["macro_f1"] = 50 + (0.01 if row == "Swish" else 10) * (number - 4.5)
            return found

    assert varies_less("Swish", "ReLU")(Spread(flat, seeds=range(10))).verdict == "holds"
    assert varies_less("ReLU", "Swish")(Spread(flat, seeds=range(10))).verdict == "does not hold"


def test_reliable_is_never_far_below_the_best():
    assert reliable(Made(flat)).verdict == "holds"
    assert reliable(Made(better("Swish", 5))).verdict == "does not hold"
    once = reliable(Made(lambda e, column, row: {"score": 40 if (column, row) == ("CIFAR-10", "ReLU") else 50}))
    assert once.verdict == "holds in part"
    assert "ReLU (CIFAR-10)" in once.reason
    assert not_alone(Made(better("Swish", 5))).verdict == "does not hold"
    assert not_alone(Made(better("Swish", -5))).verdict == "holds"


def test_the_best_choice_depends_if_two_functions_change_places():
    def crossing(experiment, column, row):
        return {"score": 50 + 5 * (row == ("ELU" if "1:50" in column and "CNN" not in column else "ReLU"))}

    assert on_the_ratio(Made(crossing)).verdict == on_the_network(Made(crossing)).verdict == "holds"
    assert on_the_ratio(Made(better("ELU", 5))).verdict == "does not hold"
    assert on_the_ratio(Made(flat, seeds=SEEDS[:3])).verdict == "undecided"

    def weaker(experiment, column, row):  # the best one is clear in each, another each time, and never the loser of both ends
        order = {"1:1": "ReLU", "1:10": "ELU", "1:50": "Swish", "1:100": "PReLU"}
        return {"score": 50 + 4 * (row == order[column])}

    assert depends({"1:1": (RATIOS, "1:1"), "1:10": (RATIOS, "1:10")}, pr_auc, "it")(Made(weaker)).verdict == "holds"


def test_an_analysis_of_variance_finds_an_interaction():
    noise = np.random.default_rng(0)
    same = {c: {row: 5 * (row == "b") + noise.normal(size=8) for row in "ab"} for c in ("x", "y")}
    turned = {c: {row: 5 * ((row == "b") == (c == "x")) + noise.normal(size=8) for row in "ab"} for c in ("x", "y")}
    assert interacts(same) > 0.05
    assert interacts(turned) < 0.001


def test_costs_are_those_that_were_measured(tmp_path):
    stored = Evidence(Store(tmp_path))
    assert cheapest(stored).verdict == only_slightly(stored).verdict == swish_costs_more(stored).verdict == "undecided"
    ratios = [1.5, 1.6, 1.7, 2.0, 1.4, 1.9, 2.1, 1.8]
    names = ("leaky_relu", "prelu", "elu", "silu", "tanh", "sigmoid")

    def write(ratios, step):
        sites = [{"activation": name, "mode": "eager", "to_relu": ratio} for name in names for ratio in ratios]
        steps = [{"network": name, "activation": "silu", "mode": "eager", "to_relu": step} for name in ("a", "b")]
        machine = {"cpu": "it", "threads": 2}
        (tmp_path / "bench.json").write_text(json.dumps({"sites": sites, "steps": steps, "machine": machine}))

    write(ratios, 1.05)
    assert [rule(stored).verdict for rule in (cheapest, swish_costs_more, only_slightly)] == ["holds"] * 3
    write([1 / ratio for ratio in ratios], 1.5)
    assert [rule(stored).verdict for rule in (cheapest, swish_costs_more, only_slightly)] == ["does not hold"] * 3


def test_thirteen_claims_of_which_none_needs_a_printed_number():
    found = [claim for claim in CLAIMS.values() if claim.paper == "imbalance"]
    assert [claim.id.removeprefix("imb-") for claim in found] == [
        "gradient", "relu-flow", "dying", "leaky", "prelu", "elu", "elu-mean", "elu-speed", "swish-depth", "swish-cost",
        "swish-costsens", "reliable", "depends",
    ]  # fmt: skip
    assert all(claim.published is None for claim in found)
