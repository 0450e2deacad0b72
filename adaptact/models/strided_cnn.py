"""A small network of two convolutions, which take every second position, and two dense layers."""

from torch import nn


class StridedCNN(nn.Module):
    """Two convolutions and two dense layers with an activation after each but the last.

    The weighted-sum paper tells no more of its network than this, and names no pooling. Channels, kernels, strides and width
    are our choice, so small that thirty epochs of MNIST take minutes on a CPU.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    fc_width : int, default 64
        Units of the hidden dense layer.

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. The softmax is inside the loss. On 28 x 28 pixels it has
    20,522 weights with biases, and three sites of 1,152, 256 and 64 neurons.

    References
    ----------
    Bansal (2022), section 2, arXiv 2202.12065.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, fc_width=64):
        super().__init__()
        channels, rows, columns = in_shape
        self.conv1 = nn.Conv2d(channels, 8, 5, stride=2)
        rows, columns = (rows - 3) // 2, (columns - 3) // 2
        self.act1 = activation((8, rows, columns))
        self.conv2 = nn.Conv2d(8, 16, 5, stride=2)
        rows, columns = (rows - 3) // 2, (columns - 3) // 2
        self.act2 = activation((16, rows, columns))
        self.fc1 = nn.Linear(16 * rows * columns, fc_width)
        self.act3 = activation((fc_width,))
        self.fc2 = nn.Linear(fc_width, num_classes)

    def forward(self, x):
        x = self.act2(self.conv2(self.act1(self.conv1(x))))
        return self.fc2(self.act3(self.fc1(x.flatten(1))))
