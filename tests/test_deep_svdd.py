"""One-Class Deep SVDD: its images, its two stages, its centre, and what a record says of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from adaptact import Run, UserError, data, train
from adaptact.activations import activation_parameters
from adaptact.experiments import PROFILES
from adaptact.plan import plan
from adaptact.records import Record, Store
from adaptact.training import build_model, deep_svdd, parts

RUN = Run(
    dataset="digits",
    train_images=1_000,
    model="svdd_lenet",
    activation="apalu",
    granularity="layer",
    epochs=4,
    seed=42,
    lr=1e-3,
    batch_size=32,
    shuffle=True,
    augment=False,
    task="deep_svdd",
    settings={"normal_class": 3},
)


@pytest.fixture(scope="module")
def record():
    return train(RUN)


def test_images_are_of_one_class_and_prepared_as_the_method_has_it():
    split, digits = parts(RUN, data.load("digits")), data.load("digits")
    mine = digits.train_images[:1000][digits.train_labels[:1000] == 3].numpy() / 255
    assert len(split.train_images) == len(mine)
    centred = mine - mine.mean((1, 2, 3), keepdims=True)
    contrast = centred / np.abs(centred).mean((1, 2, 3), keepdims=True)
    expected = (contrast - contrast.min()) / (contrast.max() - contrast.min())
    np.testing.assert_allclose(split.train_images.numpy(), expected, atol=1e-5)
    assert torch.equal(split.test_labels, (digits.test_labels != 3).long())


def test_nothing_has_a_bias_unless_it_is_asked_for():
    model = build_model(replace(RUN, activation="relu", granularity=None))
    assert all(layer.bias is None for layer in model.modules() if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)))
    assert not any(layer.affine for layer in model.modules() if isinstance(layer, nn.BatchNorm2d))
    assert sum(value.numel() for value in model.encoder.parameters()) == 8 * 25 + 4 * 8 * 25 + 196 * 32
    biased = build_model(replace(RUN, model="svdd_lenet_biased"))
    assert biased.encoder.fc1.bias is not None
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 1, 28, 28)
    assert len([site for site in model.modules() if getattr(site, "is_activation", False)]) == 5


def test_the_decoders_convolutions_are_transposed_ones():
    model = build_model(replace(RUN, model="svdd_lenet_biased"))
    for layer in (model.decoder.deconv1, model.decoder.deconv2, model.decoder.deconv3):
        x = torch.rand(2, layer.in_channels, 9, 9)
        torch.testing.assert_close(layer(x), nn.ConvTranspose2d.forward(layer, x))


def test_no_coordinate_of_the_centre_is_near_zero():
    images = torch.rand(300, 4)
    encoder = nn.Linear(4, 3, bias=False)
    with torch.no_grad():
        encoder.weight.copy_(torch.tensor([[1.0, 0, 0, 0], [1e-3, 0, 0, 0], [-1e-3, 0, 0, 0]]))
    found = deep_svdd.centre(encoder, images)
    torch.testing.assert_close(found, torch.stack([images[:, 0].mean(), torch.tensor(0.1), torch.tensor(-0.1)]))


def test_a_record_has_both_stages_and_tells_anomalies(record):
    assert record.status == "done"
    assert len(record.curves["train_loss"]) == 4
    pretrained, start, last = (record.scores[name] for name in ("pretrained", "start", "last"))
    assert pretrained["epoch"] == 2
    assert last["epoch"] == 4
    assert all(0 <= of["auc"] <= 1 for of in (pretrained, start, last))
    assert 0 < last["spread_normal"] < last["spread"]
    assert {"a", "b"} == set(record.shapes["encoder.act1"]["quantiles"])
    assert Record.from_json(record.to_json()) == record


def test_both_stages_learn_and_distances_to_the_centre_tell_zeros_from_other_digits():
    learned = train(replace(RUN, train_images=1_437, epochs=12, settings={"normal_class": 0}))
    losses = learned.curves["train_loss"]
    assert losses[5] < losses[0]
    assert losses[11] < losses[6] < losses[5], "a distance is of another size than a reconstruction error"
    assert learned.scores["last"]["auc"] > 0.95


def test_the_second_stage_moves_the_encoder_alone(monkeypatch):
    encoders, decoders = [], []
    original = deep_svdd.judged

    def spy(model, middle, split):
        encoders.append([value.clone() for value in model.encoder.parameters()])
        decoders.append([value.clone() for value in model.decoder.parameters()])
        return original(model, middle, split)

    monkeypatch.setattr(deep_svdd, "judged", spy)
    train(RUN)
    assert all(map(torch.equal, *decoders))
    assert not any(map(torch.equal, *encoders))


def test_rates_fall_in_each_stage_and_decay_spares_activations():
    run = replace(RUN, epochs=12, settings={"normal_class": 3, "weight_decay": 0.25})
    model = build_model(run)
    rates = []
    for epoch in range(1, 13):
        (optimizer,) = deep_svdd._optimizers(model, run, epoch)
        deep_svdd._set_rate(optimizer, run, epoch)
        rates.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose(rates, [1e-3] * 2 + [1e-4] * 4 + [1e-3] * 2 + [1e-4] * 4)
    shaped = {id(value) for value in activation_parameters(model).values()}
    for group in optimizer.param_groups:
        assert group["weight_decay"] == (0 if id(group["params"][0]) in shaped else 0.25)


def test_auc_is_scikit_learns():
    labels, scores = torch.tensor([0, 1, 1, 0, 1]), torch.tensor([0.1, 0.4, 0.35, 0.8, 0.9])
    assert deep_svdd.auc(labels, scores) == roc_auc_score(labels, scores)
    assert deep_svdd.auc(labels, torch.tensor([0.1, 0.4, float("nan"), 0.8, 0.9])) is None


def test_a_collapsed_sphere_has_no_spread():
    split = parts(RUN, data.load("digits"))
    model = build_model(replace(RUN, model="svdd_lenet_biased"))
    with torch.no_grad():
        model.encoder.fc1.weight.zero_()
        model.encoder.fc1.bias.fill_(1.0)
    found = deep_svdd.judged(model, torch.ones(32), split)
    assert found["spread"] == found["spread_normal"] == 0
    assert found["auc"] == 0.5


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_one_goes_on_to_the_same_numbers(after, tmp_path, record):
    def stop(epoch, curves):
        if epoch == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(RUN, checkpoint=tmp_path / "c.pt", on_epoch=stop)
    again = train(RUN, checkpoint=tmp_path / "c.pt")
    assert again.curves["train_loss"] == record.curves["train_loss"]
    assert again.scores == record.scores
    assert again.shapes == record.shapes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": {"normal_class": 10}}, "a whole number from 0 to 9"),
        ({"settings": {"normal_clas": 3}}, "Did you mean 'normal_class'"),
        ({"settings": {"pretraining": 1}}, "leave some of the epochs"),
        ({"settings": {"drop": -1}}, "at least 0"),
        ({"model": "lenet5"}, "goes with svdd_lenet"),
        ({"task": "supervised", "settings": {}}, "not for the task supervised"),
        ({"task": "deep_svd"}, "Did you mean 'deep_svdd'"),
        ({"validation_images": 10}, "set validation_images to 0"),
        ({"dspt": True}, "set dspt to False"),
    ],
)
def test_senseless_runs(change, words):
    with pytest.raises(UserError, match=words):
        replace(RUN, **change)


def test_other_images_and_missing_classes_are_refused():
    with pytest.raises(UserError, match="28 x 28"):
        build_model(replace(RUN, dataset="cifar10"))
    with pytest.raises(UserError, match="give more of them"):
        train(replace(RUN, train_images=1, settings={"normal_class": (int(data.load("digits").train_labels[0]) + 1) % 10}))


def test_a_plan_measures_it(tmp_path):
    found = plan([RUN], Store(tmp_path), device="cpu", jobs=1, seconds=0.2)
    (kind,) = found.kinds
    assert kind.problem is None
    assert kind.seconds > 0


def test_test_images_are_the_first_ones():
    run = replace(RUN, test_images=50)
    assert len(parts(run, data.load("digits")).test_images) == 50
    plain = Run(
        dataset="digits", train_images=100, model="lenet5", activation="relu", epochs=1, seed=1, augment=False, test_images=40
    )
    assert torch.equal(parts(plain, data.load("digits")).test_labels, data.load("digits").test_labels[:40])
    assert PROFILES["smoke"].scale(replace(plain, dataset="mnist", test_images=5_000)).test_images == 360
    with pytest.raises(UserError, match="leave test_images None"):
        replace(plain, fold=1)
    with pytest.raises(UserError, match="from 1 to 360"):
        replace(plain, test_images=361)
