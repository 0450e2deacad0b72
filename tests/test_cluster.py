"""Sweeps on a Dask cluster: a real scheduler and two real workers, and what happens when they are killed."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from conftest import ROOT

from adaptact import Store, UserError, cluster, plugins
from adaptact.__main__ import main
from adaptact.activations import registry
from adaptact.experiments import get
from adaptact.progress import read_mark
from adaptact.sweep import _Order, _train_one, sweep

RUNS = get("leaf/table-4").runs("smoke", [42])
COMMAND = ["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42"]


class Cluster:
    """A scheduler and two workers of one thread, which stand in a folder of their own."""

    def __init__(self, folder):
        self.file, self.folder = folder / "scheduler.json", folder
        options = ["--no-dashboard", "--host", "127.0.0.1"]
        self.scheduler = self.start("scheduler", "--port", "0", "--scheduler-file", self.file, *options)
        deadline = time.monotonic() + 60
        while not self.file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.address = json.loads(self.file.read_text())["address"]
        worker = ["worker", self.address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0", *options]
        self.workers = [self.start(*worker) for _ in range(2)]
        self.command = [*COMMAND, "--backend", "dask", "--scheduler", self.address]

    def start(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *map(str, arguments[1:])]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stderr=subprocess.DEVNULL)

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    pytest.importorskip("distributed")
    running = Cluster(tmp_path_factory.mktemp("cluster"))
    yield running
    running.stop()


def numbers(folder):
    found = {}
    for run in RUNS:
        record = Store(folder).get(run)
        curves = {name: values for name, values in record.curves.items() if name != "seconds"}
        found[run] = (curves, record.scores, record.shapes, record.status)
    return found


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    assert main([*COMMAND, "--jobs", "1", "--results", str(folder)]) == 0
    return numbers(folder)


@contextmanager
def when_a_run_has_begun(folder, kill):
    """Call `kill` from another thread as soon as a worker has marked a run of this sweep."""
    over = threading.Event()

    def watch():
        while not over.wait(0.01):
            if any(read_mark(path)[2] for path in (folder / "checkpoints").glob("*.epoch")):
                kill()
                return

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    over.set()
    thread.join()


def test_the_same_numbers_as_on_one_machine(dask, local, tmp_path, capsys):
    assert main([*dask.command, "--results", str(tmp_path)]) == 0
    assert "6 trained, 0 recorded before, 0 diverged, 0 failed" in capsys.readouterr().out
    assert numbers(tmp_path) == local
    assert not list((tmp_path / "checkpoints").iterdir())
    assert "all workers, Dask" in (tmp_path / "sweep.log").read_text()


def test_workers_take_an_activation_as_it_is_now(dask, tmp_path, monkeypatch):
    file, losses = tmp_path / "mine_on_workers.py", []
    for factor in ("0", "1"):  # the workers live on, and must not train what the file said before
        monkeypatch.setattr(registry, "_REGISTRY", {**registry._REGISTRY})
        registry._REGISTRY.pop("mine", None)
        monkeypatch.setattr(plugins, "_FILES", {})
        monkeypatch.setattr(sys, "path", [*sys.path])
        sys.modules.pop(file.stem, None)
        file.write_text(f'import adaptact\n\n@adaptact.register("mine")\ndef mine(x):\n    return x * {factor}.0\n')
        os.utime(file, (1e9, 1e9 + int(factor)))  # of the same size, it is told from its compiled form by its time only
        plugins.add(str(file))
        runs = [replace(RUNS[0], activation="mine", seed=seed) for seed in range(4)]
        with cluster.backend("dask", dask.address):
            assert set(sweep(runs, Store(tmp_path / factor)).done) == set(runs)
        losses.append([Store(tmp_path / factor).get(run).curves["train_loss"] for run in runs])
    del sys.modules[file.stem]
    assert all(old != new for old, new in zip(*losses, strict=True))


def test_a_killed_worker_costs_time_only(dask, local, tmp_path, capsys):
    with when_a_run_has_begun(tmp_path, dask.workers[0].kill):
        assert main([*dask.command, "--results", str(tmp_path)]) == 0
    assert dask.workers[0].wait() != 0
    assert "6 trained, 0 recorded before, 0 diverged, 0 failed" in capsys.readouterr().out
    assert numbers(tmp_path) == local


def test_a_killed_scheduler_is_one_line_and_the_same_command_goes_on(dask, local, tmp_path, capsys):
    with when_a_run_has_begun(tmp_path, dask.scheduler.kill):
        assert main([*dask.command, "--results", str(tmp_path)]) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert line.startswith(f"stopped: the scheduler at {dask.address}, or its last worker, is gone: ")
    assert "of 6 runs are recorded; the same command goes on from here" in line
    recorded = sum(Store(tmp_path).get(run) is not None for run in RUNS)
    assert main([*COMMAND, "--jobs", "1", "--results", str(tmp_path)]) == 0
    assert f"{recorded} recorded before" in capsys.readouterr().out
    assert numbers(tmp_path) == local
    assert not list((tmp_path / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--backend", "ray"], "Choose from: loky, dask."),
        (["--scheduler", "tcp://127.0.0.1:8786"], "--scheduler is for --backend dask."),
        (["--backend", "dask"], "--scheduler is missing"),
        (["--backend", "dask", "--scheduler", "here"], "such as tcp://127.0.0.1:8786"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (["--backend", "dask", "--scheduler", "tcp://127.0.0.1:1", "--jobs", "2"], "a cluster uses all its workers"),
    ],
)
def test_bad_options_are_one_line(options, words, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "SECONDS_TO_ANSWER", 1)
    assert main([*COMMAND, *options, "--results", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r'pip install "dask\[distributed\]"'), cluster.backend("dask", "tcp://127.0.0.1:1"):
        pass


def test_a_worker_elsewhere_says_what_it_does_not_see(tmp_path):
    there = tmp_path / "there"
    there.write_text("")
    known = dict(sweep="a", host="another", parent=None, folders=(tmp_path,), device="cpu", own=None)
    missing = _train_one(RUNS[0], _Order(**known, data_folder=tmp_path, alive=tmp_path / "not-there"))
    assert missing.status == "user error"
    assert "all machines must share the folder of the records" in missing.said
    run = get("leaf/table-4").runs("laptop", [42])[0]
    no_data = _train_one(run, _Order(**known, data_folder=tmp_path, alive=there))
    assert no_data.status == "user error"
    assert no_data.said.startswith("on ")
    assert "is missing. Fetch it with" in no_data.said
