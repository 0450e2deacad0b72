"""The training loop, to be read from top to bottom: `train(run)` gives a Record."""

import contextlib
import math
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from .. import data
from ..activations import compiled, make
from ..errors import UserError
from ..models import build
from ..records import Record
from .batches import EVALUATION_BATCH, batches, entropy, to_unit
from .checkpoint import resume
from .deep_svdd import train_deep_svdd
from .differnet import train_differnet
from .distillation import train_distillation
from .epochs import end_epoch
from .imbalance import ByClass, assume, loss_function, minority_metrics
from .inspection import IMAGES, environment, input_histograms, look
from .metrics import error, macro_metrics, number_metrics
from .padim import train_padim
from .procedures import begins_cycle, stages, step
from .split import parts
from .units import units

# Compiling takes about 10 s and saves, by estimate, 8 ns an activation and image on one thread. LeNet-5 at the laptop profile has
# 8e8 of them, KerasNet 4e9. A rule of the Run and not of the clock, since compiled formulas round differently.
WORTH_COMPILING = 2e9


def train(run, *, device="auto", data_folder=None, checkpoint=None, on_epoch=None):
    """Train what a Run describes.

    Parameters
    ----------
    run : Run
    device : {"auto", "cpu", "cuda"} or torch.device, default "auto"
        Auto takes a GPU where there is one.
    data_folder : path, optional
        See `adaptact.data.data_folder`.
    checkpoint : path, optional
        A file that is written after each epoch and continued from if it is there. It is removed by whoever keeps the
        Record. The result is the same, number for number, as that of an undisturbed run with the same thread count.
    on_epoch : callable, optional
        Called as ``on_epoch(epoch, curves)`` after each epoch, counted from 1.

    Returns
    -------
    Record

    Raises
    ------
    UserError
        If the device or the data set is not to be had, or the checkpoint cannot be written.

    Examples
    --------
    >>> from adaptact import Run
    >>> record = train(Run(dataset="digits", train_images=256, model="lenet5", activation="relu", epochs=1, seed=42))
    >>> record.status
    'done'
    """
    device = pick_device(device)
    model = build_model(run).to(device)
    generators = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with generators, _reproducible(device), compiled(compile_mode(run, model)):
        return TRAININGS[run.task](run, model, device, data_folder, checkpoint and Path(checkpoint), on_epoch)


def train_supervised(run, model, device, data_folder, checkpoint, on_epoch, loss_of=error, curves_of=None):
    """Train by labels, be they classes or numbers; what it takes and gives is as for `train`, the network being built already.

    A task that goes on from it may give another loss, ``loss_of(outputs, labels)``, and further curves, ``curves_of(model)``, a
    dictionary of numbers after each epoch.
    """
    data_set = data.load(run.dataset, data_folder, device)
    split, source = parts(run, data_set), data.SOURCES[run.dataset]
    score = "rmse" if source.numeric else "accuracy"

    state: dict[str, Any] = {"epoch": 0, "diverged": False, "curves": {}, "history": {}}
    if checkpoint is not None:
        state = resume(checkpoint, run, device, model, stages) or state
    optimizers = state.pop("optimizers", [])
    curves = state["curves"]
    if state["epoch"] == 0:
        state["history"] = look(model, epoch=0)

    while state["epoch"] < run.epochs and not state["diverged"]:
        epoch = state["epoch"] + 1
        started = time.perf_counter()
        losses = []
        if begins_cycle(run, epoch):
            optimizers = stages(model, run, epoch)
        model.train()
        # Every epoch's random numbers follow from the seed and the epoch alone: a resumed run needs no generator's state.
        torch.manual_seed(entropy(run.seed, epoch, "dropout"))
        for images, labels in batches(run, epoch, split.train_images, split.train_labels):
            for optimizer in optimizers:
                loss = step(model, optimizer, images, labels, loss_of)
            # Of the last stage: for DSPT after the activations' step and before the weights', as in the paper's code.
            losses.append(loss)

        epoch_curves = {"train_loss": torch.stack(losses).double().mean().item()}
        epoch_curves["test_loss"], epoch_curves[f"test_{score}"] = evaluate(model, split.test_images, split.test_labels, split.unit)
        if source.sequence and not source.numeric:  # there it costs little, and a paper draws it
            epoch_curves["train_accuracy"] = evaluate(model, split.train_images, split.train_labels)[1]
        if len(split.held_images):
            epoch_curves[f"validation_{score}"] = evaluate(model, split.held_images, split.held_labels)[1]
        if curves_of is not None:
            epoch_curves |= curves_of(model)
        epoch_curves["seconds"] = round(time.perf_counter() - started, 3)
        end_epoch(run, model, optimizers, state, epoch_curves, checkpoint, on_epoch)

    found = scores(curves)
    batched = (to_unit(part) for part in split.test_images.split(EVALUATION_BATCH))
    if run.fold is not None and score == "accuracy" and "last" in found:  # folds are compared by more than their accuracy
        found["last"] |= macro_metrics(model, batched, split.test_labels)
    elif source.target and "last" in found:
        found["last"] |= number_metrics(model, batched, split.test_labels, split.unit, split.naive)
    looked_at = (part[:IMAGES].split(EVALUATION_BATCH) for part in (split.test_images, split.test_labels))
    return Record(
        run=run,
        status="diverged" if state["diverged"] else "done",
        curves=curves,
        scores=found,
        shapes=_shapes(model, state["history"], split.test_images[:IMAGES]),
        units=units(model, ((to_unit(images), labels) for images, labels in zip(*looked_at, strict=True))),
        seconds=round(sum(curves["seconds"]), 3),
        **environment(device),
    )


def train_imbalanced(run, model, device, data_folder, checkpoint, on_epoch):
    """Train by labels with rare classes, and look at them by themselves, see `adaptact.training.imbalance`.

    The scores of the last epoch have those of `minority_metrics` too. The curves have the norms of the gradient at the first and
    last hidden layer, of the minority and of the majority; `units` has for each site what `ByClass.units` says at the end, and,
    with ``start_`` before it, before training.
    """
    split, classes = parts(run, data.load(run.dataset, data_folder, device)), data.SOURCES[run.dataset].num_classes
    assume(run, model, classes)
    by_class = ByClass(run, split, classes)
    start = by_class.units(model)  # a checkpoint is read later: this is the untrained network
    loss_of = loss_function(run, split.train_labels, classes)
    record = train_supervised(run, model, device, data_folder, checkpoint, on_epoch, loss_of, by_class.curves)
    if "last" in record.scores:
        record.scores["last"] |= minority_metrics(model, split.test_images, split.test_labels, by_class.minority)
    end, units_of = by_class.units(model), {}
    for site, of in record.units.items():
        units_of[site] = of | end[site] | {f"start_{name}": value for name, value in start[site].items()}
    # Thousands of small runs are compared by their units: of the learned shapes the histories are enough.
    shapes = {site: {kind: of[kind] for kind in ("quantiles", "path")} for site, of in record.shapes.items()}
    return replace(record, units=units_of, shapes=shapes)


TRAININGS = {
    "supervised": train_supervised,
    "imbalanced": train_imbalanced,
    "deep_svdd": train_deep_svdd,
    "padim": train_padim,
    "distillation": train_distillation,
    "differnet": train_differnet,
}


def _shapes(model, history, images):
    """What a Record tells of the learned shapes: their `history`, where the neurons followed ended, and what came in there."""
    inputs = input_histograms(model, (to_unit(part) for part in images.split(EVALUATION_BATCH)))
    found = {}
    for site, kinds in history.items():
        last = {name: rows[-1][1:] for name, rows in kinds["path"].items()}
        found[site] = {**kinds, "sample": {"index": inputs[site]["index"], **last}, "inputs": inputs[site]}
    return found


def build_model(run):
    """The untrained network of a Run, on the CPU; its weights depend on the seed and not on the activation.

    Parameters
    ----------
    run : Run

    Returns
    -------
    torch.nn.Module
    """
    options = dict(run.options) | ({"granularity": run.granularity} if run.granularity else {})
    options |= {"init": run.init} if run.init else {}
    network = {"conv_dropout": run.conv_dropout, "fc_dropout": run.fc_dropout} if run.model == "kerasnet" else {}
    network |= {name: getattr(run, name) for name in ("fc_width", "depth") if getattr(run, name) is not None}
    source, in_shape = data.SOURCES[run.dataset], data.SOURCES[run.dataset].in_shape
    outputs = source.outputs
    if run.task == "padim":  # its network is a classifier of other images first
        in_shape, outputs = ((3, 224, 224), 1_000) if run.setting("imagenet") else ((in_shape[0], 32, 32), 10)
    if run.task == "distillation":
        in_shape = (in_shape[0], *[int(run.setting("size"))] * 2)
    if run.task == "differnet":
        network |= {"blocks": int(run.setting("blocks")), "width": int(run.setting("width")), "clamp": run.setting("clamp")}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        return build(run.model, in_shape, partial(make, run.activation, **options), outputs, **network)


def compile_mode(run, model):
    """The mode of `adaptact.activations.compiled` that a Run is trained in."""
    images = run.train_images // (data.SOURCES[run.dataset].num_classes if run.task == "deep_svdd" else 1)
    return "auto" if model.neurons * images * run.epochs >= WORTH_COMPILING else "never"


@torch.inference_mode()
def evaluate(model, images, labels, unit=1.0):
    """Mean loss of a model on images from `parts`, and how well it does; leaves the model in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
    images, labels : torch.Tensor
    unit : float
        What a label's 1 is in the unit of the set's own numbers.

    Returns
    -------
    loss, score : float
        Of classes the mean cross entropy and the accuracy in percent; of numbers the mean squared error, and its root in the
        set's own unit.
    """
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    numeric = labels.is_floating_point()
    for first in range(0, len(images), EVALUATION_BATCH):
        batch = slice(first, first + EVALUATION_BATCH)
        outputs = model(to_unit(images[batch]))
        loss += error(outputs, labels[batch], reduction="sum")
        if not numeric:
            correct += (outputs.argmax(1) == labels[batch]).sum()
    mean = loss.item() / len(images)
    return mean, (unit * math.sqrt(mean) if numeric else 100 * correct.item() / len(images))


def scores(curves):
    """Last and best epochs of a training's curves.

    Parameters
    ----------
    curves : dict of str to list
        As in `Record`.

    Returns
    -------
    dict of str to dict
        As in `Record`: the best epoch is the first one with the highest accuracy or the least error, counted from 1.
    """
    # After a divergence the accuracy is chance; the finite epochs before it still have a best one, but there is no last.
    finite = [
        epoch for epoch, loss in enumerate(curves["train_loss"]) if loss is not None and curves["test_loss"][epoch] is not None
    ]
    if not finite:
        return {}

    name, sign = ("accuracy", 1) if "test_accuracy" in curves else ("rmse", -1)  # of an error, the least is the best

    def score(epoch):
        return {"epoch": epoch + 1, f"test_{name}": curves[f"test_{name}"][epoch]}

    def best(part):
        return score(max(finite, key=lambda epoch: sign * curves[f"{part}_{name}"][epoch]))

    chosen = {"best_test": best("test")}
    if len(finite) == len(curves["train_loss"]):
        chosen["last"] = score(finite[-1])
    if f"validation_{name}" in curves:
        chosen["best_validation"] = best("validation")
    return chosen


def pick_device(device):
    """A torch device from ``auto``, ``cpu``, ``cuda``; auto takes a GPU where there is one.

    Parameters
    ----------
    device : str or torch.device
        ``auto``, ``cpu``, ``cuda`` or ``cuda:0``.

    Returns
    -------
    torch.device

    Raises
    ------
    UserError
        If it is none of these, or there is no GPU to be had.
    """
    if str(device) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if str(device).partition(":")[0] not in ("cpu", "cuda"):
        raise UserError(f"unknown device {str(device)!r}. Choose from: auto, cpu, cuda.")
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise UserError("device 'cuda' is asked for, but torch finds no GPU. Choose from: auto, cpu.")
    return torch.device(device)


@contextlib.contextmanager
def _reproducible(device):
    """On a GPU: float32 means float32, and deterministic kernels where there are any; as before afterwards."""
    if device.type != "cuda":
        yield
        return
    before = torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = False, True, False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
