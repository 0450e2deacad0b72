"""torchvision's residual networks with other activations in every place: classifiers, and extractors of features."""

import torch
from torch import nn

from ..activations import convert

WIDTHS = (64, 128, 256)  # channels of the features of the first three stages, at 1/4, 1/8 and 1/16 of the image's size


def resnet(in_shape, activation, num_classes=10, *, blocks):
    """A residual network of torchvision, of basic blocks.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    blocks : int
        In each of the four stages; two make ResNet-18, one makes what is called ResNet-10.

    Returns
    -------
    torch.nn.Module
        With an activation site after the first convolution, and two in each block.

    References
    ----------
    He et al. (2016), arXiv 1512.03385.
    """
    from torchvision.models.resnet import BasicBlock, ResNet  # here, since it takes three seconds and few runs need it

    model = ResNet(BasicBlock, [blocks] * 4, num_classes=num_classes)
    if in_shape[0] != 3:
        model.conv1 = nn.Conv2d(in_shape[0], 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision draws all others
    return convert(model, "relu", activation, torch.zeros(2, *in_shape))


def features(model, x):
    """What the first three stages of a residual network make of images.

    Parameters
    ----------
    model : torch.nn.Module
        From `resnet`.
    x : torch.Tensor
        ``(N, channels, rows, columns)``, as the model takes it.

    Returns
    -------
    list of torch.Tensor
        ``(N, 64, rows / 4, columns / 4)``, then twice the channels at half the size, twice.
    """
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    found = []
    for stage in (model.layer1, model.layer2, model.layer3):
        x = stage(x)
        found.append(x)
    return found
