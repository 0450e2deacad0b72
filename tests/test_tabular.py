"""Tables: their files and faults, what they are standardised by, and what a Run on one may not ask for."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from adaptact import Run, UserError, data, train
from adaptact.data import sets, tabular
from adaptact.experiments import PROFILES, get
from adaptact.measure import _random_images
from adaptact.training import parts
from adaptact.training.loop import batches

TABLES = {name: source for name, source in data.SOURCES.items() if source.tabular and not source.numeric and not source.sequence}
SHIPPED = [name for name, source in TABLES.items() if source.shipped]
IRIS = Run(dataset="iris", train_images=120, model="mlp", activation="relu", epochs=1, seed=42, augment=False)
ROWS = [f"{number}.5,{number % 3},{'ab'[number % 2]}" for number in range(10)]


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Ten rows of two features and two classes under sonar's name."""
    path = tmp_path / "tabular" / "tiny.csv"
    path.parent.mkdir()
    path.write_text("\n".join(ROWS))
    reader = tabular.Csv("tiny.csv", 2, {"a": 5, "b": 5}, 4, hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setitem(data.SOURCES, "sonar", replace(data.SOURCES["sonar"], reader=reader))
    return path


def message(path, act=data.load):
    sets._load.cache_clear()
    with pytest.raises(UserError) as error:
        act("sonar", path.parents[1])
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_is_parted_by_class_and_keeps_each_rows_label(table):
    loaded = data.load("sonar", table.parents[1])
    assert loaded.train_images.shape == (6, 1, 1, 2)
    assert (loaded.train_images.dtype, loaded.train_labels.dtype) == (torch.float32, torch.int64)
    assert torch.bincount(loaded.test_labels).tolist() == [2, 2]
    rows = torch.cat([loaded.train_images, loaded.test_images]).flatten(1)
    assert sorted(rows[:, 0].tolist()) == [number + 0.5 for number in range(10)]
    for (first, second), label in zip(rows.tolist(), torch.cat([loaded.train_labels, loaded.test_labels]).tolist(), strict=True):
        assert (second, label) == (first // 1 % 3, first // 1 % 2)


def test_the_ends_of_lines_do_not_matter(table):
    before = data.load("sonar", table.parents[1])
    table.write_bytes(table.read_bytes().replace(b"\n", b"\r\n"))
    sets._load.cache_clear()
    assert torch.equal(data.load("sonar", table.parents[1]).train_images, before.train_images)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: rows[:-1], "it has 9 rows of 3 columns, 10 of 3 expected"),
        (lambda rows: [f"1,{row}" for row in rows], "it has 10 rows of 4 columns, 10 of 3 expected"),
        (lambda rows: [*rows[:3], "3.5,none,b", *rows[4:]], "row 4 has something else than finite numbers"),
        (lambda rows: [*rows[:3], "inf,0,b", *rows[4:]], "row 4 has something else than finite numbers"),
        (lambda rows: [*rows[:9], "9.5,0,a"], "its rows of each class are 6 of a, 4 of b; 5 of a, 5 of b expected"),
        (lambda rows: [*rows[:9], "9.5,0,c"], "its rows of each class are 5 of a, 4 of b; 5 of a, 5 of b expected"),
        (lambda rows: [*rows[:9], "9.5,1,b"], "its sha256 is not the published one"),
        (lambda rows: [*rows[:9], "9.5,0,b,1,2,3"], "pandas cannot read a table from it"),
        (lambda rows: [], "pandas cannot read a table from it"),
    ],
)
def test_faults_are_one_line_with_the_mending_command(table, change, problem):
    table.write_text("\n".join(change(ROWS)))
    mending = f"Fetch it with: python -m adaptact data sonar --data {table.parents[1]}"
    assert message(table) == f"sonar: {table} is damaged: {problem}. {mending}"
    table.unlink()
    assert message(table) == f"sonar: {table} is missing. {mending}"


def test_a_damaged_file_is_moved_aside_and_fetched(table, monkeypatch):
    good, asked = table.read_bytes(), []

    def download(url, root, name):
        asked.append(url)
        (root / name).write_bytes(good)

    monkeypatch.setattr(tabular, "download_url", download)
    table.write_text("an error page")
    assert data.fetch("sonar", table.parents[1]).startswith(f"sonar: ready in {table.parents[1]}, ")
    assert asked == ["https://raw.githubusercontent.com/jbrownlee/Datasets/master/tiny.csv"]
    assert table.with_name("tiny.csv.damaged").read_text() == "an error page"
    good = b"an error page"
    table.unlink()
    assert message(table, data.fetch).endswith("expected, even after the download.")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_with_scikit_learn_needs_no_files(name, tmp_path):
    source, loaded = data.SOURCES[name], data.load(name, tmp_path)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert set(loaded.test_labels.tolist()) == set(range(source.num_classes))
    assert data.fetch(name, tmp_path) == f"{source.title}: needs no files, nothing to fetch."
    assert not list(tmp_path.iterdir())


def test_iris_rows_are_scikit_learns(tmp_path):
    loaded, (features, labels) = data.load("iris", tmp_path), load_iris(return_X_y=True)
    rows = torch.cat([loaded.train_images, loaded.test_images]).flatten(1).tolist()
    ours = sorted(zip(rows, torch.cat([loaded.train_labels, loaded.test_labels]).tolist(), strict=True))
    assert ours == sorted(zip(features.astype(np.float32).tolist(), labels.tolist(), strict=True))


@pytest.mark.parametrize("fields", [{}, {"fold": 2}, {"fold": 2, "part": 50}, {"validation_images": 20}])
def test_a_table_is_standardised_by_what_is_trained_on_and_nothing_else(fields):
    run, loaded = replace(IRIS, **fields), data.load("iris")
    split = parts(run, loaded)
    for moments, expected in ((split.train_images.mean(0), 0.0), (split.train_images.std(0, correction=0), 1.0)):
        assert torch.allclose(moments, torch.full_like(moments, expected), atol=1e-5)
    assert not torch.allclose(split.test_images.mean(0), torch.zeros(1), atol=1e-5)
    # Whatever the other rows hold: those trained on become the same numbers. Which rows they are hangs on the labels alone.
    number = torch.arange(120.0).view(-1, 1, 1, 1).expand_as(loaded.train_images).contiguous()
    trained_on = parts(run, replace(loaded, train_images=number.to(torch.int32))).train_images[:, 0, 0, 0].long()
    other = torch.full_like(loaded.train_images, 1e6)
    other[trained_on] = loaded.train_images[trained_on]
    assert torch.equal(parts(run, replace(loaded, train_images=other)).train_images, split.train_images)


def test_a_constant_feature_has_its_mean_taken_out():
    loaded = data.load("iris")
    constant = loaded.train_images.clone()
    constant[..., 1] = 0.1
    split = parts(IRIS, replace(loaded, train_images=constant))
    assert split.train_images[..., 1].abs().max() == 0
    assert torch.equal(split.test_images[..., 1], loaded.test_images[..., 1] - torch.tensor(0.1))


def test_images_are_divided_by_255_and_nothing_else():
    run, digits = replace(IRIS, dataset="digits", fold=1), data.load("digits")
    split = parts(run, digits)
    assert split.train_images.dtype == torch.uint8
    images, _ = next(batches(run, 1, split.train_images, split.train_labels))
    assert torch.equal(images, split.train_images[: run.batch_size].float() / 255)
    table = parts(IRIS, data.load("iris"))
    rows, _ = next(batches(IRIS, 1, table.train_images, table.train_labels))
    assert torch.equal(rows, table.train_images), "a table is standardised, not divided"


def test_what_makes_no_sense_for_a_table_is_refused():
    with pytest.raises(UserError, match=r"^iris is a table, and nothing of it can be flipped or shifted: set augment to False\.$"):
        replace(IRIS, augment=True)
    for model in ("lenet5", "deep_cnn", "gru"):
        with pytest.raises(UserError, match=rf"^{model} takes other samples, and iris is a table\. Choose from: mlp\.$"):
            replace(IRIS, model=model)
    assert PROFILES["smoke"].scale(IRIS).dataset == "digits"


@pytest.mark.parametrize("name", TABLES)
def test_random_rows_are_of_the_tables_size_and_type(name):
    made, source = _random_images(name, "cpu"), TABLES[name]
    assert made.train_images.shape == (source.train_size, *source.in_shape)
    assert made.train_images.is_floating_point()
    assert _random_images("digits", "cpu").train_images.dtype == torch.uint8


def test_an_mlp_learns_iris():
    record = train(replace(IRIS, epochs=20, batch_size=16, shuffle=True, fold=1))
    assert record.status == "done"
    assert record.scores["last"]["test_accuracy"] > 80
    assert record.curves["train_loss"][-1] < 0.6 * record.curves["train_loss"][0]


def test_the_study_compares_all_functions_on_all_tables_with_pltanh():
    experiment = get("pltanh/tabular")
    assert {cell.run.dataset for cell in experiment.cells} == set(TABLES)
    for cell in experiment.cells:
        assert (cell.run.model, cell.run.train_images) == ("mlp", TABLES[cell.run.dataset].train_size)
        assert cell.base == (None if cell.row == "PLTanh" else "PLTanh")
    pltanh, *others = (cell.run for cell in experiment.cells if cell.column == "iris")
    for other in others:
        assert replace(other, activation="pltanh", options=()) == pltanh, "the function is all that differs"


@pytest.mark.parametrize(
    ("name", "classes"),
    [("banknote", [152, 122]), ("sonar", [20, 22]), ("ionosphere", [25, 45]), ("wheat_seeds", [14, 14, 14])],
)
def test_real_tables(name, classes, real_data):
    if not (real_data / "tabular").is_dir():
        pytest.skip("ADAPTACT_DATA holds no tabular")
    source, loaded = TABLES[name], data.load(name, real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert torch.bincount(loaded.test_labels).tolist() == classes
    assert data.fetch(name, real_data).endswith("test rows.")
