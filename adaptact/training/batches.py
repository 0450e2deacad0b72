"""Mini-batches: their order, their augmentation, and where all random numbers of an epoch come from."""

import numpy as np
import torch

from .. import data

EVALUATION_BATCH = 256  # per-neuron LEAF in batches of 1,000 took half of a KerasNet epoch's time on a CPU


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
    generator = torch.Generator().manual_seed(entropy(run.seed, epoch, "batches"))
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


def entropy(seed, epoch, purpose):
    """A 63-bit seed for one purpose in one epoch, unrelated to that of any other."""
    words = np.random.SeedSequence([seed, epoch, *purpose.encode()]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
