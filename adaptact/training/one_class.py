"""Images for one-class training: those of the normal class to train on, and all test images, the others being anomalies."""

import torch

from ..errors import UserError


def one_class(run, data_set):
    """The images of a Deep SVDD Run, prepared as its authors' code does.

    Each image has its mean taken out and is divided by its mean absolute value (global contrast normalisation with the L1 norm).
    Then all are scaled alike, so that what is trained on lies between 0 and 1.

    Parameters
    ----------
    run : Run
        With the setting ``normal_class``; the first `train_images` of all classes are looked at.
    data_set : adaptact.data.DataSet

    Returns
    -------
    train_images, test_images : torch.Tensor
        float32. The test images, of all classes, may exceed 0 and 1.
    anomalous : torch.Tensor
        int64, 1 for each test image that is not of the normal class.

    Raises
    ------
    UserError
        If a class is missing, so that there is nothing to train on or to tell apart.

    References
    ----------
    Ruff et al. (2018), Deep One-Class Classification, section 4, and the released code.
    """
    normal = int(run.setting("normal_class"))
    mine = data_set.train_labels[: run.train_images] == normal
    anomalous = (data_set.test_labels[: run.test_images] != normal).long()
    if not mine.any() or anomalous.all() or not anomalous.any():
        raise UserError(f"class {normal} of {run.dataset} is missing among the images, or they have no other: give more of them.")
    train = _contrast(data_set.train_images[: run.train_images][mine])
    tested = _contrast(data_set.test_images[: run.test_images])
    low, high = train.min(), train.max()
    return (train - low) / (high - low), (tested - low) / (high - low), anomalous


def _contrast(images):
    flat = images.float().flatten(1) / 255
    flat = flat - flat.mean(1, keepdim=True)
    size = flat.abs().mean(1, keepdim=True)
    # An image of one colour has no contrast; it stays zero.
    return (flat / torch.where(size > 0, size, 1.0)).view(images.shape)
