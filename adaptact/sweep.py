"""Many runs: in parallel, restartable, and safe beside another process that writes to the same folder."""

import contextlib
import pickle
import sys
import threading
import time
from dataclasses import dataclass, field

import joblib
import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from . import activations, data, disk
from .errors import UserError
from .records import Store, write_atomically
from .training import pick_device, train


@dataclass
class Outcome:
    """What became of a sweep's runs: each is in one of the lists; `failed` holds the reason by run."""

    present: list = field(default_factory=list)
    done: list = field(default_factory=list)
    diverged: list = field(default_factory=list)
    failed: dict = field(default_factory=dict)


def sweep(runs, store=None, *, device="auto", data_folder=None, jobs="auto"):
    """Train every run that has no record yet.

    A checkpoint after each epoch lets the same call go on after a kill. Each worker has one thread, so the numbers do
    not depend on `jobs`. A run that another process is training is left to it and waited for.

    Parameters
    ----------
    runs : iterable of Run
    store : Store, optional
        By default ``results`` and ``_runs``.
    device : str, default "auto"
    data_folder : path, optional
        See `adaptact.data.data_folder`.
    jobs : int or "auto", default "auto"
        How many runs at a time; auto is the number of CPU cores, or 1 on a GPU.

    Returns
    -------
    Outcome

    Raises
    ------
    UserError
        Before anything starts, if the device or a data set is not to be had, the folder cannot be written or lacks space, or an
        activation of one's own cannot be sent to the workers; later, if the disk is full. What was recorded until then is kept.
    """
    store = store or Store()
    device = pick_device(device)
    runs = list(dict.fromkeys(runs))
    outcome = Outcome(present=[run for run in runs if store.get(run) is not None])
    todo = [run for run in runs if run not in set(outcome.present)]
    if not todo:
        return outcome
    if jobs == "auto":
        jobs = 1 if device.type == "cuda" else joblib.cpu_count()
    jobs = min(jobs, len(todo))
    for name in dict.fromkeys(run.dataset for run in todo):
        data.load(name, data_folder)
    probe = _checkpoints(store) / ".writable"
    write_atomically(probe, b"")
    probe.unlink(missing_ok=True)
    disk.prepare(store, todo, jobs)

    needed = {run.activation for run in todo}
    own = _Own({name: entry for name, entry in activations.custom().items() if name in needed})
    if jobs > 1:
        try:
            pickle.dumps(own)
        except Exception as error:  # whatever a pickler meets in a user's objects
            reason = " ".join(str(error).split())
            raise UserError(f"{', '.join(own)} cannot be sent to worker processes ({reason}); run it with 1 job.") from error

    with _Progress(todo, store) as progress:
        while todo:
            call = joblib.delayed(_train_one)
            results = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(
                call(run, store.folders, str(device), data_folder, own) for run in todo
            )
            busy = []
            for run, status, value in results:
                if status == "busy":
                    busy.append(run)
                    continue
                if status == "user error":
                    raise value
                if status == "failed":
                    outcome.failed[run] = value
                else:
                    {"present": outcome.present, "done": outcome.done, "diverged": outcome.diverged}[status].append(run)
                progress.finished(run, status, value)
            todo = busy
            if todo:
                time.sleep(1)
    return outcome


class _Own(dict):
    """A user's own activations on their way to a worker, where only adaptact's are registered.

    Those of a file arrive as the names of module and class. A worker that is older than that file's --add cannot import
    it yet, so its search path is completed before they are unpickled.
    """

    def __reduce__(self):
        # By cloudpickle, which takes what a notebook cell or a script defines along.
        return _unpack, (list(sys.path), pickle.dumps(joblib.wrap_non_picklable_objects(dict(self), keep_wrapper=False)))


def _unpack(path, entries):
    sys.path += [folder for folder in path if folder not in sys.path]
    return pickle.loads(entries)


def _train_one(run, folders, device, data_folder, own):
    """Train one run in a worker; returns the run, a status, and the score or what went wrong."""
    store = Store(*folders)
    checkpoint = _checkpoints(store) / f"{run.name}.pt"
    threads = torch.get_num_threads()
    try:
        activations.restore(own)
        with FileLock(checkpoint.with_suffix(".lock"), timeout=0):
            if (record := store.get(run)) is not None:  # another process finished it in the meantime
                return run, "present", record.scores
            torch.set_num_threads(1)
            epoch_file = checkpoint.with_suffix(".epoch")
            record = train(
                run,
                device=device,
                data_folder=data_folder,
                checkpoint=checkpoint,
                on_epoch=lambda epoch, curves: write_atomically(epoch_file, str(epoch).encode()),
            )
            store.put(record)
            halves = checkpoint.parent.glob(f".{run.name}.*.part")  # what a kill in the middle of a write left behind
            for leftover in (checkpoint, epoch_file, *halves, checkpoint.with_suffix(".lock")):
                leftover.unlink(missing_ok=True)
            return run, record.status, record.scores
    except Timeout:
        return run, "busy", None
    except UserError as error:
        return run, "user error", error
    except Exception as error:  # one run's failure, such as no memory, must not take the others with it
        return run, "failed", f"{type(error).__name__}: {error}"
    finally:
        torch.set_num_threads(threads)


def _checkpoints(store):
    return store.target / "checkpoints"


class _Progress:
    """A bar over epochs, read from the files that the workers leave after each, and a line for each finished run."""

    def __init__(self, todo, store):
        self.waiting, self.folder = set(todo), _checkpoints(store)
        self.total, self.count = len(todo), 0
        self.ended_epochs = 0
        self.bar = tqdm(total=sum(run.epochs for run in todo), unit="epoch", disable=not sys.stderr.isatty(), smoothing=0.1)
        self.stop = threading.Event()

    def __enter__(self):
        # What an interrupted sweep had behind it says nothing of this one's speed.
        self.bar.initial = self.bar.n = self._epochs()
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        self.thread.join()
        self.bar.close()

    def finished(self, run, status, value):
        self.count += 1
        self.waiting = self.waiting - {run}
        self.ended_epochs += run.epochs
        best = value.get("best_test") if isinstance(value, dict) else None
        said = f"best test accuracy {best['test_accuracy']:.2f} %, epoch {best['epoch']}" if best else value or ""
        tqdm.write(f"[{self.count}/{self.total}] {status:8} {run.name}  {said}", file=sys.stderr)

    def _epochs(self):
        epochs = self.ended_epochs
        for run in self.waiting:
            with contextlib.suppress(OSError, ValueError):
                epochs += int((self.folder / f"{run.name}.epoch").read_text())
        return epochs

    def _poll(self):
        while not self.stop.wait(0.5):
            self.bar.n = max(self.bar.n, self._epochs())
            self.bar.refresh()
