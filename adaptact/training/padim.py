"""PaDiM, to be read from top to bottom: a Gaussian of a network's features at each place of sound images finds defects."""

import base64
import time
import zlib

import numpy as np
import torch
import torch.nn.functional as F

from .. import data
from ..records import Record
from .batches import entropy
from .deep_svdd import auc
from .extractor import in_batches, load_weights, photos, weights
from .inspection import environment, extend, look

ADDED = 0.01  # to the diagonal of each covariance, as in the method's paper
MAP = 64  # rows and columns of the heat maps that a Record keeps


def train_padim(run, model, device, data_folder, checkpoint, on_epoch):
    """Find and localise defects by how far features are from those of sound images at the same place.

    Nothing is trained but the network that gives the features, by `adaptact.training.extractor.weights`. Its first three stages are
    brought to the size of the first; ``features`` of their channels, drawn by the seed, are kept. At each place their mean and
    covariance over the sound images make a Gaussian, and the Mahalanobis distance to it a map of the defects: enlarged to the
    image's size and smoothed with a Gaussian filter of ``smoothing`` pixels. The image's score is its greatest value.

    Where the activation comes in is not in the text available to us. Two readings: the network is trained with it (the setting
    ``swapped`` at 0), or it is put in the place of the ReLU of a network that is trained already (1; the only one with ImageNet's
    weights).

    Parameters
    ----------
    run : Run
        Of the task ``padim``.
    model : torch.nn.Module
        From `adaptact.models.resnet.resnet`.
    device : torch.device
    data_folder : path or None
    checkpoint : Path or None
        Beside it the extractor is kept.
    on_epoch : callable or None

    Returns
    -------
    Record
        Its scores have for ``last`` the area under the ROC curve over images, ``auc``, and over the pixels of all test images,
        ``pixel_auc``, both from 0 to 1; ``auc_1`` and so on, of each kind of defect against the sound images; for ``extractor``
        its ``test_accuracy`` in percent. Its ``maps`` are those of the first test image of each kind; see `maps_of`.

    References
    ----------
    Defard et al. (2021), PaDiM, arXiv 2011.08785.
    """
    data_set, imagenet = data.load(run.dataset, data_folder, device), bool(run.setting("imagenet"))
    started, history = time.perf_counter(), look(model, epoch=0)
    state, found = weights(run, device, data_folder, checkpoint, own=not run.setting("swapped"))
    load_weights(model, state)
    extend(history, look(model, epoch=1))

    generator = torch.Generator().manual_seed(entropy(run.seed, 1, "features"))
    train, tested = photos(run, data_set)
    kept = torch.randperm(_channels(model, train, imagenet), generator=generator)[: int(run.setting("features"))].to(device)

    def chosen(stages):
        alike = [stages[0], *(F.interpolate(stage, size=stages[0].shape[-2:], mode="nearest") for stage in stages[1:])]
        return torch.cat(alike, 1)[:, kept]

    sound = torch.cat(list(in_batches(model, train, imagenet, chosen)))
    mean, factor = gaussians(sound)
    size = sound.shape[-2:]
    near = torch.cat([distances(part, mean, factor) for part in in_batches(model, tested, imagenet, chosen)]).view(-1, *size)
    maps = smoothed(near, tested.shape[-2:], run.setting("smoothing"))

    kinds, masks = data_set.test_labels[: run.test_images], data_set.test_masks[: run.test_images]
    last = {"epoch": 1, **aucs(kinds, maps.flatten(1).amax(1)), "pixel_auc": auc(masks.flatten(), maps.flatten())}
    seconds = round(time.perf_counter() - started, 3)
    if on_epoch is not None:
        on_epoch(1, {"seconds": [seconds]})
    return Record(
        run=run,
        status="done" if torch.isfinite(maps).all() else "diverged",
        curves={"seconds": [seconds]},
        scores={"last": last, **({"extractor": found} if found else {})},
        shapes=history,
        maps=maps_of(maps, kinds),
        seconds=seconds,
        **environment(device),
    )


def _channels(model, images, imagenet):
    return sum(next(in_batches(model, images[:1], imagenet, lambda stages: [stage.shape[1] for stage in stages])))


def gaussians(sound):
    """Mean and covariance of features at each place.

    Parameters
    ----------
    sound : torch.Tensor
        ``(N, features, rows, columns)``.

    Returns
    -------
    mean : torch.Tensor
        ``(places, features, 1)``.
    factor : torch.Tensor
        ``(places, features, features)``, the lower Cholesky factor of the covariance with `ADDED` on its diagonal.
    """
    x = sound.flatten(2).permute(2, 1, 0)
    mean = x.mean(2, keepdim=True)
    x = x - mean
    covariance = x @ x.transpose(1, 2) / (len(sound) - 1)
    covariance.diagonal(dim1=1, dim2=2).add_(ADDED)
    return mean, torch.linalg.cholesky(covariance)


def distances(features, mean, factor):
    """Mahalanobis distances, ``(N, places)``, of features as for `gaussians` to the Gaussians it gives."""
    x = features.flatten(2).permute(2, 1, 0) - mean
    return torch.linalg.solve_triangular(factor, x, upper=False).square().sum(1).sqrt().T


def smoothed(maps, size, deviation):
    """Maps ``(N, rows, columns)`` enlarged to the size of the images and smoothed, on the CPU in double precision."""
    from scipy.ndimage import gaussian_filter

    large = F.interpolate(maps[:, None], size=size, mode="bilinear")[:, 0].double().cpu().numpy()
    return torch.from_numpy(gaussian_filter(large, sigma=(0, deviation, deviation)))


def aucs(kinds, scores):
    """Area under the ROC curve of anomaly scores, over all images and for each kind of defect against the sound ones."""
    kinds, scores = kinds.cpu(), scores.cpu()
    found = {"auc": auc(kinds > 0, scores)}
    for kind in range(1, int(kinds.max()) + 1):
        among = (kinds == 0) | (kinds == kind)
        found[f"auc_{kind}"] = auc(kinds[among] > 0, scores[among])
    return found


def maps_of(maps, kinds):
    """Heat maps in a form that JSON can hold, of the first image of each kind.

    Parameters
    ----------
    maps : torch.Tensor
        ``(N, rows, columns)``.
    kinds : torch.Tensor
        int64, ``(N,)``.

    Returns
    -------
    dict of str to object
        ``index`` of the images; ``size`` of a map; ``low`` and ``high``, what 0 and 255 stand for; and the ``values``, uint8,
        packed by zlib and written in base64. `unpacked` reads it.
    """
    kinds = kinds.cpu()
    index = [int((kinds == kind).nonzero()[0, 0]) for kind in kinds.unique()]
    small = F.interpolate(maps[index][:, None], size=(MAP, MAP), mode="area")[:, 0]
    low, high = float(maps.min()), float(maps.max())
    values = ((small - low) / max(high - low, 1e-12) * 255).round().to(torch.uint8).numpy()
    packed = base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()
    return {"index": index, "size": MAP, "low": float(f"{low:.6g}"), "high": float(f"{high:.6g}"), "values": packed}


def unpacked(kept):
    """The heat maps that `maps_of` packed, as a float array ``(images, rows, columns)``."""
    values = np.frombuffer(zlib.decompress(base64.b64decode(kept["values"])), dtype=np.uint8)
    return kept["low"] + (kept["high"] - kept["low"]) * values.reshape(-1, kept["size"], kept["size"]) / 255
