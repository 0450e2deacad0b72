"""KerasNet, the small CIFAR-10 network of the old Keras examples, as the LEAF paper's released code has it."""

from torch import nn


class KerasNet(nn.Module):
    """Four convolutions and two dense layers with five activation sites and dropout.

    Parameters
    ----------
    in_shape : tuple of int
        ``(channels, rows, columns)`` of an input image.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    conv_dropout : {"channel", "element"}, default "channel"
        Whether the dropout of 0.25 after each pair of convolutions drops whole channels (the LEAF code) or single
        elements (the Keras original).
    fc_dropout : float, default 0.2
        Dropout before the last layer. The LEAF code has 0.2; its docstring and the Keras original say 0.5.
    fc_width : int, default 512
        Units of the hidden dense layer.

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. All layers have biases.

    References
    ----------
    Bodyanskiy and Kostiuk (2023), section IV and Fig. 3, doi 10.47839/ijc.22.3.3225.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, conv_dropout="channel", fc_dropout=0.2, fc_width=512):
        super().__init__()
        dropout = {"channel": nn.Dropout2d, "element": nn.Dropout}[conv_dropout]
        channels, rows, columns = in_shape
        self.conv1 = nn.Conv2d(channels, 32, 3, padding=1)
        self.act1 = activation((32, rows, columns))
        self.conv2 = nn.Conv2d(32, 32, 3)
        rows, columns = rows - 2, columns - 2
        self.act2 = activation((32, rows, columns))
        self.pool1, self.drop1 = nn.MaxPool2d(2), dropout(0.25)
        rows, columns = rows // 2, columns // 2
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.act3 = activation((64, rows, columns))
        self.conv4 = nn.Conv2d(64, 64, 3)
        rows, columns = rows - 2, columns - 2
        self.act4 = activation((64, rows, columns))
        self.pool2, self.drop2 = nn.MaxPool2d(2), dropout(0.25)
        self.fc1 = nn.Linear(64 * (rows // 2) * (columns // 2), fc_width)
        self.act5 = activation((fc_width,))
        self.drop3 = nn.Dropout(fc_dropout)
        self.fc2 = nn.Linear(fc_width, num_classes)

    def forward(self, x):
        x = self.act2(self.conv2(self.act1(self.conv1(x))))
        x = self.drop1(self.pool1(x))
        x = self.act4(self.conv4(self.act3(self.conv3(x))))
        x = self.drop2(self.pool2(x))
        return self.fc2(self.drop3(self.act5(self.fc1(x.flatten(1)))))
