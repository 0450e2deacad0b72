"""Before hours are spent: is there room for what is to come, and does anything damaged stand in its place?"""

import contextlib
import os
import shutil
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

from .errors import UserError
from .training.inspection import BINS, NEURONS, sites, worth_a_look
from .training.loop import build_model

BLOCK = 4096  # bytes: what the smallest file takes


def prepare(store, runs, jobs):
    """Make way for runs that are about to be trained, and say on stderr what was damaged.

    Parameters
    ----------
    store : Store
        A damaged file in its written folder is renamed; see `Store.set_aside`.
    runs : list of Run
        Those that have no record.
    jobs : int
        How many are trained at a time.

    Raises
    ------
    UserError
        If the written folder cannot be written, or lacks the space for their checkpoints and records.
    """
    need, free = needed(runs, jobs), room(store.target)
    if need > free:
        raise UserError(
            f"cannot write {store.target}: {size(need)} are needed for checkpoints and records, {size(free)} are free. "
            "Free some space or choose another folder with --results."
        )
    for line in store.set_aside(runs):
        tqdm.write(line, file=sys.stderr)


def needed(runs, jobs):
    """Bytes for the records of runs, and for the checkpoints of as many as are trained at a time."""
    checkpoints = sorted((bytes_of(run)[0] for run in runs), reverse=True)[:jobs]
    # A new checkpoint is written beside the old one, which it then replaces. Its epoch and lock are files of their own.
    return sum(2 * (held + BLOCK) + 2 * BLOCK for held in checkpoints) + sum(bytes_of(run)[1] + BLOCK for run in runs)


def bytes_of(run):
    """The size of a Run's checkpoint and, at most, of its record."""
    return _bytes(replace(run, seed=0))


@lru_cache(maxsize=256)
def _bytes(run):
    model = build_model(run)
    copies = 3 if run.optimizer == "adam" else 2  # of each parameter: with the optimiser's moments
    checkpoint = sum(copies * value.numel() * value.element_size() for value in model.parameters())
    checkpoint += sum(value.numel() * value.element_size() for value in model.buffers())
    checkpoint += 2048 * len(model.state_dict())  # names, and each tensor's header
    learned = sites(model)
    rows = sum(len(values) for values in learned.values())
    looks = 1 + sum(worth_a_look(epoch, run.epochs) for epoch in range(1, run.epochs + 1))
    histograms = len(learned) * NEURONS * (60 + 6 * BINS)
    return checkpoint, 2000 + 110 * run.epochs + rows * (120 + 180 * looks) + histograms


def room(folder):
    """Free bytes where a folder is, or would be made.

    Raises
    ------
    UserError
        If it cannot be made or written.
    """
    there = Path(folder).absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "read-only" if there.is_dir() else "no folder"
        raise UserError(f"cannot write {folder}: {there} is {why}. Choose another folder with --results.")
    return shutil.disk_usage(there).free


def size(number):
    """Bytes as a text, such as ``1.2 GB``."""
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 1000 or unit == "GB":
            return f"{number:.{1 if number < 10 else 0}f} {unit}"


def free_memory():
    """Bytes that new processes may take, or None where the system does not tell."""
    try:
        with open("/proc/meminfo") as lines:
            free = 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except (OSError, StopIteration):
        return None
    # A cluster's or a container's limit; what it holds of files can be dropped and counts as free.
    for _, controller, path in groups:
        if controller in ("", "memory"):
            root = Path("/sys/fs/cgroup") / controller
            limit, used = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controller else ("memory.max", "memory.current")
            for folder in (root / path.lstrip("/"), root):
                with contextlib.suppress(OSError, ValueError):  # absent, or "max"
                    held = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                    taken = int((folder / used).read_text()) - int(held.get("inactive_file", 0))
                    free = min(free, int((folder / limit).read_text()) - taken)
    return free
