"""DSPT and P24SI against the update rules, written out by hand in NumPy float64.

The network is u = A x, y = LEAF(u), z = B y with softmax cross entropy; three mini-batches, because ADAM's first step has
the gradient's sign only.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from adaptact import LEAF, Run, activation_parameters, train
from adaptact.training import build_model, stages, step
from adaptact.training.procedures import begins_cycle, cycle

RATES = {"lr": 3e-3, "activation_lr": 2e-3}
RHOS = ("rho1", "rho2", "rho3", "rho4")


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(3, 4, bias=False, dtype=torch.float64)
        self.act = LEAF(4, init="tanh", dtype=torch.float64)
        self.fc2 = torch.nn.Linear(4, 2, bias=False, dtype=torch.float64)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


def gradients_by_hand(values, x, labels):
    """The paper's gradients, with equations 7 and 8 in their right places."""
    u = x @ values["A"].T
    s = 1 / (1 + np.exp(-values["rho3"] * u))
    line = values["rho1"] * u + values["rho2"]
    y = line * s + values["rho4"]
    z = y @ values["B"].T
    softmax = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    dz = (softmax - np.eye(2)[labels]) / len(x)
    dy = dz @ values["B"]
    du = dy * (values["rho1"] * s + line * s * (1 - s) * values["rho3"])
    return {
        "B": dz.T @ y,
        "A": du.T @ x,
        "rho1": (dy * u * s).sum(0),
        "rho2": (dy * s).sum(0),
        "rho3": (dy * line * s * (1 - s) * u).sum(0),
        "rho4": dy.sum(0),
    }


class AdamByHand:
    def __init__(self):
        self.first, self.second, self.count = 0.0, 0.0, 0

    def step(self, gradient, rate):
        self.count += 1
        self.first = 0.9 * self.first + 0.1 * gradient
        self.second = 0.999 * self.second + 0.001 * gradient**2
        corrected = self.second / (1 - 0.999**self.count)
        return -rate * self.first / (1 - 0.9**self.count) / (np.sqrt(corrected) + 1e-8)


class RMSpropByHand:
    def __init__(self):
        self.mean = 0.0

    def step(self, gradient, rate):
        self.mean = 0.9 * self.mean + 0.1 * gradient**2
        return -rate * gradient / (np.sqrt(self.mean) + 1e-7)


@pytest.mark.parametrize("slow", [None, 1e-6])
@pytest.mark.parametrize("dspt", [False, True])
@pytest.mark.parametrize(("optimizer", "by_hand"), [("adam", AdamByHand), ("rmsprop", RMSpropByHand)])
def test_steps_are_those_written_out_by_hand(optimizer, by_hand, dspt, slow):
    fields = dict(dataset="digits", train_images=1, model="lenet5", epochs=1, seed=0)
    run = Run(
        activation="leaf", init="tanh", granularity="neuron", dspt=dspt, slow_rho24=slow, optimizer=optimizer, **RATES, **fields
    )
    torch.manual_seed(5)
    model = Tiny()
    names = {"A": "fc1.weight", "B": "fc2.weight", **{rho: f"act.{rho}" for rho in RHOS}}
    parameters = dict(model.named_parameters())
    values = {name: parameters[long].detach().numpy().copy() for name, long in names.items()}
    rates = {"A": 3e-3, "B": 3e-3, **dict.fromkeys(RHOS, 2e-3)}
    if slow is not None:
        rates |= {"rho2": slow, "rho4": slow}
    state = {name: by_hand() for name in names}
    groups = [RHOS, ("A", "B")] if dspt else [(*RHOS, "A", "B")]

    optimizers = stages(model, run)
    assert len(optimizers) == len(groups)
    generator = np.random.default_rng(0)
    for _ in range(3):
        x, labels = generator.normal(size=(6, 3)), generator.integers(0, 2, 6)
        for one, group in zip(optimizers, groups, strict=True):
            step(model, one, torch.from_numpy(x), torch.from_numpy(labels))
            gradients = gradients_by_hand(values, x, labels)  # afresh for the second stage: it sees the new activations
            for name in group:
                values[name] = values[name] + state[name].step(gradients[name], rates[name])
            for name, long in names.items():
                np.testing.assert_allclose(parameters[long].detach().numpy(), values[name], rtol=1e-10, atol=1e-13, err_msg=name)


def test_each_stage_moves_only_its_own_parameters():
    run = Run(
        dataset="digits",
        train_images=1,
        model="lenet5",
        activation="leaf",
        init="tanh",
        granularity="neuron",
        dspt=True,
        epochs=1,
        seed=0,
    )
    model = Tiny()
    shaped, weights = stages(model, run)
    x, labels = torch.randn(4, 3, dtype=torch.float64), torch.tensor([0, 1, 0, 1])
    for optimizer, moving in [(shaped, "act"), (weights, "fc")]:
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        step(model, optimizer, x, labels)
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, before[name]) == (not name.startswith(moving)), name


CYCLED = Run(dataset="digits", train_images=64, model="strided_cnn", activation="relu", epochs=6, seed=0, batch_size=32)
ADAPTIVE = {
    "weighted_sum": dict(activation="weighted_sum", granularity="layer"),
    "leaf": dict(activation="leaf", init="tanh", granularity="neuron"),
}


@pytest.mark.parametrize("name", ADAPTIVE)
def test_each_cycle_moves_what_it_names_and_nothing_else(name, tmp_path):
    run = replace(CYCLED, **ADAPTIVE[name], epochs=3, cycles=("weights", "activations", "both"))
    held, states = tmp_path / "c.pt", [build_model(run).state_dict()]
    train(run, device="cpu", checkpoint=held, on_epoch=lambda epoch, curves: states.append(torch.load(held)["model"]))
    shaped = set(activation_parameters(build_model(run)))
    moving = [states[0].keys() - shaped, shaped, states[0].keys()]
    for before, after, names in zip(states, states[1:], moving, strict=False):
        assert {key for key, value in after.items() if not torch.equal(value, before[key])} == names


def test_each_cycle_begins_with_an_optimiser_that_remembers_nothing(tmp_path):
    run, held, counts = replace(CYCLED, epochs=4, cycles=("both", "both")), tmp_path / "c.pt", []

    def count(epoch, curves):
        (optimizer,) = torch.load(held)["optimizers"]
        counts.append(int(optimizer["state"][0]["step"]))

    train(run, device="cpu", checkpoint=held, on_epoch=count)
    assert counts == [2, 4, 2, 4]


def test_cycles_are_equally_long_and_take_their_own_rates():
    run = replace(CYCLED, **ADAPTIVE["leaf"], slow_rho24=1e-6, **RATES, cycles=("weights", "activations", "both"))
    assert [cycle(run, epoch) for epoch in range(1, 7)] == ["weights"] * 2 + ["activations"] * 2 + ["both"] * 2
    assert [begins_cycle(run, epoch) for epoch in range(1, 7)] == [True, False] * 3
    plain = replace(run, cycles=())
    assert [(cycle(plain, epoch), begins_cycle(plain, epoch)) for epoch in (1, 2)] == [("both", True), ("both", False)]
    model = build_model(run)
    for epoch, rates in ((1, [3e-3]), (3, [2e-3, 1e-6]), (5, [3e-3, 2e-3, 1e-6])):
        (optimizer,) = stages(model, run, epoch)
        assert [group["lr"] for group in optimizer.param_groups] == rates
