"""Learned shapes from records: evaluation against the formulas, measures whose answers are known, records that lack things."""

import math
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from test_records import record_of

from adaptact import Run, UserError, activations, functional, register, shapes, train
from adaptact.activations import Adaptive, Facts, registry
from adaptact.shapes import comparisons, figures, measures

X = torch.linspace(-3, 3, 60, dtype=torch.float64)
EVEN = np.full(60, 1 / 60)
TRAINED = {  # what the formulas give at values that are no start
    "prelu": ({"weight": -0.3}, lambda x: F.prelu(x, torch.tensor([-0.3], dtype=x.dtype))),
    "leaf": (dict(rho1=0.9, rho2=0.4, rho3=1.3, rho4=-0.2), lambda x: functional.leaf(x, 0.9, 0.4, 1.3, -0.2)),
    "ahaf": (dict(beta=1.2, gamma=0.7), lambda x: functional.ahaf(x, 1.2, 0.7)),
    "trainable_swish": (dict(gamma=0.7), lambda x: functional.ahaf(x, 1.0, 0.7)),
    "trainable_pltanh": (dict(alpha=-0.4), lambda x: functional.pltanh(x, -0.4)),
    "apalu": (dict(a=0.8, b=0.3), lambda x: functional.apalu(x, 0.8, 0.3)),
    "weighted_sum": (dict(relu=0.5, tanh=0.2, sin=0.3), lambda x: functional.weighted_sum(x, (0.5, 0.2, 0.3))),
}
DIGITS = Run(dataset="digits", train_images=64, model="mlp", depth=2, fc_width=8, activation="leaf", init="silu",
             granularity="neuron", epochs=1, seed=42, activation_lr=0.05)  # fmt: skip


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """What a test registers and draws is gone after it."""
    monkeypatch.setattr(registry, "_REGISTRY", {**registry._REGISTRY})
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def record():
    return train(DIGITS)


def frame(*rows):
    """A table as `tables.collect` gives it."""
    return pd.DataFrame([{"row": row, "column": "here", "seed": of.run.seed, "record": of} for row, of in rows])


# --- evaluation ------------------------------------------------------------------------------------------------------


def test_every_trainable_function_of_the_package_is_tried():
    assert {name for name in registry.BUILT_IN if activations.is_trainable(name)} == TRAINED.keys()


@pytest.mark.parametrize("name", TRAINED)
def test_recorded_values_give_the_formula(name):
    values, formula = TRAINED[name]
    torch.testing.assert_close(shapes.evaluate(name, values, X), formula(X))


@pytest.mark.parametrize("name", TRAINED)
def test_what_a_record_keeps_of_a_fresh_function_gives_that_function(name):
    module = activations.make(name, (1,)).double()
    learned = module.learned() if isinstance(module, Adaptive) else dict(module.named_parameters())
    values = {label: value.item() for label, value in learned.items()}
    torch.testing.assert_close(shapes.evaluate(name, values, X), module(X[:, None])[:, 0].detach())


def test_options_of_the_run_count():
    functions = ("relu", "relu*sin")
    got = shapes.evaluate("weighted_sum", {"relu": 0.75, "relu_sin": 0.25}, X, functions=functions)
    torch.testing.assert_close(got, functional.weighted_sum(X, (0.75, 0.25), functions))
    got = shapes.evaluate("leaf", {"rho1": 2.0}, X, init="tanh", held=("rho2", "rho3", "rho4"))
    torch.testing.assert_close(got, functional.leaf(X, 2.0, 2.0, 2.0, -1.0))
    got = shapes.evaluate("apalu", {"a": 2.0}, X, b=0.5, held="b")
    torch.testing.assert_close(got, functional.apalu(X, 2.0, 0.5))


def test_ones_own_functions_are_drawn_too():
    @register("own_module")
    class Own(torch.nn.Module):
        def __init__(self, num_parameters=1):
            super().__init__()
            self.steep = torch.nn.Parameter(torch.ones(num_parameters))

        def forward(self, x):
            return torch.tanh(self.steep * x)

    torch.testing.assert_close(shapes.evaluate("own_module", {"steep": 3.0}, X), torch.tanh(3 * X))
    made = train(replace(DIGITS, activation="own_module", init=None))
    units = shapes.units(made)
    assert [unit.site for unit in units] == ["act1"] * 5 + ["act2"] * 5
    steep = made.shapes["act2"]["sample"]["steep"][1]
    assert steep != 1
    torch.testing.assert_close(units[6].learned(X), torch.tanh(steep * X))
    torch.testing.assert_close(units[6].start(X), torch.tanh(X))

    class Squared(Adaptive):
        starts = {"one": {"root": 1.0}}

        def __init__(self, num_parameters=1, *, init="one"):
            super().__init__(num_parameters, init=init)

        def values(self):
            return {"slope": self.root**2}

        def forward(self, x):
            return self.expanded(x)[0] ** 2 * x

    register("own_squared", facts=Facts(function=lambda x, slope: slope * x))(Squared)
    torch.testing.assert_close(shapes.evaluate("own_squared", {"slope": 4.0}, X), 4 * X)


def test_what_cannot_be_evaluated_is_said_in_one_line():
    class Made(Adaptive):
        starts = {"one": {"root": 1.0}}

        def __init__(self, num_parameters=1, *, init="one"):
            super().__init__(num_parameters, init=init)

        def values(self):
            return {"slope": self.root**2}

    class Several(torch.nn.Module):
        def __init__(self, num_parameters=1):
            super().__init__()
            self.terms = torch.nn.Parameter(torch.ones(3))

    register("own_made")(Made)
    register("own_several")(Several)
    for name, values, words in (
        ("leaf", {"rho5": 1.0}, "leaf has no rho5; choose from: rho1, rho2, rho3, rho4."),
        ("tanh", {"a": 1.0}, "tanh has no a; choose from: nothing, it is fixed."),
        ("own_made", {"slope": 1.0}, r"register it with facts=Facts\(function=...\)"),
        ("own_several", {"terms": 1.0}, "terms of several numbers for one unit"),
    ):
        with pytest.raises(UserError, match=words) as error:
            shapes.evaluate(name, values, X)
        assert "\n" not in str(error.value)


# --- inputs ----------------------------------------------------------------------------------------------------------


def test_units_are_those_of_the_sample(record):
    units = shapes.units(record)
    assert len(units) == 10
    sample, inputs = (record.shapes["act2"][kind] for kind in ("sample", "inputs"))
    assert [unit.place for unit in units[5:]] == sample["index"]
    values = {name: of[3] for name, of in sample.items() if name != "index"}
    torch.testing.assert_close(units[8].learned(X), functional.leaf(X, **values))
    torch.testing.assert_close(units[8].start(X), F.silu(X))
    torch.testing.assert_close(shapes.units(record, look=0)[8].learned(X), F.silu(X))
    low, high = inputs["range"][3]
    assert low < units[8].x[0] < units[8].x[-1] < high
    middles = np.linspace(low, high, 41)[:-1] + (high - low) / 80
    mean = np.average(middles, weights=inputs["counts"][3])
    assert (units[8].weight.sum(), units[8].weight @ units[8].x) == (pytest.approx(1), pytest.approx(mean))


def test_pooled_groups_have_equal_shares():
    def unit(low, high):
        edges = np.linspace(low, high, 9)
        return shapes.Unit("a", 0, torch.relu, torch.relu, (edges[1:] + edges[:-1]) / 2, np.full(8, 1 / 8))

    groups = [[unit(0, 1)], [unit(2, 3), unit(2, 3), unit(3, 4)]]
    found = shapes.spread(groups, np.array([-1.0, 0.0, 1.0, 2.0, 2.5, 3.0, 4.0]))
    assert found == pytest.approx([0, 1, 0, 1 / 3, 1 / 3, 1 / 3])
    x, weight = shapes.pooled(groups)
    assert len(x) == shapes.BINS
    assert weight.sum() == pytest.approx(1)
    assert weight[x < 1.5].sum() == pytest.approx(0.5, abs=0.002)
    assert (x[0], x[-1]) == (pytest.approx(0, abs=0.02), pytest.approx(4, abs=0.02))
    assert shapes.pooled([[replace(unit(0, 1), x=None, weight=None)]]) == (None, None)


# --- measures --------------------------------------------------------------------------------------------------------


def measure(learned, start=torch.clone, weight=EVEN):
    return measures.measures(learned, start, X.numpy(), weight)


def test_apart_is_what_least_squares_leave():
    rng = np.random.default_rng(0)
    a, b, weight = rng.normal(size=50), rng.normal(size=50), rng.dirichlet(np.ones(50))
    root = np.sqrt(weight)[:, None]
    fit = np.linalg.lstsq(root * np.stack([b, np.ones(50)], 1), root[:, 0] * a, rcond=None)[0]
    left = a - fit[0] * b - fit[1]
    spread = weight @ (a - weight @ a) ** 2
    assert measures.apart(a, b, weight) == pytest.approx(np.sqrt(weight @ left**2 / spread))
    assert measures.apart(b, a, weight) == pytest.approx(measures.apart(a, b, weight))
    assert measures.apart(a, 3 - 2 * a, weight) == pytest.approx(0, abs=1e-7)
    assert math.isnan(measures.apart(a, np.ones(50), weight))


def test_measures_of_the_identity():
    found = measure(torch.clone)
    assert (found["moved"], found["bent"], found["falling"], found["flat"]) == pytest.approx((0, 0, 0, 0), abs=1e-7)
    assert [found[name] for name in ("slope at zero", "left slope", "right slope")] == pytest.approx([1, 1, 1])
    assert found["convexity"] == pytest.approx(0, abs=1e-9)
    assert (found["nearest"], found["distance"]) == ("identity", pytest.approx(0, abs=1e-7))


def test_measures_of_relu():
    found = measure(F.relu)
    assert found["slope at zero"] == pytest.approx(0.5)
    assert (found["left slope"], found["right slope"], found["convexity"]) == pytest.approx((0, 1, 1))
    assert (found["flat"], found["falling"]) == (pytest.approx(0.5), 0)
    assert (found["nearest"], found["nearest at the start"]) == ("ReLU", "identity")
    assert found["distance"] == pytest.approx(0, abs=1e-7)
    # On inputs spread evenly from -c to c: covariance c²/6, variances c²/3 and 5c²/48, so that r² is 0.8.
    assert found["to identity"] == pytest.approx(math.sqrt(1 - 0.8), abs=0.01)


def test_measures_of_tanh():
    found = measure(lambda x: 5 - 2 * torch.tanh(x), torch.tanh)
    assert found["slope at zero"] == pytest.approx(-2 * math.tanh(0.1) / 0.1)
    assert found["falling"] == pytest.approx(1)
    assert found["convexity"] == pytest.approx(0, abs=1e-9)
    assert found["bent"] == pytest.approx(0, abs=1e-7), "scaled and shifted, it is its start"
    assert (found["nearest"], found["distance"]) == ("tanh", pytest.approx(0, abs=1e-7))
    start = np.tanh(X.numpy())
    moved = np.sqrt(np.mean((5 - 3 * start) ** 2))
    assert found["moved"] == pytest.approx(moved)
    assert found["spread"] == pytest.approx(start.std())


def test_the_inputs_own_distribution_counts():
    weight = np.where(X.numpy() > 0, 1 / 30, 0)
    found = measure(F.relu, weight=weight)
    assert (found["moved"], found["flat"]) == (0, 0)
    assert found["nearest"] in ("ReLU", "identity")
    assert found["to identity"] == pytest.approx(0, abs=1e-7), "where its inputs are, it is a straight line"
    assert math.isnan(found["convexity"]), "no inputs below zero"


def test_a_constant_resembles_nothing():
    found = measure(lambda x: 0 * x + 1, F.relu)
    assert (found["nearest"], found["flat"]) == ("none", pytest.approx(1))
    assert math.isnan(found["distance"])
    assert math.isnan(found["convexity"])


def test_agreement_of_changes():
    up, down, other = np.array([1.0, 1.0]), np.array([-3.0, -3.0]), np.array([1.0, -1.0])
    even = np.array([0.5, 0.5])
    assert comparisons.agreement([up, 2 * up], even) == pytest.approx(1)
    assert comparisons.agreement([up, down], even) == pytest.approx(-1)
    assert comparisons.agreement([up, other], even) == pytest.approx(0, abs=1e-12)
    assert comparisons.agreement([up, up, down], even) == pytest.approx(-1 / 3)
    assert comparisons.agreement([up], even, [down, 0 * up]) == pytest.approx(-1), "what did not change has no direction"
    assert math.isnan(comparisons.agreement([up], even))


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_survey_of_records(record):
    other = train(replace(DIGITS, seed=100))
    found = measures.survey(frame(("LEAF", record), ("LEAF", other)))
    assert len(found) == 20
    estimates = measures.by_layer(found, "moved")
    assert list(estimates) == [("LEAF", "act1"), ("LEAF", "act2")]
    means = found[found["site"] == "act1"].groupby("seed")["moved"].mean()
    assert (estimates["LEAF", "act1"].mean, estimates["LEAF", "act1"].n) == (pytest.approx(means.mean()), 2)
    assert means.min() > 0
    spread = found[found["site"] == "act1"].groupby("seed")["spread"].mean()
    ratio = measures.by_layer(found, "moved", "spread")["LEAF", "act1"]
    assert ratio.mean == pytest.approx((means / spread).mean())
    assert not len(measures.by_seed(found.assign(spread=0.0), "moved", "spread")), "nothing to compare it with"
    start = measures.survey(frame(("LEAF", record)), look=0)
    assert start["moved"].max() < 1e-15
    assert set(start["nearest"]) <= {"SiLU", "none"}


def test_forms_and_pairs(record):
    prelu = train(replace(DIGITS, activation="prelu", init=None, granularity="layer"))
    curves, inputs = comparisons.forms(frame(("LEAF", record), ("PReLU", prelu)))
    assert list(inputs) == ["act1", "act2"]
    leaf = curves[(curves["row"] == "LEAF") & (curves["site"] == "act2")].iloc[0]
    x, weight = inputs["act2"]
    assert leaf["changes"].shape == (5, len(x))
    assert leaf["start"] == pytest.approx(F.silu(torch.from_numpy(x)).numpy())
    learned = [unit.learned(torch.from_numpy(x)).numpy() for unit in shapes.units(record)[5:]]
    assert leaf["learned"] == pytest.approx(np.median(learned, 0))
    pairs = comparisons.pairs(curves, inputs)
    assert list(pairs["site"]) == ["act1", "act2"]
    assert set(pairs[["first", "second"]].iloc[0]) == {"LEAF", "PReLU"}
    wanted = measures.apart(F.silu(torch.from_numpy(x)).numpy(), np.where(x > 0, x, 0.25 * x), weight)
    assert pairs["start"].iloc[1] == pytest.approx(wanted)


def test_agreements_of_functions(record):
    """PReLU can change in one way only; a seed of the opposite sign makes it disagree."""
    prelu = replace(DIGITS, activation="prelu", init=None, granularity="layer")

    def made(seed, first, second):
        inputs = {"index": [0], "range": [[-2.0, 2.0]], "counts": [[1] * 40]}
        path = {site: {"weight": [[0, 0.25], [1, value]]} for site, value in (("act1", first), ("act2", second))}
        shape = {site: {"path": of, "sample": {"index": [0]}, "inputs": inputs} for site, of in path.items()}
        return record_of(replace(prelu, seed=seed), shapes=shape)

    found = frame(
        ("alike", made(1, 0.3, 0.5)), ("alike", made(2, 0.4, 0.3)), ("unlike", made(1, 0.3, 0.0)), ("unlike", made(2, 0.1, 0.5))
    )
    agreed = comparisons.agreements(found)
    assert list(agreed.loc["alike"])[1:] == pytest.approx([1, 1, 0])
    assert list(agreed.loc["unlike"])[1:] == pytest.approx([-1, -1, 0])
    assert agreed["units"].isna().all()
    assert not np.isnan(comparisons.agreements(frame(("LEAF", record)))["units"].iloc[0])
    curves, inputs = comparisons.forms(frame(("LEAF", record)), together=True)
    assert inputs["act1"] == inputs["act2"]
    assert len(curves) == 2


def test_records_that_lack_things(record):
    without = {site: {key: of for key, of in shape.items() if key != "inputs"} for site, shape in record.shapes.items()}
    oldest = {
        site: {key: of for key, of in shape.items() if key in ("quantiles", "sample")} for site, shape in record.shapes.items()
    }
    looked = {site: {key: of for key, of in shape.items() if key in ("quantiles", "path")} for site, shape in record.shapes.items()}
    wanted = shapes.units(record)[7]
    for old in (without, oldest, looked):
        units = shapes.units(replace(record, shapes=old))
        assert len(units) == 10
        assert units[7].x is None
        torch.testing.assert_close(units[7].learned(X), wanted.learned(X))
        torch.testing.assert_close(units[7].start(X), wanted.start(X))
        found = frame(("LEAF", replace(record, shapes=old)))
        assert not len(measures.survey(found))
        curves, inputs = comparisons.forms(found)
        assert not len(curves)
        assert inputs == {}
        assert measures.by_layer(measures.survey(found), "moved") == {}
        assert len(figures.draw_atlas(found).axes) == 2, "drawn without the inputs"
    assert shapes.units(replace(record, shapes={site: {"quantiles": of["quantiles"]} for site, of in record.shapes.items()})) == []
    assert shapes.units(record_of(replace(DIGITS, activation="relu", init=None, granularity=None))) == []


def test_a_run_that_diverged(record):
    shape = record.shapes["act1"]
    path = {name: [*rows[:-1], [rows[-1][0], None, *rows[-1][2:]]] for name, rows in shape["path"].items()}
    inputs = {**shape["inputs"], "range": [None] * 5, "counts": [None] * 5}
    diverged = replace(record, status="diverged", shapes={**record.shapes, "act1": {**shape, "path": path, "inputs": inputs}})
    units = shapes.units(diverged)
    assert [unit.site for unit in units] == ["act1"] * 4 + ["act2"] * 5
    assert all(unit.x is None for unit in units[:4])
    assert set(measures.survey(frame(("LEAF", diverged)))["site"]) == {"act2"}
    assert figures.draw_atlas(frame(("LEAF", diverged)))


def test_figures_have_a_panel_a_row_and_site(record):
    other = train(replace(DIGITS, depth=1, activation="prelu", init=None, granularity="layer"))
    found = frame(("LEAF", record), ("PReLU", other), ("ReLU", record_of(replace(other.run, activation="relu", granularity=None))))
    figure = figures.draw_atlas(found)
    assert [axis.get_visible() for axis in figure.axes] == [True, True, True, False], "the second network has one site"
    lines = figure.axes[0].get_lines()
    assert len(lines) == 5 + 3, "the units, their median twice, the start"
    low, high = lines[-2].get_xdata()[[0, -1]]
    inside = shapes.spread([shapes.units(record)[:5]], np.array([low, high])).item()
    assert inside == pytest.approx(0.98, abs=0.02), "bold where the inputs are"
    x = torch.linspace(-4, 4, 321, dtype=torch.float64)
    assert lines[-1].get_ydata() == pytest.approx(F.silu(x).numpy())
    changes = figures.draw_atlas(found, changes=True).axes[0].get_lines()
    assert changes[0].get_ydata() == pytest.approx(lines[0].get_ydata() - lines[-1].get_ydata())
    assert not np.any(changes[-1].get_ydata())
    assert figures.draw_atlas(found[found["row"] == "ReLU"]) is None
    estimates = measures.by_layer(measures.survey(found), "moved")
    figure = figures.draw_by_layer({"moved": estimates}, ["act1", "act2"])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["LEAF", "PReLU"]
