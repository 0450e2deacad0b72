"""What a sweep shows and writes down while it goes on: a live display, a line for each finished run, and a log."""

import contextlib
import datetime
import heapq
import os
import shutil
import sys
import threading

from tqdm import tqdm

from .records import write_atomically


def seconds_left(left, measured, workers):
    """How long some runs will still take.

    Parameters
    ----------
    left : dict of Run to int
        How many epochs each still needs, in the order in which they are started.
    measured : iterable of (Run, int, float)
        Epochs that were trained, and their seconds.
    workers : int
        How many runs go on at a time.

    Returns
    -------
    float or None
        None as long as nothing is measured.
    """
    seconds, epochs = {}, {}
    for run, count, took in measured:
        for kind in _kinds(run):
            seconds[kind] = seconds.get(kind, 0) + took
            epochs[kind] = epochs.get(kind, 0) + count
    if not any(epochs.values()):
        return None
    ends = [0.0] * max(workers, 1)  # when each worker is free; the next run goes to the first one that is
    for run, count in left.items():
        known = next(kind for kind in _kinds(run) if epochs.get(kind))
        heapq.heapreplace(ends, ends[0] + count * seconds[known] / epochs[known])
    return max(ends)


def _kinds(run):
    """What an epoch's seconds depend on, and what to fall back on while nothing like it is measured."""
    task = (run.dataset, run.train_images, run.model)
    return (*task, run.activation, run.granularity, run.dspt), task, ()


class Progress:
    """The display, the lines and the log of one sweep, to be used in a ``with`` statement.

    Workers, maybe on other machines, say how far they are in one small file a run, which `mark` writes and this reads.

    Parameters
    ----------
    todo : list of Run
    folder : Path
        Of the checkpoints.
    sweep : str
        The sweep's id, by which its own workers' files are told from those that a killed one left.
    log : Path
        Is appended to.
    """

    def __init__(self, todo, folder, sweep, log):
        self.waiting = dict.fromkeys(todo)  # in order
        self.folder, self.sweep, self.log_file = folder, sweep, log
        self.total, self.count, self.failed = len(todo), 0, 0
        self.ended, self.measured = 0, []
        self.stop, self.thread, self.bars = threading.Event(), None, []

    def __enter__(self):
        if sys.stderr.isatty():
            epochs = sum(run.epochs for run in self.waiting)
            shape = "{desc} |{bar}| {n_fmt}/{total_fmt} epochs{postfix}"
            self.bars = [
                tqdm(total=epochs, bar_format=shape, dynamic_ncols=True),
                tqdm(bar_format="{desc}", position=1, leave=False),
            ]
            self.thread = threading.Thread(target=self._poll, daemon=True)
            self.thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        if self.thread:
            self.thread.join()
        for bar in reversed(self.bars):
            bar.close()
        if kind is not None:
            self.log(f"stopped by {kind.__name__} {error}".rstrip())

    def log(self, text):
        """Append to the log, with the time; several lines are indented."""
        with contextlib.suppress(OSError), open(self.log_file, "a") as file:  # no log is no reason to stop
            body = text.rstrip().replace("\n", "\n    ")
            file.write(f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S} [{os.getpid()}] {body}\n")

    def finished(self, result):
        """Take notice of the `adaptact.sweep.Result` of a run that has ended."""
        run = result.run
        self.count += 1
        self.failed += result.status == "failed"
        self.ended += run.epochs
        self.waiting.pop(run, None)
        if result.epochs:
            self.measured.append((run, result.epochs, result.seconds))
        line = f"{result.status:8} {run.name}  {result.said}".rstrip()
        tqdm.write(f"[{self.count}/{self.total}] {line}", file=sys.stderr)
        self.log(f"{line}  {result.seconds:.1f} s\n{result.traceback}" if result.status != "present" else line)

    def marks(self):
        """What `mark` wrote of the runs that wait or go on: epochs, their seconds, and whether they go on in this sweep."""
        # Of a thousand runs that wait only a few have such a file: one look into the folder finds them.
        found = {path.stem: path for path in self.folder.glob("*.epoch")}
        read = {run: read_mark(found[run.name]) for run in list(self.waiting) if run.name in found}
        return {run: (epoch, took, sweep == self.sweep) for run, (epoch, took, sweep) in read.items() if sweep}

    def _poll(self):
        while not self.stop.is_set():
            self._show()
            self.stop.wait(1)

    def _show(self):
        marks = self.marks()
        done = {run: epoch for run, (epoch, _, _) in marks.items()}
        running = [run for run, (_, _, ours) in marks.items() if ours]
        left = {run: run.epochs - done.get(run, 0) for run in dict.fromkeys(running + list(self.waiting))}
        seconds = seconds_left(left, self.measured + [(run, *marks[run][:2]) for run in marks], len(running))
        above, below = self.bars
        above.n = self.ended + sum(done.values())
        failed = f", {self.failed} failed" if self.failed else ""
        above.set_description_str(f"{self.count}/{self.total} runs{failed}, {len(running)} running", refresh=False)
        above.set_postfix_str("time left unknown" if seconds is None else f"{tqdm.format_interval(seconds)} left", refresh=False)
        names = "  ".join(f"{run.name} {done[run]}/{run.epochs}" for run in running)
        below.set_description_str(names[: shutil.get_terminal_size().columns - 1], refresh=False)
        for bar in self.bars:
            bar.refresh()


def mark(path, epoch, seconds, sweep):
    """Say in a run's small file how many epochs it has behind it, their seconds, and which sweep is at it."""
    write_atomically(path, f"{epoch} {seconds:.3f} {sweep}".encode())


def read_mark(path):
    """What `mark` wrote; no epochs of no sweep where there is nothing to read."""
    try:
        epoch, seconds, sweep = path.read_text().split()
        return int(epoch), float(seconds), sweep
    except (OSError, ValueError):
        return 0, 0.0, ""
