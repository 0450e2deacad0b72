"""Sign language: the reader of LIBRAS Movement, the MOPGRU cell, its experiments, and the rule for the claim."""

import hashlib
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_records import record_of

from adaptact import Run, Store, UserError, data, train
from adaptact.claims import CLAIMS, Evidence
from adaptact.claims.apalu_sign import recognises
from adaptact.data import sequences, sets
from adaptact.experiments import SEEDS, get
from adaptact.experiments.apalu import FIVE, RIVALS
from adaptact.experiments.apalu_sign import EPOCHS, OTHER_RATE, OUTPUTS, READINGS, STATE
from adaptact.models import build
from adaptact.training import build_model, parts
from adaptact.training.loop import evaluate

ROWS = [f"0.{number},0.5,1,{number % 2},{1 + number // 5}" for number in range(9)] + ["0.8,0.5,1,0,2"]  # the last one a copy
RUN = Run(dataset="libras", train_images=5, model="mopgru", activation="elu", epochs=1, seed=42, augment=False, batch_size=2)


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()
    yield
    sets._load.cache_clear()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Ten rows of two steps and two classes under the set's name, one of them a copy."""
    path = tmp_path / "sequences" / "libras_movement.csv"
    path.parent.mkdir()
    path.write_text("\n".join(ROWS))
    reader = sequences.Paths("libras_movement.csv", 4, {"1": 5, "2": 5}, 4, hashlib.sha256(path.read_bytes()).hexdigest())
    of = {"in_shape": (1, 2, 2), "train_size": 5, "test_size": 4, "num_classes": 2, "reader": reader}
    monkeypatch.setitem(data.SOURCES, "libras", replace(data.SOURCES["libras"], **of))
    return path


def test_a_file_becomes_sequences_and_a_copy_is_taken_once(small):
    loaded = data.load("libras", small.parents[1])
    assert (loaded.train_images.shape, loaded.test_images.shape) == ((5, 1, 2, 2), (4, 1, 2, 2))
    assert (loaded.train_images.dtype, loaded.train_labels.dtype) == (torch.float32, torch.int64)
    assert torch.bincount(loaded.test_labels).tolist() == [2, 2]
    points = torch.cat([loaded.train_images, loaded.test_images])
    assert sorted(points[:, 0, 0, 0].tolist()) == pytest.approx([number / 10 for number in range(9)])
    for (((first, half), (one, second)),), label in zip(
        points.tolist(), torch.cat([loaded.train_labels, loaded.test_labels]).tolist(), strict=True
    ):
        number = round(10 * first)
        assert (half, one, second, label) == (0.5, 1, number % 2, number // 5)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: rows[:-1], "it has 9 rows of 5 columns, 10 of 5 expected"),
        (lambda rows: [*rows[:9], "0.8,0.5,1,0,1"], "its rows of each class are 6 of 1, 4 of 2; 5 of 1, 5 of 2 expected"),
        (lambda rows: [*rows[:9], "0.9,0.5,1,0,2"], "its sha256 is not the published one"),
    ],
)
def test_faults_are_one_line_with_the_mending_command(small, change, problem):
    small.write_text("\n".join(change(ROWS)))
    mending = f"Fetch it with: python -m adaptact data libras --data {small.parents[1]}"
    with pytest.raises(UserError) as error:
        data.load("libras", small.parents[1])
    assert str(error.value) == f"LIBRAS Movement: {small} is damaged: {problem}. {mending}"
    small.unlink()
    with pytest.raises(UserError) as error:
        data.load("libras", small.parents[1])
    assert str(error.value) == f"LIBRAS Movement: {small} is missing. {mending}"


def test_the_ends_of_lines_do_not_matter(small):
    before = data.load("libras", small.parents[1])
    small.write_bytes(small.read_bytes().replace(b"\n", b"\r\n"))  # as the archive has them
    sets._load.cache_clear()
    assert torch.equal(data.load("libras", small.parents[1]).train_images, before.train_images)


def test_an_archive_is_fetched_and_one_without_the_file_is_refused(small, monkeypatch):
    inside, asked = {f"some/{sequences.IN_ZIP}": small.read_text(), "some/movement_libras_1.data": "1,2"}, []

    def download(url, root, name):
        asked.append(url)
        with zipfile.ZipFile(f"{root}/{name}", "w") as archive:
            for path, text in inside.items():
                archive.writestr(path, text)

    monkeypatch.setattr(sequences, "download_url", download)
    small.write_text("an error page")
    assert data.fetch("libras", small.parents[1]).endswith("5 training and 4 test sequences.")
    assert asked == [sequences.URL]
    assert small.with_name("libras_movement.csv.damaged").read_text() == "an error page"
    small.unlink()
    inside.pop(f"some/{sequences.IN_ZIP}")
    with pytest.raises(UserError, match=r"no download into .* gives no archive with one movement_libras\.data\)\. Copy its files"):
        data.fetch("libras", small.parents[1])


def test_real_libras(real_data):
    if not (real_data / "sequences" / "libras_movement.csv").is_file():
        pytest.skip("ADAPTACT_DATA holds no LIBRAS Movement")
    source, loaded = data.SOURCES["libras"], data.load("libras", real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape) == (255, 1, 45, 2)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape) == (75, 1, 45, 2)
    assert torch.bincount(loaded.test_labels).tolist() == [5] * 15
    points, labels = torch.cat([loaded.train_images, loaded.test_images]), torch.cat([loaded.train_labels, loaded.test_labels])
    assert len(points.unique(dim=0)) == 330, "nothing that is tested on is trained on"
    first = (points[:, 0, 0] == torch.tensor([0.79691, 0.38194])).all(dim=1).nonzero().flatten()
    assert labels[first].tolist() == [0]
    assert points[first[0], 0, -1].tolist() == pytest.approx([0.6383, 0.29398])
    split = parts(replace(RUN, train_images=255), loaded)
    assert torch.allclose(split.train_images.mean((0, 1, 2)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(split.train_images.std((0, 1, 2), correction=0), torch.ones(2), atol=1e-5)


def test_what_makes_no_sense_for_sequences_is_refused():
    with pytest.raises(UserError, match=r"^lenet5 takes other samples, and libras has sequences\. Choose from: gru, .*mopgru"):
        replace(RUN, model="lenet5")
    with pytest.raises(UserError, match=r"^libras has sequences, and nothing of it can be flipped or shifted: set augment"):
        replace(RUN, augment=True)


def by_hand(model, images, function, on_logits):
    """The cell's equations in NumPy, gate by gate, on the model's weights."""
    w, b, u, c = (
        [part.detach().numpy() for part in of.chunk(3)]
        for of in (model.from_input.weight, model.from_input.bias, model.from_state.weight, model.from_state.bias)
    )
    h = np.zeros((len(images), model.hidden))
    for x in images.permute(2, 0, 1, 3).flatten(2).numpy():
        r, z = (1 / (1 + np.exp(-(x @ w[k].T + b[k] + h @ u[k].T + c[k]))) for k in (0, 1))
        n = function(x @ w[2].T + b[2] + r * (h @ u[2].T + c[2]))
        h = (1 - r * z) * n + r * z * h
        h = h if on_logits else h / (1 + abs(h))
    outputs = h @ model.fc.weight.detach().numpy().T + model.fc.bias.detach().numpy()
    return outputs / (1 + abs(outputs)) if on_logits else outputs


@pytest.mark.parametrize("reading", READINGS.values())
@pytest.mark.parametrize(
    ("activation", "function"),
    [(torch.nn.Tanh, np.tanh), (torch.nn.ELU, lambda u: np.where(u > 0, u, np.expm1(np.minimum(u, 0))))],
)
def test_the_cell_is_its_equations(reading, activation, function):
    torch.manual_seed(0)
    model, images = build(reading, (3, 9, 7), lambda shape: activation(), 5).double(), torch.randn(4, 3, 9, 7).double()
    expected = by_hand(model, images, function, reading == READINGS[OUTPUTS])
    np.testing.assert_allclose(model(images).detach().numpy(), expected, rtol=0, atol=1e-14)
    assert model.neurons == model.hidden == 64


def test_weights_are_those_of_a_gru_and_softsign_bounds_state_or_outputs():
    run = Run(dataset="digits", train_images=32, model="gru", activation="relu", epochs=1, seed=7)
    gru, state, outputs = (build_model(replace(run, model=name)) for name in ("gru", READINGS[STATE], READINGS[OUTPUTS]))
    for model in (state, outputs):
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in gru.state_dict().items())
    images = 1e3 * torch.rand(8, 1, 28, 28)
    seen = []
    state.fc.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    outputs.fc.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    state(images)
    logits = outputs(images)
    assert seen[0].abs().max() < 1 < seen[1].abs().max()
    assert logits.abs().max() < 1
    loss = torch.nn.functional.cross_entropy(logits, logits.argmax(1))
    assert loss > math.log(1 + 9 * math.exp(-2))


def test_a_training_on_sequences_records_the_accuracy_on_what_it_trains_on(small):
    run = replace(RUN, lr=0.0, activation_lr=0.0)  # so that the model stays the one that is built
    record = train(run, data_folder=small.parents[1], device="cpu")
    split = parts(run, data.load("libras", small.parents[1]))
    expected = evaluate(build_model(run), split.train_images, split.train_labels)[1]
    assert record.curves["train_accuracy"] == [expected]
    learned = train(replace(RUN, epochs=40, lr=1e-2), data_folder=small.parents[1], device="cpu")
    assert learned.curves["train_accuracy"][-1] > 60
    digits = train(Run(dataset="digits", train_images=32, model="mopgru", activation="elu", epochs=1, seed=1, augment=False))
    assert "train_accuracy" not in digits.curves
    assert digits.shapes == {}
    assert digits.units.keys() == {"candidate"}


def test_functions_differ_in_nothing_else_and_both_scales_are_one():
    experiment = get("apalu/sign")
    assert len(experiment.cells) == len({cell.run for cell in experiment.cells}) == 5 * 2
    own = {(cell.column, cell.row): cell.run for cell in experiment.cells}
    for cell in experiment.cells:
        assert replace(cell.run, activation="apalu", granularity="layer", options=()) == own[cell.column, "APALU"]
        assert cell.base == (None if cell.row == "APALU" else "APALU")
        assert cell.run.model == READINGS[cell.column]
    assert own[STATE, "ELU"] == replace(own[OUTPUTS, "ELU"], model="mopgru")
    assert dict(own[STATE, "Leaky ReLU"].options) == {"negative_slope": 0.1}
    assert experiment.runs("laptop") == experiment.runs("paper")
    assert len(experiment.runs("paper")) == 10 * len(SEEDS)
    assert {(run.epochs, run.train_images) for run in experiment.runs("laptop")} == {(EPOCHS, 255)}
    assert {(run.dataset, run.epochs) for run in experiment.runs("smoke")} == {("digits", 1)}


def test_the_choices_change_one_thing_each():
    experiment = get("apalu/sign-choices")
    own = {(cell.column, cell.row): cell for cell in experiment.cells}
    assert len(own) == len({cell.run for cell in experiment.cells}) == 10
    shared = set(get("apalu/sign").runs("paper"))
    for (column, row), cell in own.items():
        if column in READINGS and cell.base is None:
            assert experiment.run(cell, "paper", 42) in shared
        elif column in READINGS:
            higher = replace(own[column, cell.base].run, lr=OTHER_RATE, activation_lr=OTHER_RATE)
            assert cell.run == higher
        else:
            assert cell.run.model == "gru"
            if row != "tanh":
                assert cell.run == replace(own[STATE, row].run, model="gru")
                assert cell.base == "tanh"


def recognised(store, accuracy, profile="paper", rows=tuple(FIVE), seeds=SEEDS, noise=0.2):
    """The verdict on records whose accuracy is what a function of row and reading says, give or take a little."""
    experiment, random = get("apalu/sign"), np.random.default_rng(0)
    for cell in experiment.cells:
        for seed in seeds if cell.row in rows else ():
            value = min(100.0, accuracy(cell.row, cell.column) + noise * random.standard_normal())
            last = {"epoch": EPOCHS, "test_accuracy": value}
            best = {"epoch": 1, "test_accuracy": 100.0}  # which must not decide
            store.put(record_of(experiment.run(cell, profile, seed), scores={"last": last, "best_test": best}))
    return recognises(Evidence(store))


@pytest.mark.parametrize(
    ("accuracy", "verdict", "words"),
    [
        (lambda row, column: 60 + 5 * (row == "APALU"), "holds in part", "above 8 and below 0 of 8 rivals in 2 readings"),
        (lambda row, column: 60 - 5 * (row == "APALU"), "undecided", "above 0 and below 8 of 8 rivals in 2 readings"),
        (lambda row, column: 60 + 5 * (row == "APALU" and column == OUTPUTS), "holds in part", "above 4 and below 0 of 8"),
        (lambda row, column: 60 + 5 * (row in ("APALU", "ELU")), "undecided", "above 6 and below 0 of 8"),
        (lambda row, column: 60.0, "undecided", "above 0 and below 0 of 8"),
        (lambda row, column: 100.5 if column == STATE else 60, "holds in part", "above 0 and below 0 of 8"),
        (lambda row, column: 98.0, "undecided", "above 0 and below 0 of 8"),
    ],
)
def test_another_set_never_settles_the_number(tmp_path, accuracy, verdict, words):
    found = recognised(Store(tmp_path), accuracy)
    assert (found.verdict, found.n, found.profile) == (verdict, 5, "paper")
    assert words in found.reason
    assert found.reason.startswith("the paper's set is not public; on LIBRAS Movement the accuracy is ")


def test_without_rivals_or_seeds_little_is_said(tmp_path):
    empty = CLAIMS["apalu-sign"].rule(Evidence(Store(tmp_path)))
    assert (empty.verdict, empty.n) == ("undecided", 0)
    assert empty.reason.endswith("apalu/sign makes them")
    assert recognised(Store(tmp_path / "one"), lambda row, column: 100.5, seeds=(42,)).n == 0
    alone = recognised(Store(tmp_path / "alone"), lambda row, column: 60.0, rows=("APALU",))
    assert (alone.verdict, alone.n) == ("undecided", 5)
    assert "of 0 rivals" in alone.reason


def test_all_rivals_are_asked_for(tmp_path):
    """A lead over some of them, the others having no records, is no lead."""
    ahead = recognised(Store(tmp_path), lambda row, column: 60 + 5 * (row == "APALU"), rows=("APALU", *list(RIVALS)[:3]))
    assert ahead.verdict == "undecided"
