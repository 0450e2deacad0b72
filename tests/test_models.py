"""The networks against the figures of the LEAF paper's released code."""

from functools import partial

import pytest
import torch

from adaptact import UserError, activation_parameters, make
from adaptact.models import build

# network, input -> neurons of each activation layer, and the number of weights without activation parameters
PUBLISHED = [
    ("lenet5", (1, 28, 28), [11520, 3200, 500], 431_000),
    ("lenet5", (3, 32, 32), [15680, 5000, 500], 657_000),
    ("kerasnet", (1, 28, 28), [25088, 21632, 10816, 7744, 512], 889_834),
    ("kerasnet", (3, 32, 32), [32768, 28800, 14400, 10816, 512], 1_250_858),
]


@pytest.mark.parametrize(("name", "in_shape", "neurons", "weights"), PUBLISHED)
def test_sizes_are_those_of_the_released_code(name, in_shape, neurons, weights):
    model = build(name, in_shape, partial(make, "leaf", init="tanh"))
    shaped = activation_parameters(model)
    assert [p.numel() for key, p in shaped.items() if key.endswith("rho1")] == neurons
    assert sum(p.numel() for p in shaped.values()) == 4 * sum(neurons)
    assert sum(p.numel() for p in model.parameters()) - 4 * sum(neurons) == weights
    assert model(torch.zeros(2, *in_shape)).shape == (2, 10)


@pytest.mark.parametrize("name", ["lenet5", "kerasnet"])
def test_every_site_has_an_activation_of_its_own_before_its_pooling(name):
    made = []

    def factory(shape):
        made.append((shape, make("ahaf", shape)))
        return made[-1][1]

    model = build(name, (1, 28, 28), factory)
    sites = [module for key, module in model.named_children() if key.startswith("act")]
    assert [module for _, module in made] == sites
    seen = {}
    for module in sites:
        module.register_forward_hook(lambda module, inputs, output: seen.update({module: tuple(inputs[0].shape[1:])}))
    model(torch.zeros(1, 1, 28, 28))
    assert [seen[module] for module in sites] == [shape for shape, _ in made]


def test_dropout_is_by_channel_as_in_the_code_or_by_element_as_in_keras():
    kinds = [(torch.nn.Dropout2d, {}), (torch.nn.Dropout, {"conv_dropout": "element", "fc_dropout": 0.5})]
    for kind, options in kinds:
        model = build("kerasnet", (1, 28, 28), lambda shape: torch.nn.ReLU(), **options)
        assert type(model.drop1) is type(model.drop2) is kind
        assert model.drop1.p == model.drop2.p == 0.25
        assert model.drop3.p == options.get("fc_dropout", 0.2)
    assert not any("drop" in key for key, _ in build("lenet5", (1, 28, 28), lambda shape: torch.nn.ReLU()).named_children())


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(UserError, match=r"Did you mean 'lenet5'\? Choose from: lenet5, kerasnet\."):
        build("lenet", (1, 28, 28), lambda shape: torch.nn.ReLU())
