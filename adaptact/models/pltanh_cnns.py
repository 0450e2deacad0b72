"""The networks of the PLTanh experiments: a simple one for grey images, a deeper one with batch norm for colour images."""

from torch import nn


class SimpleCNN(nn.Module):
    """One convolution with 32 channels, pooling, and one dense layer; one activation site.

    This is the usage example in the PLTanh author's repository. That his experiments used it is our guess: the text available
    to us says no more than "simple".

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. The softmax is inside the loss.

    References
    ----------
    Mastromichalakis (2023), arXiv 2310.07720.
    """

    def __init__(self, in_shape, activation, num_classes=10):
        super().__init__()
        channels, rows, columns = in_shape
        self.conv1 = nn.Conv2d(channels, 32, 3)
        self.act1 = activation((32, rows - 2, columns - 2))
        self.pool1 = nn.MaxPool2d(2)
        self.fc1 = nn.Linear(32 * ((rows - 2) // 2) * ((columns - 2) // 2), num_classes)

    def forward(self, x):
        return self.fc1(self.pool1(self.act1(self.conv1(x))).flatten(1))


class DeepCNN(nn.Module):
    """Three blocks of convolution, activation, batch norm, pooling and dropout, then two dense layers.

    The text available to us says "deeper, with batch norm and dropout". The order within a block and the dropout of 0.1 are
    those of the author's examples for his earlier functions; channels, the dense layer, and a first stride of 2 for images of
    64 pixels or more are our choice.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    fc_width : int, default 128
        Units of the hidden dense layer.

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. Four activation sites.

    References
    ----------
    Mastromichalakis (2023), arXiv 2310.07720.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, fc_width=128):
        super().__init__()
        channels, rows, columns = in_shape
        stride = 2 if min(rows, columns) >= 64 else 1
        for number, width in enumerate((32, 64, 128), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(channels, width, 3, stride=stride, padding=1))
            rows, columns = (rows - 1) // stride + 1, (columns - 1) // stride + 1
            self.add_module(f"act{number}", activation((width, rows, columns)))
            self.add_module(f"norm{number}", nn.BatchNorm2d(width))
            self.add_module(f"pool{number}", nn.MaxPool2d(2))
            self.add_module(f"drop{number}", nn.Dropout(0.1))
            channels, rows, columns, stride = width, rows // 2, columns // 2, 1
        self.fc1 = nn.Linear(channels * rows * columns, fc_width)
        self.act4 = activation((fc_width,))
        self.drop4 = nn.Dropout(0.1)
        self.fc2 = nn.Linear(fc_width, num_classes)

    def forward(self, x):
        for number in (1, 2, 3):
            for kind in ("conv", "act", "norm", "pool", "drop"):
                x = getattr(self, f"{kind}{number}")(x)
        return self.fc2(self.drop4(self.act4(self.fc1(x.flatten(1)))))
