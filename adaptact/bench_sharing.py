"""How many trainings an hour a machine does, by how they share it: ``python -m adaptact bench sharing``.

A small network leaves most of a GPU idle, and two cores do more as two workers than as one. Against the plain loop, which
trains one run at a time on images transformed one by one, as the LEAF paper's released code does, stand one, two and more runs
of this package at a time. All of them train within the same seconds, and the ways are interleaved, so that what slows the
machine for a while slows them alike. Images are random: speed does not depend on what is in them, and no files are needed.
"""

import os
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from textwrap import fill
from typing import Any

import joblib
import torch
from tqdm import tqdm

from .activations import compiled
from .bench import NETWORKS, machine
from .bench_training import IMAGES, WIDTH, one_by_one
from .errors import choose
from .run import Run
from .training.loop import _reproducible, batches, build_model, compile_mode, pick_device
from .training.procedures import stages, step

FILE, FILE_GPU = "bench-sharing.json", "bench-sharing-cuda.json"
PLAIN = "plain loop"
SECONDS = 10  # for one measurement
MOST = 8  # runs at a time
PATIENCE = 600  # seconds until a job that the others wait for is given up
FUNCTIONS: dict[str, dict[str, Any]] = {
    "Tanh": {"activation": "tanh"},
    "LEAF as Tanh": {"activation": "leaf", "init": "tanh", "granularity": "neuron"},
}
SETS: dict[str, dict[str, Any]] = {
    "lenet5": {"dataset": "fashion_mnist", "train_images": 60_000},
    "kerasnet": {"dataset": "cifar10", "train_images": 50_000},
}
RUNS = {  # by network and name; the length of the paper's runs decides whether compiling pays, and the runs an hour
    (network, name): Run(model=network, epochs=100, seed=42, **data, **function)
    for network, data in SETS.items()
    for name, function in FUNCTIONS.items()
}


def bench_sharing(*, device="auto", networks=tuple(SETS), functions=tuple(FUNCTIONS), rounds=3, jobs=None, seconds=SECONDS):
    """Measure how many runs of LEAF's Tables 4 and 5 an hour a device trains.

    Parameters
    ----------
    device : str, default "auto"
        See `adaptact.train`.
    networks : iterable of str
        Keys of `SETS`: LeNet-5 on images of Fashion-MNIST's size, KerasNet on images of CIFAR-10's.
    functions : iterable of str
        Keys of `FUNCTIONS`.
    rounds : int, default 3
        Measurements of each way, interleaved.
    jobs : iterable of int, optional
        How many runs at a time. By default 1, 2, 4 and 8, as far as there are cores. On a CPU they divide the cores.
    seconds : float, default 10
        For one measurement.

    Returns
    -------
    dict
        ``machine``, ``rounds``, and ``lines``: one for each ``network``, ``activation`` and ``way``, with ``threads`` of each run,
        the medians ``images_a_second`` of all its runs together and ``runs_an_hour`` (100 epochs of the paper's images,
        evaluation not counted), and the median over the rounds of the ratio ``to_plain`` and its ``least`` and ``most``.

    Raises
    ------
    UserError
        If the device is not to be had, or a network or function is unknown.
    """
    for what, names, known in (("network", networks, SETS), ("function", functions, FUNCTIONS)):
        for name in names:
            choose(what, name, known)
    device, cores = pick_device(device), joblib.cpu_count()
    jobs = tuple(jobs or (number for number in (1, 2, 4, MOST) if number <= cores))
    chosen = {key: run for key, run in RUNS.items() if key[0] in networks and key[1] in functions}
    ways = (PLAIN, *jobs)
    rates: dict[tuple, list[float]] = {(*key, way): [] for key in chosen for way in ways}
    bar = tqdm(total=rounds * len(rates), desc="measurements", disable=not sys.stderr.isatty())
    for _ in range(rounds):
        for key, run in chosen.items():
            for way in ways:
                rates[(*key, way)].append(_together(run, way, device, cores, seconds))
                bar.update()
    bar.close()
    lines = []
    for (network, name, way), found in rates.items():
        run, plain = chosen[network, name], rates[network, name, PLAIN]
        ratios = [own / other for own, other in zip(found, plain, strict=True)]
        rate = statistics.median(found)
        lines.append(
            {
                "network": network,
                "activation": name,
                "way": way if way == PLAIN else f"{way} at a time",
                "threads": _threads(way, device, cores),
                "images_a_second": round(rate),
                "runs_an_hour": round(3600 * rate / (run.epochs * run.train_images), 3),
                "to_plain": round(statistics.median(ratios), 2),
                "least": round(min(ratios), 2),
                "most": round(max(ratios), 2),
            }
        )
    where = {key: value for key, value in machine(device).items() if key != "threads"}  # each way has its own
    return {"machine": where, "rounds": rounds, "lines": lines}


def table(result):
    """The result of `bench_sharing` as text.

    Parameters
    ----------
    result : dict
        From `bench_sharing`.

    Returns
    -------
    str
    """
    lines = [
        fill(f"{', '.join(f'{key} {value}' for key, value in result['machine'].items())}; {result['rounds']} rounds", WIDTH),
        "",
        f"{'network':9} {'activation':13} {'way':11} {'images/s':>9} {'runs/hour':>10} {'to the plain loop':>18}",
    ]
    for line in result["lines"]:
        ratio = f"{line['to_plain']:.2f} [{line['least']:.2f}, {line['most']:.2f}]"
        lines.append(
            f"{line['network']:9} {line['activation']:13} {line['way']:11} {line['images_a_second']:9} "
            f"{line['runs_an_hour']:10.2f} {ratio:>18}"
        )
    return "\n".join(lines)


def file_for(device):
    """The name of the file that measurements on a device are kept in.

    Parameters
    ----------
    device : str
        Such as ``cpu`` or ``cuda:0``.

    Returns
    -------
    str
    """
    return FILE if device == "cpu" else FILE_GPU


def _together(run, way, device, cores, seconds):
    """Images a second of all jobs together; each is a process, and none is timed before all of them are ready."""
    jobs, threads = 1 if way == PLAIN else way, _threads(way, device, cores)
    with tempfile.TemporaryDirectory() as folder:
        job = joblib.delayed(_job)(run, way == PLAIN, device, threads, jobs, seconds, folder)
        # The plain loop stays in this process, since joblib's workers cannot start those of a DataLoader; the others are each in a
        # worker, also if there is only one.
        return sum(joblib.Parallel(n_jobs=1 if way == PLAIN else max(2, jobs))([job] * jobs))


def _threads(way, device, cores):
    return cores if way == PLAIN else max(1, cores // way) if device.type == "cpu" else 1


def _job(run, plain, device, threads, jobs, seconds, folder):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return _rate(run, plain, device, threads, jobs, seconds, folder)
    finally:
        torch.set_num_threads(before)


def _rate(run, plain, device, threads, jobs, seconds, folder):
    shape = NETWORKS[run.model]
    images = torch.randint(256, (IMAGES, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(IMAGES) % 10
    model = build_model(run).to(device)
    optimizers, mode = stages(model, run), compile_mode(run, model)
    if not plain:
        images, labels = images.to(device), labels.to(device)

    def steps():
        for epoch in count(1):
            for x, y in one_by_one(images, labels, workers=threads) if plain else batches(run, epoch, images, labels):
                x, y = x.to(device), y.to(device)
                for optimizer in optimizers:
                    step(model, optimizer, x, y)
                yield len(x)

    with compiled("never" if plain else mode), nullcontext() if plain else _reproducible(device):
        trained = steps()
        for _ in range(3):  # compiles, in a new process
            next(trained)
        _wait_for_all(Path(folder), jobs)
        _finish(device)
        seen, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            seen += next(trained)
        _finish(device)  # what is only queued is not done
        return seen / (time.perf_counter() - started)


def _finish(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _wait_for_all(folder, jobs):
    os.close(tempfile.mkstemp(dir=folder)[0])
    until = time.monotonic() + PATIENCE
    while len(list(folder.iterdir())) < jobs:
        if time.monotonic() > until:
            raise TimeoutError(f"of {jobs} jobs only {len(list(folder.iterdir()))} came to the start within {PATIENCE} s")
        time.sleep(0.01)


__all__ = ["bench_sharing", "file_for", "table"]
