"""One-Class Deep SVDD, to be read from top to bottom: an autoencoder first, then its encoder is drawn towards one point."""

import math
import time
from typing import Any

import torch

from .. import data
from .batches import EVALUATION_BATCH, batches, entropy
from .checkpoint import resume
from .epochs import end_epoch, recorded
from .inspection import look
from .procedures import parameter_groups, step
from .split import parts

LEAST = 0.1  # of a coordinate of the centre: a unit that should be zero can be had by zero weights
SLOWER = 0.1  # the rate after the share `drop` of a stage's epochs


def train_deep_svdd(run, model, device, data_folder, checkpoint, on_epoch):
    """Train a network to bring all images of one class near to one point, so that far ones are anomalies.

    The first epochs, the share ``pretraining`` of all, train an autoencoder by the squared error of what it reconstructs. Then the
    centre is set to the mean representation of the training images, and the encoder alone is trained to make their mean squared
    distance to it small. Each stage has an optimiser of its own. Weight decay is on the weights, not on activation parameters:
    nothing in the method speaks of these.

    Parameters
    ----------
    run : Run
        Of the task ``deep_svdd``.
    model : adaptact.models.SVDDLeNet
    device : torch.device
    data_folder : path or None
    checkpoint : Path or None
    on_epoch : callable or None

    Returns
    -------
    Record
        Its curves are ``train_loss`` and ``seconds``. Its scores have for ``pretrained`` the area under the ROC curve, ``auc`` from
        0 to 1, by reconstruction error; for ``start``, just after the centre is set, and for ``last`` the ``auc`` by the distance
        to the centre, and the ``spread`` of the representations of all test images and ``spread_normal`` of the normal ones: the
        root of their mean squared distance to their mean, over the length of the centre. At 0 the sphere has collapsed to a point.

    References
    ----------
    Ruff et al. (2018), Deep One-Class Classification, eq. 4 (one-class objective), and the released code.
    """
    split = parts(run, data.load(run.dataset, data_folder, device))
    state: dict[str, Any] = {"epoch": 0, "diverged": False, "curves": {}, "history": {}, "found": {}}
    state["centre"] = torch.zeros(0, device=device)
    if checkpoint is not None:
        state = resume(checkpoint, run, device, model, _optimizers) or state
    optimizers = state.pop("optimizers", [])
    if state["epoch"] == 0:
        state["history"] = look(model, epoch=0)
    pretraining = _pretraining(run)

    while state["epoch"] < run.epochs and not state["diverged"]:
        epoch = state["epoch"] + 1
        started, losses = time.perf_counter(), []
        alone = epoch > pretraining  # the encoder, without its decoder
        if epoch in (1, pretraining + 1):
            optimizers = _optimizers(model, run, epoch)
        if epoch == pretraining + 1:
            state["centre"] = centre(model.encoder, split.train_images)
            state["found"]["start"] = judged(model, state["centre"], split)
        _set_rate(optimizers[0], run, epoch)
        model.train()
        torch.manual_seed(entropy(run.seed, epoch, "dropout"))
        for images, _ in batches(run, epoch, split.train_images, split.train_labels):
            if alone:
                losses.append(step(model.encoder, optimizers[0], images, state["centre"], distance))
            else:
                losses.append(step(model, optimizers[0], images, images, reconstruction_error))

        values = {"train_loss": torch.stack(losses).double().mean().item(), "seconds": round(time.perf_counter() - started, 3)}
        if epoch == pretraining and math.isfinite(values["train_loss"]):
            state["found"]["pretrained"] = {"epoch": epoch, "auc": auc(split.test_labels, _reconstruction_errors(model, split))}
        end_epoch(run, model, optimizers, state, values, checkpoint, on_epoch)

    found = {name: dict(scores) for name, scores in state["found"].items()}
    if not state["diverged"]:
        found["last"] = {"epoch": run.epochs, **judged(model, state["centre"], split)}
    return recorded(run, state, found, device)


def reconstruction_error(reconstructed, images):
    """Squared error summed over the pixels of an image, mean over the batch."""
    return (reconstructed - images).square().flatten(1).sum(1).mean()


def distance(representations, centre):
    """Squared distance to the centre, mean over the batch."""
    return (representations - centre).square().sum(1).mean()


@torch.no_grad()
def centre(encoder, images):
    """The mean representation of images in evaluation mode, with no coordinate nearer to zero than `LEAST`."""
    encoder.eval()
    mean = torch.cat([encoder(part) for part in images.split(EVALUATION_BATCH)]).mean(0)
    return torch.where(mean < 0, mean.clamp(max=-LEAST), mean.clamp(min=LEAST))


@torch.no_grad()
def judged(model, middle, split):
    """How well distances to the centre tell anomalies from normal test images, and whether there are distances at all."""
    model.eval()
    outputs = torch.cat([model.encoder(part) for part in split.test_images.split(EVALUATION_BATCH)]).double()
    normal = outputs[split.test_labels == 0]
    return {
        "auc": auc(split.test_labels, (outputs - middle).square().sum(1)),
        "spread": _spread(outputs, middle),
        "spread_normal": _spread(normal, middle),
    }


def auc(anomalous, scores):
    """Area under the ROC curve of anomaly scores, from 0 to 1; not a number where a score is none."""
    from sklearn.metrics import roc_auc_score  # here, since it takes two seconds to import and few runs need it

    if not torch.isfinite(scores).all():
        return None
    return float(roc_auc_score(anomalous.cpu().numpy(), scores.cpu().numpy()))


@torch.no_grad()
def _reconstruction_errors(model, split):
    model.eval()
    pieces = split.test_images.split(EVALUATION_BATCH)
    return torch.cat([(model(part) - part).square().flatten(1).sum(1) for part in pieces]).double()


def _spread(outputs, middle):
    ratio = (outputs - outputs.mean(0)).square().sum(1).mean().sqrt() / middle.norm()
    return float(f"{float(ratio):.6g}") if torch.isfinite(ratio) else None


def _pretraining(run):
    """How many epochs the autoencoder is trained for."""
    return round(run.setting("pretraining") * run.epochs)


def _optimizers(model, run, epoch):
    alone = epoch > _pretraining(run)
    weights, shaped = parameter_groups(model.encoder if alone else model, run)
    decay = run.setting("weight_decay" if alone else "pretraining_weight_decay")
    return [torch.optim.Adam([{**group, "weight_decay": decay} for group in weights] + shaped)]


def _set_rate(optimizer, run, epoch):
    """The rates of an epoch: as given, and a tenth of that after the share `drop` of its stage."""
    pretraining = _pretraining(run)
    first, length = (pretraining, run.epochs - pretraining) if epoch > pretraining else (0, pretraining)
    factor = 1.0 if epoch - first <= run.setting("drop") * length else SLOWER
    for group, rate in zip(optimizer.param_groups, (run.lr, run.activation_lr), strict=False):
        group["lr"] = rate * factor
