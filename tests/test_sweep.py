"""Sweeps: parallel, beside one another, through a kill, and past a failing run."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from adaptact import Run, Store, UserError, activations
from adaptact.experiments import get
from adaptact.progress import read_mark
from adaptact.sweep import sweep

RUN = Run(
    dataset="digits",
    train_images=512,
    model="lenet5",
    activation="leaf",
    init="tanh",
    granularity="neuron",
    epochs=6,
    seed=42,
    dspt=True,
)
RUNS = [RUN, replace(RUN, seed=100), replace(RUN, activation="tanh", init=None, granularity=None, dspt=False)]

CHILD = """
import sys
from test_sweep import RUNS
from adaptact import Store
from adaptact.sweep import sweep
print("started", flush=True)
sweep(RUNS, Store(sys.argv[1]), jobs=int(sys.argv[2]))
"""


def numbers(folder):
    store, found = Store(folder), {}
    for run in RUNS:
        record = store.get(run)
        curves = {name: values for name, values in record.curves.items() if name != "seconds"}
        found[run] = (curves, record.scores, record.shapes, record.status)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = sweep(RUNS, Store(folder), jobs=1)
    assert set(outcome.done) == set(RUNS)
    return numbers(folder)


def start(folder, jobs):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(jobs)], env=environment, stderr=subprocess.PIPE, start_new_session=True
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_kill_9_loses_at_most_the_epoch_in_progress(tmp_path, undisturbed, jobs):
    checkpoints = tmp_path / "checkpoints"
    for wanted in (1, 3):  # killed twice, each time further on
        child = start(tmp_path, jobs)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and child.poll() is None:
            if any(read_mark(path)[0] >= wanted for path in checkpoints.glob("*.epoch")):
                break
            time.sleep(0.01)
        assert child.poll() is None, child.stderr.read().decode()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        child.stderr.close()
    begun = {path.name: read_mark(path)[0] for path in checkpoints.glob("*.epoch")}
    assert max(begun.values()) >= 3
    outcome = sweep(RUNS, Store(tmp_path), jobs=jobs)
    assert not outcome.failed
    assert numbers(tmp_path) == undisturbed
    assert not list(checkpoints.iterdir()), "a finished sweep leaves nothing"


def test_what_a_kill_left_half_written_is_cleared_away_and_only_that(tmp_path):
    short = replace(RUN, train_images=64, epochs=1)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    ours, another = checkpoints / f".{short.name}.pt-abc.part", checkpoints / f".{RUN.name}.pt-abc.part"
    ours.write_bytes(b"half")
    another.write_bytes(b"half")
    sweep([short], Store(tmp_path), jobs=1)
    assert list(checkpoints.iterdir()) == [another]


def test_two_sweeps_share_a_folder_and_the_number_of_jobs_changes_nothing(tmp_path, undisturbed):
    child = start(tmp_path, 2)
    outcome = sweep(RUNS, Store(tmp_path), jobs=2)
    assert child.wait(timeout=180) == 0
    child.stderr.close()
    assert len(outcome.done) + len(outcome.present) == len(RUNS)
    assert numbers(tmp_path) == undisturbed
    again = sweep(RUNS, Store(tmp_path), jobs=2)
    assert again.present == RUNS
    assert not again.done


def test_a_failing_and_a_diverging_run_do_not_stop_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(activations.registry, "_REGISTRY", dict(activations.registry._REGISTRY))

    @activations.register("faulty")
    def faulty(x):
        raise ZeroDivisionError("no such thing")

    short = Run(dataset="digits", train_images=64, model="lenet5", activation="relu", epochs=1, seed=42)
    bad, wild = replace(short, activation="faulty"), replace(short, lr=1e30, epochs=3)
    outcome = sweep([bad, wild, short], Store(tmp_path), jobs=1)
    assert outcome.failed == {bad: "ZeroDivisionError: no such thing"}
    assert outcome.diverged == [wild]
    assert outcome.done == [short]


def test_what_cannot_work_is_said_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr("adaptact.sweep._train_one", None)  # anything that starts fails differently
    run = replace(RUN, dataset="mnist", train_images=100)
    with pytest.raises(UserError, match=r"MNIST: .* is missing"):
        sweep([run], Store(tmp_path), data_folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        sweep([RUN], Store(tmp_path / "file"))
    with pytest.raises(UserError, match="auto, cpu, cuda"):
        sweep([RUN], Store(tmp_path), device="tpu")


def test_sweeps_leave_the_thread_count_alone(tmp_path):
    torch.set_num_threads(2)
    try:
        sweep([replace(RUN, epochs=1, train_images=64)], Store(tmp_path), jobs=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_experiment_runs_are_the_sweeps_units():
    runs = get("leaf/table-4").runs("smoke")
    assert len(runs) == len(set(runs)) == 12  # the two data sets are one at this profile
