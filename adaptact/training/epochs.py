"""The end of an epoch, the same for every task; and the epochs and the Record of a training without labels."""

import math
import time
from typing import Any

import torch

from ..records import Record
from .batches import entropy
from .checkpoint import resume, save
from .inspection import environment, extend, look, worth_a_look


def end_epoch(run, model, optimizers, state, values, checkpoint, on_epoch):
    """Note what an epoch gave, look at the learned shapes, and write a checkpoint: a kill costs one epoch at most.

    Parameters
    ----------
    run : Run
    model : torch.nn.Module
    optimizers : list of torch.optim.Optimizer
    state : dict
        ``epoch``, the last one that has ended; ``diverged``; ``curves`` and ``history`` as a `Record` has them. It is changed.
    values : dict of str to float
        One for each curve. A run in which any is not finite has diverged.
    checkpoint : Path or None
    on_epoch : callable or None
    """
    state["epoch"] += 1
    state["diverged"] = not all(map(math.isfinite, values.values()))
    for name, value in values.items():
        state["curves"].setdefault(name, []).append(value if math.isfinite(value) else None)
    if worth_a_look(state["epoch"], run.epochs):
        extend(state["history"], look(model, epoch=state["epoch"]))
    if checkpoint is not None:
        save(checkpoint, run, model, optimizers, state)
    if on_epoch is not None:
        on_epoch(state["epoch"], state["curves"])


def recorded(run, state, scores, device, before=0.0):
    """The Record of a training without labels, from its `state`; `before` are the seconds that were spent before its epochs."""
    return Record(
        run=run,
        status="diverged" if state["diverged"] else "done",
        curves=state["curves"],
        scores=scores,
        shapes=state["history"],
        seconds=round(before + sum(state["curves"]["seconds"]), 3),
        **environment(device),
    )


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
        The state, as for `end_epoch`.
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
        end_epoch(run, model, optimizers, state, values, checkpoint, on_epoch)
    return state
