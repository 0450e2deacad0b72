"""The networks against the figures of the LEAF paper's released code."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from adaptact import Run, UserError, activation_parameters, make, train
from adaptact.data import SOURCES
from adaptact.models import MODELS, build
from adaptact.tasks import FOR_TASK
from adaptact.training import build_model

NO_CLASSIFIERS = [model for task, models in FOR_TASK.items() if task != "padim" for model in models]

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


@pytest.mark.parametrize("dataset", ["flowers", "pcam", "pneumonia"])
@pytest.mark.parametrize("model", [model for model in MODELS if model not in NO_CLASSIFIERS])
def test_networks_take_every_size_and_number_of_classes(model, dataset):
    source = SOURCES[dataset]
    network = build_model(Run(dataset=dataset, train_images=1, model=model, activation="relu", epochs=1, seed=42))
    assert network(torch.zeros(2, *source.in_shape)).shape == (2, source.num_classes)


@pytest.mark.parametrize("name", ["lenet5", "kerasnet", "strided_cnn"])
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


def test_the_strided_network_is_as_small_as_it_says():
    model = build("strided_cnn", (1, 28, 28), partial(make, "weighted_sum"))
    shaped = activation_parameters(model)
    assert [name.partition(".")[0] for name in shaped] == ["act1"] * 3 + ["act2"] * 3 + ["act3"] * 3
    assert sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in shaped.values()) == 20_522
    assert model.neurons == 1152 + 256 + 64
    assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    other = build("strided_cnn", (3, 32, 32), partial(make, "relu"), 7, fc_width=5)
    assert (other.fc1.out_features, other.neurons) == (5, 8 * 14 * 14 + 16 * 5 * 5 + 5)
    assert other(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    assert not any(isinstance(module, (torch.nn.MaxPool2d, torch.nn.AvgPool2d)) for module in other.modules())


def test_dropout_is_by_channel_as_in_the_code_or_by_element_as_in_keras():
    kinds = [(torch.nn.Dropout2d, {}), (torch.nn.Dropout, {"conv_dropout": "element", "fc_dropout": 0.5})]
    for kind, options in kinds:
        model = build("kerasnet", (1, 28, 28), lambda shape: torch.nn.ReLU(), **options)
        assert type(model.drop1) is type(model.drop2) is kind
        assert model.drop1.p == model.drop2.p == 0.25
        assert model.drop3.p == options.get("fc_dropout", 0.2)
    assert not any("drop" in key for key, _ in build("lenet5", (1, 28, 28), lambda shape: torch.nn.ReLU()).named_children())


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(UserError, match=r"Did you mean 'lenet5'\? Choose from: lenet5, kerasnet, strided_cnn, simple_cnn, "):
        build("lenet", (1, 28, 28), lambda shape: torch.nn.ReLU())


RECURRENT = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}


def of_torch(name, model, images):
    """What torch's own layer makes of a recurrent network's weights."""
    _, channels, _, columns = images.shape
    layer = RECURRENT[name](channels * columns, model.hidden, batch_first=True).to(images.dtype)
    for ours, theirs in (("from_input", "ih"), ("from_state", "hh")):
        for kind in ("weight", "bias"):
            getattr(layer, f"{kind}_{theirs}_l0").data = getattr(getattr(model, ours), kind).data
    outputs, _ = layer(images.permute(0, 2, 1, 3).flatten(2))
    return model.fc(outputs[:, -1])


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_networks_are_torchs_own(name):
    torch.manual_seed(0)
    model, images = build(name, (3, 9, 7), partial(make, "tanh")), torch.rand(5, 3, 9, 7)
    assert model(images).shape == (5, 10)
    torch.testing.assert_close(model(images), of_torch(name, model, images), rtol=0, atol=1e-6)
    model, images = model.double(), images.double()
    torch.testing.assert_close(model(images), of_torch(name, model, images), rtol=0, atol=1e-14)
    bound = 1 / 64**0.5
    for kind in (model.from_input.weight, model.from_state.weight, model.from_input.bias, model.from_state.bias):
        assert 0.9 * bound < kind.abs().max() <= bound


def seeded(name, activation, **options):
    torch.manual_seed(1)
    return build(name, (1, 28, 28), partial(make, activation, **options))


@pytest.mark.parametrize(("name", "sites", "gates"), [("gru", 1, 2), ("lstm", 2, 3)])
def test_leaf_in_a_recurrent_network_starts_as_the_fixed_one(name, sites, gates):
    images = torch.rand(5, 1, 28, 28)
    fixed = seeded(name, "tanh")(images)
    for model, count in [(name, sites), (f"{name}_gates", sites + gates)]:
        for granularity, size in [("neuron", 64), ("layer", 1)]:
            adaptive = seeded(model, "leaf", init="tanh", granularity=granularity)
            torch.testing.assert_close(adaptive(images), fixed, rtol=0, atol=1e-6)
            found = [module for module in adaptive.modules() if getattr(module, "is_activation", False)]
            assert len(found) == len(set(found)) == count
            assert [module.init for module in found] == ["tanh"] * sites + ["sigmoid"] * (count - sites)
            assert [p.shape for p in activation_parameters(adaptive).values()] == [(size,)] * 4 * count
            assert adaptive.neurons == 64 * count
            loss = adaptive(images).square().mean()
            assert all(grad.any() for grad in torch.autograd.grad(loss, list(adaptive.parameters())))
    same = seeded(f"{name}_gates", "tanh")
    assert torch.equal(same(images), fixed), "with a fixed function the gates stay the sigmoid"
    assert not activation_parameters(same)


@pytest.mark.parametrize(("activation", "options"), [("ahaf", {"init": "relu"}), ("prelu", {}), ("apalu", {})])
@pytest.mark.parametrize("name", RECURRENT)
def test_gates_take_only_what_can_start_as_the_sigmoid(name, activation, options):
    seeded(name, activation, **options)(torch.zeros(1, 1, 28, 28))
    with pytest.raises(UserError, match=f"(?i)a gate starts as the sigmoid, and {activation} cannot: choose") as error:
        seeded(f"{name}_gates", activation, **options)
    assert "\n" not in str(error.value)


def test_a_recurrent_network_trains_and_its_record_follows_every_site():
    fields = dict(dataset="digits", train_images=128, epochs=1, seed=42, augment=False, shuffle=True)
    run = Run(**fields, model="lstm_gates", activation="leaf", init="tanh", granularity="neuron", dspt=True, slow_rho24=1e-6)
    record = train(run, device="cpu")
    assert record.status == "done"
    assert record.shapes.keys() == {"candidate", "squash", "input_gate", "forget_gate", "output_gate"}
    for shape in record.shapes.values():
        before, after = shape["path"]["rho3"]
        assert before != after
        # of 1,000 test images, or as many as there are, at each of 28 steps
        assert {sum(counts) % 28 for counts in shape["inputs"]["counts"]} == {0}


@pytest.mark.parametrize(
    ("name", "in_shape", "sites", "last"),
    [("simple_cnn", (1, 28, 28), 1, 5408), ("deep_cnn", (3, 32, 32), 4, 128), ("deep_cnn", (3, 96, 96), 4, 128)],
)
def test_the_pltanh_networks(name, in_shape, sites, last):
    shapes = []

    def activation(shape):
        shapes.append(shape)
        return torch.nn.ReLU()

    model = build(name, in_shape, activation, 5)
    model.eval()
    outputs = []
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(lambda _, inputs, output: outputs.append(tuple(output.shape[1:])))
    assert model(torch.zeros(2, *in_shape)).shape == (2, 5)
    assert outputs == shapes
    assert len(shapes) == sites
    assert [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1].in_features == last


@pytest.mark.parametrize(("name", "sites", "size"), [("mobilenet", 35, 2), ("googlenet", 57, 2)])
def test_torchvisions_networks_have_an_activation_of_their_own_in_every_place(name, sites, size):
    model = build(name, (3, 32, 32), partial(make, "apalu", granularity="layer"))
    made = [module for module in model.modules() if getattr(module, "is_activation", False)]
    assert len(made) == len(set(map(id, made))) == sites
    assert len(activation_parameters(model)) == 2 * sites
    assert not any(isinstance(module, (torch.nn.ReLU, torch.nn.ReLU6)) for module in model.modules())
    ends = []
    last = model.features[-1] if name == "mobilenet" else model.inception5b
    last.register_forward_hook(lambda module, inputs, output: ends.append(output.shape[-2:]))
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert ends == [(size, size)]
    assert build(name, (1, 28, 28), partial(make, "relu"), 5)(torch.zeros(2, 1, 28, 28)).shape == (2, 5)


@pytest.mark.parametrize("name", ["mobilenet", "googlenet"])
def test_torchvisions_networks_start_alike_whatever_the_activation(name):
    run = Run(dataset="mnist", train_images=1, model=name, activation="relu", epochs=1, seed=42)
    plain, other = (build_model(of).state_dict() for of in (run, replace(run, activation="apalu", granularity="layer")))
    assert all(torch.equal(value, other[key]) for key, value in plain.items())
    assert len(other) > len(plain)
