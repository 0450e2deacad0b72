"""The benchmark of depth measures what it says, and the rule that reads it on made-up measurements."""

import importlib
import json

import numpy as np
import pytest

from adaptact import Store, bench, bench_depth, claims
from adaptact.__main__ import main
from adaptact.claims.base import Evidence
from adaptact.claims.pltanh_cost import COMMAND, overhead, trend

FEW = {"depths": (2, 3), "functions": ("Leaky ReLU", "PLTanh", "PLTanh, plain"), "rounds": 1}


@pytest.fixture(scope="module")
def result():
    return bench_depth.bench_depth(**FEW)


def test_every_body_depth_and_function_has_a_line(result):
    lines = {(line["body"], line["depth"], line["function"]): line for line in result["lines"]}
    functions = ("ReLU", *FEW["functions"])
    assert set(lines) == {(body, d, function) for body in bench_depth.BODIES for d in (2, 3) for function in functions}
    for (_, _, function), line in lines.items():
        assert len(line["ratios"]) == 1
        for what in bench_depth.PASSES:
            assert line[f"{what}_ms"] > 0
            low, middle, high = line[what]
            assert 0 < low <= middle <= high
            assert function != "ReLU" or low == high == 1
    assert result["machine"]["threads"] == 1
    assert json.loads(json.dumps(result)) == result
    text = bench_depth.table(result)
    assert "training step, to ReLU" in text
    assert "PLTanh, plain" in text


def test_what_is_kept_for_the_backward_pass_shows_in_the_peak(result):
    peak = {line["function"]: line["peak"] for line in result["lines"] if (line["body"], line["depth"]) == ("convolutions", 3)}
    # ReLU keeps its output, which the next layer keeps as well; Leaky ReLU keeps its input besides.
    assert peak["ReLU"] < peak["Leaky ReLU"] < peak["PLTanh, plain"]
    assert peak["PLTanh"] < peak["PLTanh, plain"]


def test_one_thread_is_for_the_measurement_alone(result):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with bench_depth._quietly():
            assert torch.get_num_threads() == 1
            assert (torch.tensor([1e-38]) * 1e-3).item() == 0
        assert torch.get_num_threads() == 2
        assert (torch.tensor([1e-38]) * 1e-3).item() != 0
    finally:
        torch.set_num_threads(before)


def test_without_a_compiler_nothing_is_called_compiled(monkeypatch):
    fused = importlib.import_module("adaptact.activations.fused")
    monkeypatch.setitem(fused._state, "works", False)
    found = bench_depth.bench_depth(depths=(1,), bodies=("dense",), functions=("PLTanh", "PLTanh, compiled"), rounds=1)
    assert [line["function"] for line in found["lines"]] == ["ReLU", "PLTanh"]


def test_the_command(monkeypatch, tmp_path, capsys, result):
    monkeypatch.setattr(bench_depth, "bench_depth", lambda rounds: result | {"rounds": rounds})
    assert main(["bench", "depth", "--rounds", "3", "--results", str(tmp_path)]) == 0
    assert "; 3 rounds" in capsys.readouterr().out
    assert json.loads((tmp_path / bench_depth.FILE).read_text()) == result | {"rounds": 3}


def made_up(folder, middles, rounds=9, noise=0.02):
    """A measurement of PLTanh, whose ratio has these medians by depth; one body has twice the excess over ReLU."""
    spread = np.linspace(-noise, noise, rounds)
    lines = []
    for body, factor in (("dense", 1), ("convolutions", 2)):
        for number, (depth, middle) in enumerate(middles.items()):
            ratios = 1 + factor * (middle - 1) + np.roll(spread, number)
            step = np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()
            lines.append({"body": body, "depth": depth, "function": "PLTanh", "step": step, "ratios": ratios.tolist()})
            lines.append({"body": body, "depth": depth, "function": "tanh", "step": [9, 9, 9], "ratios": [9.0] * rounds})
    bench.write({"machine": {"cpu": "made up", "threads": 1}, "rounds": rounds, "lines": lines}, folder, bench_depth.FILE)
    return overhead(Evidence(Store(folder)))


@pytest.mark.parametrize(
    ("ratios", "costs", "grows", "whole"),
    [
        ((1.1, 1.2, 1.3, 1.4), "holds", "holds", "holds"),
        ((1.3, 1.3, 1.3, 1.3), "holds", "does not hold", "holds in part"),
        ((1.4, 1.3, 1.2, 1.1), "holds", "does not hold", "holds in part"),
        ((0.9, 0.8, 0.7, 0.6), "does not hold", "does not hold", "does not hold"),
        ((0.8, 0.9, 1.1, 1.2), "undecided", "holds", "holds in part"),
    ],
)
def test_the_rule(tmp_path, ratios, costs, grows, whole):
    found = made_up(tmp_path, dict(zip((4, 8, 16, 32), ratios, strict=True)))
    assert found.verdict == whole
    assert f"costs more: {costs}," in found.reason
    assert f"the more so in deep networks: {grows}," in found.reason
    assert (found.profile, found.hardware) == ("benchmark", "made up, 1 thread")


def test_depths_need_not_come_in_order(tmp_path):
    found = made_up(tmp_path, {32: 1.4, 4: 1.1, 16: 1.3, 8: 1.2})
    assert found.verdict == "holds"
    assert "1.10 at 4 layers, 1.40 at 32" in found.reason


@pytest.mark.parametrize("little", [{"rounds": 1}, {"noise": 0.5}])
def test_little_or_noise_decides_no_trend(tmp_path, little):
    assert "deep networks: undecided" in made_up(tmp_path, {4: 1.3, 8: 1.31, 16: 1.32}, **little).reason


def test_two_depths_are_no_trend(tmp_path):
    assert "a trend needs 3 depths" in made_up(tmp_path, {4: 1.1, 8: 1.5}).reason


def test_without_a_measurement_the_command_is_named(tmp_path):
    found = overhead(Evidence(Store(tmp_path)))
    assert found.verdict == "undecided"
    assert COMMAND in found.reason
    assert found == claims.judge(Store(tmp_path), "pltanh")[claims.CLAIMS["pltanh-overhead"]]


def test_a_trend_is_one_of_rank():
    grows, stays, correlation = trend(np.tile([1.0, 1.1, 1.3, 1.31], (9, 1)))
    assert grows < 0.001
    assert stays > 0.9
    assert correlation == pytest.approx(1)
    assert trend(np.ones((9, 4)))[2] == 0
