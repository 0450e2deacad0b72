"""What the chapters share: paired networks, a loop that learns, and a look inside that agrees with autograd."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from adaptact import UserError, activation_parameters, teaching


def settings(**others):
    return SimpleNamespace(
        **{"profile": "recorded", "dataset": "digits", "data_folder": None, "device": "cpu", "seeds": None} | others
    )


@pytest.fixture(scope="module")
def digits():
    return teaching.samples(settings())


def test_samples_are_standardised_by_what_is_trained_on(digits):
    assert digits.x.shape == (1437, 784)
    assert digits.test_x.shape == (360, 784)
    assert abs(digits.x.mean()) < 1e-4
    assert abs(digits.x.std() - 1) < 1e-4
    assert digits.y.dtype == torch.int64
    smoke = teaching.samples(settings(profile="smoke", dataset="cifar10"))
    assert smoke.x.shape == (256, 784), "at smoke it is digits, whatever is named"


def test_a_missing_set_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError) as error:
        teaching.samples(settings(dataset="mnist", data_folder=tmp_path))
    assert "\n" not in str(error.value)


def test_seeds():
    assert teaching.seeds(settings()) == (0, 1, 2, 3, 4)
    assert teaching.seeds(settings(), 3) == (0, 1, 2)
    assert teaching.seeds(settings(profile="smoke")) == (0, 1)
    assert teaching.seeds(settings(seeds=(7, 8, 9)), 2) == (7, 8, 9)


def test_networks_of_a_seed_have_the_same_weights_whatever_the_function(digits):
    networks = [teaching.network(name, digits, depth=3, width=8, seed=4) for name in ("relu", "leaf", lambda shape: nn.Tanh())]
    others = teaching.network("relu", digits, depth=3, width=8, seed=5)
    for layer in ("fc1", "fc2", "fc3", "fc4"):
        first, *rest = (getattr(model, layer).weight for model in networks)
        assert all(torch.equal(first, weight) for weight in rest)
        assert not torch.equal(first, getattr(others, layer).weight)
    assert len(activation_parameters(networks[1])) == 12
    assert networks[0](digits.x[:2]).shape == (2, 10)


def test_a_function_of_ones_own_has_activation_parameters(digits):
    model = teaching.network(lambda shape: nn.Sequential(nn.PReLU(shape[0])), digits, depth=2, width=8)
    assert [value.numel() for value in activation_parameters(model).values()] == [8, 8]


def test_it_learns_and_repeats_itself(digits):
    losses, networks = [], []
    for _ in range(2):
        networks.append(teaching.network("relu", digits, width=32))
        losses.append(teaching.fit(networks[-1], digits, epochs=4))
    assert losses[0] == losses[1]
    assert len(losses[0]) == 4 * 12
    assert losses[0][-1] < losses[0][0] / 4
    assert teaching.accuracy(networks[0], digits.test_x, digits.test_y) > 90


def test_the_parameters_have_a_rate_of_their_own(digits):
    held, watched = teaching.network("leaf", digits, width=8, init="tanh"), []
    before = {name: value.clone() for name, value in held.named_parameters()}
    teaching.fit(held, digits, epochs=1, activation_lr=0.0, watch=lambda epoch, model: watched.append(epoch))
    own = activation_parameters(held)
    assert watched == [0, 1]
    for name, value in held.named_parameters():
        assert torch.equal(value, before[name]) == (name in own)


def test_a_look_inside_agrees_with_autograd(digits):
    model, x, y = teaching.network("tanh", digits, depth=2, width=8), digits.x[:20], digits.y[:20]
    sites = teaching.look_inside(model, x, y)
    assert list(sites) == ["act1", "act2"]
    assert all(parameter.grad is None for parameter in model.parameters())
    inputs = model.fc1(x)
    hidden = torch.tanh(inputs).detach().requires_grad_()
    loss = F.cross_entropy(model.fc3(torch.tanh(model.fc2(hidden))), y)
    (gradient,) = torch.autograd.grad(loss, hidden)
    assert torch.allclose(sites["act1"].inputs, inputs)
    assert torch.allclose(sites["act1"].outputs, hidden)
    assert torch.allclose(sites["act1"].slopes, 1 - hidden**2, atol=1e-6)
    assert torch.allclose(sites["act1"].gradient, gradient, atol=1e-8)
    with torch.no_grad():
        assert teaching.accuracy(model, x, model(x).argmax(1)) == 100
