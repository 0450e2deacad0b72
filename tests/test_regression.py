"""Tables with a number to predict: their files and faults, the errors of a training, and the rule for APALU's claim."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes
from test_records import record_of

from adaptact import Run, Store, UserError, data, tables, train
from adaptact.claims import CLAIMS, Evidence
from adaptact.claims.apalu_regression import REGRESSION, TABLE_COLUMNS, compared, lower_errors, percent
from adaptact.data import regression, sets
from adaptact.data.regression import File, Numbers
from adaptact.experiments import PROFILES, SEEDS, get
from adaptact.experiments.apalu import FIVE, RIVALS
from adaptact.experiments.apalu_regression import LAPTOP_ROWS, TABLES, VARIED
from adaptact.folds import ERRORS, measured
from adaptact.measure import _random_images
from adaptact.training import build_model, parts
from adaptact.training.metrics import number_metrics

RUN = Run(dataset="diabetes", train_images=354, model="mlp", activation="relu", epochs=2, seed=42, augment=False, fold=2)
FIRST = {  # the features and target of a file's first row, typed from the file
    "california": ([-122.23, 37.88, 41, 880, 129, 322, 126, 8.3252, 0, 0, 0, 1, 0], 452_600),
    "boston": ([0.00632, 18, 2.31, 0, 0.538, 6.575, 65.2, 4.09, 1, 296, 15.3, 396.9, 4.98], 24),
    "auto_mpg": ([8, 307, 130, 3504, 12, 70], 18),
    "wine_quality": ([7.4, 0.7, 0, 1.9, 0.076, 11, 34, 0.9978, 3.51, 0.56, 9.4, 0], 5),
    "abalone": ([0.455, 0.365, 0.095, 0.514, 0.2245, 0.101, 0.15, 0, 0, 1], 15),
}
USED = {"california": 20_433, "boston": 506, "auto_mpg": 396, "wine_quality": 6_497, "abalone": 4_177}


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()


@pytest.fixture
def two_files(tmp_path, monkeypatch):
    """Two files with a header, a word and a missing number, under abalone's name."""
    (tmp_path / "tabular").mkdir()
    texts = {"one.csv": "kind,x,y\na,1,10\nb,,20\nb,3,30\n", "two.csv": "kind,x,y\nb,4.5,40\na,5,50\n"}
    files = []
    for name, text in texts.items():
        (tmp_path / "tabular" / name).write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        files.append(File(name, text.count("\n") - 1, f"https://example.org/{name}", digest))
    reader = Numbers(tuple(files), columns=3, target=2, test_size=1, header=True, categories={0: ("a", "b")}, left_out=1)
    source = replace(data.SOURCES["abalone"], reader=reader, in_shape=(1, 1, reader.features), train_size=3, test_size=1)
    monkeypatch.setitem(data.SOURCES, "abalone", source)
    return tmp_path


def rows(loaded):
    """All rows with their labels at the end, in a sorted list."""
    features = torch.cat([loaded.train_images, loaded.test_images]).flatten(1)
    return sorted(torch.cat([features, torch.cat([loaded.train_labels, loaded.test_labels])[:, None]], dim=1).tolist())


def test_words_and_files_become_features_and_missing_numbers_leave_a_row_out(two_files):
    loaded = data.load("abalone", two_files)
    assert (len(loaded.train_labels), len(loaded.test_labels), loaded.train_labels.dtype) == (3, 1, torch.float32)
    # x, kind is a, kind is b, second file, y
    assert rows(loaded) == [[1, 1, 0, 0, 10], [3, 0, 1, 0, 30], [4.5, 0, 1, 1, 40], [5, 1, 0, 1, 50]]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind,x,y\na,1,10\nb,,20\n", "it has 2 rows of 3 columns, 3 of 3 expected"),
        ("kind,x\na,1\nb,\nb,3\n", "it has 3 rows of 2 columns, 3 of 3 expected"),
        ("kind,x,y\na,1,10\nb,,20\nc,3,30\n", "row 3 has something else than is published"),
        ("kind,x,y\na,one,10\nb,,20\nb,3,30\n", "row 1 has something else than is published"),
        ("kind,x,y\na,1,10\nb,,20\nb,inf,30\n", "row 3 has something else than is published"),
        ("kind,x,y\na,1,10\nb,,20\nb,3,31\n", "its sha256 is not the published one"),
        ("", "pandas cannot read a table from it"),
    ],
)
def test_a_damaged_file_is_one_line_with_the_mending_command(two_files, text, problem):
    path = two_files / "tabular" / "one.csv"
    path.write_text(text)
    mending = f"Fetch it with: python -m adaptact data abalone --data {two_files}"
    for state in (f"{path} is damaged: {problem}", f"{path} is missing"):
        sets._load.cache_clear()
        with pytest.raises(UserError) as error:
            data.load("abalone", two_files)
        assert str(error.value) == f"abalone: {state}. {mending}"
        path.unlink(missing_ok=True)


def test_only_what_is_missing_is_downloaded_and_line_ends_do_not_matter(two_files, monkeypatch):
    good, asked = {path.name: path.read_bytes() for path in (two_files / "tabular").iterdir()}, []

    def download(address, root, name):
        asked.append(address)
        (root / name).write_bytes(good[name].replace(b"\n", b"\r\n"))

    monkeypatch.setattr(regression, "download_url", download)
    (two_files / "tabular" / "two.csv").write_text("an error page")
    assert data.fetch("abalone", two_files) == f"abalone: ready in {two_files}, 3 training and 1 test rows."
    assert asked == ["https://example.org/two.csv"]
    assert (two_files / "tabular" / "two.csv.damaged").read_text() == "an error page"


@pytest.mark.parametrize("name", TABLES)
def test_real_tables(name, real_data):
    source = data.SOURCES[name]
    if not all((real_data / "tabular" / file.name).is_file() for file in source.reader.files):
        pytest.skip(f"ADAPTACT_DATA holds no {name}")
    loaded = data.load(name, real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert source.train_size + source.test_size == USED[name]
    assert source.test_size == round(USED[name] / 5)
    features, target = FIRST[name]
    labelled = torch.tensor(rows(loaded))
    near = (labelled - torch.tensor([*features, target])).abs() <= 1e-6 * labelled.abs()
    assert near.all(dim=1).any()
    assert data.fetch(name, real_data).endswith("test rows.")


def test_diabetes_ships_with_scikit_learn_and_is_parted_at_random(tmp_path):
    source, loaded = data.SOURCES["diabetes"], data.load("diabetes", tmp_path)
    assert (len(loaded.train_labels), len(loaded.test_labels)) == (source.train_size, source.test_size) == (354, 88)
    features, targets = load_diabetes(return_X_y=True)
    theirs = np.column_stack([features, targets]).astype(np.float32)
    assert rows(loaded) == sorted(theirs.tolist())
    assert loaded.train_labels.tolist() != targets[:354].tolist()
    assert data.fetch("diabetes", tmp_path) == "diabetes: needs no files, nothing to fetch."


@pytest.mark.parametrize("name", [*TABLES, "diabetes"])
def test_random_rows_are_of_the_tables_size_and_can_be_divided(name):
    made, source = _random_images(name, "cpu"), data.SOURCES[name]
    split = parts(replace(RUN, dataset=name, train_images=source.train_size), made)
    assert split.train_images.shape[1:] == source.in_shape
    assert len(split.train_labels) + len(split.test_labels) == source.train_size
    assert split.train_labels.is_floating_point()


def test_labels_are_standardised_by_what_is_trained_on_and_errors_are_in_the_sets_unit():
    loaded = data.load("diabetes")
    split = parts(RUN, loaded)
    assert split.train_labels.mean().abs() < 1e-5
    assert split.train_labels.std(correction=0) == pytest.approx(1, abs=1e-5)
    assert split.naive is None
    record = train(RUN)
    last = record.scores["last"]
    model = build_model(RUN)  # the same training again, by hand
    optimizer = torch.optim.Adam(model.parameters(), lr=RUN.lr)
    for _ in range(RUN.epochs):
        for first in range(0, len(split.train_labels), RUN.batch_size):
            batch = slice(first, first + RUN.batch_size)
            optimizer.zero_grad()
            (model(split.train_images[batch]).squeeze(1) - split.train_labels[batch]).square().mean().backward()
            optimizer.step()
    with torch.no_grad():
        gap = split.unit * (model(split.test_images).squeeze(1) - split.test_labels).double()
    raw = split.unit * split.test_labels.double()
    assert last["test_rmse"] == pytest.approx(gap.square().mean().sqrt().item(), rel=1e-4)
    assert last["test_mae"] == pytest.approx(gap.abs().mean().item(), rel=1e-4)
    assert last["test_r2"] == pytest.approx(1 - (gap.square().sum() / (raw - raw.mean()).square().sum()).item(), rel=1e-3)
    assert 50 < split.unit < 100, "a deviation of scikit-learn's targets"
    assert set(last) == {"epoch", "test_rmse", "test_mae", "test_r2"}


def test_a_curve_keeps_its_one_score_and_a_single_label_has_no_r2():
    curve = replace(RUN, dataset="curve_sine", train_images=256, fold=None, epochs=1)
    assert set(train(curve).scores["last"]) == {"epoch", "test_rmse"}
    found = number_metrics(torch.nn.Flatten(), [torch.full((1, 1), 3.0)], torch.tensor([1.0]), 2.0, torch.tensor([0.5]))
    assert found == {"test_mae": 4.0, "test_r2": None, "naive_rmse": 1.0, "naive_mae": 1.0}


def test_what_makes_no_sense_for_a_table_of_numbers_is_refused():
    with pytest.raises(UserError, match=r"^gru takes other samples, and california is a table\. Choose from: mlp\.$"):
        replace(RUN, dataset="california", model="gru")
    with pytest.raises(UserError, match=r"^boston has no classes to hold samples out by: leave validation_images 0\.$"):
        replace(RUN, dataset="boston", validation_images=10)
    with pytest.raises(UserError, match=r"^train_images is 318: give a whole number from 1 to 317\.$"):
        replace(RUN, dataset="auto_mpg", train_images=318)


@pytest.mark.parametrize(("name", "on", "rate"), [(REGRESSION, TABLES, 1e-3), ("apalu/regression-rate", VARIED, 3e-3)])
def test_functions_differ_in_nothing_else_and_profiles_scale_down(name, on, rate):
    experiment = get(name)
    assert len({cell.run for cell in experiment.cells}) == len(experiment.cells) == 5 * len(on)
    own = {cell.column: cell.run for cell in experiment.cells if cell.row == "APALU"}
    assert {run.dataset for run in own.values()} == set(on)
    for cell in experiment.cells:
        assert (cell.base is None) == (cell.row == "APALU")
        assert replace(cell.run, activation="apalu", granularity="layer", options=()) == own[cell.column]
        assert cell.run.lr == cell.run.activation_lr == rate
        laptop = experiment.run(cell, "laptop", 42, 1)
        assert laptop.train_images == min(LAPTOP_ROWS, cell.run.train_images)
        assert laptop.epochs < cell.run.epochs
    for profile in ("laptop", "paper"):
        runs = experiment.runs(profile)
        assert len(set(runs)) == len(runs) == 10 * len(experiment.cells)
        assert {(run.seed, run.fold) for run in runs} == {(seed, fold) for seed in SEEDS[:2] for fold in range(1, 6)}
    assert {run.dataset for run in experiment.runs("smoke")} == {"diabetes"}
    assert PROFILES["smoke"].scale(RUN) == replace(RUN, train_images=256, epochs=1)
    assert experiment.overlap == 0.25


def recorded(store, factor, profile="paper", noise=0.02, rows=tuple(FIVE), gone=()):
    """Records in which a row's error is a thousand times what a function of row and column says, give or take a little."""
    experiment, random = get(REGRESSION), np.random.default_rng(0)
    for cell in experiment.cells:
        if cell.row not in rows:
            continue
        for seed, fold in experiment.repeats(profile):
            value = 1000 * fold * factor(cell.row, cell.column) * (1 + noise * random.standard_normal())
            last = {"epoch": 5, "test_rmse": value, "test_mae": value / 2, "test_r2": 0.5}
            done = (cell.row, seed, fold) not in gone
            scores, status = ({"last": last}, "done") if done else ({}, "diverged")
            store.put(record_of(experiment.run(cell, profile, seed, fold), scores=scores, status=status))
    return Evidence(store)


@pytest.mark.parametrize(
    ("factor", "verdict", "words"),
    [
        (lambda row, column: 0.8 if row == "APALU" else 1, "holds", "below the rival's in 20 and above in 0"),
        (lambda row, column: 1.2 if row == "APALU" else 1, "does not hold", "below the rival's in 0 and above in 20"),
        (lambda row, column: 1, "undecided", "below the rival's in 0 and above in 0"),
        (lambda row, column: 0.8 if (row, column) == ("APALU", "Boston") else 1, "undecided", "below the rival's in 4"),
        (lambda row, column: 1.2 if row == "ELU" else 0.8 if row == "GELU" else 1, "holds in part", "in 5 and above in 5"),
    ],
)
def test_the_rule_asks_for_lower_errors_everywhere(tmp_path, factor, verdict, words):
    found = lower_errors(REGRESSION, TABLE_COLUMNS)(recorded(Store(tmp_path), factor))
    assert (found.verdict, found.n, found.profile) == (verdict, 10, "paper")
    assert words in found.reason


def test_errors_are_compared_by_their_ratio_with_an_interval_for_folds(tmp_path):
    evidence = recorded(Store(tmp_path), lambda row, column: 0.8 if row == "APALU" else 1)
    found = compared(evidence, REGRESSION, TABLE_COLUMNS, "paper")
    assert list(found) == [(column, rival) for column in TABLE_COLUMNS for rival in RIVALS]
    for difference, p in found.values():
        assert 10**difference.mean == pytest.approx(0.8, abs=0.02)
        assert difference.low < math.log10(0.8) < difference.high
        assert difference.p <= p < 0.05
    assert percent(math.log10(0.8)) == "−20 %"
    assert percent(math.log10(1.234)) == "+23.4 %"
    assert percent(math.log10(1235)) == "+123,400 %"


def test_the_profile_with_more_comparisons_counts(tmp_path):
    rule, store = lower_errors(REGRESSION, TABLE_COLUMNS), Store(tmp_path)
    assert rule(recorded(store, lambda row, column: 1, "laptop")).profile == "laptop"
    found = rule(recorded(store, lambda row, column: 1, "paper", rows=["APALU", "ReLU"]))
    assert found.profile == "laptop"
    few = rule(recorded(Store(tmp_path / "few"), lambda row, column: 0.8 if row == "APALU" else 1, rows=["APALU", "ReLU"]))
    assert few.reason.startswith("of 20 comparisons 5 are recorded: APALU's error is significantly below the rival's in 5")
    assert few.verdict == "undecided"


def test_diverged_trainings_are_named_and_make_no_pair(tmp_path):
    gone = [("APALU", SEEDS[0], 1), ("ReLU", SEEDS[1], 2)]
    found = lower_errors(REGRESSION, TABLE_COLUMNS)(recorded(Store(tmp_path), lambda row, column: 1, gone=gone))
    assert found.n == 8
    assert found.reason.endswith("; 5 of its 50 trainings diverged and count in none")


def test_the_claim_is_undecided_without_records(tmp_path):
    verdict = CLAIMS["apalu-regression"].rule(Evidence(Store(tmp_path)))
    assert (verdict.verdict, verdict.n) == ("undecided", 0)
    assert verdict.reason.count("no comparison has two records on each side yet") == 2


def test_a_table_of_errors_has_what_the_records_have(tmp_path):
    store = Store(tmp_path)
    recorded(store, lambda row, column: 1, noise=0)
    found = measured(tables.collect(get(REGRESSION), "paper", store), tuple(ERRORS))
    assert len(found) == 10 * 5 * 5
    assert set(found["test_rmse"]) == {1000.0 * fold for fold in range(1, 6)}
    assert (found["test_mae"] == found["test_rmse"] / 2).all()
    assert not len(measured(tables.collect(get(REGRESSION), "paper", store))), "these have no accuracy"
