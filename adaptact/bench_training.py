"""How fast whole trainings are, as ratios measured in one run: ``python -m adaptact bench training``.

Three questions: how much batches of tensors gain over a pipeline that takes images one by one; what share of a training step
the data take; and whether twice the runs take twice the time. How runs share a device is measured by `adaptact.bench_sharing`.
Images are random, of Fashion-MNIST's size: speed does not depend on what is in them, and no files are needed.
"""

import statistics
import sys
import tempfile
import time
from textwrap import fill
from typing import Any

import joblib
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .activations import compiled, was_compiled
from .bench import machine
from .records import Store
from .run import Run
from .sweep import sweep
from .training.loop import batches, build_model
from .training.procedures import stages, step

FILE = "bench-training.json"
IMAGES = 50 * 128  # for one measured epoch
LENET: dict[str, Any] = dict(dataset="fashion_mnist", train_images=IMAGES, model="lenet5", epochs=1, seed=42)
WARM_UP = 3  # batches
WIDTH = 80  # of a page's box of text, in characters
RUNS = {
    "ReLU": Run(activation="relu", **LENET),
    "LEAF": Run(activation="leaf", init="silu", granularity="neuron", **LENET),
}


def bench_training(*, rounds=3, counts=(2, 4, 8, 16), images=IMAGES, cores=None):
    """Measure trainings of LeNet-5 on the CPU.

    Parameters
    ----------
    rounds : int, default 3
        Measurements of each, interleaved; medians are reported.
    counts : iterable of int, default (2, 4, 8, 16)
        How many runs a sweep has whose time is taken.
    images : int, default 6400
        For one measured epoch.
    cores : int, optional
        By default as many as joblib may use.

    Returns
    -------
    dict
        ``machine``; ``pipeline``: images a second of a LEAF epoch by tensors and by single images, and their ratio;
        ``data_share``: the share of an epoch that data and augmentation take, by activation; ``growth``: seconds by number of
        runs.
    """
    cores = cores or joblib.cpu_count()
    count, labels = images, torch.arange(images) % 10
    images = torch.randint(256, (count, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    rates = {}

    def note(key, value):
        rates.setdefault(key, []).append(value)

    for _ in tqdm(range(rounds), desc="rounds", disable=not sys.stderr.isatty()):
        torch.set_num_threads(cores)
        for name, run in RUNS.items():
            note(("tensors", name), _epoch(run, batches(run, 1, images, labels)))
            started = time.perf_counter()
            for _batch in batches(run, 1, images, labels):
                pass
            note(("data", name), count / (time.perf_counter() - started))
        note("one by one", _epoch(RUNS["LEAF"], one_by_one(images, labels, workers=cores)))
        for number in counts:
            note(number, _sweep_seconds(number, cores))
    middle = {key: statistics.median(values) for key, values in rates.items()}
    ratio = [a / b for a, b in zip(rates["tensors", "LEAF"], rates["one by one"], strict=True)]
    return {
        "machine": machine("cpu") | ({"activations": "compiled"} if was_compiled() else {}),
        "cores": cores,
        "rounds": rounds,
        "pipeline": {
            "tensors": round(middle["tensors", "LEAF"]),
            "one by one": round(middle["one by one"]),
            "ratio": round(statistics.median(ratio), 2),
        },
        "data_share": {name: round(middle["tensors", name] / middle["data", name], 3) for name in RUNS},
        "growth": {str(number): round(middle[number], 2) for number in counts},
    }


def table(result):
    """The result of `bench_training` as text.

    Parameters
    ----------
    result : dict
        From `bench_training`.

    Returns
    -------
    str
    """
    pipeline = result["pipeline"]
    lines = [
        fill(", ".join(f"{key} {value}" for key, value in result["machine"].items()), WIDTH),
        "",
        f"LeNet-5 with LEAF, images a second: {pipeline['tensors']} by tensors, {pipeline['one by one']} one by one, "
        f"ratio {pipeline['ratio']:.2f}",
        *(f"{name}: data and augmentation are {100 * share:.1f} % of an epoch" for name, share in result["data_share"].items()),
        *(f"{count:>3} runs: {seconds:6.1f} s, {seconds / int(count):.2f} s a run" for count, seconds in result["growth"].items()),
    ]
    return "\n".join(lines)


def _epoch(run, loader):
    """Images a second of one epoch, without the first batches, which warm up."""
    model = build_model(run)
    optimizers, seen, started = stages(model, run), 0, 0.0
    with compiled("auto"):
        for number, (images, labels) in enumerate(loader):
            for optimizer in optimizers:
                step(model, optimizer, images, labels)
            if number == WARM_UP:
                started = time.perf_counter()
            elif number > WARM_UP:
                seen += len(images)
    return seen / (time.perf_counter() - started)


class _Images(Dataset):
    """What torchvision's data sets do: an image at a time, as PIL, through transforms."""

    def __init__(self, images, labels):
        from torchvision import transforms  # here, since it takes three seconds to import

        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.ToTensor(),
                transforms.RandomHorizontalFlip(),
                transforms.RandomAffine(0, translate=(0.1, 0.1)),
            ]
        )

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), int(self.labels[index])


def one_by_one(images, labels, workers):
    """The reference code's pipeline: per-sample transforms in a DataLoader, here with a worker a core."""
    return DataLoader(_Images(images, labels), batch_size=128, num_workers=workers)


def _sweep_seconds(count, jobs):
    """Seconds of a sweep of so many small runs, workers started before."""
    runs = [Run(dataset="digits", train_images=640, model="lenet5", activation="tanh", epochs=1, seed=s) for s in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        sweep([Run(**{**vars(run), "seed": 10_000 + run.seed}) for run in runs[:jobs]], Store(folder), device="cpu", jobs=jobs)
        started = time.perf_counter()
        sweep(runs, Store(folder), device="cpu", jobs=jobs)
        return time.perf_counter() - started


__all__ = ["bench_training", "table"]
