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
from adaptact.progress import Progress, mark, read_mark, seconds_left
from adaptact.sweep import GIB, auto_jobs, free_memory, sweep

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
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have it ignored
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


def start(folder, jobs, code=CHILD):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(jobs)], env=environment, stderr=subprocess.PIPE, start_new_session=True
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


def wait_for_an_epoch(child, folder):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and child.poll() is None:
        if any(read_mark(path)[0] >= 1 for path in (folder / "checkpoints").glob("*.epoch")):
            return
        time.sleep(0.01)
    raise AssertionError(child.stderr.read().decode())


def stopped(group):
    """Whether all processes of a group have ended, within a while: those of a killed parent end with their epoch."""
    psutil = pytest.importorskip("psutil")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        alive = [process for process in psutil.process_iter(["status"]) if process.info["status"] != psutil.STATUS_ZOMBIE]
        if not any(in_group(process.pid, group) for process in alive):
            return True
        time.sleep(0.1)
    return False


def in_group(pid, group):
    try:
        return os.getpgid(pid) == group
    except ProcessLookupError:
        return False


COMMAND = """
import sys
import adaptact.__main__ as command
from test_sweep import CHILD, RUNS
itself = lambda self, *_: self
command.get = lambda name: type("Experiment", (), {"including": itself, "only": itself, "runs": lambda self, *_: RUNS})()
exec(CHILD.split("from test_sweep")[0])
sys.exit(command.main(["run", "ours", "--profile", "smoke", "--results", sys.argv[1], "--jobs", sys.argv[2]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups")
@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_ctrl_c_and_what_a_batch_system_sends_stop_it_cleanly(tmp_path, number, to_all):
    child = start(tmp_path, 2, COMMAND)
    wait_for_an_epoch(child, tmp_path)
    (os.killpg if to_all else os.kill)(child.pid, number)
    _, error = child.communicate(timeout=60)
    assert child.returncode == 130
    (line,) = error.decode().splitlines()
    assert line == f"stopped: 0 of 3 runs are recorded; the same command goes on from here; log in {tmp_path / 'sweep.log'}"
    assert stopped(child.pid)
    assert "stopped by KeyboardInterrupt" in (tmp_path / "sweep.log").read_text()
    assert list((tmp_path / "checkpoints").glob("*.pt")), "what was trained is kept"


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups")
def test_workers_do_not_outlive_a_killed_parent(tmp_path):
    child = start(tmp_path, 2)
    wait_for_an_epoch(child, tmp_path)
    child.kill()
    child.wait()
    child.stderr.close()
    assert stopped(child.pid)
    assert not list(tmp_path.glob("digits/*.json"))


def test_a_run_that_kills_its_worker_is_given_up_and_the_others_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(activations.registry, "_REGISTRY", dict(activations.registry._REGISTRY))
    monkeypatch.setattr("adaptact.sweep.DEATHS", 2)

    @activations.register("deadly")
    def deadly(x):
        os.kill(os.getpid(), signal.SIGKILL)

    innocent = Run(dataset="digits", train_images=64, model="lenet5", activation="relu", epochs=2, seed=42)
    fatal = replace(innocent, activation="deadly")
    outcome = sweep([fatal, innocent], Store(tmp_path), jobs=2)
    assert outcome.done == [innocent]
    assert outcome.failed.keys() == {fatal}
    assert "killed 2 times" in outcome.failed[fatal]
    assert (tmp_path / "sweep.log").read_text().count("a worker process was killed") >= 2


def test_the_log_tells_what_happened(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(activations.registry, "_REGISTRY", dict(activations.registry._REGISTRY))

    @activations.register("faulty")
    def faulty(x):
        raise ZeroDivisionError("no such thing")

    short = Run(dataset="digits", train_images=64, model="lenet5", activation="relu", epochs=1, seed=42)
    runs = [short, replace(short, activation="faulty")]
    sweep(runs, Store(tmp_path), jobs=1)
    error = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in error] == [["[1/2]", "done"], ["[2/2]", "failed"]], "no terminal: a line a run"
    sweep(runs, Store(tmp_path), jobs=1)
    log = (tmp_path / "sweep.log").read_text().splitlines()
    heads = [line for line in log if line.startswith("20")]
    assert all(f" [{os.getpid()}] " in line for line in heads)
    words = [line.split("] ")[1] for line in heads]
    assert words[0] == "start: 2 runs to train, 0 recorded before; jobs 1, LokyBackend, cpu"
    assert words[1].startswith(f"done     {short.name}  best test accuracy")
    assert words[1].endswith(" s")
    assert words[2].startswith(f"failed   {runs[1].name}  ZeroDivisionError: no such thing")
    assert words[3] == "end: 1 trained, 0 diverged, 1 failed"
    assert words[4] == "start: 1 runs to train, 1 recorded before; jobs 1, LokyBackend, cpu"
    assert sum("Traceback" in line for line in log) == 2


def test_time_left():
    leaf, tanh = RUN, RUNS[2]
    big = replace(tanh, model="kerasnet")
    assert seconds_left({leaf: 6}, [], 1) is None
    assert seconds_left({leaf: 6}, [(tanh, 0, 0.0)], 1) is None, "marked, but not measured"
    measured = [(replace(tanh, seed=1), 6, 6.0), (replace(leaf, seed=1), 2, 6.0)]
    assert seconds_left({leaf: 6}, measured, 1) == 18, "by its own kind"
    assert seconds_left({leaf: 6, tanh: 6}, measured, 1) == 24
    assert seconds_left({leaf: 6, tanh: 6}, measured, 2) == 18, "the longest decides"
    assert seconds_left({tanh: 6, replace(tanh, seed=2): 6, leaf: 6}, measured, 2) == 24, "who is free first takes the next"
    assert seconds_left({replace(tanh, activation="silu"): 4}, measured, 1) == 6, "by its model, 12 s for 8 epochs"
    assert seconds_left({big: 4}, measured, 1) == 6, "by whatever there is"
    assert seconds_left({big: 4}, [*measured, (replace(big, seed=1), 1, 10.0)], 1) == 40
    assert seconds_left({}, measured, 1) == 0


def test_the_display_shows_runs_epochs_and_time(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    progress = Progress(RUNS, tmp_path, "ours", tmp_path / "sweep.log")
    monkeypatch.setattr(progress, "_poll", lambda: None)
    mark(tmp_path / f"{RUN.name}.epoch", 2, 4.0, "ours")
    mark(tmp_path / f"{RUNS[1].name}.epoch", 3, 6.0, "another")
    with progress:
        progress._show()
        above, below = progress.bars
        assert above.desc.startswith("0/3 runs, 1 running")
        assert above.n == 5
        assert above.postfix == "00:26 left", "4, 3 and 6 epochs of 2 s"
        assert below.desc == f"{RUN.name} 2/6"


def test_jobs_auto_fits_cores_memory_and_runs(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    monkeypatch.setattr("joblib.cpu_count", lambda: 16)
    monkeypatch.setattr("adaptact.sweep.free_memory", lambda: 100 * GIB)
    assert auto_jobs(100, cpu) == 16
    assert auto_jobs(3, cpu) == 3
    monkeypatch.setattr("adaptact.sweep.free_memory", lambda: 11 * GIB)
    assert auto_jobs(100, cpu) == 5
    monkeypatch.setattr("adaptact.sweep.free_memory", lambda: GIB)
    assert auto_jobs(100, cpu) == 1
    for free, jobs in ((80, 4), (8, 2), (1, 1)):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda device, free=free: (free * GIB, 80 * GIB))
        assert auto_jobs(100, gpu) == jobs


def test_memory_is_known_where_it_can_be():
    assert free_memory() > GIB / 8
