"""The battery over every registered activation, and over faulty ones: a battery that passes those is none."""

import pytest
import torch
from torch import nn

from adaptact import Facts, activations, battery
from adaptact.__main__ import main
from adaptact.activations import Adaptive, registry


@pytest.mark.parametrize("title", battery.CHECKS)
@pytest.mark.parametrize("name", activations.names())
def test_battery(name, title):
    result = battery.run_check(name, title)
    if result.status == "n/a":
        pytest.skip(result.detail)
    assert result.status == "ok", result.detail


def test_what_does_not_apply_is_little():
    """A check that quietly applied to nothing would look like one that passes."""
    skipped = {(name, r.check) for name in ("leaf", "apalu", "relu") for r in battery.check(name) if r.status == "n/a"}
    assert skipped == {("apalu", "starts as"), ("relu", "starts as"), ("relu", "closed form")}


@pytest.fixture
def scratch(monkeypatch):
    """A registry of this test's own."""
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.tanh()

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


def overwrites(x):
    return x.mul_(2)


class Wasteful(nn.Module):
    def forward(self, x):
        return ((x.exp() + 1) * x.sin()).exp()


SHARED = nn.Parameter(torch.ones(()))


class Shares(nn.Module):
    def __init__(self, num_parameters=1):
        super().__init__()
        self.slope = SHARED

    def forward(self, x):
        return self.slope * x


class Overflows(nn.Module):
    def forward(self, x):
        return torch.log1p(torch.exp(x))


class WrongStart(Adaptive):
    starts = {"tanh": {"slope": 1.1}}

    def __init__(self, num_parameters=1, *, init="tanh"):
        super().__init__(num_parameters, init=init)

    def forward(self, x):
        return torch.tanh(*(slope * x for slope in self.expanded(x)))


class Breaks(nn.Module):
    def forward(self, x):
        return x * float(x.detach().sum() > 0)


@pytest.mark.parametrize(
    ("target", "facts", "caught"),
    [
        (lambda x: Doubled.apply(x), {}, {"first derivative"}),
        (lambda x: x.detach() * x, {}, {"first derivative"}),
        (overwrites, {}, {"memory formats"}),
        (Wasteful, {"saved": 4}, {"saved for backward", "extreme inputs"}),
        (Shares, {}, {"copies"}),
        (Overflows, {}, {"extreme inputs", "half precision"}),
        (WrongStart, {}, {"starts as"}),
        (Breaks, {}, {"torch compile", "torch export", "torch func"}),
        (nn.Tanh, {"range": (-1.0, 2.0)}, {"declared properties"}),
        (nn.Tanh, {"range": (-0.5, 1.0)}, {"declared properties"}),
        (nn.SiLU, {"monotone": True}, {"declared properties"}),
        (nn.Sigmoid, {"at_zero": 0.0}, {"declared properties"}),
        (nn.LeakyReLU, {"kinks": ()}, {"declared properties"}),
        (nn.SiLU, {"kinks": (0.0,)}, {"declared properties"}),
        (nn.Tanh, {"function": torch.tanh, "derivatives": lambda x: (1 - torch.tanh(x),)}, {"closed form"}),
        (lambda x: x.reshape(-1), {}, {"memory formats"}),
    ],
)
def test_faults_are_caught(target, facts, caught, scratch):
    activations.register("faulty", facts=Facts(**facts))(target)
    failed = {result.check for result in battery.check("faulty") if result.status == "failed"}
    assert caught <= failed


def test_properties_are_measured_where_none_are_declared(scratch):
    activations.register("hard_tanh")(lambda x: x.clamp(-1, 1))
    assert battery.measured("hard_tanh") == {"range": (-1.0, 1.0), "monotone": True, "at_zero": 0.0, "kinks": (-1.0, 1.0)}
    result = battery.run_check("hard_tanh", "declared properties")
    assert result.status == "n/a"
    assert "'kinks': (-1.0, 1.0)" in result.detail


def test_command(capsys, tmp_path):
    file = tmp_path / "battery_own.py"
    file.write_text(
        "import torch, adaptact\n\n"
        '@adaptact.register("battery_own")\n'
        "class Own(torch.nn.Module):\n"
        "    def __init__(self, num_parameters=1):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.ones(num_parameters))\n"
        "    def forward(self, x):\n"
        "        return torch.tanh(x) * self.scale\n"
    )
    # Per channel, num_parameters is C and does not broadcast against (N, C, rows, columns): its author is told so.
    assert main(["check", str(file)]) == 1
    text = capsys.readouterr().out
    assert "battery_own" in text
    assert "first derivative" in text
    assert "some failed" in text
    assert main(["check", "relu,leaf"]) == 0
    text = capsys.readouterr().out
    assert f"{len(battery.CHECKS)} checks each over 2 activations: all passed" in text
