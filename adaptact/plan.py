"""What a sweep would do and what it takes, measured before it starts: ``python -m adaptact plan``."""

import contextlib
import gc
import heapq
import math
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import joblib
import torch
from tqdm import tqdm

from . import data, disk
from .activations import compiled
from .disk import free_memory
from .errors import UserError
from .records import PROTOCOL, Store, reason_of
from .sweep import auto_jobs, pack, unpack
from .training import build_model, evaluate, parts, pick_device, stages, step
from .training.inspection import look
from .training.loop import EVALUATION_BATCH, _reproducible, batches, compile_mode

SECONDS = 20  # for all measurements together; starting and compiling come on top
SHORTEST, LONGEST = 0.5, 2.0  # for those of one kind
PATIENCE = 120  # seconds that one process waits for the others to be ready
# Runs that differ in nothing else take the same time for a step and the same memory.
_ALIKE = (
    "dataset", "train_images", "validation_images", "model", "activation", "granularity", "dspt", "optimizer", "batch_size",
    "augment", "conv_dropout", "fc_width", "options", "cycles", "fold",
)  # fmt: skip


@dataclass
class Kind:
    """Runs that cost the same: one network on one data set, with one activation and procedure.

    Parameters
    ----------
    name : str
    runs : list of Run
        Those to do.
    epochs : int
        What they lack, all together.
    checkpoint : int
        Bytes.
    seconds : float
        For one epoch with its evaluation, while as many processes as `Plan.jobs` do the same and nothing else goes on.
    start : float
        Seconds until the second step in a fresh process: reading the data, building, compiling.
    measured : float
        The same as it was measured: above `seconds` where other programs took processors meanwhile.
    memory, own_memory, gpu_memory : int or None
        The peak of one process in bytes, what it has for itself, and what it has on the GPU; None where the system does not
        tell, or no GPU is used.
    problem : str or None
        Why it cannot be measured.
    """

    name: str
    runs: list
    epochs: int
    checkpoint: int
    seconds: float = 0.0
    measured: float = 0.0
    start: float = 0.0
    memory: int | None = None
    own_memory: int | None = None
    gpu_memory: int | None = None
    problem: str | None = None


@dataclass
class Plan:
    """What a sweep would do.

    Parameters
    ----------
    runs, recorded : list of Run
    begun : dict of Run to int
        The epochs that the checkpoint of a run has behind it.
    damaged : list of (Path, str)
        Checkpoints that cannot be read and records that `Store.damaged` names, of these runs, with the reason.
    kinds : list of Kind
    jobs : int
    device : str
    seconds, busy_seconds : float
        Until the last run is done: if other programs leave the processors alone, and if they stay as busy as they were.
    memory, memory_free, disk, disk_free : int or None
        Bytes for all processes, and for checkpoints and records; None where the system does not tell.
    stand_ins : dict of str to str
        Data sets for which random images served, with the reason.
    folder : Path
        What is written.
    """

    runs: list
    recorded: list
    begun: dict
    damaged: list
    kinds: list
    jobs: int
    device: str
    folder: Path
    seconds: float = 0.0
    busy_seconds: float = 0.0
    memory: int | None = None
    memory_free: int | None = None
    disk: int = 0
    disk_free: int = 0
    stand_ins: dict = field(default_factory=dict)


def plan(runs, store=None, *, device="auto", data_folder=None, jobs="auto", seconds=SECONDS):
    """Find out what `adaptact.sweep.sweep` would do with the same arguments, and measure what that takes. Writes nothing.

    Each kind of run is measured in as many processes at once as the sweep would use, one thread each, so that they share
    the memory's bandwidth as the sweep's do. What is measured is a few training steps and evaluations of the real loop.

    Parameters
    ----------
    runs : iterable of Run
    store, device, data_folder, jobs
        As for `sweep`. A data set that is missing is replaced by random images of its size.
    seconds : float, optional
        About so long is measured, more where there are many kinds.

    Returns
    -------
    Plan

    Raises
    ------
    UserError
        If the device is not to be had, the folder cannot be written, or a measuring process is killed.
    """
    store, device = store or Store(), pick_device(device)
    runs = list(dict.fromkeys(runs))
    recorded = {run for run in runs if store.get(run) is not None}
    todo = [run for run in runs if run not in recorded]
    if jobs == "auto":
        jobs = auto_jobs(max(1, len(todo)), device)
    jobs = max(1, min(jobs, len(todo)))
    begun, damaged = _begun(todo, store)
    places = {store.path(run, folder) for run in todo for folder in store.folders}
    damaged = [(path, reason) for path, reason in store.damaged() if path in places] + damaged
    found = Plan(runs, [run for run in runs if run in recorded], begun, damaged, [], jobs, str(device), store.target)
    found.disk, found.disk_free = disk.needed(todo, jobs), disk.room(store.target)
    found.memory_free = free_memory()

    groups = {}
    for run in todo:
        groups.setdefault((*(getattr(run, name) for name in _ALIKE), _mode(replace(run, seed=0))), []).append(run)
    for group in groups.values():
        epochs = sum(run.epochs - begun.get(run, 0) for run in group)
        found.kinds.append(Kind(_name(group[0]), group, epochs, disk.bytes_of(group[0])[0]))
    launch = _measure_all(found, data_folder, min(max(seconds / max(len(groups), 1), SHORTEST), LONGEST))
    found.seconds = launch + _makespan(found, "seconds")
    found.busy_seconds = launch + _makespan(found, "measured")
    if any(kind.own_memory for kind in found.kinds):
        found.memory = jobs * max(kind.own_memory for kind in found.kinds if kind.own_memory)
        if jobs > 1:  # the process that waits for the others reads the data sets too, to check them
            sizes = {run.dataset: data.SOURCES[run.dataset] for run in todo}.values()
            found.memory += _peak() - _shared() + sum((s.train_size + s.test_size) * math.prod(s.in_shape) for s in sizes)
    return found


def table(found):
    """A `Plan` as text: a line a kind, then the totals."""
    todo = len(found.runs) - len(found.recorded)
    lines = [f"{len(found.runs)} runs: {len(found.recorded)} recorded, {len(found.begun)} begun, {todo} to do"]
    lines += [f"begun: {run.name}, after epoch {epoch} of {run.epochs}" for run, epoch in found.begun.items()]
    lines += [f"damaged: {path} ({reason}); `run` trains its run again" for path, reason in found.damaged]
    if not todo:
        return "\n".join(lines)
    width = max(len(kind.name) for kind in found.kinds)
    lines += ["", f"{'kind':{width}} {'runs':>5} {'epochs':>7} {'s/epoch':>8} {'time':>10} {'memory':>8} {'checkpoint':>11}"]
    for kind in found.kinds:
        if kind.problem:
            lines.append(f"{kind.name:{width}} {len(kind.runs):5} {kind.epochs:7} cannot be measured: {kind.problem}")
            continue
        took, memory = duration(kind.epochs * kind.seconds), disk.size(kind.memory) if kind.memory else "?"
        numbers = f"{len(kind.runs):5} {kind.epochs:7} {kind.seconds:8.2f} {took:>10} {memory:>8}"
        lines.append(f"{kind.name:{width}} {numbers} {disk.size(kind.checkpoint):>11}")
    epochs = sum(kind.epochs for kind in found.kinds)
    at_a_time = f"{found.jobs} at a time on {found.device}" if found.jobs > 1 else f"one at a time on {found.device}"
    lines += ["", f"in all: {todo} runs, {epochs} epochs, {at_a_time}: about {duration(found.seconds)}"]
    if found.busy_seconds > 1.1 * found.seconds:
        lines[-1] += f", or {duration(found.busy_seconds)} if other programs stay as busy as they were"
    if any(kind.problem for kind in found.kinds):
        lines[-1] += ", without those that cannot be measured"
    free = f"{disk.size(found.memory_free)} are free" if found.memory_free else "the system does not tell what is free"
    if found.memory:
        each = f" ({found.jobs} x {disk.size(max(kind.own_memory or 0 for kind in found.kinds))})" if found.jobs > 1 else ""
        lines.append(f"memory: {disk.size(found.memory)}{each} besides what processes share; {free}")
        if found.memory_free and found.memory > found.memory_free:
            lines[-1] += ". That is too little: give fewer --jobs"
    graphics = [kind.gpu_memory for kind in found.kinds if kind.gpu_memory]
    if graphics:
        lines.append(f"GPU memory: up to {disk.size(found.jobs * max(graphics))}")
    free = f"{disk.size(found.disk_free)} are free at {found.folder}"
    lines.append(f"disk: {disk.size(found.disk)} for checkpoints and records; {free}")
    if found.disk > found.disk_free:
        lines[-1] += ". That is too little: free some space or choose another folder with --results"
    lines += [f"measured on random images: {reason}" for reason in found.stand_ins.values()]
    return "\n".join(lines)


def duration(seconds):
    """Seconds as a text, such as ``3 h 20 min``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} d {seconds % 86_400 // 3600} h"


def _begun(runs, store):
    """The epochs that checkpoints have behind them, and the checkpoints that cannot be read."""
    epochs, damaged = {}, []
    for run in runs:
        path = store.target / "checkpoints" / f"{run.name}.pt"
        if not path.exists():
            continue
        try:
            saved = torch.load(path, map_location="cpu", weights_only=True)
            if saved["protocol"] == PROTOCOL and saved["run"] == run.key:
                epochs[run] = saved["epoch"]
        except Exception as error:  # whatever an unpickler may meet in damaged bytes
            damaged.append((path, reason_of(error)))
    return epochs, damaged


@cache
def _mode(run):
    return compile_mode(run, build_model(run))


def _name(run):
    activation = f"{run.activation} by {run.granularity}" if run.granularity else run.activation
    procedure = ["DSPT"] * run.dspt + ([f"cycles {' '.join(run.cycles)}"] if run.cycles else [])
    options = [f"{name} {' '.join(map(str, value)) if isinstance(value, tuple) else value}" for name, value in run.options]
    return ", ".join([data.SOURCES[run.dataset].title, run.model, activation, *options, *procedure])


def _makespan(found, which):
    """Seconds until the last run is done, if each process takes the next one of the list when it is free."""
    kind_of = {run: kind for kind in found.kinds for run in kind.runs}
    free_at, seen = [(0.0, worker) for worker in range(found.jobs)], set()
    for run in (run for run in found.runs if run in kind_of):
        kind = kind_of[run]
        at, worker = heapq.heappop(free_at)
        at += (run.epochs - found.begun.get(run, 0)) * getattr(kind, which)
        at += 0 if (worker, id(kind)) in seen else kind.start
        seen.add((worker, id(kind)))
        heapq.heappush(free_at, (at, worker))
    return max(at for at, _ in free_at)


def _measure_all(found, data_folder, seconds):
    """Fill in the kinds' figures; returns the seconds that starting the processes took."""
    if not found.kinds:
        return 0.0
    runs, called = [kind.runs[0] for kind in found.kinds], time.time()
    own = pack({run.activation for run in runs})
    with tempfile.TemporaryDirectory() as meeting, _Progress(Path(meeting), len(runs)):
        # All kinds in one task: joblib may replace a process between two, which then had to compile again.
        task = joblib.delayed(_measure)(runs, found.device, data_folder, own, Path(meeting), found.jobs, seconds)
        try:
            told = joblib.Parallel(n_jobs=found.jobs, batch_size=1, pre_dispatch="all")([task] * found.jobs)
        except Exception as error:  # a pickler's on a user's objects; that of a process that the system has killed
            what = f"measuring in {found.jobs} processes at once failed ({reason_of(error)})"
            raise UserError(f"{what}; give fewer --jobs.") from error
    for kind, *figures in zip(found.kinds, *(figures for _, figures, _ in told), strict=True):
        kind.problem = next((figure for figure in figures if isinstance(figure, str)), None)
        if kind.problem is None:
            starts, epochs, shares, *memories = zip(*figures, strict=True)
            kind.start, kind.measured, share = max(starts), statistics.mean(epochs), statistics.mean(shares)
            # Alone, each process has a processor, or its part of one where there are fewer processors than processes.
            usual = min(1, joblib.cpu_count() / found.jobs)
            kind.seconds = kind.measured * min(1, share / usual) if found.device == "cpu" else kind.measured
            kind.memory, kind.own_memory, kind.gpu_memory = (max(peaks) if None not in peaks else None for peaks in memories)
    found.stand_ins = told[0][2]
    return max(begun for begun, *_ in told) - called


def _measure(runs, device, data_folder, own, meeting, processes, seconds):
    """In one process: when it began, for each run the figures of `_measure_one` or what went wrong, and missing data sets."""
    begun, threads, figures, missing = time.time(), torch.get_num_threads(), [], {}
    try:
        unpack(own)
        torch.set_num_threads(1)
        for number, run in enumerate(runs):
            mine = meeting / f"{number}-{os.getpid()}"
            try:
                read = partial(_read, data_folder=data_folder, missing=missing)
                figures.append(_measure_one(run, torch.device(device), read, partial(_meet, mine, processes), seconds))
            except Exception as error:  # one kind's failure must not take the others' figures with it
                figures.append(f"{type(error).__name__}: {reason_of(error)}")
            mine.touch()  # nobody waits for one that failed
        return begun, figures, missing
    finally:
        torch.set_num_threads(threads)


def _read(name, device, data_folder, missing):
    """A data set, or random images of its size and an entry in `missing`."""
    if name not in missing:
        try:
            return data.load(name, data_folder, device)
        except UserError as error:
            missing[name] = str(error)
    return _random_images(name, device)


def _measure_one(run, device, read, meet, seconds):
    """Seconds to start, seconds an epoch, the share of a processor, and peaks of memory: all, one's own, the GPU's."""
    gc.collect()
    _forget_peak()
    started = time.perf_counter()
    model = build_model(run).to(device)
    generators = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with generators, _reproducible(device), compiled(compile_mode(run, model)):
        data_set = read(run.dataset, device)
        split, test = parts(run, data_set), slice(EVALUATION_BATCH)
        steps = _steps(run, model, split)
        images, labels = split.test_images[test], split.test_labels[test]
        next(steps)
        next(steps)
        evaluate(model, images, labels)
        start = time.perf_counter() - started
        meet()
        met, met_cpu = time.perf_counter(), time.process_time()
        trained = _timed(steps, device, 0.8 * seconds)
        evaluated = _timed(_evaluations(model, images, labels), device, 0.2 * seconds)
        share = (time.process_time() - met_cpu) / (time.perf_counter() - met)
    count = len(split.train_images), len(split.test_images) + len(split.held_images)
    peak = _peak()
    graphics = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None
    return start, count[0] * trained + count[1] * evaluated, share, peak, peak and peak - _shared(), graphics


def _steps(run, model, split):
    """Training steps without end, as `adaptact.train` takes them; yields the number of images."""
    optimizers = stages(model, run)
    look(model, epoch=0)
    epoch = 0
    while True:
        epoch += 1
        for batch, targets in batches(run, epoch, split.train_images, split.train_labels):
            model.train()
            for optimizer in optimizers:
                step(model, optimizer, batch, targets)
            yield len(batch)


def _evaluations(model, images, labels):
    while True:
        evaluate(model, images, labels)
        yield len(images)


def _timed(work, device, seconds):
    """Seconds an image, over some seconds and at least three turns."""
    images, turns, started = 0, 0, time.perf_counter()
    while turns < 3 or time.perf_counter() - started < seconds:
        images, turns = images + next(work), turns + 1
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (time.perf_counter() - started) / images


def _meet(mine, processes):
    """Wait until all processes are ready to measure the same kind."""
    mine.touch()
    number, deadline = mine.name.partition("-")[0], time.monotonic() + PATIENCE
    while len(list(mine.parent.glob(f"{number}-*"))) < processes and time.monotonic() < deadline:
        time.sleep(0.005)


class _Progress:
    """A bar over kinds, read from the files by which the processes meet."""

    def __init__(self, meeting, kinds):
        self.meeting, self.kinds, self.stop = meeting, kinds, threading.Event()
        self.bar = tqdm(total=kinds, desc="measuring", unit="kind", disable=not sys.stderr.isatty())

    def __enter__(self):
        if self.bar.disable:
            print(f"measuring {self.kinds} kinds of runs ...", file=sys.stderr, flush=True)
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def __exit__(self, *exception):
        self.stop.set()
        self.thread.join()
        self.bar.close()

    def _poll(self):
        while not self.stop.wait(0.5):
            self.bar.n = max(self.bar.n, len({path.name.partition("-")[0] for path in self.meeting.iterdir()}) - 1)
            self.bar.refresh()


@cache
def _random_images(name, device):
    """A data set of the right size without any files."""
    source, generator = data.SOURCES[name], torch.Generator().manual_seed(0)
    parts = []
    for count in (source.train_size, source.test_size):
        parts.append(torch.randint(256, (count, *source.in_shape), dtype=torch.uint8, generator=generator))
        parts.append(torch.randint(source.num_classes, (count,), generator=generator))
    return data.DataSet(*parts).to(device)


def _forget_peak():
    """Start the peak anew where the system can; elsewhere it is that of all kinds so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _shared():
    """How much of this process's memory are files, such as torch's libraries, which all processes share, in bytes."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssFile:"))
    return 0


def _peak():
    """The most memory that this process has held at a time, in bytes; None where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return None
