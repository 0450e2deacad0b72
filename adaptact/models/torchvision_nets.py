"""Two of torchvision's networks for small images: MobileNetV2 and GoogLeNet, with other activations in every place."""

import torch
import torchvision
from torch import nn

from ..activations import convert


def mobilenet(in_shape, activation, num_classes=10):
    """MobileNetV2 of torchvision, whose first convolution keeps the size of the image.

    The network for 224 x 224 pixels halves an image five times, to nothing much where it has 28 or 32; without the first
    halving a 32 x 32 image ends as 2 x 2. All else is torchvision's: widths, batch norm, dropout of 0.2, and how weights start.
    Which MobileNet the APALU paper uses, and how it fits it to small images, is not in the text available to us.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10

    Returns
    -------
    torch.nn.Module
        With 35 activation sites, where torchvision has ReLU6.

    References
    ----------
    Sandler et al. (2018), arXiv 1801.04381.
    """
    model = torchvision.models.mobilenet_v2(weights=None, num_classes=num_classes)
    stem = model.features[0]
    stem[0] = nn.Conv2d(in_shape[0], stem[0].out_channels, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(stem[0].weight, mode="fan_out")
    return convert(model, "relu6", activation, torch.zeros(2, *in_shape))


def googlenet(in_shape, activation, num_classes=10):
    """GoogLeNet of torchvision without its auxiliary outputs, whose first convolution is of 3 x 3 and keeps the size of the image.

    All else is torchvision's: its widths, batch norm, dropout of 0.2, and how weights start. Which GoogLeNet the APALU paper
    uses, and how it fits it to small images, is not in the text available to us.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10

    Returns
    -------
    torch.nn.Module
        With 57 activation sites, one after each convolution.

    References
    ----------
    Szegedy et al. (2015), arXiv 1409.4842.
    """
    model = torchvision.models.googlenet(weights=None, num_classes=num_classes, aux_logits=False, init_weights=True)
    model.conv1.conv = nn.Conv2d(in_shape[0], model.conv1.conv.out_channels, 3, padding=1, bias=False)
    nn.init.trunc_normal_(model.conv1.conv.weight, std=0.01, a=-2, b=2)  # as torchvision draws all others
    return convert(model, "relu", activation, torch.zeros(2, *in_shape))
