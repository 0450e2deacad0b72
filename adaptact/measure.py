"""What a kind of run takes: seconds and memory, measured in as many processes at once as a sweep would have."""

import contextlib
import gc
import os
import statistics
import sys
import tempfile
import threading
import time
from functools import cache, partial
from pathlib import Path

import joblib
import torch
from tqdm import tqdm

from . import data
from .activations import compiled
from .errors import UserError
from .records import reason_of
from .sweep import pack, unpack
from .tasks import FOR_DEFECTS
from .training import build_model, evaluate, parts, stages, step
from .training.deep_svdd import reconstruction_error
from .training.inspection import look
from .training.loop import EVALUATION_BATCH, _reproducible, batches, compile_mode
from .training.metrics import error

PATIENCE = 120  # seconds that one process waits for the others to be ready


def measure_all(found, data_folder, seconds):
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
    if run.task in FOR_DEFECTS:  # most of its time goes into a network that several runs share
        raise UserError(f"what {run.task} takes is not measured beforehand; the first run tells")
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
        evaluations = _evaluations(run, model, images, labels)
        next(evaluations)
        start = time.perf_counter() - started
        meet()
        met, met_cpu = time.perf_counter(), time.process_time()
        trained = _timed(steps, device, 0.8 * seconds)
        evaluated = _timed(evaluations, device, 0.2 * seconds)
        share = (time.process_time() - met_cpu) / (time.perf_counter() - met)
    # Deep SVDD looks at the test images twice in all, the others after each epoch.
    count = len(split.train_images), 0 if run.task == "deep_svdd" else len(split.test_images) + len(split.held_images)
    peak = peak_memory()
    graphics = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None
    return start, count[0] * trained + count[1] * evaluated, share, peak, peak and peak - shared_memory(), graphics


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
                if run.task == "deep_svdd":  # its pretraining, the dearer half
                    step(model, optimizer, batch, batch, reconstruction_error)
                else:
                    step(model, optimizer, batch, targets, error)
            yield len(batch)


def _evaluations(run, model, images, labels):
    while True:
        if run.task != "deep_svdd":
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
    """A data set of the right size and type without any files."""
    source, generator = data.SOURCES[name], torch.Generator().manual_seed(0)
    parts = []
    for count in (source.train_size, source.test_size):
        shape = (count, *source.in_shape)
        if source.tabular:
            parts.append(torch.randn(shape, generator=generator))
        else:
            parts.append(torch.randint(256, shape, dtype=torch.uint8, generator=generator))
        labels = torch.randn(count, generator=generator) if source.numeric else None
        parts.append(torch.randint(source.num_classes, (count,), generator=generator) if labels is None else labels)
    return data.DataSet(*parts).to(device)


def _forget_peak():
    """Start the peak anew where the system can; elsewhere it is that of all kinds so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def shared_memory():
    """How much of this process's memory are files, such as torch's libraries, which all processes share, in bytes."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssFile:"))
    return 0


def peak_memory():
    """The most memory that this process has held at a time, in bytes; None where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration), open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return None
