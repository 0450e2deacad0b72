"""LEAF and AHAF against the paper's formulas, and the registry that makes activations by name."""

import copy
import pickle

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import adaptact
from adaptact import AHAF, APALU, LEAF, ALReLU, PLTanh, UserError, WeightedSum, activations, make, register
from adaptact.activations.weighted_sum import NORMALISATIONS
from adaptact.functional import ahaf, alrelu, apalu, leaf, pltanh, sigmorelu, weighted_sum

X = torch.linspace(-6, 6, 241, dtype=torch.float64)
RHO = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (0.7, -0.4, 1.3, 0.2)]


def test_leaf_gradients_are_the_closed_forms():
    x = X.clone().requires_grad_()
    rho1, rho2, rho3, _ = RHO
    inputs = (x, *RHO)
    cotangent = torch.cos(X)  # any weights: a plain sum would hide a sign error at mirrored inputs
    got = torch.autograd.grad((leaf(x, *RHO) * cotangent).sum(), inputs)

    s = 1 / (1 + torch.exp(-rho3 * X))
    with torch.no_grad():
        line = rho1 * X + rho2
        expected = [
            (rho1 * s + line * s * (1 - s) * rho3) * cotangent,  # with respect to u
            (X * s * cotangent).sum(),  # rho1
            (s * cotangent).sum(),  # rho2
            (line * s * (1 - s) * X * cotangent).sum(),  # rho3
            cotangent.sum(),  # rho4
        ]
    for name, ours, closed in zip(("u", "rho1", "rho2", "rho3", "rho4"), got, expected, strict=True):
        torch.testing.assert_close(ours, closed, rtol=1e-12, atol=1e-12, msg=lambda m, name=name: f"d/d{name}: {m}")


def test_ahaf_is_leaf_without_rho2_and_rho4():
    torch.testing.assert_close(ahaf(X, 0.7, 1.3), leaf(X, 0.7, 0.0, 1.3, 0.0))


@pytest.mark.parametrize("shape", [1, 3, (3, 4, 5)])
@pytest.mark.parametrize("kind", [LEAF, AHAF])
def test_first_and_second_derivatives_with_broadcast_parameters(kind, shape):
    module = kind(shape, dtype=torch.float64)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=torch.Generator().manual_seed(0)) + 0.5)
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    names = [name for name, _ in module.named_parameters()]

    def function(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    inputs = (x, *(p.detach().clone().requires_grad_() for p in module.parameters()))
    assert torch.autograd.gradcheck(function, inputs, fast_mode=True)
    assert torch.autograd.gradgradcheck(function, inputs, fast_mode=True)


@pytest.mark.parametrize(
    ("kind", "init", "function", "tolerance"),
    [
        (LEAF, "relu", F.relu, 5e-6),  # the gate 2**16 is steep, not a step: off by up to 0.28 / 2**16
        (LEAF, "silu", F.silu, 1e-12),
        (LEAF, "tanh", torch.tanh, 1e-12),
        (LEAF, "sigmoid", torch.sigmoid, 1e-12),
        (AHAF, "relu", F.relu, 5e-6),
        (AHAF, "silu", F.silu, 1e-12),
    ],
)
@pytest.mark.parametrize("shape", [1, 7, (7, 3, 3)])
def test_starts_as(kind, init, function, tolerance, shape):
    module = kind(shape, init=init, dtype=torch.float64)
    x = torch.cat([X[:60], torch.linspace(-1e-4, 1e-4, 66, dtype=torch.float64)]).view(2, 7, 3, 3)
    assert (module(x) - function(x)).abs().max() <= tolerance


def test_table_1_prints_the_zero_function_for_the_sigmoid():
    assert leaf(X, 0.0, 0.0, 1.0, 0.0).abs().max() == 0


@pytest.mark.parametrize("kind", [LEAF, AHAF])
def test_values_and_gradients_stay_finite_at_extreme_inputs(kind):
    for init in kind.starts:
        for dtype in (torch.float32, torch.bfloat16):
            module = kind(init=init, dtype=dtype)
            x = torch.tensor([-1e4, -1.0, 0.0, 1.0, 1e4], dtype=dtype, requires_grad=True)
            y = module(x)
            gradients = torch.autograd.grad(y.sum(), (x, *module.parameters()))
            assert y.isfinite().all(), init
            assert all(gradient.isfinite().all() for gradient in gradients), init


def test_parameters_are_named_counted_and_survive_a_state_dict():
    module = LEAF((20, 24, 24), init="tanh")
    assert {name: tuple(p.shape) for name, p in module.named_parameters()} == {f"rho{i}": (20, 24, 24) for i in (1, 2, 3, 4)}
    assert dict(AHAF(5).named_parameters()).keys() == {"beta", "gamma"}
    with torch.no_grad():
        module.rho3.add_(1)
    other = LEAF((20, 24, 24), init="relu")
    other.load_state_dict(module.state_dict())
    x = torch.randn(2, 20, 24, 24)
    assert torch.equal(module(x), other(x))
    module.reset_parameters()
    assert torch.all(module.rho3 == 2)


def test_channel_parameters_stand_at_dimension_1():
    module = LEAF(3, init="silu")
    with torch.no_grad():
        module.rho1.copy_(torch.tensor([1.0, 2.0, 3.0]))
    x = torch.randn(2, 3, 4, 5)
    torch.testing.assert_close(module(x), F.silu(x) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1))
    torch.testing.assert_close(module(x[:, :, 0, 0]), F.silu(x[:, :, 0, 0]) * torch.tensor([1.0, 2.0, 3.0]))
    assert module(torch.empty(0, 3, 4, 5)).shape == (0, 3, 4, 5)
    strided = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(module(strided), module(x))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: LEAF(init="swish"), ["'swish'", "relu, silu, tanh, sigmoid"]),
        (lambda: AHAF(init="tanh"), ["'tanh'", "relu, silu"]),
        (lambda: LEAF(0), ["num_parameters is 0", "per layer"]),
        (lambda: LEAF((20, -1)), ["num_parameters is (20, -1)"]),
        (lambda: LEAF(())(X), ["num_parameters is ()"]),
        (lambda: LEAF(4)(torch.zeros(2, 5, 3)), ["4 channels at dimension 1", "(2, 5, 3)"]),
        (lambda: LEAF((5, 4))(torch.zeros(2, 4, 5)), ["samples of shape (5, 4)", "(2, 4, 5)"]),
        (lambda: make("leave", (3,)), ["Did you mean 'leaf'", "ahaf"]),
        (lambda: make("leaf", (3,), granularity="pixel"), ["neuron, channel, layer"]),
        (lambda: make("leaf", (3,), start="tanh"), ["option of activation 'leaf'", "init"]),
        (lambda: make("silu_manual", (3,), init="tanh"), ["takes no options"]),
        (lambda: register("leaf")(AHAF), ["'leaf' is registered already"]),
        (lambda: register("My Tanh")(torch.tanh), ["'My Tanh'", "lower-case letters, digits and underscores"]),
        (lambda: LEAF(held=("rho5",)), ["'rho5'", "rho1, rho2, rho3, rho4"]),
        (lambda: make("prelu", (3, 4), granularity="neuron"), ["channel, layer"]),
        (lambda: make("pltanh", (3, 4), slope=0.1), ["option of activation 'pltanh'", "alpha"]),
        (lambda: PLTanh(alpha=-0.1), ["alpha of PLTanh is -0.1", "at least 0"]),
        (lambda: ALReLU(alpha="small"), ["alpha of ALReLU is 'small'"]),
        (lambda: APALU(a=-0.55), ["APALU's a is -0.55", "positive"]),
        (lambda: APALU(b=0), ["APALU's b is 0", "positive"]),
        (lambda: APALU(4)(torch.zeros(2, 5)), ["4 channels", "(2, 5)"]),
        (lambda: weighted_sum(X, (0.5, 0.3, 0.3)), ["sum to 1.1", "sum to one"]),
        (lambda: weighted_sum(X, (0.5, 0.5)), ["2 coefficients for 3 functions"]),
        (lambda: weighted_sum(X, torch.ones(2)), ["2 coefficients for 3 functions"]),
        (lambda: weighted_sum(X, (1.0,), ("sine",)), ["'sine'", "relu, tanh, sin"]),
        (lambda: WeightedSum(init=(0.5, 0.2, 0.2)), ["sum to 0.9", "sum to one"]),
        (lambda: WeightedSum(init=(1.0, 0.0, 0.0)), ["'softmax' cannot start at", "above 0"]),
        (lambda: WeightedSum(init=(1.5, -0.5, 0.0), normalisation="square"), ["'square' cannot start at", "at least 0"]),
        (lambda: WeightedSum(init="chance"), ["'chance'", "equal, random"]),
        (lambda: WeightedSum(normalisation="max"), ["'max'", "softmax, sum, square, absolute"]),
        (lambda: WeightedSum(functions="relu"), ["functions is 'relu'", "list of names or callables"]),
        (lambda: WeightedSum(functions=3.0), ["functions is 3.0", "list of names or callables"]),
        (lambda: WeightedSum(functions=(3.0,)), ["'3.0'", "relu, tanh, sin"]),
        (lambda: WeightedSum(functions=("relu*sine", "tanh")), ["'sine'", "Did you mean 'sin'", "relu, tanh, sin"]),
        (lambda: weighted_sum(X, (1.0,), ("relu*",)), ["base function ''", "relu, tanh, sin"]),
    ],
)
def test_bad_input_is_one_line_with_the_valid_choices(call, words):
    with pytest.raises(UserError) as error:
        call()
    message = str(error.value)
    assert "\n" not in message
    assert all(word in message for word in words), message


def test_make_gives_fresh_modules_of_the_asked_granularity():
    shapes = {"layer": (1,), "channel": (20,), "neuron": (20, 24, 24)}
    for granularity, shape in shapes.items():
        assert make("leaf", (20, 24, 24), granularity=granularity, init="tanh").num_parameters == shape
    for name in activations.names():
        first, second = make(name, (3,)), make(name, (3,))
        assert first is not second
        assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


def test_a_registered_class_and_function_train_by_name(monkeypatch):
    monkeypatch.setattr(activations.registry, "_REGISTRY", dict(activations.registry._REGISTRY))

    @adaptact.register("scaled_tanh")
    class ScaledTanh(torch.nn.Module):
        def __init__(self, num_parameters=1):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.rand(num_parameters))  # at random: the weights must not notice

        def forward(self, x):
            return self.scale * torch.tanh(x)

    settings = dict(dataset="digits", train_images=64, model="lenet5", epochs=1, seed=42)
    run = adaptact.Run(activation="scaled_tanh", granularity="neuron", dspt=True, **settings)
    model, plain = adaptact.training.build_model(run), adaptact.training.build_model(adaptact.Run(activation="relu", **settings))
    assert set(adaptact.activation_parameters(model)) == {"act1.scale", "act2.scale", "act3.scale"}
    for name, value in plain.state_dict().items():
        assert torch.equal(value, model.state_dict()[name]), name
    record = adaptact.train(run)
    assert record.status == "done"
    assert len(record.shapes["act1"]["sample"]["scale"]) == 5


def test_pltanh_as_the_paper_has_it_and_where_its_claims_fail():
    x = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    torch.testing.assert_close(pltanh(x, 0.4)[x < 0], -0.4 * x[x < 0])  # negative inputs, positive outputs
    for alpha, end in ((0.01, 100.0), (0.1, 10.0), (0.4, 2.464), (0.5, 1.915)):
        end = torch.tensor(end, dtype=torch.float64)
        torch.testing.assert_close(pltanh(0.99 * end, alpha), torch.tanh(0.99 * end))
        torch.testing.assert_close(pltanh(1.01 * end, alpha), alpha * 1.01 * end)  # and so it has no bound
    torch.testing.assert_close(alrelu(x), torch.where(x < 0, -0.01 * x, x))
    torch.testing.assert_close(alrelu(x, 0.0), F.relu(x))
    torch.testing.assert_close(sigmorelu(x), torch.where(x > 0.6590460684, x, torch.sigmoid(x)))


def test_a_leak_is_fixed_unless_it_is_asked_for():
    assert not list(PLTanh(alpha=0.4).parameters())
    assert PLTanh(alpha=0.4).state_dict()["alpha"] == torch.tensor(0.4)
    assert [tuple(p.shape) for p in make("pltanh", (3, 4), granularity="channel", trainable=True).parameters()] == [(3,)]
    assert not activations.is_trainable("pltanh")
    assert activations.is_trainable("trainable_pltanh")


def test_apalu_at_the_papers_values_and_always_positive():
    x = torch.tensor([0.5, 1.0, 2.0, -30.0], dtype=torch.float64)
    torch.testing.assert_close(apalu(x), torch.tensor([0.4677, 1.0152, 2.1646, -0.065], dtype=torch.float64), rtol=0, atol=5e-5)
    module = APALU(3, dtype=torch.float64)
    torch.testing.assert_close(module.a, torch.full((3,), 0.55, dtype=torch.float64))
    torch.testing.assert_close(module.b, torch.full((3,), 0.065, dtype=torch.float64))
    optimizer = torch.optim.SGD(module.parameters(), lr=10.0)
    for _ in range(20):  # a loss that pulls both far below zero
        optimizer.zero_grad()
        (module.a.sum() + module.b.sum()).backward()
        optimizer.step()
    assert (module.a > 0).all()
    assert (module.b > 0).all()
    assert APALU(a=500.0, dtype=torch.float64).a.item() == 500.0


def test_trainable_swish_is_ahaf_with_its_amplitude_held():
    module = make("trainable_swish", (4,))
    assert [name for name, _ in module.named_parameters()] == ["gamma"]
    assert "beta" in module.state_dict()
    torch.testing.assert_close(module(X[:4].float()), F.silu(X[:4].float()))


@pytest.mark.parametrize("normalisation", ["softmax", "sum", "square", "absolute"])
def test_weighted_sums_start_where_they_are_told_and_keep_the_sum_one(normalisation):
    module = WeightedSum(2, normalisation=normalisation, init=(0.5, 0.3, 0.2), dtype=torch.float64)
    wanted = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    torch.testing.assert_close(module.coefficients, wanted[:, None].expand(3, 2))
    x = torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(module(x), 0.5 * F.relu(x) + 0.3 * torch.tanh(x) + 0.2 * torch.sin(x))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.rand_like(parameter))
    torch.testing.assert_close(module.coefficients.sum(0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close(weighted_sum(x, module.coefficients), module(x))


def test_weighted_sums_of_other_functions():
    def cube(x):
        return x**3

    module = WeightedSum(functions=("sigmoid", cube), init=(0.25, 0.75))
    assert set(module.learned()) == {"sigmoid", "cube"}
    torch.testing.assert_close(module(X.float()), 0.25 * torch.sigmoid(X.float()) + 0.75 * X.float() ** 3)
    torch.testing.assert_close(WeightedSum(functions=("relu",), init=(1.0,), normalisation="sum")(X.float()), F.relu(X.float()))


def test_weighted_sums_may_start_at_random():
    def start(seed, normalisation="softmax"):
        torch.manual_seed(seed)
        return WeightedSum((3, 4), init="random", normalisation=normalisation)

    first = start(1).coefficients
    assert ((first > 0) & (first <= 1)).all()
    torch.testing.assert_close(first.sum(0), torch.ones(3, 4))
    assert len(first.unique()) == first.numel(), "each neuron draws its own"
    assert torch.equal(start(1).coefficients, first)
    assert not torch.equal(start(2).coefficients, first)
    for normalisation in NORMALISATIONS:
        torch.testing.assert_close(start(1, normalisation).coefficients, first)
    again = start(1)
    again.reset_parameters()
    assert not torch.equal(again.coefficients, first)
    torch.testing.assert_close(again.coefficients.sum(0), torch.ones(3, 4))
    given = WeightedSum(init=np.array([0.5, 0.3, 0.2]))
    given.reset_parameters()
    torch.testing.assert_close(given.coefficients[:, 0], torch.tensor([0.5, 0.3, 0.2]))


def test_products_are_base_functions_too():
    module = WeightedSum(2, functions=("relu*tanh", "identity*sin*cos", "elu"), init=(0.5, 0.3, 0.2), dtype=torch.float64)
    assert [name for name, _ in module.named_parameters()] == ["weight_relu_tanh", "weight_identity_sin_cos", "weight_elu"]
    x = X[:240].view(-1, 2).clone().requires_grad_()
    wanted = 0.5 * F.relu(x) * torch.tanh(x) + 0.3 * x * torch.sin(x) * torch.cos(x) + 0.2 * F.elu(x)
    torch.testing.assert_close(module(x), wanted)
    names, values = zip(*module.named_parameters(), strict=True)

    def function(x, *parameters):
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *(value.detach().clone().requires_grad_() for value in values)), fast_mode=True)
    with torch.no_grad():
        module.weight_elu.add_(1)
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert torch.equal(copied(x), module(x))
        with torch.no_grad():
            copied.weight_elu.add_(1)
        assert not torch.equal(copied(x), module(x)), "a copy has parameters of its own"


def test_records_keep_what_the_formula_takes_and_not_raw_weights():
    settings = dict(dataset="digits", train_images=64, model="lenet5", epochs=1, seed=42, granularity="layer")
    shapes = adaptact.train(adaptact.Run(activation="apalu", **settings)).shapes
    assert set(shapes["act1"]["sample"]) == {"index", "a", "b"}
    assert shapes["act1"]["quantiles"]["a"][0][1:] == pytest.approx([0.55] * 5)
    shapes = adaptact.train(adaptact.Run(activation="weighted_sum", **settings)).shapes
    assert sum(shapes["act2"]["sample"][name][0] for name in ("relu", "tanh", "sin")) == pytest.approx(1)
