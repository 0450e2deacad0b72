"""The student of a knowledge distillation: a small network that is to make the features of a large one."""

from torch import nn

from .resnet import WIDTHS

NARROW = 16  # channels inside a stage, as in the smaller cloner network of the method's released code


class Student(nn.Module):
    """Three stages of narrow convolutions, each ending with as many channels as the teacher's has.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)``; rows and columns divisible by 16.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int
        Ignored: there are none.

    Notes
    -----
    Input ``(N, *in_shape)``, output a list of three tensors, shaped as those of `adaptact.models.resnet.features`. Ten activation
    sites. Nothing has a bias but batch norm, which the last convolution of a stage does without.

    References
    ----------
    Salehi et al. (2021), Multiresolution Knowledge Distillation for Anomaly Detection, arXiv 2011.11108. Its student follows
    VGG-16; this one has the same narrow stages at the sizes of a residual network's.
    """

    def __init__(self, in_shape, activation, num_classes=None):
        super().__init__()
        channels, rows, columns = in_shape
        size = (rows // 2, columns // 2)
        self.stem = _block(channels, NARROW, 2, activation, size)
        self.stages = nn.ModuleList()
        width = NARROW
        for out in WIDTHS:
            size = (size[0] // 2, size[1] // 2)
            last = nn.Sequential(nn.Conv2d(NARROW, out, 3, padding=1, bias=False), activation((out, *size)))
            narrow = [_block(width, NARROW, 2, activation, size), _block(NARROW, NARROW, 1, activation, size)]
            self.stages.append(nn.Sequential(*narrow, last))
            width = out

    def forward(self, x):
        x, found = self.stem(x), []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found


def _block(channels, out, stride, activation, size):
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(out), activation((out, *size))
    )
