"""The network of One-Class Deep SVDD on MNIST, with the decoder that it is pretrained with."""

import torch.nn.functional as F
from torch import nn

from ..errors import UserError

REPRESENTATION = 32


class SVDDLeNet(nn.Module):
    """Two convolutions and a dense layer to 32 numbers, the encoder; and back, the decoder of the pretraining.

    Nothing has a bias, and batch norm no scale or shift of its own: with a bias the encoder could send every image to the centre of
    the sphere by constants alone, which the method calls a collapse (Ruff et al. 2018, propositions 1 to 3).

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, 28, 28)``.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int
        Ignored: there are none.
    biased : bool, default False
        Give every layer a bias and batch norm its scale and shift, to show the collapse.

    Raises
    ------
    UserError
        If images are not of 28 x 28.

    Notes
    -----
    Input ``(N, *in_shape)``. Output of the network the reconstruction, of the same shape and between 0 and 1; of its ``encoder``
    ``(N, 32)``. Five activation sites, three of them in the decoder.

    References
    ----------
    Ruff et al. (2018), Deep One-Class Classification, and the released code.
    """

    def __init__(self, in_shape, activation, num_classes=None, *, biased=False):
        super().__init__()
        if tuple(in_shape[1:]) != (28, 28):
            raise UserError(f"svdd_lenet takes images of 28 x 28, and these are {in_shape[1]} x {in_shape[2]}.")
        self.encoder = _Encoder(in_shape[0], activation, biased)
        self.decoder = _Decoder(in_shape[0], activation, biased)

    def forward(self, x):
        return self.decoder(self.encoder(x))


class _Encoder(nn.Module):
    def __init__(self, channels, activation, biased):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 8, 5, padding=2, bias=biased)
        self.norm1 = nn.BatchNorm2d(8, eps=1e-4, affine=biased)
        self.act1 = activation((8, 28, 28))
        self.conv2 = nn.Conv2d(8, 4, 5, padding=2, bias=biased)
        self.norm2 = nn.BatchNorm2d(4, eps=1e-4, affine=biased)
        self.act2 = activation((4, 14, 14))
        self.fc1 = nn.Linear(4 * 7 * 7, REPRESENTATION, bias=biased)

    def forward(self, x):
        x = F.max_pool2d(self.act1(self.norm1(self.conv1(x))), 2)
        x = F.max_pool2d(self.act2(self.norm2(self.conv2(x))), 2)
        return self.fc1(x.flatten(1))


class _Back(nn.ConvTranspose2d):
    """A transposed convolution of stride 1, computed as the convolution that it is: several times as fast on a CPU."""

    def forward(self, x):
        padding = self.kernel_size[0] - 1 - self.padding[0]
        return F.conv2d(x, self.weight.flip(2, 3).transpose(0, 1), self.bias, padding=padding)


class _Decoder(nn.Module):
    def __init__(self, channels, activation, biased):
        super().__init__()
        self.act3 = activation((2, 4, 4))
        self.deconv1 = _Back(2, 4, 5, padding=2, bias=biased)
        self.norm1 = nn.BatchNorm2d(4, eps=1e-4, affine=biased)
        self.act4 = activation((4, 8, 8))
        self.deconv2 = _Back(4, 8, 5, padding=3, bias=biased)
        self.norm2 = nn.BatchNorm2d(8, eps=1e-4, affine=biased)
        self.act5 = activation((8, 14, 14))
        self.deconv3 = _Back(8, channels, 5, padding=2, bias=biased)

    def forward(self, x):
        x = F.interpolate(self.act3(x.view(-1, 2, 4, 4)), scale_factor=2)
        x = F.interpolate(self.act4(self.norm1(self.deconv1(x))), scale_factor=2)
        x = F.interpolate(self.act5(self.norm2(self.deconv2(x))), scale_factor=2)
        return self.deconv3(x).sigmoid()
