"""LeNet-5 as the LEAF paper's released code has it: two convolutions without bias, two dense layers."""

from torch import nn


class LeNet5(nn.Module):
    """Caffe's LeNet-5 with three activation sites.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    fc_width : int, default 500
        Units of the hidden dense layer.

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. The softmax is inside the loss. Each activation
    stands before its pooling, so a per-neuron activation has one parameter set a convolution output.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), section IV and Fig. 2, doi 10.47839/ijc.22.3.3225; biases as in the released code.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, fc_width=500):
        super().__init__()
        channels, rows, columns = in_shape
        self.conv1 = nn.Conv2d(channels, 20, 5, bias=False)
        rows, columns = rows - 4, columns - 4
        self.act1 = activation((20, rows, columns))
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(20, 50, 5, bias=False)
        rows, columns = rows // 2 - 4, columns // 2 - 4
        self.act2 = activation((50, rows, columns))
        self.pool2 = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(50 * (rows // 2) * (columns // 2), fc_width)
        self.act3 = activation((fc_width,))
        self.fc2 = nn.Linear(fc_width, num_classes, bias=False)

    def forward(self, x):
        x = self.pool1(self.act1(self.conv1(x)))
        x = self.pool2(self.act2(self.conv2(x)))
        return self.fc2(self.act3(self.fc1(x.flatten(1))))
