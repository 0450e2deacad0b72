"""Many runs: in parallel, restartable, and safe beside another process that writes to the same folder."""

import collections
import contextlib
import functools
import math
import os
import pickle
import platform
import sys
import threading
import time
import traceback
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import joblib
import torch
from filelock import FileLock, Timeout
from joblib.externals.loky.process_executor import TerminatedWorkerError
from joblib.parallel import LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend, get_active_backend

from . import activations, data, disk, plugins
from .disk import free_memory
from .errors import UserError
from .progress import Progress, mark, read_mark
from .records import Store, write_atomically
from .training import pick_device, train

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 has its own
    from joblib.externals import cloudpickle

# What `jobs="auto"` reckons with for each run. The peak of a KerasNet run with per-neuron LEAF on CIFAR-10 was 1.6 GiB of
# memory (eager, batches of 128; ReLU 1.1, LeNet-5 1.0), most of it in the evaluation and in torch itself. That of a GPU is
# an estimate that nobody has measured: a context of half a GiB, the data set, and the same tensors.
GIB = 2**30
MEMORY_A_RUN, GPU_MEMORY_A_RUN = 2 * GIB, 3 * GIB
RUNS_A_GPU = 4  # small networks leave most of a GPU idle, but each of them waits for its own Python process
DEATHS = 3  # a run whose worker process dies so often before the end of one more epoch is given up


@dataclass
class Outcome:
    """What became of a sweep's runs, each of which is in one of these.

    Parameters
    ----------
    present : list of Run
        Those that had a record.
    done, diverged : list of Run
        Those that were trained; see the `status` of a `Record`.
    failed : dict of Run to str
        The reason by run.
    """

    present: list = field(default_factory=list)
    done: list = field(default_factory=list)
    diverged: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)


class ClusterError(RuntimeError):
    """The cluster went away in the middle of a sweep. What was recorded until then is kept."""


@dataclass(frozen=True)
class Result:
    """What a worker says of one run.

    Parameters
    ----------
    run : Run
    status : {"done", "diverged", "present", "failed", "busy", "user error"}
        Busy: another process is training it. User error: no run can go on.
    said : str
        The best accuracy, or what went wrong.
    epochs, seconds : int, float
        How long it trained.
    traceback : str
    """

    run: object
    status: str
    said: str = ""
    epochs: int = 0
    seconds: float = 0.0
    traceback: str = ""


def sweep(runs, store=None, *, device="auto", data_folder=None, jobs="auto"):
    """Train every run that has no record yet.

    A checkpoint after each epoch lets the same call go on after a kill. Each worker has one thread, so the numbers do
    not depend on `jobs`. A run that another process is training is left to it and waited for. A run whose worker was
    killed is given to another one.

    The workers are those of joblib's backend: processes on this machine, or what `joblib.parallel_config` or
    `adaptact.cluster.backend` chooses. On a cluster all machines must see the store's folders and the data folder.

    Parameters
    ----------
    runs : iterable of Run
    store : Store, optional
        By default ``results`` and ``_runs``. Beside the records is ``sweep.log``.
    device : str, default "auto"
    data_folder : path, optional
        See `adaptact.data.data_folder`.
    jobs : int or "auto", default "auto"
        How many runs at a time on this machine; auto is the number of CPU cores, or up to 4 on a GPU, as far as the memory
        goes. A cluster uses all its workers.

    Returns
    -------
    Outcome

    Raises
    ------
    UserError
        Before anything starts, if the device or a data set is not to be had, the folder cannot be written or lacks space, or an
        activation of one's own cannot be sent to the workers; later, if the disk is full or a worker on another machine does
        not find a folder. What was recorded until then is kept.
    ClusterError
        If the cluster went away.
    """
    store = store or Store()
    backend, _ = get_active_backend()
    local = isinstance(backend, (LokyBackend, MultiprocessingBackend, ThreadingBackend, SequentialBackend))
    if local:
        device = pick_device(device)
    runs = list(dict.fromkeys(runs))
    recorded = {run for run in runs if store.get(run) is not None}
    outcome, todo = Outcome(present=[run for run in runs if run in recorded]), [run for run in runs if run not in recorded]
    if not todo:
        return outcome
    jobs = auto_jobs(len(todo), device) if local and jobs == "auto" else -1 if jobs == "auto" else min(jobs, len(todo))
    for name in dict.fromkeys(run.dataset for run in todo):
        data.load(name, data_folder)
    identity = uuid.uuid4().hex
    alive = _checkpoints(store) / f".sweep-{identity}"
    order = _Order(
        sweep=identity,
        host=platform.node(),
        parent=os.getpid() if isinstance(backend, LokyBackend) else None,
        alive=None if local else alive.resolve(),
        folders=tuple(folder.resolve() for folder in store.folders),  # a worker may stand in another folder
        device=str(device),
        data_folder=data.data_folder(data_folder).resolve(),
        own=pack({run.activation for run in todo}) if jobs != 1 else None,
    )
    disk.prepare(store, todo, jobs if jobs > 0 else len(todo))
    write_atomically(alive, b"")  # or else the folder cannot be written
    if local:
        alive.unlink()
    where = f"jobs {jobs}" if local else "all workers"
    started = f"{len(todo)} runs to train, {len(outcome.present)} recorded before; {where}, {type(backend).__name__}, {device}"
    with Progress(todo, _checkpoints(store), identity, store.target / "sweep.log") as progress:
        progress.log(f"start: {started}")
        try:
            _train_all(todo, jobs, order, outcome, progress)
        finally:
            alive.unlink(missing_ok=True)
        progress.log(f"end: {len(outcome.done)} trained, {len(outcome.diverged)} diverged, {len(outcome.failed)} failed")
    return outcome


def _train_all(todo, jobs, order, outcome, progress):
    """Have the runs trained, until each has its place in the outcome."""
    lists = {"present": outcome.present, "done": outcome.done, "diverged": outcome.diverged}
    deaths = collections.Counter()
    todo = dict.fromkeys(todo)
    while todo:
        before = progress.marks()
        # Of runs that went on when a process was killed only one is tried at a time, so that the guilty one shows itself.
        suspects = [run for run in todo if deaths[run]]
        batch = [run for run in todo if not deaths[run]] + suspects[:1]
        # A cluster gets all at once, for workers may join it later; here what waits would only be in the way of Ctrl-C.
        ahead = "all" if order.alive else "n_jobs"
        parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch=ahead, batch_size=1)
        try:
            with contextlib.closing(parallel(joblib.delayed(_train_one)(run, order) for run in batch)) as results:
                for result in results:
                    if result.status == "busy":
                        continue
                    if result.status == "user error":
                        raise UserError(result.said)
                    if result.status == "failed":
                        outcome.failed[result.run] = result.said
                    else:
                        lists[result.status].append(result.run)
                    del todo[result.run]
                    progress.finished(result)
        except TerminatedWorkerError:
            # Killed, say for want of memory, and joblib ends the others too. All that have no record go on.
            progress.log("a worker process was killed; going on with what has no record")
            marks = progress.marks()
            running = [run for run in batch if marks.get(run, (0, 0, False))[2]] or [run for run in batch if run in todo]
            for run in [run for run in running if run in suspects] or running:
                progressed = run in marks and marks[run][0] > before.get(run, (0,))[0]
                deaths[run] = 1 if progressed else deaths[run] + 1
                if deaths[run] >= DEATHS:
                    del todo[run]
                    outcome.failed[run] = f"its worker process was killed {DEATHS} times; it may want memory: try fewer --jobs"
                    progress.finished(Result(run, "failed", outcome.failed[run]))
        else:
            if any(run in todo for run in batch):  # another process is at them
                time.sleep(1)


def auto_jobs(runs, device):
    """How many of so many runs to train at a time on this machine.

    Parameters
    ----------
    runs : int
    device : torch.device

    Returns
    -------
    int
        At least 1; at most what the CPU cores that joblib may use, and the memory, allow.
    """
    if device.type == "cuda":
        most = min(RUNS_A_GPU, torch.cuda.mem_get_info(device)[0] // GPU_MEMORY_A_RUN)
    else:
        most = (free_memory() or math.inf) // MEMORY_A_RUN
    return int(max(1, min(runs, joblib.cpu_count(), most)))


class _Order(NamedTuple):
    """What a worker needs to know of the sweep that it works for; small and plain, for it goes along with every run.

    joblib hands larger objects to Dask once, to the memory of a worker or two, and they are lost when these are killed.
    """

    sweep: str
    host: str
    parent: int | None  # the process that sweeps, where workers are its children
    alive: Path | None  # elsewhere: a file that is there as long as the sweep
    folders: tuple
    device: str
    data_folder: Path
    own: tuple | None


def pack(names):
    """Those of some activations that are a user's own, for `unpack` in a worker, where only adaptact's are registered.

    What a notebook cell, a script, or a file of --add defines travels as it is now: a worker that lives on may have
    imported an older state of that file. What cannot travel, such as a Triton kernel, is imported there by its name.

    Returns
    -------
    tuple or None
        Bytes, and where to look for modules; None if there is nothing to send.
    """
    own = {name: entry for name, entry in activations.custom().items() if name in names}
    if not own:
        return None
    modules = plugins.modules()
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        with contextlib.suppress(Exception):  # whatever a pickler meets in a user's objects
            return cloudpickle.dumps(own), tuple(sys.path)
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)
    try:
        return cloudpickle.dumps(own), tuple(sys.path)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{', '.join(own)} cannot be sent to worker processes ({reason}); run it with 1 job.") from error


def unpack(packed):
    """Register in this process what `pack` gave in another."""
    if packed is not None:
        entries, path = packed
        sys.path += [folder for folder in path if folder not in sys.path]
        activations.restore(_load(entries))


@functools.lru_cache(maxsize=1)  # new objects for each run would be compiled again for each run
def _load(entries):
    return pickle.loads(entries)


class _Stopped(Exception):
    """The sweep that a worker works for is gone."""


# Worker processes train one run at a time even where they have more threads: torch's generator is one a process.
_ONE_AT_A_TIME = threading.Lock()


def _train_one(run, order):
    """Train one run in a worker; returns its `Result`."""
    store = Store(*order.folders)
    checkpoint = _checkpoints(store) / f"{run.name}.pt"
    started, threads = time.perf_counter(), torch.get_num_threads()
    try:
        _stop_if_alone(order)
        unpack(order.own)
        with _ONE_AT_A_TIME, FileLock(checkpoint.with_suffix(".lock"), timeout=0):
            if (record := store.get(run)) is not None:  # another process finished it in the meantime
                return Result(run, "present", _best(record))
            torch.set_num_threads(1)
            epoch_file = checkpoint.with_suffix(".epoch")
            epoch, seconds, _ = read_mark(epoch_file)
            mark(epoch_file, epoch, seconds, order.sweep)

            def on_epoch(epoch, curves):
                mark(epoch_file, epoch, sum(curves["seconds"]), order.sweep)
                _stop_if_alone(order)

            record = train(run, device=order.device, data_folder=order.data_folder, checkpoint=checkpoint, on_epoch=on_epoch)
            store.put(record)
            halves = checkpoint.parent.glob(f".{run.name}.*.part")  # what a kill in the middle of a write left behind
            for leftover in (checkpoint, epoch_file, *halves, checkpoint.with_suffix(".lock")):
                leftover.unlink(missing_ok=True)
            return Result(run, record.status, _best(record), len(record.curves["seconds"]), record.seconds)
    except Timeout:
        return Result(run, "busy")
    except _Stopped:
        # Nobody reads this unless the sweep is still there, and this worker alone cannot see it.
        said = f"the worker on {platform.node()} does not see {order.alive}: all machines must share the folder of the records."
        return Result(run, "user error", said)
    except UserError as error:
        return Result(run, "user error", f"on {platform.node()}: {error}" if platform.node() != order.host else str(error))
    except Exception as error:  # one run's failure, such as no memory, must not take the others with it
        said = f"{type(error).__name__}: {error}"
        return Result(run, "failed", said, seconds=time.perf_counter() - started, traceback=traceback.format_exc())
    finally:
        torch.set_num_threads(threads)


def _stop_if_alone(order):
    if order.parent not in (None, os.getpid(), os.getppid()):
        os._exit(1)  # nobody is left to take the result; the checkpoint is written
    if order.alive is not None and not order.alive.exists():
        raise _Stopped


def _best(record):
    best = record.scores.get("best_test")
    if not best:
        return ""
    if "test_rmse" in best:
        return f"least test error {best['test_rmse']:.4g}, epoch {best['epoch']}"
    return f"best test accuracy {best['test_accuracy']:.2f} %, epoch {best['epoch']}"


def _checkpoints(store):
    return store.target / "checkpoints"


__all__ = ["ClusterError", "Outcome", "sweep"]
