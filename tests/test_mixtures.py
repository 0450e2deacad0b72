"""What weighted sums learned, as tables and figures, and the verdicts that rest on it, from made-up records."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from test_records import record_of

from adaptact import Store, claims, mixtures, tables, train
from adaptact.claims import weighted_sum as rules
from adaptact.claims.base import Evidence
from adaptact.experiments import SEEDS, get
from adaptact.experiments.weighted_sum import published, published_name

TABLE = get("weighted_sum/table-1")
START = {"relu": 1 / 3, "tanh": 1 / 3, "sin": 1 / 3}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def put(store, ends, profile="paper", rows=(rules.EQUAL, rules.RANDOM), seeds=SEEDS, columns=("KMNIST",), spread=0.01):
    """Records whose coefficients scatter a little around what `ends` gives for a published data set and a layer."""
    for cell, (number, seed) in itertools.product(TABLE.cells, enumerate(seeds)):
        if cell.row not in rows or cell.column not in ("MNIST", "Fashion-MNIST", *columns):
            continue
        shapes = {}
        for layer in (1, 2, 3):
            end = dict(ends(published_name(cell.column), layer))
            shift = spread * (number - (len(seeds) - 1) / 2)
            end["relu"], end["tanh"] = end["relu"] + shift, end["tanh"] - shift
            shapes[f"act{layer}"] = {"quantiles": {name: [[0, *[START[name]] * 5], [30, *[end[name]] * 5]] for name in START}}
        store.put(record_of(TABLE.run(cell, profile, seed), shapes=shapes))


def printed(name, layer):
    return published()[name, layer]


def even(name, layer):
    return START


def relu_first(name, layer):
    return {"relu": 0.6, "tanh": 0.2, "sin": 0.2} if layer == 1 else {"relu": 0.2, "tanh": 0.35, "sin": 0.45}


def test_the_published_triples_sum_to_one():
    assert len(published()) == 9
    assert all(abs(sum(triple.values()) - 1) < 2e-4 for triple in published().values())
    assert {published_name(cell.column) for cell in TABLE.cells} == {name for name, _ in published()}


@pytest.mark.parametrize(
    ("ends", "verdicts"),
    [
        (printed, ("holds", "holds", "holds in part")),  # the printed table breaks its own sentence in five of six rows
        (relu_first, ("does not hold", "holds", "holds")),
        (even, ("does not hold", "undecided", "undecided")),
    ],
)
def test_verdicts_follow_the_coefficients(store, ends, verdicts):
    put(store, ends)
    found = {claim.id: verdict for claim, verdict in claims.judge(store, "weighted_sum").items()}
    assert len(found) == 5
    said = tuple(found[f"ws-{name}"].verdict for name in ("coefficients", "first-relu", "deeper-convergent"))
    assert said == verdicts
    assert {found[f"ws-{name}"].n for name in ("coefficients", "first-relu")} == {5}


def test_laptop_records_do_not_decide_a_printed_number(store):
    put(store, printed, profile="laptop")
    found = rules.coefficients_agree(Evidence(store))
    assert (found.verdict, found.ours, found.profile) == ("undecided", "27 of 27 agree", "laptop")
    put(store, even, profile="paper")
    assert rules.coefficients_agree(Evidence(store)).verdict == "does not hold"


def test_a_start_that_may_give_any_table_leaves_the_printed_one_undecided(store):
    put(store, even, rows=(rules.EQUAL,))
    put(store, even, rows=(rules.RANDOM,), spread=0.3)
    found = rules.coefficients_agree(Evidence(store))
    assert found.verdict == "undecided"
    assert "from random starts (paper), whose intervals are wide" in found.reason


def test_a_stand_in_is_named_and_gives_way_to_the_set_itself(store):
    put(store, even, columns=("KMNIST, test images split",))
    assert "KMNIST by a split of its test images" in rules.coefficients_agree(Evidence(store)).reason
    put(store, even)
    assert "split" not in rules.coefficients_agree(Evidence(store)).reason


def test_two_data_sets_or_one_seed_decide_nothing(store):
    put(store, even, columns=())
    assert "not all three data sets" in rules.coefficients_agree(Evidence(store)).reason
    put(store, even, seeds=SEEDS[:1], columns=("KMNIST",))
    assert rules.first_relu(rules.EQUAL)(Evidence(store)).verdict == "undecided"


def test_a_new_run_is_expected_within_the_prediction_interval():
    runs = [{"relu": value} for value in (0.3, 0.4, 0.5)]  # mean 0.4, deviation 0.1: half of the interval is 4.30 * 0.1 * 1.155
    assert rules.inside(runs, {"relu": 0.89}) == 1
    assert rules.inside(runs, {"relu": 0.91}) == 0


def test_two_claims_need_no_record(store):
    found = {claim.id: verdict for claim, verdict in claims.judge(store, "weighted_sum").items()}
    assert found["ws-leaky"].verdict == found["ws-relu-dominates"].verdict == "holds in part"
    assert "0.44 to 0.97" in found["ws-leaky"].reason
    assert found["ws-coefficients"].verdict == "undecided"


def test_coefficients_of_a_trained_network_and_the_tables_of_them(tmp_path):
    store = Store(tmp_path)
    for run in TABLE.runs("smoke", [42]):
        store.put(train(run))
    found = tables.collect(TABLE, "smoke", store, [42])
    learned = mixtures.coefficients(found)
    assert set(learned["row"]) == {rules.EQUAL, rules.RANDOM}, "fixed functions have no coefficients"
    sums = learned.groupby(["row", "column", "seed", "layer"])[["start", "end"]].sum()
    assert np.allclose(sums, 1, atol=1e-5)
    equal = learned[learned["row"] == rules.EQUAL]
    assert np.allclose(equal["start"], 1 / 3)
    assert not np.allclose(equal["end"], 1 / 3, atol=1e-4)
    table = mixtures.table_1(equal)
    assert table.loc[("MNIST", 2), ("tanh", "printed")] == "0.492"
    assert table.loc[("MNIST", 2), ("order", "as printed")] in ("0 of 1", "1 of 1")
    assert mixtures.preferences(learned).loc[rules.EQUAL, "layer 1: ReLU largest"].endswith(" of 4")


def test_figures_draw_the_printed_and_the_learned_mixtures(store):
    put(store, printed, spread=0.0)
    learned = mixtures.coefficients(tables.collect(TABLE, "paper", store))
    figure = mixtures.draw_learned(learned[learned["row"] == rules.EQUAL], low=-2, high=2)
    lines = [line.get_ydata() for line in figure.axes[4].get_lines()]
    assert len(lines) == 6  # five seeds and the paper
    assert all(np.allclose(line, lines[-1], atol=1e-4) for line in lines)
    x = torch.linspace(-2, 2, 401)
    assert np.allclose(lines[-1], 0.2907 * torch.relu(x) + 0.7001 * torch.tanh(x) + 0.0091 * torch.sin(x), atol=1e-6)

    figure = mixtures.draw_ranges(published(), highs=(1.0, 50.0))
    assert len(figure.axes) == 6
    assert figure.axes[1].get_lines()[1].get_ydata()[-1] == pytest.approx(50 * 0.4848)

    figure = mixtures.draw_simplex(learned, {rules.EQUAL: "equal"})
    assert len(figure.axes) == 9
    star = figure.axes[0].get_lines()[-1]
    assert star.get_xdata()[0] == pytest.approx(0.5 * 0.4848 + 0.0715)
    assert star.get_ydata()[0] == pytest.approx(0.4848 * 3**0.5 / 2)


def test_a_row_that_names_its_base_is_not_told_it_again(store):
    for cell in get("weighted_sum/beyond").cells:
        score = {"epoch": 1, "test_accuracy": 50.0 if cell.base else 51.0}
        store.put(record_of(get("weighted_sum/beyond").run(cell, "laptop", 42), scores={"best_test": score, "last": score}))
    labels = list(tables.differences(get("weighted_sum/beyond"), "laptop", store).index)
    assert labels[:3] == [f"weighted sum, {pool}" for pool in ("six functions", "products of two", "sums and products")]
    assert labels[3:] == [f"{name} less weighted sum" for name in ("ReLU", "tanh", "sin")]


@pytest.mark.parametrize("recorded", ["KMNIST", "KMNIST, test images split"])
def test_of_a_set_and_its_stand_in_the_one_without_records_is_not_shown(store, recorded):
    put(store, even, columns=(recorded,))
    found = tables.collect(TABLE, "paper", store)
    columns = {cell.column for cell in tables.without_empty_doubles(TABLE, found).cells}
    assert columns == {"MNIST", "Fashion-MNIST", recorded}
    assert len(tables.without_empty_doubles(TABLE, found[:0]).cells) == len(TABLE.cells), "without records nothing is known"
