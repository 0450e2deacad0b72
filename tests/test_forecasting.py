"""Stock prices and a random walk: windows, walk-forward blocks, the naive forecast, and the rule for APALU's claim."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_records import record_of

from adaptact import Run, Store, UserError, data, train
from adaptact.claims import CLAIMS, Evidence
from adaptact.claims.apalu_regression import FORECASTING, STOCK_COLUMNS, beside_naive, forecasts_better
from adaptact.data import prices, sets
from adaptact.data.prices import APPLE, DAYS, TEST, TRAIN, WINDOW, Windows
from adaptact.experiments import SEEDS, get
from adaptact.experiments.apalu_regression import NETWORKS, SERIES
from adaptact.measure import _random_images
from adaptact.training import build_model, parts

RUN = Run(dataset="random_walk", train_images=TRAIN, model="gru", activation="tanh", epochs=2, seed=42, augment=False, fold=3)


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()


def closes():
    """506 made-up closing prices."""
    return np.round(100 + np.random.default_rng(1).standard_normal(DAYS).cumsum(), 2)


def write(folder, values, name="AAPL.Close"):
    """A file in the form of the published one."""
    path = folder / "sequences" / APPLE
    path.parent.mkdir(exist_ok=True)
    lines = ["Date,AAPL.Open,AAPL.High,AAPL.Low," + name + ",AAPL.Volume,AAPL.Adjusted,dn,mavg,up,direction"]
    lines += [f"day {number},1,2,3,{value},5,6,7,8,9,Increasing" for number, value in enumerate(values)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_windows_are_in_order_and_what_follows_comes_next():
    values = np.arange(DAYS, dtype=float) ** 1.5
    for change in (False, True):
        loaded = Windows(lambda folder: values, change).read(None)
        assert loaded.train_images.shape == (TRAIN, 1, WINDOW, 1)
        assert loaded.test_images.shape == (TEST, 1, WINDOW, 1)
        windows = torch.cat([loaded.train_images, loaded.test_images]).flatten(1)
        labels = torch.cat([loaded.train_labels, loaded.test_labels])
        for first in (0, 1, 200, DAYS - WINDOW - 1):
            assert windows[first].tolist() == values[first : first + WINDOW].astype(np.float32).tolist()
            following = values[first + WINDOW] - (values[first + WINDOW - 1] if change else 0)
            assert labels[first] == np.float32(following)
        assert len(windows) == DAYS - WINDOW


def test_the_naive_forecast_is_that_nothing_changes():
    series = np.arange(DAYS, dtype=float)
    loaded = Windows(lambda folder: series).read(None)
    assert (loaded.test_labels - Windows(None).naive(loaded.test_images)).tolist() == [1.0] * TEST
    assert Windows(None, change=True).naive(loaded.test_images).tolist() == [0.0] * TEST


def test_the_random_walk_is_the_same_everywhere_and_forgets():
    values = prices.walk(None)
    assert values[:3].tolist() == pytest.approx([101.76405235, 102.16420955, 103.14294753])
    steps = np.diff(values)
    assert abs(steps.mean()) < 0.1
    assert 0.9 < steps.std() < 1.1
    assert abs(np.corrcoef(steps[:-1], steps[1:])[0, 1]) < 0.1
    assert data.fetch("random_walk") == "random walk: needs no files, nothing to fetch."


@pytest.mark.parametrize("fold", range(1, 6))
def test_a_fold_is_a_block_after_all_that_it_is_trained_on(fold):
    series = np.arange(DAYS, dtype=float)  # a value is its day
    loaded = Windows(lambda folder: series).read(None)
    split = parts(replace(RUN, fold=fold), loaded)
    days = [(labels * split.unit + shift).round() for labels in (split.train_labels, split.test_labels) for shift in [0.0]]
    # Standardised labels keep their order and distances: one day more is 1 / unit more.
    assert days[0].diff().tolist() == [1.0] * (len(days[0]) - 1)
    assert (days[1][0] - days[0][-1]).item() == 1, "the block begins on the day after the last one trained on"
    block = TRAIN // 6
    assert len(split.test_labels) == block
    assert len(split.train_labels) == TRAIN - (6 - fold) * block
    assert split.train_images.mean().abs() < 1e-4
    assert split.train_images.std(correction=0) == pytest.approx(1, abs=1e-3)
    assert split.test_images.mean() > 1, "later values, standardised by the earlier ones"


def test_what_is_to_come_changes_nothing_in_what_is_trained_on():
    loaded = data.load("random_walk")
    later = loaded.train_images.clone(), loaded.train_labels.clone()
    first = TRAIN - 3 * (TRAIN // 6)  # the first window of the third block
    for tensor in later:
        tensor[first:] = 1e6
    before, after = parts(RUN, loaded), parts(RUN, replace(loaded, train_images=later[0], train_labels=later[1]))
    assert len(before.train_labels) == first
    assert torch.equal(before.train_images, after.train_images)
    assert torch.equal(before.train_labels, after.train_labels)
    assert before.unit == after.unit


def test_errors_stand_beside_the_naive_forecasts_in_the_sets_unit():
    record = train(RUN)
    values = prices.walk(None)
    first = TRAIN - 3 * (TRAIN // 6)
    steps = np.diff(values)[first + WINDOW - 1 : first + WINDOW - 1 + TRAIN // 6]
    last = record.scores["last"]
    assert set(last) == {"epoch", "test_rmse", "test_mae", "test_r2", "naive_rmse", "naive_mae"}
    assert last["naive_rmse"] == pytest.approx(np.sqrt(np.mean(steps**2)), rel=1e-5)
    assert last["naive_mae"] == pytest.approx(np.abs(steps).mean(), rel=1e-5)
    assert last["test_mae"] <= last["test_rmse"]
    changes = Windows(prices.walk, change=True)
    split = parts(replace(RUN, dataset="stock_change"), changes.read(None))
    gap = (split.unit * (split.test_labels - split.naive)).double()
    assert gap.square().mean().sqrt().item() == pytest.approx(last["naive_rmse"], rel=1e-4), "the same forecast, said otherwise"


def test_the_networks_learn_a_series_that_can_be_learned(monkeypatch):
    """A sine that repeats is forecast far better than by its last value: that none beats it elsewhere is not the code's fault."""
    waves = Windows(lambda folder: 100 + 10 * np.sin(np.arange(DAYS) / 3))
    monkeypatch.setitem(data.SOURCES, "random_walk", replace(data.SOURCES["random_walk"], reader=waves))
    last = train(replace(RUN, epochs=30, lr=3e-3, batch_size=32, shuffle=True, fold=5)).scores["last"]
    assert last["test_rmse"] < 0.5 * last["naive_rmse"]


@pytest.mark.parametrize(
    ("values", "name", "problem"),
    [
        (closes()[:-1], "AAPL.Close", f"it has {DAYS - 1} rows of 11 columns, {DAYS} of 11 expected"),
        (closes(), "Close", "its column AAPL.Close has something else than finite numbers"),
        ([*closes()[:-1], "none"], "AAPL.Close", "its column AAPL.Close has something else than finite numbers"),
        ([*closes()[:-1], ""], "AAPL.Close", "its column AAPL.Close has something else than finite numbers"),
        (closes(), "AAPL.Close", "its sha256 is not the published one"),
    ],
)
def test_a_damaged_file_of_prices_is_one_line_with_the_mending_command(tmp_path, values, name, problem):
    path = write(tmp_path, values, name)
    mending = f"Fetch it with: python -m adaptact data stock_price --data {tmp_path}"
    for state in (f"{path} is damaged: {problem}", f"{path} is missing"):
        sets._load.cache_clear()
        with pytest.raises(UserError) as error:
            data.load("stock_price", tmp_path)
        assert str(error.value) == f"Apple, price: {state}. {mending}"
        path.unlink(missing_ok=True)


def test_prices_are_fetched_under_a_name_of_ours(tmp_path, monkeypatch):
    asked = []

    def download(address, root, name):
        asked.append((address.rpartition("/")[2], root, name))
        write(root.parent, closes())

    monkeypatch.setattr(prices, "download_url", download)
    with pytest.raises(UserError, match=r"sha256 is not the published one, even after the download\.$"):
        data.fetch("stock_change", tmp_path)
    assert asked == [("finance-charts-apple.csv", tmp_path / "sequences", APPLE)]


def test_real_prices(real_data):
    if not (real_data / "sequences" / APPLE).is_file():
        pytest.skip("ADAPTACT_DATA holds no prices")
    price, change = data.load("stock_price", real_data), data.load("stock_change", real_data)
    assert price.train_images[0, 0, :2, 0].tolist() == pytest.approx([127.830002, 128.720001])
    assert price.test_labels[-1].item() == pytest.approx(135.350006)  # 16 February 2017
    assert change.test_labels[-1].item() == pytest.approx(135.350006 - 135.509995, abs=1e-4)
    assert torch.equal(price.train_images, change.train_images)
    values, outside = prices.apple(real_data), []
    for fold in range(1, 6):  # what page 41 says of prices that no training has seen
        first = TRAIN - (6 - fold) * (TRAIN // 6) + WINDOW
        seen, block = values[:first], values[first : first + TRAIN // 6]
        outside.append(int(((block < seen.min()) | (block > seen.max())).sum()))
    assert outside == [39, 0, 48, 8, 0]


def test_what_makes_no_sense_for_a_series_is_refused():
    with pytest.raises(UserError, match=r"^lenet5 takes other samples, and stock_price has sequences\. Choose from: gru, lstm"):
        replace(RUN, dataset="stock_price", model="lenet5")
    with pytest.raises(UserError, match=r"^train_images is 390: give a whole number from 1 to 389\.$"):
        replace(RUN, train_images=390)


@pytest.mark.parametrize("name", SERIES)
def test_random_windows_can_be_divided_and_have_a_naive_forecast(name):
    split = parts(replace(RUN, dataset=name), _random_images(name, "cpu"))
    assert split.naive.shape == split.test_labels.shape
    assert split.test_images.shape[1:] == data.SOURCES[name].in_shape


@pytest.mark.parametrize("model", NETWORKS)
def test_a_networks_one_output_is_torchs_own(model):
    ours = build_model(replace(RUN, model=model))
    theirs = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[model](1, 64, batch_first=True)
    linear = {"ih": ours.from_input, "hh": ours.from_state}
    with torch.no_grad():
        for name, layer in linear.items():
            getattr(theirs, f"weight_{name}_l0").copy_(layer.weight)
            getattr(theirs, f"bias_{name}_l0").copy_(layer.bias)
        windows = torch.randn(3, 1, WINDOW, 1)
        states, _ = theirs(windows[:, 0])
        assert torch.allclose(ours(windows), ours.fc(states[:, -1]), atol=1e-6)


def test_functions_differ_in_nothing_else_and_blocks_have_an_overlap_of_their_own():
    experiment = get(FORECASTING)
    assert len({cell.run for cell in experiment.cells}) == len(experiment.cells) == 6 * len(SERIES) * len(NETWORKS)
    own = {(cell.row, cell.column): cell.run for cell in experiment.cells}
    for cell in experiment.cells:
        assert (cell.base is None) == (cell.row == "APALU")
        assert replace(cell.run, activation="apalu", granularity="layer", options=()) == own["APALU", cell.column]
    assert experiment.runs("laptop") == experiment.runs("paper")
    assert {(run.seed, run.fold) for run in experiment.runs("paper")} == {(s, fold) for s in SEEDS[:2] for fold in range(1, 6)}
    assert {run.dataset for run in experiment.runs("smoke")} == {"random_walk"}
    assert experiment.overlap == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5)


def recorded(store, factor, noise=0.02):
    """Records in which a row's error is the naive one times what a function of row and column says, give or take a little."""
    experiment, random = get(FORECASTING), np.random.default_rng(0)
    for cell in experiment.cells:
        for seed, fold in experiment.repeats("paper"):
            naive = 1.0 + fold
            error = naive * factor(cell.row, cell.column) * (1 + noise * random.standard_normal())
            last = {"epoch": 5, "test_rmse": error, "test_mae": error, "test_r2": 0.5, "naive_rmse": naive, "naive_mae": naive}
            store.put(record_of(experiment.run(cell, "paper", seed, fold), scores={"last": last}))
    return Evidence(store)


@pytest.mark.parametrize(
    ("factor", "verdict", "words", "ahead"),
    [
        (lambda row, column: 0.6 if row == "APALU" else 0.8, "holds", "is beaten significantly by 24 and beats 0 of 24", 240),
        (lambda row, column: 1.2 if row == "APALU" else 1.5, "holds", "is beaten significantly by 0 and beats 24 of 24", 0),
        (lambda row, column: 1.5 if row == "APALU" else 1.2, "does not hold", "below the rival's in 0 and above in 16", 0),
        (lambda row, column: 0.5 if "walk" in column and row == "APALU" else 1.2, "undecided", "below the rival's in 0 and", 0),
    ],
)
def test_the_rule_looks_at_rivals_and_at_the_naive_forecast(tmp_path, factor, verdict, words, ahead):
    evidence = recorded(Store(tmp_path), factor)
    found = forecasts_better(evidence)
    assert (found.verdict, found.n, found.profile) == (verdict, 10, "paper")
    assert words in found.reason
    assert found.reason.endswith(f"of their 240 trainings {ahead} have a smaller error than it")
    assert CLAIMS["apalu-regression"].rule(evidence).verdict == ("holds in part" if verdict == "holds" else verdict)


def test_the_naive_forecast_is_compared_on_the_same_days(tmp_path):
    evidence = recorded(Store(tmp_path), lambda row, column: 1.25 if row == "tanh" else 1, noise=0.01)
    found = beside_naive(evidence, "paper")
    assert len(found) == 6 * len(STOCK_COLUMNS)
    assert {row for (_, row), (_, p) in found.items() if p < 0.05} == {"tanh"}
    assert 10 ** found[STOCK_COLUMNS[0], "tanh"][0].mean == pytest.approx(1.25, abs=0.02)
    control = beside_naive(evidence, "paper", ["GRU, random walk"])
    assert {column for column, _ in control} == {"GRU, random walk"}
