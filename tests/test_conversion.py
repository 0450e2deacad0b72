"""`convert` on torchvision's networks and on hand-written ones: every use found, none shared, nothing else changed."""

import copy
import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import models

from adaptact import LEAF, UserError
from adaptact.activations.conversion import convert

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


class Classic(nn.Module):
    """The MNIST network of PyTorch's own examples."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 10, kernel_size=5)
        self.conv2 = nn.Conv2d(10, 20, kernel_size=5)
        self.conv2_drop = nn.Dropout2d()
        self.fc1 = nn.Linear(320, 50)
        self.fc2 = nn.Linear(50, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2_drop(self.conv2(x)), 2))
        x = x.view(-1, 320)
        x = F.relu(self.fc1(x))
        x = F.dropout(x, training=self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class Small(nn.Module):
    """Two linear layers and whatever `code` makes of them and the input."""

    def __init__(self, code):
        super().__init__()
        self.one, self.two, self.act = nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU(inplace=True)
        self.code = code

    def forward(self, x):
        return self.code(self, x)


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


def sites(model):
    return {path: module for path, module in model.named_modules() if getattr(module, "is_activation", False)}


def moved(model):
    """`model` with other weights than the first ones, so that equal outputs say something."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith(("running_mean", "bias")):
                value.normal_(0, 0.1, generator=generator)
    return model


def outputs(model, x):
    torch.manual_seed(0)  # the same dropout
    with torch.no_grad():
        return torch.utils._pytree.tree_leaves(copy.deepcopy(model)(x.clone()))


def assert_same(one, other, x=IMAGES):
    for training in (False, True):
        for first, second in zip(outputs(one.train(training), x), outputs(other.train(training), x), strict=True):
            torch.testing.assert_close(first, second, rtol=0, atol=0)


def calls(model, x, training):
    """How often ReLU's kernel runs in one pass: a count that owes nothing to `convert`."""
    with torch.profiler.profile() as profile:
        outputs(model.train(training), x)
    return sum(event.count for event in profile.key_averages() if event.key in ("aten::relu", "aten::relu_"))


NETWORKS = {
    "resnet18": (lambda: models.resnet18(weights=None), 17),
    "googlenet": (lambda: models.googlenet(weights=None, init_weights=False), 57 + 2 * 2),  # two auxiliary heads
    "densenet121": (lambda: models.densenet121(weights=None), 121),
    "squeezenet1_1": (lambda: models.squeezenet1_1(weights=None), 26),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_torchvision_networks_keep_output_and_weights_and_get_every_site(name):
    make_model, number = NETWORKS[name]
    model = moved(make_model())
    before, keys = copy.deepcopy(model.state_dict()), [type(m) for m in model.modules()]
    state = torch.get_rng_state(), random.getstate()
    converted = convert(model, "relu", "relu", IMAGES)
    assert torch.equal(state[0], torch.get_rng_state())
    assert state[1] == random.getstate()

    found = sites(converted)
    assert len(found) == number == calls(model, IMAGES, training=True)
    assert len({id(module) for module in found.values()}) == number
    assert calls(converted, IMAGES, training=True) == number
    assert list(converted.state_dict()) == list(before)
    assert_same(model, converted)
    assert [type(m) for m in model.modules()] == keys
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(torch.equal(value, before[key]) for key, value in converted.state_dict().items())
    assert not {id(p) for p in model.parameters()} & {id(p) for p in converted.parameters()}


def test_mobilenet_v2_has_35_sites_of_its_own_per_channel():
    model = models.mobilenet_v2(weights=None)
    with pytest.raises(UserError, match=r"does not use relu\. Activations that it does use: ReLU6\.$"):
        convert(model, "relu", "leaf", IMAGES)
    converted = convert(model, nn.ReLU6, "leaf", IMAGES, granularity="channel", init="relu")
    found = sites(converted)
    assert len(found) == len({id(module.rho1) for module in found.values()}) == 35
    assert all(type(module) is LEAF for module in found.values())
    channels = [m.num_features for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(module.num_parameters[0] in channels for module in found.values())
    assert found["features.0.2"].num_parameters == (32,)
    assert not any(isinstance(module, nn.ReLU6) for module in converted.modules())


def test_googlenet_trains_with_its_auxiliary_heads():
    model = models.googlenet(weights=None, init_weights=False, num_classes=5)
    images = IMAGES[:, :, :32, :32]
    converted = convert(model, "relu", "leaf", images, granularity="neuron", init="relu")
    found = sites(converted)
    assert len({id(module.rho1) for module in found.values()}) == 61
    assert found["aux1.relu_1"].num_parameters == (1024,)
    assert found["conv1.relu_1"].num_parameters == (64, 16, 16)
    main, *heads = converted.train()(images)
    sum(out.square().mean() for out in (main, *heads)).backward()
    assert all(p.grad is not None for p in converted.parameters())
    assert converted.eval()(images).shape == (2, 5)


def test_what_only_training_reaches_is_found_or_named():
    model = models.googlenet(weights=None, init_weights=False)
    one = IMAGES[:1, :, :16, :16]  # BatchNorm cannot train on it
    with pytest.raises(UserError, match=r"aux1\.\S+ is not reached by the sample \(which fails in training mode: Expected more"):
        convert(model, "relu", "leaf", one, granularity="channel")
    assert len(sites(convert(model, "relu", "leaf", one, granularity="layer", init="relu"))) == 61
    assert len(sites(convert(model, "relu", "relu", one))) == 61


def test_classic_network_with_functions():
    x = torch.randn(3, 1, 28, 28)
    model = Classic()
    model.conv1.weight.requires_grad_(False)
    converted = convert(model, "relu", "relu", x)
    assert list(sites(converted)) == ["relu_1", "relu_2", "relu_3"]
    assert_same(model, converted, x)
    converted.conv2_drop.p = 0.0  # the module; what is left is F.dropout
    assert torch.equal(converted.eval()(x), converted(x))
    assert not torch.equal(converted.train()(x), converted(x))

    adaptive = convert(model.eval(), "relu", "leaf", x, granularity="neuron", init="relu")
    assert [m.num_parameters for m in sites(adaptive).values()] == [(10, 12, 12), (20, 4, 4), (50,)]
    assert not any(m.training for m in adaptive.modules())
    torch.testing.assert_close(adaptive(x), model(x), rtol=0, atol=1e-4)
    adaptive.train()(x).sum().backward()
    assert [name for name, p in adaptive.named_parameters() if p.grad is None] == ["conv1.weight"]
    torch.optim.SGD(adaptive.parameters(), lr=0.1).step()
    twins = copy.deepcopy(adaptive), convert(model, "relu", "leaf", x, granularity="neuron")
    twins[1].load_state_dict(adaptive.state_dict())
    for twin in twins:
        assert torch.equal(twin.eval()(x), adaptive.eval()(x))
        assert not {id(p) for p in twin.parameters()} & {id(p) for p in adaptive.parameters()}


@pytest.mark.parametrize("training", [False, True])
def test_export_and_compile(training):
    x = torch.randn(3, 1, 28, 28)
    model = convert(Classic(), "relu", "leaf", x, granularity="channel", init="relu").train(training)
    program = torch.export.export(model, (x,), dynamic_shapes={"x": {0: torch.export.Dim("batch", min=2)}})
    if not training:
        y = torch.cat([x, x])
        torch.testing.assert_close(program.module()(y), model(y))
        torch.testing.assert_close(torch.compile(model, backend="eager", fullgraph=True)(x), model(x))


def test_all_ways_to_call_one_activation():
    def code(self, x):
        x = self.act(self.one(x)) + torch.relu(self.two(x)) + F.relu(x) + x.relu() + F.relu(input=x) + self.act(x * 2)
        y = x * 1
        F.relu_(y)
        z = self.one(y)
        self.act(z)
        return y + z.clone().relu_()

    model, x = Small(code), torch.randn(5, 4)
    converted = convert(model, "relu", "relu", x)
    names = ["act_1", "relu_1", "relu_2", "relu_3", "relu_4", "act_2", "relu_5", "act_3", "relu_6"]
    assert sorted(sites(converted)) == sorted(names)
    assert not hasattr(converted, "act")
    assert_same(model, converted, x)


def test_sites_are_told_apart_by_line_where_the_modes_differ():
    def code(self, x):
        if self.training:
            x = torch.tanh(x) * 2
        for layer in (self.one, self.two):
            x = torch.tanh(layer(x))
        return x

    model, x = Small(code), torch.randn(5, 4)
    converted = convert(model, "tanh", "tanh", x)
    assert len(sites(converted)) == 3
    assert_same(model, converted, x)
    used = [{node.target for node in converted.graphs[mode].nodes if "tanh" in str(node.target)} for mode in (False, True)]
    assert used[0] < used[1]


def test_conversion_can_be_repeated_and_takes_lists():
    def code(self, x):
        return torch.sigmoid(self.two(F.silu(self.one(x)))) + F.silu(x)

    model, x = Small(code), torch.randn(5, 4)
    twice = convert(convert(model, "silu", "silu", x), "sigmoid", "sigmoid", x)
    assert list(sites(twice)) == ["silu_1", "silu_2", "sigmoid_1"]
    assert_same(model, twice, x)
    assert list(sites(convert(model, ["silu", nn.Sigmoid], "leaf", x))) == ["silu_1", "sigmoid_1", "silu_2"]


def test_any_module_class_can_be_the_old_one():
    shared = Swish()
    model = nn.Sequential(nn.Linear(4, 3), shared, nn.Linear(3, 3), shared)
    x = torch.randn(2, 4)
    converted = convert(model, Swish, "leaf", x, granularity="neuron")
    assert converted[1] is not converted[3]
    torch.testing.assert_close(converted(x), model(x))
    back = convert(converted, LEAF, "silu", x)
    torch.testing.assert_close(back(x), model(x))
    # The name of what a module is made of reaches into it, but not into an activation.
    assert list(sites(convert(model, "sigmoid", "relu", x))) == ["1.sigmoid_1"]
    with pytest.raises(UserError, match=r"does not use sigmoid\. Activations that it does use: LEAF\.$"):
        convert(converted, "sigmoid", "relu", x)
    assert type(convert(nn.Tanh(), "tanh", "leaf", x)) is LEAF


@pytest.mark.parametrize("activation", [F.relu, nn.ReLU()])
def test_transformer_layers_do_not_fall_back_on_their_kernel(activation):
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=activation, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval(), torch.randn(2, 5, 8)
    converted = convert(model, "relu", "silu", x)
    assert list(sites(converted)) == ["layers.0.activation", "layers.1.activation"]
    with torch.no_grad():
        inference = converted(x)
    torch.testing.assert_close(inference, converted(x))
    assert not torch.allclose(inference, model(x), atol=1e-3)


def test_a_block_called_at_two_sizes_is_one_site():
    block = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU())
    model = nn.Sequential(block, nn.MaxPool2d(2), block)
    converted = convert(model, "relu", "leaf", IMAGES, granularity="channel")
    assert list(sites(converted)) == ["0.1"]
    assert converted[0] is converted[2]
    with pytest.raises(UserError, match=r"0\.1 meets samples of shapes \(3, 64, 64\) and \(3, 32, 32\): .*layer"):
        convert(model, "relu", "leaf", IMAGES, granularity="neuron")


def test_new_activations_take_dtype_and_mode():
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh()).double().eval()
    converted = convert(model, "tanh", "leaf", torch.zeros(2, 4, dtype=torch.float64), init="tanh")
    assert converted[1].rho1.dtype == torch.float64
    assert not converted[1].training
    unused = Small(lambda self, x: self.one(x)).half()
    assert convert(unused, "relu", "leaf", torch.zeros(2, 4).half(), granularity="layer").act.rho1.dtype == torch.float16


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (lambda self, x: F.relu(x) if x.sum() > 0 else x, ["model itself", "cannot be traced", "control flow", "nn.ReLU()"]),
        (lambda self, x: F.relu(x) if random.random() < 2 else x, ["cannot be traced", "random numbers"]),
        (lambda self, x: self.two(self.act(y := self.one(x))) + y, ["overwritten", "inplace=False"]),
        (lambda self, x: self.one(x), ["act is not reached by the sample", "layer"]),
        (lambda self, x: self.one(x) @ torch.zeros(5), ["does not run on the sample", "size"]),
    ],
)
def test_code_that_cannot_be_converted_is_named_in_one_line(code, words):
    with pytest.raises(UserError) as error:
        convert(Small(code), "relu", "leaf", torch.ones(2, 4), granularity="channel")
    message = str(error.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rleu", "leaf"), ["'rleu'", "Did you mean 'relu'", "hardswish"]),
        ((["relu", 3], "leaf"), ["'3'", "softplus"]),
        (("mish", "leaf"), ["does not use mish", "ReLU"]),
        ((Swish, "leaf"), ["does not use Swish", "ReLU"]),
        (("relu", "leave"), ["Did you mean 'leaf'"]),
    ],
)
def test_bad_input_is_one_line_with_the_valid_choices(arguments, words):
    with pytest.raises(UserError) as error:
        convert(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), *arguments, torch.zeros(2, 4))
    message = str(error.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_a_callable_makes_each_activation_and_takes_no_options():
    shapes = []

    def factory(shape):
        shapes.append(shape)
        return nn.Softsign()

    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 5), nn.ReLU())
    converted = convert(model, "relu", factory, torch.zeros(2, 3))
    assert shapes == [(4,), (5,)]
    assert [type(converted[place]) for place in (1, 3)] == [nn.Softsign, nn.Softsign]
    assert converted[1] is not converted[3]
    with pytest.raises(UserError, match="leave granularity and options away"):
        convert(model, "relu", factory, torch.zeros(2, 3), granularity="layer")
