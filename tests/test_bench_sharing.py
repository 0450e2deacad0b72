"""The benchmark of sharing a device counts what is trained; how fast anything is, is not tested."""

import dataclasses
import json
import threading

import pytest

from adaptact import bench_sharing as sharing
from adaptact.__main__ import main
from adaptact.errors import UserError

RATES = {sharing.PLAIN: (100, 200, 400), 1: (200, 300, 2000), 2: (300, 900, 800)}


@pytest.fixture
def made_up(monkeypatch):
    """Three rounds with these images a second, the same for every run."""
    rounds = {}

    def together(run, way, device, cores, seconds):
        rounds[run, way] = rounds.get((run, way), -1) + 1
        return RATES[way][rounds[run, way]]

    monkeypatch.setattr(sharing, "_together", together)
    return sharing.bench_sharing(device="cpu", rounds=3, jobs=(1, 2))


def test_ratios_are_taken_within_a_round(made_up):
    lines = {(line["network"], line["activation"], line["way"]): line for line in made_up["lines"]}
    ways = (sharing.PLAIN, "1 at a time", "2 at a time")
    assert set(lines) == {(*key, way) for key in sharing.RUNS for way in ways}
    for network, images in (("lenet5", 60_000), ("kerasnet", 50_000)):
        one, two = (lines[network, "LEAF as Tanh", way] for way in ways[1:])
        assert (one["images_a_second"], two["images_a_second"]) == (300, 800)
        assert two["runs_an_hour"] == pytest.approx(3600 * 800 / (100 * images), abs=1e-3)
        assert [one[key] for key in ("least", "to_plain", "most")] == [1.5, 2.0, 5.0], "of 2, 1.5 and 5"
        assert [two[key] for key in ("least", "to_plain", "most")] == [2.0, 3.0, 4.5], "of 3, 4.5 and 2"
        assert lines[network, "Tanh", sharing.PLAIN]["to_plain"] == 1
    text = sharing.table(made_up)
    assert "3.00 [2.00, 4.50]" in text
    assert "3 rounds" in text


def test_an_unknown_network_or_function_is_named():
    with pytest.raises(UserError, match=r"unknown network 'resnet'\. Did you mean 'kerasnet'\? Choose from: lenet5, kerasnet\."):
        sharing.bench_sharing(device="cpu", networks=("resnet",))
    with pytest.raises(UserError, match=r"Choose from: Tanh, LEAF as Tanh\."):
        sharing.bench_sharing(device="cpu", functions=("leaf",))


def test_the_ways_of_a_network_are_trained(monkeypatch):
    key = "lenet5", "LEAF as Tanh"
    short = {key: dataclasses.replace(sharing.RUNS[key], epochs=1)}  # too short a run for compiling to pay
    monkeypatch.setattr(sharing, "RUNS", short)
    found = sharing.bench_sharing(device="cpu", networks=("lenet5",), rounds=1, jobs=(1, 2), seconds=0.1)
    assert json.loads(json.dumps(found)) == found
    assert [line["way"] for line in found["lines"]] == [sharing.PLAIN, "1 at a time", "2 at a time"]
    assert all(line["images_a_second"] > 0 for line in found["lines"])
    assert "threads" not in found["machine"]


def test_on_a_cpu_the_runs_divide_the_cores_and_on_a_gpu_they_do_not():
    import torch

    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert [sharing._threads(way, cpu, 16) for way in (sharing.PLAIN, 1, 2, 8)] == [16, 16, 8, 2]
    assert sharing._threads(4, cpu, 2) == 1
    assert [sharing._threads(way, gpu, 16) for way in (sharing.PLAIN, 1, 4)] == [16, 1, 1]


def test_nobody_starts_before_all_are_there(tmp_path):
    started = threading.Event()
    first = threading.Thread(target=lambda: (sharing._wait_for_all(tmp_path, 2), started.set()))
    first.start()
    assert not started.wait(0.1)
    sharing._wait_for_all(tmp_path, 2)
    assert started.wait(10)


def test_who_waits_in_vain_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(sharing, "PATIENCE", 0)
    with pytest.raises(TimeoutError, match="of 2 jobs only 1"):
        sharing._wait_for_all(tmp_path, 2)


def test_the_command(monkeypatch, tmp_path, capsys, made_up):
    asked = []
    monkeypatch.setattr(sharing, "bench_sharing", lambda **settings: asked.append(settings) or made_up)
    assert main(["bench", "sharing", "--rounds", "3", "--networks", "lenet5", "--results", str(tmp_path)]) == 0
    assert asked == [{"device": "cpu", "networks": ("lenet5",), "rounds": 3}]
    assert "2 at a time" in capsys.readouterr().out
    assert (sharing.file_for("cpu"), sharing.file_for("cuda:0")) == (sharing.FILE, sharing.FILE_GPU)
    assert json.loads((tmp_path / sharing.FILE).read_text()) == made_up
