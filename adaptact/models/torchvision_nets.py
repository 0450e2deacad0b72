"""Two of torchvision's networks for small images: MobileNetV2 and GoogLeNet, with other activations in every place."""

import torch
from torch import nn

from ..activations import convert


def mobilenet(in_shape, activation, num_classes=10):
    """MobileNetV2 of torchvision without its last halving.

    It halves an image five times, which leaves a single place of 32 x 32 pixels; without the last of these, between 96 and 160
    channels, it ends as 2 x 2. All else is torchvision's: widths, batch norm, dropout of 0.2, and how weights start.
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
    from torchvision.models import mobilenet_v2  # here, since it takes three seconds to import and few runs need it

    model = mobilenet_v2(weights=None, num_classes=num_classes)
    stem = model.features[0]
    if in_shape[0] != 3:
        stem[0] = nn.Conv2d(in_shape[0], stem[0].out_channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(stem[0].weight, mode="fan_out")
    depthwise = model.features[14].conv[1][0]
    depthwise.stride = (1, 1)
    return convert(model, "relu6", activation, torch.zeros(2, *in_shape))


def googlenet(in_shape, activation, num_classes=10):
    """GoogLeNet of torchvision without its auxiliary outputs and without its second pooling.

    It halves an image five times, which leaves a single place of 32 x 32 pixels; without the second pooling the inception modules
    see 8 x 8, 4 x 4 and 2 x 2. All else is torchvision's: widths, batch norm, dropout of 0.2, and how weights start.
    Which GoogLeNet the APALU paper uses, and how it fits it to small images, is not in the text available to us.

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
    from torchvision import models  # here, since it takes three seconds to import and few runs need it

    model = models.googlenet(weights=None, num_classes=num_classes, aux_logits=False, init_weights=True)
    if in_shape[0] != 3:
        model.conv1.conv = nn.Conv2d(in_shape[0], 64, 7, stride=2, padding=3, bias=False)
        nn.init.trunc_normal_(model.conv1.conv.weight, std=0.01, a=-2, b=2)  # as torchvision draws all others
    model.maxpool2 = nn.Identity()
    return convert(model, "relu", activation, torch.zeros(2, *in_shape))
