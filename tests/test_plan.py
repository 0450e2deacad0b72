"""The plan of a sweep: what is to do, what it takes, and what is refused before anything starts."""

import collections
import shutil
import time
import warnings
from dataclasses import replace

import pytest
import torch
from test_records import record_of

from adaptact import Run, Store, UserError, activations, data, disk, train
from adaptact.__main__ import main
from adaptact.experiments import get
from adaptact.plan import duration, free_memory, plan, table
from adaptact.sweep import sweep
from adaptact.training import loop

RUN = Run(dataset="digits", train_images=256, model="lenet5", activation="tanh", epochs=3, seed=42)
LEAF = replace(RUN, activation="leaf", init="tanh", granularity="neuron")
RUNS = [replace(run, seed=seed) for seed in (1, 2, 3) for run in (RUN, LEAF, replace(LEAF, dspt=True, slow_rho24=1e-6))]


def interrupted(run, store, after):
    """A run whose checkpoint has some epochs behind it."""

    def stop(epoch, curves):
        if epoch == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(run, checkpoint=store.target / "checkpoints" / f"{run.name}.pt", on_epoch=stop)


def everything(folder):
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_it_counts_what_is_recorded_begun_and_to_do_and_writes_nothing(tmp_path):
    store = Store(tmp_path / "results", tmp_path / "_runs")
    Store(tmp_path / "results").put(record_of(RUNS[0]))
    store.put(record_of(RUNS[3]))
    store.put(record_of(RUNS[4])).write_text("{")
    interrupted(RUNS[1], store, after=2)
    (tmp_path / "_runs" / "checkpoints" / f"{RUNS[2].name}.pt").write_bytes(b"half")
    before = everything(tmp_path)
    found = plan(RUNS, store, device="cpu", jobs=1, seconds=0)
    assert everything(tmp_path) == before
    assert found.recorded == [RUNS[0], RUNS[3]]
    assert found.begun == {RUNS[1]: 2}
    assert [path.name for path, _ in found.damaged] == [f"{RUNS[4].name}.json", f"{RUNS[2].name}.pt"]
    assert [(kind.name, len(kind.runs), kind.epochs) for kind in found.kinds] == [
        ("digits, lenet5, leaf by neuron", 3, 7),
        ("digits, lenet5, leaf by neuron, DSPT", 3, 9),
        ("digits, lenet5, tanh", 1, 3),
    ]
    assert found.stand_ins == {}
    text = table(found)
    for words in (
        "9 runs: 2 recorded, 1 begun, 7 to do",
        f"begun: {RUNS[1].name}, after epoch 2 of 3",
        f"damaged: {store.path(RUNS[4])}",
        "7 runs, 19 epochs, one at a time on cpu: about ",
        "memory: ",
        "checkpoints and records",
    ):
        assert words in text


def test_the_estimate_is_of_the_right_size(tmp_path):
    """In processor time, which a busy machine changes little; a stage or an evaluation forgotten shows above the tolerance."""
    runs = [replace(run, train_images=640) for run in (RUN, replace(LEAF, dspt=True))]
    found = plan(runs, Store(tmp_path), device="cpu", jobs=1, seconds=1)
    started = time.process_time()
    sweep(runs, Store(tmp_path), device="cpu", jobs=1)
    took = time.process_time() - started
    assert 0.6 < took / sum(kind.seconds * kind.epochs for kind in found.kinds) < 1.8
    assert found.kinds[0].seconds < found.kinds[1].seconds
    assert found.seconds <= found.busy_seconds
    if found.memory is not None:
        assert 100e6 < found.memory < 10e9
        assert found.memory_free > 100e6


def test_checkpoints_and_records_have_the_foretold_sizes(tmp_path):
    store = Store(tmp_path)
    for run in (*RUNS[:3], replace(LEAF, optimizer="rmsprop"), replace(LEAF, granularity="layer", model="kerasnet", epochs=1)):
        interrupted(run, store, after=1)
        checkpoint, record = disk.bytes_of(run)
        real = (tmp_path / "checkpoints" / f"{run.name}.pt").stat().st_size
        assert 0.95 < real / checkpoint < 1.05
        sweep([run], store, jobs=1)
        assert 0.3 * record < store.path(run).stat().st_size <= record


def test_random_images_serve_where_the_data_are_missing(tmp_path):
    run = replace(RUN, dataset="cifar10", train_images=1000, epochs=1)
    photos = replace(run, dataset="flowers", model="strided_cnn", train_images=256)
    found = plan([run, RUN, photos], Store(tmp_path), data_folder=tmp_path, device="cpu", jobs=2, seconds=0)
    assert found.jobs == 2
    assert list(found.stand_ins) == ["cifar10", "flowers"]
    assert all(kind.seconds > 0 and kind.problem is None for kind in found.kinds)
    text = table(found)
    assert "measured on random images: CIFAR-10: " in text
    assert "Fetch it with: python -m adaptact data cifar10" in text
    assert "2 at a time on cpu" in text


def test_it_is_measured_in_the_mode_that_the_run_is_trained_in(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("adaptact.measure.compiled", lambda mode: seen.append(mode) or activations.compiled("never"))
    long = replace(LEAF, train_images=1000, epochs=int(loop.WORTH_COMPILING / 15220 / 1000) + 1)
    found = plan([LEAF, long, replace(long, epochs=long.epochs - 2)], Store(tmp_path), device="cpu", jobs=1, seconds=0)
    assert seen == ["never", "auto", "never"]
    assert len(found.kinds) == 3


def test_one_that_cannot_be_measured_does_not_hide_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(activations.registry, "_REGISTRY", dict(activations.registry._REGISTRY))

    @activations.register("faulty")
    def faulty(x):
        raise ZeroDivisionError("no such thing")

    found = plan([replace(RUN, activation="faulty"), RUN], Store(tmp_path), device="cpu", jobs=2, seconds=0)
    assert [kind.problem for kind in found.kinds] == ["ZeroDivisionError: no such thing", None]
    assert "cannot be measured: ZeroDivisionError" in table(found)


def test_options_and_cycles_tell_kinds_apart(tmp_path):
    mixed = replace(RUN, model="strided_cnn", activation="weighted_sum", granularity="layer")
    functions = replace(mixed, options={"normalisation": "square", "functions": ["relu", "tanh*sin"]})
    runs = [mixed, functions, replace(mixed, cycles=("weights", "activations", "weights"))]
    found = plan(runs, Store(tmp_path), device="cpu", jobs=1, seconds=0)
    assert [(kind.name, kind.problem) for kind in found.kinds] == [
        ("digits, strided_cnn, weighted_sum by layer", None),
        ("digits, strided_cnn, weighted_sum by layer, functions relu tanh*sin, normalisation square", None),
        ("digits, strided_cnn, weighted_sum by layer, cycles weights activations weights", None),
    ]


def test_the_command_plans_what_run_does(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("adaptact.plan.SHORTEST", 0.0)
    options = ["leaf/table-4", "--profile", "smoke", "--seeds", "42", "--jobs", "1"]
    assert main(["plan", *options]) == 0
    assert "6 runs: 0 recorded, 0 begun, 6 to do" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
    for run in get("leaf/table-4").runs("smoke", [42]):
        Store("_runs").put(record_of(run))
    assert main(["plan", *options]) == 0
    captured = capsys.readouterr()
    assert captured.out == "leaf/table-4 at smoke\n6 runs: 6 recorded, 0 begun, 0 to do\n"
    assert captured.err == ""


def test_the_command_leaves_out_the_set_that_another_stands_in_for(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for run in get("weighted_sum/table-1").runs("laptop", [42]):
        if run.dataset != "kmnist":
            Store("_runs").put(record_of(run))
    options = ["weighted_sum/table-1", "--profile", "laptop", "--seeds", "42", "--data", str(tmp_path)]
    assert main(["plan", *options]) == 0
    assert "15 runs: 15 recorded, 0 begun, 0 to do" in capsys.readouterr().out
    assert main(["run", *options]) == 0
    assert "0 trained, 15 recorded before, 0 diverged, 0 failed" in capsys.readouterr().out


Usage = collections.namedtuple("Usage", "total used free")


def test_too_little_space_is_said_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("adaptact.sweep._train_one", None)  # anything that starts fails differently
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(UserError, match=r"MB are needed for checkpoints and records, 1.0 MB are free\. .*--results"):
        sweep(RUNS, Store(tmp_path), jobs=2)
    assert "That is too little: free some space" in table(plan(RUNS[:1], Store(tmp_path), device="cpu", jobs=1, seconds=0))
    need = disk.needed(RUNS, 2)
    assert need > 2 * 2 * disk.bytes_of(LEAF)[0]
    assert disk.needed(RUNS, 3) > need > disk.needed(RUNS[:2], 2)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UserError, match=r"cannot write .* is no folder\. Choose another"):
            plan(RUNS, Store(folder))
    assert disk.room(tmp_path / "not" / "yet") > 0
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UserError, match=r"is read-only\."):
        plan(RUNS, Store(tmp_path))


def test_a_sweep_sets_the_damaged_aside_and_trains_their_runs_again(tmp_path, capsys):
    store = Store(tmp_path)
    short = replace(RUN, train_images=64, epochs=1)
    path = store.path(short)
    path.mkdir(parents=True)  # a folder in its place
    (path / "x").write_text("")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sweep([short], store, jobs=1).done == [short]
    assert f"set aside as {path.name}.damaged, its run is trained again" in capsys.readouterr().err
    assert (path.with_name(f"{path.name}.damaged") / "x").exists()
    assert store.get(short) is not None
    assert store.damaged() == []


def test_small_things():
    assert [duration(seconds) for seconds in (0.4, 59, 61, 3000, 3700, 90_000)] == [
        "0 s", "59 s", "1 min 1 s", "50 min", "1 h 1 min", "1 d 1 h"
    ]  # fmt: skip
    assert [disk.size(number) for number in (900, 5_240_000, 52_400_000, 3e12)] == ["0.9 kB", "5.2 MB", "52 MB", "3000 GB"]
    assert free_memory() is None or free_memory() > 0
    assert data.SOURCES["digits"].train_size == len(data.load("digits").train_images), "random images have these sizes"
    assert torch.get_num_threads() == 1
