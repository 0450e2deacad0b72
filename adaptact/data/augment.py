"""The LEAF paper's augmentation, drawn and applied in batches: a horizontal flip and an integer shift for each image."""

import torch
import torch.nn.functional as F

SHIFT = 0.1  # of the image's size, each way


def draw(count, in_shape, generator):
    """Random flips and shifts for `count` images.

    Parameters
    ----------
    count : int
    in_shape : tuple of int
        ``(channels, rows, columns)``.
    generator : torch.Generator
        On the CPU, so that a seed gives the same draws whatever device applies them.

    Returns
    -------
    flips : torch.Tensor
        bool, ``(count,)``, true with probability one half.
    shifts : torch.Tensor
        int64, ``(count, 2)``, rows down and columns right: ``round(uniform(-0.1 size, 0.1 size))``. This is not uniform
        over the integers: at 28 pixels the outermost shifts, 3 and -3, have a probability of 0.054 each.
    """
    flips = torch.rand(count, generator=generator) < 0.5
    size = torch.tensor(in_shape[1:], dtype=torch.float32)
    shifts = (torch.rand(count, 2, generator=generator) * 2 - 1) * SHIFT * size
    return flips, shifts.round().long()


def apply(images, flips, shifts):
    """Flip, then shift, with zeros where the shift leaves nothing.

    Parameters
    ----------
    images : torch.Tensor
        ``(N, channels, rows, columns)``, any dtype and device.
    flips, shifts : torch.Tensor
        From `draw`, on the same device.

    Returns
    -------
    torch.Tensor
        As `images`.
    """
    count, channels, rows, columns = images.shape
    margin = round(SHIFT * max(rows, columns))
    padded = F.pad(images, (margin,) * 4)
    row = torch.arange(rows, device=images.device) - shifts[:, :1]
    column = torch.arange(columns, device=images.device) - shifts[:, 1:]
    column = torch.where(flips[:, None], columns - 1 - column, column)
    width = columns + 2 * margin
    source = ((row + margin)[:, :, None] * width + (column + margin)[:, None, :]).view(count, 1, -1)
    return padded.flatten(2).gather(2, source.expand(-1, channels, -1)).view(images.shape)
