"""Which images of a data set a Run trains on, holds out, and is tested on; a table's are standardised by those it trains on."""

from typing import NamedTuple

import numpy as np
import torch

from ..data import SOURCES
from ..errors import UserError
from ..run import FOLDS
from .imbalance import imbalanced
from .one_class import one_class


class Parts(NamedTuple):
    """Images and labels to train on, to choose an epoch by, and to test on."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    held_images: torch.Tensor
    held_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor
    unit: float = 1.0  # what a label's 1 is in the unit of the set's own numbers
    naive: torch.Tensor = None  # of a series, the naive forecast of each test label, standardised as the labels are


def parts(run, data_set):
    """The parts of a data set for a Run, each in the file's order, which counts where nothing is shuffled.

    Parameters
    ----------
    run : Run
        With a `fold`, a fifth of its training images is tested on and the set's own test images are not used: the folds are
        those of one partition, stratified where there are classes, the same for every seed. Of a series the training part is
        cut into six blocks, one after the other; a fold is tested on one block and trained on all before it. With a `part`
        only the first so many of the others are taken. Images are held out of what is left, by class and seed.
    data_set : adaptact.data.DataSet

    Returns
    -------
    Parts
        Of one-class training the images of the normal class to train on, and test labels that are 1 for anomalies; see `one_class`.
        Of an imbalanced Run see `adaptact.training.imbalance.imbalanced`.
        A table's features less their mean and over their deviation in what is trained on: nothing else of the set is used
        for that. A feature that is constant there has only its mean taken out. A feature of sequences has one mean and
        deviation for all steps. Labels that are measured, see `adaptact.data.Source.target`, are standardised alike, and
        `unit` is their deviation; so is the naive forecast of a series. Images stay as they are, uint8.

    Raises
    ------
    UserError
        If there are too few images of a class to divide them.
    """
    if run.task == "deep_svdd":
        train, tested, anomalous = one_class(run, data_set)
        labels = torch.zeros_like(anomalous[:1]).expand(len(train))
        return Parts(train, labels, train[:0], labels[:0], tested, anomalous)
    if run.task == "imbalanced":
        train, train_labels, tested, labels = imbalanced(run, data_set)
        return Parts(train, train_labels, train[:0], labels[:0], tested, labels)
    split, source = _divided(run, data_set), SOURCES[run.dataset]
    split = split._replace(naive=source.reader.naive(split.test_images)) if source.series else split
    split = _standardised(split, source.sequence) if split.train_images.is_floating_point() else split
    return _in_units(split) if source.target else split


def _divided(run, data_set):
    images, labels = data_set.train_images[: run.train_images], data_set.train_labels[: run.train_images]
    tested = data_set.test_images[: run.test_images], data_set.test_labels[: run.test_images]
    try:
        if run.fold is not None:
            kept, left = _fold(SOURCES[run.dataset], labels, run.fold)
            tested, kept = (images[left], labels[left]), kept[: run.part]
            images, labels = images[kept], labels[kept]
        if not run.validation_images:
            return Parts(images, labels, images[:0], labels[:0], *tested)
        kept, held = _by_class(labels, run.validation_images, run.seed)
    except ValueError as error:
        raise UserError(f"{run.train_images} images cannot be divided by class ({error}); give more train_images.") from error
    return Parts(images[kept], labels[kept], images[held], labels[held], *tested)


def _standardised(split, sequence):
    from sklearn.preprocessing import StandardScaler  # here, since it takes two seconds to import and few runs need it

    shape = split.train_images.shape[-1:] if sequence else split.train_images.shape[1:]
    scaler = StandardScaler().fit(split.train_images.reshape(-1, shape.numel()).cpu())
    mean, scale = (torch.from_numpy(of).to(split.train_images).view(shape) for of in (scaler.mean_, scaler.scale_))
    images = ("train_images", "held_images", "test_images")
    return split._replace(**{name: (getattr(split, name) - mean) / scale for name in images})


def _in_units(split):
    labels = split.train_labels.double()
    mean, unit = labels.mean(), labels.std(correction=0)
    if not unit > 0:
        raise UserError("the labels to train on are all the same number; give more train_images.")
    names = ["train_labels", "held_labels", "test_labels"] + ["naive"] * (split.naive is not None)
    scaled = {name: ((getattr(split, name).double() - mean) / unit).to(split.train_labels) for name in names}
    return split._replace(**scaled, unit=unit.item())


def _fold(source, labels, fold):
    from sklearn import model_selection  # here, since it takes two seconds to import and few runs need it

    if source.series:
        folds = model_selection.TimeSeriesSplit(FOLDS)
    elif source.numeric:
        folds = model_selection.KFold(FOLDS, shuffle=True, random_state=0)
    else:
        folds = model_selection.StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return list(folds.split(np.zeros(len(labels)), labels.cpu()))[fold - 1]


def _by_class(labels, count, seed):
    from sklearn.model_selection import train_test_split

    kept, held = train_test_split(np.arange(len(labels)), test_size=count, stratify=labels.cpu(), random_state=seed % 2**32)
    return np.sort(kept), np.sort(held)
