"""PaDiM, knowledge distillation and DifferNet: their data, their formulas against other code, and what a record keeps."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import mahalanobis
from test_records import record_of
from torch import nn

from adaptact import Run, Store, UserError, data, train
from adaptact.activations import make
from adaptact.claims import Evidence
from adaptact.claims.apalu_defects import auc_gain, localises
from adaptact.data import sets
from adaptact.data.anomalies import MVTec
from adaptact.experiments import get
from adaptact.experiments.apalu_defects import DIFFERNET, DISTILLATION, PADIM, SWAPPED, studies
from adaptact.models import build
from adaptact.models.flow import FEATURES
from adaptact.models.resnet import features
from adaptact.plan import plan
from adaptact.training import build_model, differnet, distillation, extractor, padim

EXPERIMENTS = [experiment.name for experiment in studies()]


def run_of(name, row="APALU"):
    """The smallest run of a row."""
    experiment = get(name)
    return experiment.run(next(cell for cell in experiment.cells if cell.row == row), "smoke", 42)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("defects")


@pytest.fixture(scope="module")
def records(folder):
    """A record of each method, their extractors kept in one folder."""
    return {name: train(run_of(name), checkpoint=folder / f"{name.partition('/')[2]}.pt") for name in EXPERIMENTS}


def test_made_up_defects_are_where_their_masks_are():
    made = data.load("made_up_defects")
    assert made.train_images.shape == (48, 1, 64, 64)
    assert made.test_labels.bincount().tolist() == [12, 6, 6]
    sound = made.train_images.float()
    for image, mask, label in zip(made.test_images[:, 0].float(), made.test_masks, made.test_labels, strict=True):
        assert bool(mask.any()) == bool(label)
        if label:
            assert image[mask].unique().numel() == 1
            assert abs(image[mask].mean() - sound.mean()) > 60
    sets._load.cache_clear()
    assert torch.equal(data.load("made_up_defects").test_images, made.test_images)


TINY = MVTec("nut", 2, {"good": 1, "bent_left": 2, "torn_right": 1}, merged="rl l")


def fill(top, kinds, size=512):
    """Photos of one grey, each with a mask of another place; `kinds` says which file is of which kind."""
    for number in range(2):
        save(top / "train" / "good" / f"00{number}.png", 10 * number, size)
    save(top / "test" / "good" / "000.png", 50, size)
    for path, (kind, number, grey) in kinds.items():
        save(top / "test" / path, grey, size)
        mask = np.zeros((size, size), dtype=np.uint8)
        mask[grey : grey + 64, :64] = 255
        (top / "ground_truth" / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(top / "ground_truth" / kind / f"{number}_mask.png")


def save(path, grey, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), grey, dtype=np.uint8)).save(path)


@pytest.fixture
def nut(tmp_path, monkeypatch):
    """A category of five small photos in the layout of the authors' archive."""
    kinds = {"bent_left/000.png": ("bent_left", "000", 100), "bent_left/001.png": ("bent_left", "001", 120)}
    fill(tmp_path / "mvtec" / "nut", kinds | {"torn_right/000.png": ("torn_right", "000", 140)})
    monkeypatch.setitem(data.SOURCES, "mvtec_screw", replace(data.SOURCES["mvtec_screw"], reader=TINY))
    sets._load.cache_clear()
    return tmp_path


def test_the_archives_photos_are_reduced_and_keep_their_masks(nut):
    read = data.load("mvtec_screw", nut)
    assert read.train_images.shape == (2, 3, 256, 256)
    assert read.test_labels.tolist() == [0, 1, 1, 2]
    assert [int(image[0, 0, 0]) for image in read.test_images] == [50, 100, 120, 140]
    assert not read.test_masks[0].any()
    assert [int(mask[:, 0].nonzero()[0]) for mask in read.test_masks[1:]] == [50, 60, 70], "half of the size, half of the place"
    assert read.test_masks[1].sum() == 32 * 32


def test_a_copy_with_all_defects_in_one_folder_is_the_same(tmp_path, nut):
    apart, copy = data.load("mvtec_screw", nut), tmp_path / "copy"
    # The word of number 0 is "rl": without a suffix it is torn_right, with (1) bent_left.
    kinds = {"defect/000(1).png": ("bent_left", "000", 100), "defect/001.png": ("bent_left", "001", 120)}
    fill(copy / "mvtec" / "nut", kinds | {"defect/000.png": ("torn_right", "000", 140)})
    sets._load.cache_clear()
    merged = data.load("mvtec_screw", copy)
    for name in ("test_images", "test_labels", "test_masks"):
        assert torch.equal(getattr(apart, name), getattr(merged, name))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda top: shutil.rmtree(top / "train"), "good is missing"),
        (lambda top: (top / "test" / "bent_left" / "001.png").unlink(), "has 1 photos, 2 expected"),
        (lambda top: (top / "ground_truth" / "torn_right" / "000_mask.png").unlink(), "000_mask.png is missing"),
        (lambda top: (top / "test" / "good" / "000.png").write_bytes(b"no photo"), "is damaged: no photo can be read"),
    ],
)
def test_a_fault_is_one_line_that_says_where_to_get_it(nut, harm, words):
    harm(nut / "mvtec" / "nut")
    with pytest.raises(UserError, match=words) as error:
        data.load("mvtec_screw", nut)
    assert "mvtec.com" in str(error.value)
    assert "\n" not in str(error.value)


def test_screws_are_those_of_the_set(real_data):
    if not (real_data / "mvtec").is_dir():
        pytest.skip("no screws among the real data sets")
    sets._load.cache_clear()
    screws = data.load("mvtec_screw", real_data)
    assert screws.train_images.shape == (320, 3, 256, 256)
    assert screws.test_labels.bincount().tolist() == [41, 24, 24, 25, 23, 23]
    assert (screws.test_masks.flatten(1).any(1) == (screws.test_labels > 0)).all()
    # The finding that photos are levelled for: what is sound is darker in the test photos alone.
    middle = {name: extractor.medians(of) for name, of in (("train", screws.train_images), ("test", screws.test_images))}
    assert middle["test"][screws.test_labels == 0].max() < middle["test"][screws.test_labels > 0].min()
    kinds = (screws.test_labels == 0, screws.test_labels > 0)
    assert [round(of.mean().item()) for of in (middle["train"], *(middle["test"][kind] for kind in kinds))] == [199, 184, 202]
    level = middle["train"].median()
    assert (extractor.medians(extractor.levelled(screws.test_images, level)) - level).abs().max() <= 1


def test_gaussians_are_numpys_and_distances_scipys():
    random = torch.Generator().manual_seed(0)
    sound, tested = (torch.randn(count, 3, 2, 4, generator=random, dtype=torch.float64) for count in (9, 2))
    mean, factor = padim.gaussians(sound)
    found = padim.distances(tested, mean, factor)
    for place in range(8):
        at = sound.flatten(2)[:, :, place].numpy()
        inverse = np.linalg.inv(np.cov(at, rowvar=False) + padim.ADDED * np.eye(3))
        for image in range(2):
            expected = mahalanobis(tested.flatten(2)[image, :, place].numpy(), at.mean(0), inverse)
            assert found[image, place].item() == pytest.approx(expected, rel=1e-9)


def test_a_heat_map_survives_its_packing():
    maps, kinds = (
        torch.rand(5, 128, 128, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
        torch.tensor([0, 1, 1, 0, 2]),
    )
    kept = padim.maps_of(maps, kinds)
    assert kept["index"] == [0, 1, 4]
    expected = nn.functional.avg_pool2d(maps[[0, 1, 4]], 2).numpy()
    np.testing.assert_allclose(padim.unpacked(kept), expected, atol=(kept["high"] - kept["low"]) / 255)


def test_a_students_misfit_is_angle_and_value():
    random = torch.Generator().manual_seed(0)
    ours, theirs = ([torch.randn(2, 3, size, size, generator=random) for size in (4, 2, 1)] for _ in range(2))
    expected = np.zeros(2)
    for a, b in zip(ours, theirs, strict=True):
        a, b = a.flatten(1).numpy(), b.flatten(1).numpy()
        expected += 1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1) + 0.5 * ((a - b) ** 2).mean(1)
    np.testing.assert_allclose(distillation.misfits(ours, theirs, 0.5).numpy(), expected, rtol=1e-5)
    assert distillation.misfits(theirs, theirs, 0.5).abs().max() < 1e-6


def test_a_flow_can_be_turned_back_and_knows_its_determinant():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    flow = build("flow", (3, 64, 64), lambda shape: make("apalu", shape, granularity="layer"), blocks=2, width=8).double()
    assert (np.random.get_state()[1] == before).all(), "nobody else's random numbers change"  # noqa: NPY002
    x = torch.randn(1, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    outputs, log_determinant = flow(x)
    assert torch.allclose(flow.flow(outputs, rev=True)[0], x, atol=1e-9)
    jacobian = torch.func.jacrev(lambda row: flow(row[None])[0][0])(x[0])
    assert log_determinant.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-6)
    density = -torch.distributions.Normal(0.0, 1.0).log_prob(outputs).sum() - log_determinant
    constant = 0.5 * FEATURES * np.log(2 * np.pi)
    assert differnet.unlikelihood(outputs, log_determinant).item() == pytest.approx((density.item() - constant) / FEATURES)


def test_features_are_those_of_three_stages():
    model = build("resnet10", (1, 64, 64), lambda shape: nn.ReLU())
    assert [tuple(of.shape) for of in features(model, torch.zeros(2, 1, 64, 64))] == [
        (2, 64, 16, 16), (2, 128, 8, 8), (2, 256, 4, 4)
    ]  # fmt: skip
    student = build("student", (1, 64, 64), lambda shape: nn.ReLU())
    assert [of.shape for of in student(torch.zeros(2, 1, 64, 64))] == [
        of.shape for of in features(model, torch.zeros(2, 1, 64, 64))
    ]
    assert len([site for site in model.modules() if isinstance(site, nn.ReLU)]) == 9


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_record_says_how_well_defects_are_found(records, name):
    record = records[name]
    assert record.status == "done"
    last = record.scores["last"]
    assert set(last) - {"pixel_auc"} == {"epoch", "auc", "auc_1", "auc_2"}
    assert all(0 <= last[key] <= 1 for key in last if key != "epoch")
    assert record.scores["extractor"]["test_accuracy"] > 0
    assert record.shapes, "the shapes of its APALU are followed"
    assert bool(record.maps) == (name == PADIM) == ("pixel_auc" in last)
    if name == PADIM:
        assert last["auc"] > 0.9, "what is made up to be found"
        assert last["pixel_auc"] > 0.8
        assert padim.unpacked(record.maps).shape == (3, padim.MAP, padim.MAP)


def test_an_extractor_is_trained_once_for_all_that_share_it(records, folder, monkeypatch):
    def refuse(*_):
        raise AssertionError("it is there already")

    monkeypatch.setattr(extractor, "_trained", refuse)
    for name in (DISTILLATION, DIFFERNET):
        again = train(replace(run_of(name), activation="elu", granularity=None), checkpoint=folder / "other.pt")
        assert again.scores["extractor"] == records[name].scores["extractor"]
        (folder / "other.pt").unlink()
    with pytest.raises(AssertionError, match="there already"):  # with another activation PaDiM's is another one
        train(replace(run_of(PADIM), activation="elu", granularity=None), checkpoint=folder / "other.pt")


def test_a_function_that_is_swapped_in_meets_relus_weights(records, folder):
    run = run_of(PADIM, f"APALU{SWAPPED}")
    assert train(run, checkpoint=folder / "swapped.pt").scores["extractor"] == records[DIFFERNET].scores["extractor"]
    state, _ = extractor.weights(run, torch.device("cpu"), None, folder / "swapped.pt")
    model = build_model(run)
    extractor.load_weights(model, state)
    assert torch.equal(model.layer1[0].conv1.weight, state["layer1.0.conv1.weight"])
    state["strange.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"^weights of another network: strange\.weight$"):
        extractor.load_weights(model, state)


@pytest.mark.parametrize("name", [DISTILLATION, DIFFERNET])
def test_a_kill_costs_an_epoch_and_changes_nothing(folder, name):
    run = replace(run_of(name), epochs=3)
    whole, path = train(run, checkpoint=folder / "whole.pt"), folder / "killed.pt"

    def kill(epoch, _):
        if epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, checkpoint=path, on_epoch=kill)
    resumed = train(run, checkpoint=path)
    assert (resumed.curves["train_loss"], resumed.scores, resumed.shapes) == (
        whole.curves["train_loss"],
        whole.scores,
        whole.shapes,
    )
    for left in ("whole.pt", "killed.pt"):
        (folder / left).unlink()


def test_a_damaged_kept_file_is_made_anew(tmp_path):
    path = tmp_path / "extractors" / "a.pt"
    made = [extractor.kept_file(tmp_path / "run.pt", "a.pt", lambda _: {"a": torch.ones(2)}, "cpu")]
    path.write_bytes(path.read_bytes()[:50])
    made.append(extractor.kept_file(tmp_path / "run.pt", "a.pt", lambda _: {"a": torch.ones(2)}, "cpu"))
    made.append(extractor.kept_file(tmp_path / "run.pt", "a.pt", lambda _: pytest.fail("kept"), "cpu"))
    assert all(torch.equal(of["a"], torch.ones(2)) for of in made)


PAPER = get(PADIM).run(get(PADIM).cells[0], "paper", 42)


def test_imagenets_weights_come_through_torchvision(monkeypatch):
    class Weights:
        url = "https://example.org/resnet18.pth"

        def get_state_dict(self, **_):
            return build_model(replace(PAPER, activation="relu", granularity=None)).state_dict()

    monkeypatch.setattr(extractor, "imagenet_weights", Weights)
    state, found = extractor.weights(PAPER, torch.device("cpu"), None, None)
    model = build_model(PAPER)
    extractor.load_weights(model, state)
    assert found == {}
    assert model.fc.out_features == 1_000
    teacher, _ = distillation.teacher_of(get(DIFFERNET).run(get(DIFFERNET).cells[0], "paper", 42), torch.device("cpu"), None, None)
    assert [of.shape[1] for of in features(teacher, torch.zeros(1, 3, 64, 64))] == [64, 128, 256]
    grey = extractor.prepared(torch.full((1, 3, 1, 1), 255, dtype=torch.uint8), imagenet=True)
    assert grey.flatten().tolist() == pytest.approx([(1 - 0.485) / 0.229, (1 - 0.456) / 0.224, (1 - 0.406) / 0.225])

    def offline(self, **_):
        raise OSError("no network")

    monkeypatch.setattr(Weights, "get_state_dict", offline)
    with pytest.raises(
        UserError, match=r"cannot be downloaded \(no network\): put https://example.org/resnet18.pth into .*checkpoints"
    ):
        extractor.weights(PAPER, torch.device("cpu"), None, None)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "lenet5"}, r"lenet5 is not for the task padim: padim goes with resnet10 or resnet18\."),
        ({"model": "resnet10"}, "resnet10 has no weights trained on ImageNet: choose resnet18, or set imagenet to 0"),
        (
            {"task": "supervised", "settings": {}},
            r"mvtec_screw is not for the task supervised: padim, distillation, differnet go with",
        ),
        ({"dataset": "cifar10", "train_images": 9}, "cifar10 is not for the task padim"),
        ({"dataset": "made_up_defects", "train_images": 9}, "made_up_defects is grey"),
        ({"epochs": 2}, "padim has nothing to repeat"),
        ({"granularity": "neuron"}, "no fixed neurons: choose layer or channel"),
        ({"settings": {"features": 500}}, "setting features is 500: give at most 448"),
        ({"settings": {"features": 1.5}}, "setting features is 1.5: give a whole number of at least 1"),
        ({"settings": {"swapped": 2}}, "setting swapped is 2: give 1 for yes or 0 for no"),
        ({"augment": True}, "padim trains on one class, without labels: set augment to False"),
        ({"task": "differnet", "model": "flow", "settings": {"size": 96}}, "setting size is 96: give a multiple of 64 pixels"),
        ({"task": "distillation", "model": "student", "settings": {"size": 100}}, "give a multiple of 16 pixels"),
        ({"task": "supervised", "model": "flow", "settings": {}}, "flow is not for the task supervised: differnet goes with flow"),
    ],
)
def test_what_makes_no_sense_is_refused(fields, words):
    with pytest.raises(UserError, match=words):
        replace(PAPER, **fields)


def test_residual_networks_are_classifiers_too():
    run = Run(dataset="digits", train_images=64, model="resnet10", activation="relu", epochs=1, seed=42)
    assert train(run).status == "done"


def test_functions_differ_in_nothing_else():
    for experiment in studies():
        for profile in ("smoke", "laptop", "paper"):
            runs = {cell.row: experiment.run(cell, profile, 42) for cell in experiment.cells}
            plain = {replace(run, activation="relu", granularity=None, options=()) for row, run in runs.items() if "," not in row}
            assert len(plain) == 1
            assert len(set(runs.values())) == len(runs)
    added = get(DISTILLATION).including(["silu"])
    (cell,) = [cell for cell in added.cells if cell.row == "silu"]
    assert added.run(cell, "laptop", 42) == replace(added.run(added.cells[1], "laptop", 42), activation="silu")


def test_a_plan_says_that_it_does_not_measure_them(tmp_path):
    found = plan([run_of(DISTILLATION)], Store(tmp_path), jobs=1, seconds=1)
    assert "not measured beforehand" in found.kinds[0].problem


def put(store, experiment, score, profile, metric="auc", seeds=(1, 2, 3)):
    experiment, random = get(experiment), np.random.default_rng(0)
    for cell in experiment.cells:
        for seed in seeds:
            last = {"epoch": 1, metric: (score(cell.row) + 0.001 * random.standard_normal()) / 100}
            store.put(record_of(experiment.run(cell, profile, seed), scores={"last": last}))
    return Evidence(store)


@pytest.mark.parametrize(("name", "printed"), [(DIFFERNET, 1.81), (DISTILLATION, 1.11)])
def test_a_printed_gain_is_decided_at_full_scale_alone(tmp_path, name, printed):
    rule = auc_gain(name)
    assert rule(Evidence(Store(tmp_path))).verdict == "undecided"

    def ahead(by):
        return lambda row: 80.0 + (by if row == "APALU" else 0.0)

    small = rule(put(Store(tmp_path / "small"), name, ahead(printed), "laptop"))
    assert (small.verdict, small.n) == ("undecided", 3)
    assert "decided at the paper's scale" in small.reason
    found = {by: rule(put(Store(tmp_path / str(by)), name, ahead(by), "paper")).verdict for by in (printed, 5.0, -1.0)}
    assert found == {printed: "holds", 5.0: "holds in part", -1.0: "does not hold"}


def test_padim_is_judged_in_both_readings(tmp_path):
    assert localises(Evidence(Store(tmp_path))).verdict == "undecided"
    better = {"APALU": 90.0, f"APALU{SWAPPED}": 90.0}
    cases = {
        "holds": lambda row: better.get(row, 80.0),
        "does not hold": lambda row: 70.0 if row in better else 80.0,
        "holds in part": lambda row: 90.0 if row == "APALU" else 70.0 if row == f"APALU{SWAPPED}" else 80.0,
    }
    for verdict, score in cases.items():
        found = localises(put(Store(tmp_path / verdict), PADIM, score, "laptop", "pixel_auc"))
        assert found.verdict == verdict
        assert "trained with the function" in found.reason
        assert "swapped in" in found.reason
    assert "of 8 comparisons" in found.reason
