"""What a record says of dead units and gradients, on networks where it is known."""

from functools import partial

import pytest
import torch

from adaptact import Record, Run, activations
from adaptact.models import build
from adaptact.training import train
from adaptact.training.units import units

GENERATOR = torch.Generator().manual_seed(0)
IMAGES, LABELS = torch.rand(64, 1, 4, 4, generator=GENERATOR), torch.arange(64) % 10


def batches(images=IMAGES):
    return zip(images.split(16), LABELS.split(16), strict=True)


def network(activation="relu", depth=3, **options):
    torch.manual_seed(0)
    return build("mlp", (1, 4, 4), partial(activations.make, activation, **options), depth=depth, fc_width=8)


def test_dead_units_are_counted_where_the_slope_is_zero_for_all_images():
    model = network()
    with torch.no_grad():
        model.fc2.bias[:2] = -100.0  # two of eight never fire
    found = units(model, batches())
    assert found["act2"]["dead"] >= 0.25
    assert found["act1"]["dead"] < 0.25
    assert list(found) == ["act1", "act2", "act3"]
    with torch.no_grad():
        model.fc2.bias[:] = 100.0
    alive = units(model, batches())["act2"]
    assert (alive["dead"], alive["nearly_dead"], alive["saturated"]) == (0, 0, 0)
    assert alive["mean"] > 90


def test_a_smooth_function_can_be_nearly_dead_and_a_leaky_one_is_never_dead():
    with torch.no_grad():
        smooth, leaky, folded = network("tanh"), network("leaky_relu"), network("pltanh", alpha=0.1)
        for model in (smooth, leaky, folded):
            model.fc1.bias[:] = -6.0  # tanh's slope is 2e-5 there
    assert (units(smooth, batches())["act1"]["dead"], units(smooth, batches())["act1"]["nearly_dead"]) == (0, 1)
    assert units(leaky, batches())["act1"] == pytest.approx({**units(leaky, batches())["act1"], "dead": 0, "nearly_dead": 1})
    assert units(folded, batches())["act1"]["nearly_dead"] == 0


def test_the_gradient_is_that_of_the_loss():
    model = network("tanh", depth=1)
    hidden = model.act1(model.fc1(IMAGES[:16].flatten(1))).detach().requires_grad_()
    loss = torch.nn.functional.cross_entropy(model.fc2(hidden), LABELS[:16])
    gradient = torch.autograd.grad(loss, hidden)[0]
    found = units(model, [(IMAGES[:16], LABELS[:16])])["act1"]
    assert found["gradient"] == pytest.approx(gradient.square().mean().sqrt().item(), rel=1e-4)
    assert found["mean"] == pytest.approx(hidden.mean().item(), rel=1e-4, abs=1e-6)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_unit_of_a_convolution_is_a_channel():
    torch.manual_seed(0)
    model = build("simple_cnn", (1, 28, 28), partial(activations.make, "relu"))
    with torch.no_grad():
        model.conv1.bias[:] = 100.0
        model.conv1.bias[:8] = -100.0
    images = torch.rand(64, 1, 28, 28, generator=GENERATOR)
    assert units(model, batches(images))["act1"]["dead"] == 8 / 32


def test_what_is_not_finite_is_none():
    model = network()
    with torch.no_grad():
        model.fc1.weight[0, 0] = torch.nan
    assert units(model, batches())["act1"]["mean"] is None


@pytest.mark.parametrize("model", ["mlp", "gru_gates"])
def test_a_record_has_them_and_a_recurrent_network_too(model):
    adaptive = {"activation": "leaf", "init": "silu", "granularity": "layer"} if model == "gru_gates" else {"activation": "elu"}
    record = train(Run(dataset="digits", train_images=128, model=model, epochs=1, seed=1, **adaptive))
    assert all(0 <= of["dead"] <= of["nearly_dead"] <= 1 and of["gradient"] > 0 for of in record.units.values())
    assert Record.from_json(record.to_json()) == record
