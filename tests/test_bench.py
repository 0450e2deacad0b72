"""The benchmark measures what it says; how fast anything is, is not tested."""

import json

import pytest
import torch

from adaptact import bench, make
from adaptact.__main__ import main

SITE, SHAPE = "lenet5.act3", (500,)


@pytest.fixture(scope="module")
def result():
    return bench.bench(["leaf"], sites=[SITE], networks=["lenet5"], rounds=1)


def test_every_activation_and_mode_has_a_line(result):
    assert {(line["activation"], line["mode"]) for line in result["sites"]} >= {
        ("relu", "eager"),
        ("silu", "eager"),
        ("leaf", "eager"),
    }
    for line in result["sites"]:
        assert line["forward_us"] > 0
        assert line["backward_us"] > 0
    (relu,) = [line for line in result["sites"] if (line["activation"], line["mode"]) == ("relu", "eager")]
    assert relu["to_relu"] == 1
    assert relu["saved"] == 4
    assert {(line["activation"], line["mode"]) for line in result["steps"]} >= {
        ("relu", "eager"),
        ("leaf", "eager"),
        ("leaf", "compiled"),
    }
    assert json.loads(json.dumps(result)) == result
    text = bench.table(result)
    assert "to limit" in text
    assert "leaf" in text


def test_peak_counts_what_lives_at_once():
    x = torch.randn(128, *SHAPE, requires_grad=True)
    relu = make("relu", SHAPE)
    assert bench._peak(relu, x, torch.randn_like(x), relu) / x.numel() == pytest.approx(8, abs=0.1), "the output and x's gradient"

    def wasteful(x):
        return (x.exp() + 1).log() * x

    assert bench._peak(wasteful, x, torch.randn_like(x), relu) / x.numel() > 16


def test_a_ratio_is_taken_within_a_round():
    slow_rounds = [1.0, 10.0, 1.0]
    assert bench._ratio([2 * s for s in slow_rounds], slow_rounds) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["bench", "leav"], "Did you mean 'leaf'"),
        (["bench", "--networks", "resnet"], "Choose from: lenet5, kerasnet."),
        (["bench", "--rounds", "0"], "at least 1"),
        (["bench", "--device", "tpu"], "Choose from: auto, cpu, cuda."),
        (["check", "nothing.py"], "there is no file"),
    ],
)
def test_bad_input(arguments, words, capsys):
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert words in text
    assert text.count("\n") == 1


def test_a_pair_that_other_programs_disturbed_is_timed_again(monkeypatch):
    seconds = iter([3.0, 1.0, 2.0, 5.0])  # a whole that took less than its part, then one that makes sense
    monkeypatch.setattr(bench, "_seconds", lambda timer: next(seconds))
    assert bench._undisturbed(("forward", "both")) == [2.0, 5.0]
