"""The epochs of a training without labels: its loss is watched, its shapes are looked at, and a kill costs one epoch at most."""

import math
import time
from typing import Any

import torch

from .batches import entropy
from .checkpoint import resume, save
from .inspection import extend, look, worth_a_look


def train_epochs(run, model, device, checkpoint, on_epoch, make_optimizer, losses):
    """Train epoch by epoch, going on from a checkpoint if there is one.

    Parameters
    ----------
    run : Run
    model : torch.nn.Module
    device : torch.device
    checkpoint : Path or None
    on_epoch : callable or None
    make_optimizer : callable
        Given the model and the run.
    losses : callable
        ``losses(optimizer, batches)`` takes a step for each of the epoch's batches, which are given as indices of the samples in
        the order of the seed, and yields the losses before them.

    Returns
    -------
    dict
        ``epoch``, the last one; ``diverged``; ``curves`` and ``history`` as a `Record` has them.
    """

    def make_optimizers(model, run, epoch):
        return [make_optimizer(model, run)]

    state: dict[str, Any] = {"epoch": 0, "diverged": False, "curves": {}, "history": {}}
    if checkpoint is not None:
        state = resume(checkpoint, run, device, model, make_optimizers) or state
    optimizers = state.pop("optimizers", None) or make_optimizers(model, run, 1)
    if state["epoch"] == 0:
        state["history"] = look(model, epoch=0)
    while state["epoch"] < run.epochs and not state["diverged"]:
        epoch, started = state["epoch"] + 1, time.perf_counter()
        model.train()
        generator = torch.Generator().manual_seed(entropy(run.seed, epoch, "batches"))
        count = run.train_images
        order = torch.randperm(count, generator=generator) if run.shuffle else torch.arange(count)
        found = list(losses(optimizers[0], order.to(device).split(run.batch_size)))
        values = {"train_loss": torch.stack(found).double().mean().item(), "seconds": round(time.perf_counter() - started, 3)}
        state["diverged"] = not math.isfinite(values["train_loss"])
        for name, value in values.items():
            state["curves"].setdefault(name, []).append(value if math.isfinite(value) else None)
        if worth_a_look(epoch, run.epochs):
            extend(state["history"], look(model, epoch=epoch))
        state["epoch"] = epoch
        if checkpoint is not None:
            save(checkpoint, run, model, optimizers, state)
        if on_epoch is not None:
            on_epoch(epoch, state["curves"])
    return state
