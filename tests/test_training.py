"""The loop: its numbers, its random numbers, divergence, selections, and going on from a checkpoint."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adaptact import Run, UserError, WeightedSum, data, train
from adaptact.records import PROTOCOL
from adaptact.training import build_model, loop, parts, scores
from adaptact.training.metrics import macro_metrics

GOLDEN = Path(__file__).with_name("golden.json")
BASE = Run(dataset="digits", train_images=320, model="lenet5", activation="tanh", epochs=1, seed=42, batch_size=16)
LEAF = replace(BASE, activation="leaf", init="tanh", granularity="neuron")
WEIGHTED = Run(
    dataset="digits", train_images=112, model="strided_cnn", activation="weighted_sum", granularity="layer", epochs=3, seed=42,
    batch_size=16, lr=3e-3, activation_lr=0.1,
)  # fmt: skip
CYCLES = ("weights", "activations", "weights")
PROCEDURES = {  # 20 steps each, or three times 7
    "classic": BASE,
    "leaf": LEAF,
    "p24si": replace(LEAF, slow_rho24=1e-6),
    "dspt": replace(LEAF, dspt=True),
    "dspt, p24si, rmsprop": replace(LEAF, dspt=True, slow_rho24=1e-5, optimizer="rmsprop", lr=1e-4, activation_lr=1e-4),
    "ahaf, channel, shuffled, validation": replace(
        BASE, activation="ahaf", init="relu", granularity="channel", shuffle=True, validation_images=40
    ),
    "kerasnet, dropout by element": replace(LEAF, model="kerasnet", init="silu", conv_dropout="element", fc_dropout=0.5),
    "weighted sum": WEIGHTED,
    "weighted sum, in cycles": replace(WEIGHTED, cycles=CYCLES),
    "weighted sum, random start": replace(WEIGHTED, init="random", cycles=CYCLES),
    "weighted sum, with a product": replace(WEIGHTED, cycles=CYCLES, options={"functions": ("relu*tanh", "sin")}),
}


@pytest.mark.parametrize("name", PROCEDURES)
def test_golden_numbers_of_this_protocol(name):
    """If this fails on purpose: raise PROTOCOL and write the file anew with ``python tests/test_training.py``."""
    golden = json.loads(GOLDEN.read_text())
    assert golden["protocol"] == PROTOCOL
    got = _numbers(PROCEDURES[name])
    # Another processor rounds otherwise, and 20 steps carry that on; a changed draw, rate, or order shows far above this.
    np.testing.assert_allclose(got, golden["numbers"][name], rtol=2e-3)


def _numbers(run):
    curves = train(run, device="cpu").curves
    return [curves["train_loss"][-1], curves["test_loss"][-1]]


def test_golden_numbers_tell_the_procedures_apart():
    numbers = json.loads(GOLDEN.read_text())["numbers"]
    losses = sorted(loss for _, loss in numbers.values())
    assert min(np.diff(losses) / losses[:-1]) > 2e-3, "the tolerance above would not tell two procedures apart"


@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")), reason="no compiler")
def test_long_runs_are_compiled_and_say_so(monkeypatch):
    short = train(replace(LEAF, batch_size=64))
    assert "activations" not in short.hardware
    monkeypatch.setattr(loop, "WORTH_COMPILING", 0)
    long = train(replace(LEAF, batch_size=64))
    assert long.hardware["activations"] == "compiled"
    np.testing.assert_allclose(long.curves["train_loss"], short.curves["train_loss"], rtol=1e-3)
    assert "activations" not in train(replace(BASE, batch_size=64)).hardware, "a fixed function has no formula of ours"


def test_same_run_same_numbers_and_the_callers_generator_is_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    first = train(LEAF)
    assert torch.equal(torch.rand(1), expected)
    torch.manual_seed(99)
    second = train(LEAF)
    assert _timeless(first) == _timeless(second)
    assert _timeless(train(replace(LEAF, seed=43))) != _timeless(first)


def _timeless(record):
    return {name: values for name, values in record.curves.items() if name != "seconds"}, record.scores, record.shapes


def test_runs_of_a_seed_are_paired(monkeypatch):
    """The same initial weights and the same augmented batches, whatever the activation and procedure."""
    seen = {}

    def spy(model, optimizer, images, labels, loss_function):
        seen.setdefault(key, []).append((images.clone(), labels.clone()))
        return torch.zeros(())

    monkeypatch.setattr(loop, "step", spy)
    key = "tanh"
    train(replace(BASE, epochs=2))
    key = "leaf"
    train(replace(LEAF, epochs=2))
    assert len(seen["tanh"]) == 40
    for (images, labels), (other_images, other_labels) in zip(seen["tanh"], seen["leaf"], strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(labels, other_labels)
    assert not torch.equal(seen["tanh"][0][0], seen["tanh"][20][0])  # each epoch augments anew
    assert torch.equal(seen["tanh"][0][1], seen["tanh"][20][1])  # and does not shuffle
    assert torch.equal(seen["tanh"][0][1], data.load("digits").train_labels[:16])
    plain, leaf = build_model(BASE), build_model(LEAF)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, leaf.state_dict()[name])


def test_random_starts_follow_the_seed_and_the_weights_do_not_notice():
    run = replace(WEIGHTED, init="random")
    starts = [[site.coefficients for site in _sites(replace(run, seed=seed))] for seed in (1, 1, 2)]
    assert all(torch.equal(one, other) for one, other in zip(*starts[:2], strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(*starts[1:], strict=True))
    assert not torch.equal(*starts[0][:2]), "each site draws its own"
    plain, random = (build_model(one).state_dict() for one in (replace(WEIGHTED, activation="sin", granularity=None), run))
    for name, value in plain.items():
        assert torch.equal(value, random[name]), name


def _sites(run):
    return [module for module in build_model(run).modules() if isinstance(module, WeightedSum)]


def test_options_and_numbers_to_start_from_reach_every_site():
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    options = {"normalisation": "square", "functions": ["relu*tanh", "sin"]}
    run = replace(WEIGHTED, init=[0.75, 0.25], options=options)
    replace(WEIGHTED, init="random", options=options)
    assert torch.equal(torch.rand(1), expected), "a Run that is tried out leaves the caller's generator alone"
    sites = _sites(run)
    assert len(sites) == 3
    for site in sites:
        assert (site.normalisation, site.labels) == ("square", ("relu_tanh", "sin"))
        assert site.coefficients.flatten().tolist() == pytest.approx([0.75, 0.25])
    assert set(train(run, device="cpu").shapes["act1"]["sample"]) == {"index", "relu_tanh", "sin"}


def test_shuffling_draws_a_new_order_each_epoch(monkeypatch):
    orders = []
    monkeypatch.setattr(
        loop, "step", lambda model, optimizer, images, labels, loss_function: orders.append(labels.clone()) or torch.zeros(())
    )
    train(replace(BASE, shuffle=True, augment=False, epochs=2))
    first, second = torch.cat(orders[:20]), torch.cat(orders[20:])
    assert not torch.equal(first, second)
    assert torch.equal(first.sort()[0], second.sort()[0])


@pytest.mark.parametrize("run", [replace(BASE, activation="relu"), replace(LEAF, activation_lr=1e30)])
def test_a_diverging_run_is_recorded_as_diverged(run):
    record = train(replace(run, lr=1e30, epochs=4))
    assert record.status == "diverged"
    assert len(record.curves["train_loss"]) < 4
    assert None in (record.curves["train_loss"][-1], record.curves["test_loss"][-1])
    assert "last" not in record.scores
    json.loads(record.to_json())  # strict JSON holds no NaN


def test_selections():
    curves = {
        "train_loss": [1.0, 0.9, 0.8, 0.7],
        "test_loss": [1.0, 0.9, 0.8, 0.7],
        "test_accuracy": [50.0, 70.0, 70.0, 60.0],
        "validation_accuracy": [10.0, 20.0, 30.0, 30.0],
    }
    chosen = scores(curves)
    assert chosen["best_test"] == {"epoch": 2, "test_accuracy": 70.0}  # the first maximum, counted from 1
    assert chosen["last"] == {"epoch": 4, "test_accuracy": 60.0}
    assert chosen["best_validation"] == {"epoch": 3, "test_accuracy": 70.0}
    del curves["validation_accuracy"]
    assert set(scores(curves)) == {"best_test", "last"}
    curves["train_loss"][3] = None
    assert set(scores(curves)) == {"best_test"}
    curves["train_loss"] = [None] * 4
    assert scores(curves) == {}


def test_a_validation_split_is_held_out_by_class():
    run = replace(BASE, validation_images=100)
    digits = data.load("digits")
    images, labels, held_images, held_labels = parts(run, digits)[:4]
    assert (len(images), len(held_images)) == (220, 100)
    assert len(labels) == 220
    together = {image.numpy().tobytes() for image in images} | {image.numpy().tobytes() for image in held_images}
    assert together == {image.numpy().tobytes() for image in digits.train_images[:320]}
    shares = torch.bincount(digits.train_labels[:320]) * 100 / 320
    assert (torch.bincount(held_labels) - shares).abs().max() <= 1
    record = train(run)
    assert len(record.curves["validation_accuracy"]) == 1
    assert "best_validation" in record.scores


@pytest.mark.parametrize(
    "run",
    [
        replace(LEAF, epochs=3, dspt=True),
        replace(BASE, model="kerasnet", train_images=64, epochs=3),
        replace(WEIGHTED, epochs=6, cycles=CYCLES),
        replace(WEIGHTED, activation="leaf", init="tanh", epochs=6, cycles=("activations", "both", "weights"), optimizer="rmsprop"),
    ],
)
def test_an_interrupted_training_goes_on_to_the_same_numbers(run, tmp_path):
    whole = train(run)
    for stop_after in range(1, run.epochs):
        checkpoint = tmp_path / f"{stop_after}.pt"

        def interrupt(epoch, curves, stop_after=stop_after):
            if epoch == stop_after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train(run, checkpoint=checkpoint, on_epoch=interrupt)
        epochs = []
        resumed = train(run, checkpoint=checkpoint, on_epoch=lambda epoch, curves, epochs=epochs: epochs.append(epoch))
        assert epochs == list(range(stop_after + 1, run.epochs + 1))
        assert _timeless(resumed) == _timeless(whole)


def test_a_checkpoint_of_another_run_is_not_used_and_a_broken_one_is_set_aside(tmp_path):
    checkpoint = tmp_path / "c.pt"
    train(BASE, checkpoint=checkpoint)
    assert _timeless(train(replace(BASE, seed=7), checkpoint=checkpoint)) == _timeless(train(replace(BASE, seed=7)))
    expected = _timeless(train(BASE))
    sound = torch.load(checkpoint)
    torch.save({**sound, "run": BASE.key, "model": {}}, tmp_path / "another.pt")
    torch.save({**sound, "optimizers": [object()]}, tmp_path / "harmful.pt")
    torch.save([1], tmp_path / "foreign.pt")
    contents = [(tmp_path / f"{name}.pt").read_bytes() for name in ("another", "harmful", "foreign")]
    for content in (b"rubbish", b"", checkpoint.read_bytes()[:10_000], *contents):
        checkpoint.write_bytes(content)
        with pytest.warns(UserWarning, match=r"^checkpoint .*c\.pt cannot be read .* set aside as c\.pt\.damaged.*over.$"):
            record = train(BASE, checkpoint=checkpoint)
        assert _timeless(record) == expected


def test_learned_shapes_are_sampled_alike_and_followed():
    record = train(replace(LEAF, epochs=2))
    assert set(record.shapes) == {"act1", "act2", "act3"}
    for site, shape in record.shapes.items():
        assert [row[0] for row in shape["quantiles"]["rho3"]] == [0, 1, 2]
        assert shape["quantiles"]["rho3"][0][1:] == [2.0] * 5, "as tanh, rho3 starts at 2"
        assert len(shape["sample"]["rho1"]) == 5
        assert shape["sample"]["index"] == train(replace(LEAF, seed=1)).shapes[site]["sample"]["index"]
        assert [row[0] for row in shape["path"]["rho1"]] == [0, 1, 2]
        assert shape["path"]["rho1"][-1][1:] == shape["sample"]["rho1"] != shape["path"]["rho1"][0][1:]
        assert [sum(counts) for counts in shape["inputs"]["counts"]] == [360] * 5, "one input a neuron and test image"
        assert all(low < high for low, high in shape["inputs"]["range"])
    assert train(BASE).shapes == {}


@pytest.mark.parametrize(("granularity", "inputs"), [("neuron", 6), ("channel", 6 * 24 * 24), ("layer", 6 * 20 * 24 * 24)])
def test_histograms_are_of_the_inputs_that_share_a_parameter(granularity, inputs):
    model = loop.build_model(replace(LEAF, dataset="mnist", train_images=256, granularity=granularity))
    images = torch.rand(6, 1, 28, 28)
    found = loop.input_histograms(model, images.split(4))["act1"]
    assert [sum(counts) for counts in found["counts"]] == [inputs] * len(found["index"])
    one = model.conv1(images).detach()
    one = {"neuron": one.flatten(1).T, "channel": one.transpose(0, 1).flatten(1), "layer": one.flatten()[None]}[granularity]
    for index, (low, high) in zip(found["index"], found["range"], strict=True):
        assert (low, high) == pytest.approx((one[index].min().item(), one[index].max().item()), abs=1e-6)


def test_devices():
    assert str(loop.pick_device("cpu")) == "cpu"
    assert loop.pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(UserError, match="Choose from: auto, cpu, cuda"):
        loop.pick_device("gpu")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="finds no GPU"):
            loop.pick_device("cuda")


if __name__ == "__main__":
    torch.set_num_threads(1)
    numbers = {name: _numbers(run) for name, run in PROCEDURES.items()}
    GOLDEN.write_text(json.dumps({"protocol": PROTOCOL, "numbers": numbers}, indent=1) + "\n")


def test_five_folds_part_the_images_by_class_and_leave_the_test_set_alone():
    digits, seen = data.load("digits"), []
    for fold in range(1, 6):
        split = parts(replace(BASE, fold=fold), digits)
        assert (len(split.train_images), len(split.test_images)) == (256, 64)
        assert torch.equal(split.test_images, parts(replace(BASE, fold=fold, seed=7), digits).test_images), (
            "the same for every seed"
        )
        shares = torch.bincount(digits.train_labels[:320]) / 5
        assert (torch.bincount(split.test_labels) - shares).abs().max() <= 1
        seen += [image.numpy().tobytes() for image in split.test_images]
    assert set(seen) == {image.numpy().tobytes() for image in digits.train_images[:320]}
    assert len(seen) == 320
    assert parts(replace(BASE, fold=1, validation_images=100), digits).train_images.shape[0] == 156


def test_a_part_of_what_a_fold_leaves_is_trained_on_and_the_test_images_stay():
    digits = data.load("digits")
    whole, some = (parts(replace(BASE, fold=2, **part), digits) for part in ({}, {"part": 100, "validation_images": 20}))
    assert torch.equal(whole.test_images, some.test_images)
    assert (len(some.train_images), len(some.held_images)) == (80, 20)
    together = {tuple(image.flatten().tolist()) for image in torch.cat([some.train_images, some.held_images])}
    assert together == {tuple(image.flatten().tolist()) for image in whole.train_images[:100]}
    with pytest.raises(UserError, match="part is 999999: give a whole number from 1 to"):
        replace(BASE, fold=2, part=999_999)
    with pytest.raises(UserError, match="give a fold too"):
        replace(BASE, part=10)


def test_a_fold_is_recorded_with_macro_metrics():
    record = train(replace(BASE, fold=2))
    assert set(record.scores["last"]) == {"epoch", "test_accuracy", "macro_precision", "macro_recall", "macro_f1", "auc"}
    assert 0 <= record.scores["last"]["macro_f1"] <= 100
    assert 0.5 < record.scores["last"]["auc"] <= 1
    assert set(train(BASE).scores["last"]) == {"epoch", "test_accuracy"}


def test_macro_metrics_weigh_classes_alike_and_know_two_classes_and_missing_ones():
    scores = torch.tensor([[3.0, 0.0], [2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = macro_metrics(torch.nn.Identity(), [scores[:3], scores[3:]], torch.tensor([0, 0, 1, 1]))
    assert found["macro_recall"] == pytest.approx(75)
    assert found["macro_precision"] == pytest.approx(100 * (2 / 3 + 1) / 2)
    assert found["auc"] == 1
    assert macro_metrics(torch.nn.Identity(), [scores], torch.zeros(4, dtype=torch.int64))["auc"] is None
