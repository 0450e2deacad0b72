"""The rules for APALU's claims on image classifiers, Deep SVDD and starts, on made-up records whose right verdict is known."""

import json

import numpy as np
import pytest
from test_records import record_of

from adaptact import APALU, Store, UserError
from adaptact.claims import Evidence
from adaptact.claims.apalu_training import costs_more, gain_in, mean_auc, mean_aucs, on_mnist, sensitive
from adaptact.experiments import get
from adaptact.experiments.apalu import FIVE, GAINS


def put(store, experiment, score, profile="laptop", seeds=(1, 2, 3), noise=0.01, auc=False):
    """Records of an experiment's cells, each with what `score` gives for a row and column, give or take a little."""
    experiment, random = get(experiment), np.random.default_rng(0)
    for cell in experiment.cells:
        for seed in seeds:
            value = score(cell.row, cell.column) + noise * random.standard_normal()
            last = {"epoch": 5, **({"auc": value / 100} if auc else {"test_accuracy": value})}
            store.put(record_of(experiment.run(cell, profile, seed), scores={"last": last, "best_test": last}))
    return Evidence(store)


def ahead(by):
    return lambda row, column: 80.0 + (by if row == "APALU" else 0.0)


@pytest.mark.parametrize(("by", "verdict"), [(1.0, "holds"), (-1.0, "does not hold"), (0.0, "undecided")])
def test_an_order_on_mnist(tmp_path, by, verdict):
    assert on_mnist()(put(Store(tmp_path), "apalu/images", ahead(by))).verdict == verdict


def test_no_records_decide_nothing(tmp_path):
    empty = Evidence(Store(tmp_path))
    for rule in (on_mnist(), gain_in("mobilenet", 0.37), mean_auc(0.8), sensitive, costs_more):
        assert rule(empty).verdict == "undecided"


@pytest.mark.parametrize("model", ["mobilenet", "googlenet"])
def test_a_printed_gain_is_decided_at_full_scale_alone(tmp_path, model):
    rule = gain_in(model, GAINS[model])
    small = rule(put(Store(tmp_path / "small"), "apalu/images", ahead(GAINS[model]), noise=0.001))
    assert small.verdict == "undecided"
    assert "decided at the paper's scale" in small.reason
    full = {name: put(Store(tmp_path / name), "apalu/images", ahead(by), "paper", noise=0.001) for name, by in
            (("printed", GAINS[model]), ("other", 5.0), ("below", -1.0))}  # fmt: skip
    assert {name: rule(evidence).verdict for name, evidence in full.items()} == {
        "printed": "holds",
        "other": "holds in part",
        "below": "does not hold",
    }


def test_the_mean_auc_is_of_seeds_with_every_digit(tmp_path):
    evidence = put(Store(tmp_path), "apalu/svdd", ahead(0.8), "paper", seeds=(1, 2), auc=True)
    means, records = mean_aucs(evidence, "APALU", "paper")
    assert list(means) == [1, 2]
    assert means[1] == pytest.approx(80.8, abs=0.02)
    assert len(records) == 20
    assert mean_auc(0.8)(evidence).verdict == "holds"
    run = get("apalu/svdd").run(get("apalu/svdd").cells[0], "paper", 2)
    evidence.store.path(run).unlink()
    assert list(mean_aucs(Evidence(evidence.store), "APALU", "paper")[0]) == [1]


def test_starts_matter_only_if_one_ends_elsewhere(tmp_path):
    alike = put(Store(tmp_path / "alike"), "apalu/starts", lambda row, column: 97.0)
    assert sensitive(alike).verdict == "undecided"
    apart = put(Store(tmp_path / "apart"), "apalu/starts", lambda row, column: 97.0 - 2 * row.startswith("APALU 1.01"))
    found = sensitive(apart)
    assert found.verdict == "holds"
    assert "of 6 other starts 2 end significantly off" in found.reason


@pytest.mark.parametrize(
    ("times", "verdict"), [((30.0, 20.0), "holds"), ((5.0, 20.0), "holds in part"), ((5.0, 6.0), "does not hold")]
)
def test_cost_is_read_from_the_benchmark(tmp_path, times, verdict):
    def line(activation, mode, time):
        return {"site": "s", "activation": activation, "mode": mode, "forward_us": time / 2, "backward_us": time / 2}

    eager, compiled = times
    sites = [line(name, "eager", 10.0) for name in ("relu", "leaky_relu", "elu", "gelu")]
    sites += [line("apalu", "eager", eager), line("apalu", "compiled", compiled)]
    (tmp_path / "bench.json").write_text(json.dumps({"sites": sites, "machine": {"cpu": "one", "threads": 1}}))
    assert costs_more(Evidence(Store(tmp_path))).verdict == verdict


def test_a_and_b_can_be_held():
    layer = APALU(3, a=1.0, b=0.5, held=("a",))
    assert [name for name, _ in layer.named_parameters()] == ["raw_b"]
    assert list(layer.learned()) == ["b"]
    assert layer.a[0].item() == pytest.approx(1.0)
    assert list(APALU(held=("a", "b")).parameters()) == []
    with pytest.raises(UserError, match="Choose from: a, b"):
        APALU(held=("c",))


def test_the_experiments_compare_the_same_five_functions():
    for name in ("apalu/images", "apalu/svdd"):
        rows = {}
        for cell in get(name).cells:
            rows.setdefault(cell.column, []).append(cell.row)
        assert set(map(tuple, rows.values())) == {tuple(FIVE)}
        leaky = next(cell.run for cell in get(name).cells if cell.row == "Leaky ReLU")
        assert dict(leaky.options) == {"negative_slope": 0.1}
    assert len(get("apalu/svdd").runs("laptop")) == 10 * 5 * 5
