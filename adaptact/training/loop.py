"""The training loop, to be read from top to bottom: `train(run)` gives a Record."""

import contextlib
import io
import math
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .. import data
from ..activations import compiled, make
from ..errors import UserError
from ..models import build
from ..records import PROTOCOL, Record, reason_of, write_atomically
from .inspection import IMAGES, environment, extend, input_histograms, look, worth_a_look
from .metrics import macro_metrics
from .procedures import begins_cycle, stages, step
from .split import parts
from .units import units

# Compiling takes about 10 s and saves, by estimate, 8 ns an activation and image on one thread. LeNet-5 at the laptop profile has
# 8e8 of them, KerasNet 4e9. A rule of the Run and not of the clock, since compiled formulas round differently.
WORTH_COMPILING = 2e9
EVALUATION_BATCH = 256  # per-neuron LEAF in batches of 1,000 took half of a KerasNet epoch's time on a CPU


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
        return _train(run, model, device, data_folder, checkpoint and Path(checkpoint), on_epoch)


def _train(run, model, device, data_folder, checkpoint, on_epoch):
    data_set = data.load(run.dataset, data_folder, device)
    split = parts(run, data_set)

    state = {"epoch": 0, "diverged": False, "curves": {}, "history": {}}
    if checkpoint is not None:
        state = _resume(checkpoint, run, device, model) or state
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
        torch.manual_seed(_entropy(run.seed, epoch, "dropout"))
        for images, labels in batches(run, epoch, split.train_images, split.train_labels):
            for optimizer in optimizers:
                loss = step(model, optimizer, images, labels)
            # Of the last stage: for DSPT after the activations' step and before the weights', as in the paper's code.
            losses.append(loss)

        epoch_curves = {"train_loss": torch.stack(losses).double().mean().item()}
        epoch_curves["test_loss"], epoch_curves["test_accuracy"] = evaluate(model, split.test_images, split.test_labels)
        if len(split.held_images):
            epoch_curves["validation_accuracy"] = evaluate(model, split.held_images, split.held_labels)[1]
        epoch_curves["seconds"] = round(time.perf_counter() - started, 3)
        state["diverged"] = not all(math.isfinite(value) for value in epoch_curves.values())
        for name, value in epoch_curves.items():
            curves.setdefault(name, []).append(value if math.isfinite(value) else None)
        if worth_a_look(epoch, run.epochs):
            extend(state["history"], look(model, epoch=epoch))
        state["epoch"] = epoch
        if checkpoint is not None:
            _save(checkpoint, run, model, optimizers, state)
        if on_epoch is not None:
            on_epoch(epoch, curves)

    found = scores(curves)
    if run.fold is not None and "last" in found:  # cross-validated results are compared by more than their accuracy
        batched = (to_unit(part) for part in split.test_images.split(EVALUATION_BATCH))
        found["last"] |= macro_metrics(model, batched, split.test_labels)
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


def _shapes(model, history, images):
    """What a Record tells of the learned shapes: their `history`, where the neurons followed ended, and what came in there."""
    inputs = input_histograms(model, (to_unit(part) for part in images.split(EVALUATION_BATCH)))
    found = {}
    for site, kinds in history.items():
        last = {name: rows[-1][1:] for name, rows in kinds["path"].items()}
        found[site] = {**kinds, "sample": {"index": inputs[site]["index"], **last}, "inputs": inputs[site]}
    return found


def build_model(run):
    """The untrained network of a Run, on the CPU; its weights depend on the seed and not on the activation."""
    options = dict(run.options) | ({"granularity": run.granularity} if run.granularity else {})
    options |= {"init": run.init} if run.init else {}
    network = {"conv_dropout": run.conv_dropout, "fc_dropout": run.fc_dropout} if run.model == "kerasnet" else {}
    network |= {name: getattr(run, name) for name in ("fc_width", "depth") if getattr(run, name) is not None}
    source = data.SOURCES[run.dataset]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        return build(run.model, source.in_shape, partial(make, run.activation, **options), source.num_classes, **network)


def compile_mode(run, model):
    """The mode of `adaptact.activations.compiled` that a Run is trained in."""
    return "auto" if model.neurons * run.train_images * run.epochs >= WORTH_COMPILING else "never"


def batches(run, epoch, images, labels):
    """The mini-batches of one epoch, augmented, in the order that the seed and the epoch decide.

    Parameters
    ----------
    run : Run
    epoch : int
        From 1.
    images, labels : torch.Tensor
        The whole training set on the device, uint8, or float32 for a table, and int64.

    Yields
    ------
    images, labels : torch.Tensor
        float32, of images in [0, 1], ``(batch, channels, rows, columns)``, and int64, ``(batch,)``.
    """
    # Order and augmentation are drawn on the CPU: they are the same on every device, and for every activation.
    generator = torch.Generator().manual_seed(_entropy(run.seed, epoch, "batches"))
    count = len(images)
    order = torch.randperm(count, generator=generator) if run.shuffle else torch.arange(count)
    flips, shifts = data.draw(count, images.shape[1:], generator)
    order, flips, shifts = (drawn.to(images.device) for drawn in (order, flips, shifts))
    for first in range(0, count, run.batch_size):
        batch = slice(first, first + run.batch_size)
        chosen = images[order[batch]]
        if run.augment:
            chosen = data.apply(chosen, flips[batch], shifts[batch])
        yield to_unit(chosen), labels[order[batch]]


def to_unit(images):
    """uint8 images as float32 in [0, 1], without mean or deviation taken out: the LEAF code's only preparation.

    What is floating point already, a table's rows that `parts` has standardised, stays as it is.
    """
    return images if images.is_floating_point() else images.float().div_(255)


@torch.inference_mode()
def evaluate(model, images, labels):
    """Mean cross entropy, and accuracy in percent, of a model on images from `parts`; leaves the model in evaluation mode."""
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=images.device)
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    for first in range(0, len(images), EVALUATION_BATCH):
        batch = slice(first, first + EVALUATION_BATCH)
        logits = model(to_unit(images[batch]))
        loss += F.cross_entropy(logits, labels[batch], reduction="sum")
        correct += (logits.argmax(1) == labels[batch]).sum()
    return loss.item() / len(images), 100 * correct.item() / len(images)


def scores(curves):
    """Last and best epochs of a training's curves.

    Parameters
    ----------
    curves : dict of str to list
        As in `Record`.

    Returns
    -------
    dict of str to dict
        As in `Record`: the best epoch is the first one with the highest accuracy, counted from 1.
    """
    # After a divergence the accuracy is chance; the finite epochs before it still have a best one, but there is no last.
    finite = [
        epoch for epoch, loss in enumerate(curves["train_loss"]) if loss is not None and curves["test_loss"][epoch] is not None
    ]
    if not finite:
        return {}

    def score(epoch):
        return {"epoch": epoch + 1, "test_accuracy": curves["test_accuracy"][epoch]}

    chosen = {"best_test": score(max(finite, key=lambda epoch: curves["test_accuracy"][epoch]))}
    if len(finite) == len(curves["train_loss"]):
        chosen["last"] = score(finite[-1])
    if "validation_accuracy" in curves:
        chosen["best_validation"] = score(max(finite, key=lambda epoch: curves["validation_accuracy"][epoch]))
    return chosen


def pick_device(device):
    """A torch device from ``auto``, ``cpu``, ``cuda``; auto takes a GPU where there is one.

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


def _entropy(seed, epoch, purpose):
    """A 63-bit seed for one purpose in one epoch, unrelated to that of any other."""
    words = np.random.SeedSequence([seed, epoch, *purpose.encode()]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


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


def _save(path, run, model, optimizers, state):
    buffer = io.BytesIO()
    held = {"protocol": PROTOCOL, "run": run.key, "model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers]}
    torch.save({**held, **state}, buffer)
    write_atomically(path, buffer.getvalue())


def _resume(path, run, device, model):
    """Load a checkpoint into a model and give the state of its training; None if there is none that belongs to this run."""
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
        if saved.pop("protocol") != PROTOCOL or saved.pop("run") != run.key or "history" not in saved:
            return None
        held, wanted = ({name: value.shape for name, value in state.items()} for state in (saved["model"], model.state_dict()))
        if held != wanted:  # one's own activation has been changed under its name
            raise ValueError("it is of another network")
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever an unpickler may meet in damaged bytes: the run starts over, and says so
        aside, reason = path.replace(path.with_name(path.name + ".damaged")), reason_of(error)
        warnings.warn(f"checkpoint {path} cannot be read ({reason}); set aside as {aside.name}, starting over.", stacklevel=4)
        return None
    model.load_state_dict(saved.pop("model"))
    states, saved["optimizers"] = saved["optimizers"], stages(model, run, max(saved["epoch"], 1))
    for optimizer, held in zip(saved["optimizers"], states, strict=True):
        optimizer.load_state_dict(held)
    return saved
