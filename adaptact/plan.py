"""What a sweep would do and what it takes, measured before it starts: ``python -m adaptact plan``."""

import heapq
import math
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import torch

from . import data, disk
from .disk import free_memory
from .measure import measure_all, peak_memory, shared_memory
from .records import PROTOCOL, Store, reason_of
from .sweep import auto_jobs
from .training import build_model, pick_device
from .training.loop import compile_mode

SECONDS = 20  # for all measurements together; starting and compiling come on top
SHORTEST, LONGEST = 0.5, 2.0  # for those of one kind
# Runs that differ in nothing else take the same time for a step and the same memory.
_ALIKE = (
    "dataset", "train_images", "validation_images", "model", "activation", "granularity", "dspt", "optimizer", "batch_size",
    "augment", "conv_dropout", "fc_width", "options", "cycles", "fold", "part", "depth", "test_images", "task", "settings",
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
    measured : float
        The same as it was measured: above `seconds` where other programs took processors meanwhile.
    start : float
        Seconds until the second step in a fresh process: reading the data, building, compiling.
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
    folder : Path
        What is written.
    seconds, busy_seconds : float
        Until the last run is done: if other programs leave the processors alone, and if they stay as busy as they were.
    memory, memory_free, disk, disk_free : int or None
        Bytes for all processes, and for checkpoints and records; None where the system does not tell.
    stand_ins : dict of str to str
        Data sets for which random images served, with the reason.
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
    launch = measure_all(found, data_folder, min(max(seconds / max(len(groups), 1), SHORTEST), LONGEST))
    found.seconds = launch + _makespan(found, "seconds")
    found.busy_seconds = launch + _makespan(found, "measured")
    if any(kind.own_memory for kind in found.kinds):
        found.memory = jobs * max(kind.own_memory for kind in found.kinds if kind.own_memory)
        if jobs > 1:  # the process that waits for the others reads the data sets too, to check them
            sizes = {run.dataset: data.SOURCES[run.dataset] for run in todo}.values()
            images = sum((s.train_size + s.test_size) * math.prod(s.in_shape) for s in sizes)
            found.memory += peak_memory() - shared_memory() + images
    return found


def table(found):
    """A `Plan` as text: a line a kind, then the totals.

    Parameters
    ----------
    found : Plan

    Returns
    -------
    str
    """
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


__all__ = ["Kind", "Plan", "plan", "table"]
