"""The diagrams say what the modules are."""

import math
from functools import partial

import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn

from adaptact import LEAF, activation_parameters, make
from adaptact.diagrams import describe, draw_network, draw_neuron, layers
from adaptact.models import build


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def mine():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), make("ahaf", (4,), granularity="channel"), nn.Flatten(), nn.Linear(900, 10))


MODELS = {
    "lenet5": lambda: build("lenet5", (3, 32, 32), partial(make, "leaf", init="tanh")),
    "kerasnet": lambda: build("kerasnet", (3, 32, 32), partial(make, "leaf", init="tanh")),
    "mine": mine,
}


@pytest.mark.parametrize("name", MODELS)
def test_the_numbers_drawn_are_the_models(name):
    model = MODELS[name]()
    drawn = texts(draw_network(model, (3, 32, 32), title="a network"))
    own = activation_parameters(model)
    shaped = sum(p.numel() for p in own.values())
    weights = sum(p.numel() for p in model.parameters()) - shaped
    neurons = model.neurons if name != "mine" else 4 * 15 * 15
    assert drawn[-3:] == [f"{neurons:,}", f"{weights:,}", f"{shaped:,}"]
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            assert f"{sum(p.numel() for p in module.parameters()):,}" in drawn
            assert describe(module) in drawn
        elif isinstance(module, LEAF):
            assert f"{math.prod(module.num_parameters):,}" in drawn
            assert f"{4 * math.prod(module.num_parameters):,}" in drawn
            assert "×".join(map(str, module.num_parameters)) in drawn


def test_layers_stand_in_the_order_of_use():
    assert [row["text"] for row in layers(MODELS["lenet5"](), (3, 32, 32))] == [
        "conv 20@5×5, no bias",
        "LEAF as tanh",
        "max pool 2×2",
        "conv 50@5×5, no bias",
        "LEAF as tanh",
        "max pool 2×2",
        "flatten",
        "dense 500",
        "LEAF as tanh",
        "dense 10, no bias",
    ]
    keras = [row["text"] for row in layers(MODELS["kerasnet"](), (3, 32, 32))]
    assert [text for text in keras if "dropout" in text] == ["dropout 0.25 by channel"] * 2 + ["dropout 0.2"]
    assert [row["shape"] for row in layers(mine(), (3, 32, 32))] == [(4, 15, 15), (4, 15, 15), (900,), (10,)]
    assert layers(mine(), (3, 32, 32))[0]["text"] == "conv 4@3×3, stride 2"


def test_a_module_that_is_used_twice_is_drawn_twice_and_counted_once():
    shared = nn.PReLU()
    found = layers(nn.Sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared), (4,))
    assert [row["parameters"] for row in found] == [20, 1, 20, 0]
    assert [row["kind"] for row in found] == ["weights", "activation"] * 2


def test_looking_leaves_no_trace():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).double()
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    draw_network(model, (4,))
    assert [module.training for module in model.modules()] == [True, True, True, False]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("activation", "symbols", "count"),
    [
        (LEAF(init="tanh"), [r"$\rho_1$", r"$\rho_2$", r"$\rho_3$", r"$\rho_4$"], "n + 5"),
        (LEAF(held=("rho4",)), [r"$\rho_1$", r"$\rho_2$", r"$\rho_3$"], "n + 4"),
        (make("ahaf", (1,), granularity="layer"), [r"$\beta$", r"$\gamma$"], "n + 3"),
        (nn.PReLU(), ["$weight$"], "n + 2"),
        (nn.ReLU(), [], "n + 1"),
    ],
    ids=["leaf", "held", "ahaf", "prelu", "relu"],
)
def test_a_neuron_has_the_parameters_of_its_activation(activation, symbols, count):
    figure = draw_neuron(activation)
    figure.canvas.draw()
    drawn = texts(figure)
    assert [text for text in drawn if text in symbols] == symbols
    assert f"${count}$" in drawn[-1]
