"""A plain stack of dense layers, of any depth: for tables, and for what depth does to gradients."""

from torch import nn


class MLP(nn.Module):
    """Hidden dense layers of equal width, an activation after each, and a dense layer for the classes.

    Parameters
    ----------
    in_shape : tuple of int
        Of a sample, which is flattened.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module for it.
    num_classes : int, default 10
    depth : int, default 2
        Hidden layers, and so activation sites.
    fc_width : int, default 64
        Units of each.

    Notes
    -----
    Input ``(N, *in_shape)``, output ``(N, num_classes)`` logits. The softmax is inside the loss.
    """

    def __init__(self, in_shape, activation, num_classes=10, *, depth=2, fc_width=64):
        super().__init__()
        units, self.depth = 1, depth
        for size in in_shape:
            units *= size
        for number in range(1, depth + 1):
            self.add_module(f"fc{number}", nn.Linear(units, fc_width))
            self.add_module(f"act{number}", activation((fc_width,)))
            units = fc_width
        self.add_module(f"fc{depth + 1}", nn.Linear(units, num_classes))

    def forward(self, x):
        x = x.flatten(1)
        for number in range(1, self.depth + 1):
            x = getattr(self, f"act{number}")(getattr(self, f"fc{number}")(x))
        return getattr(self, f"fc{self.depth + 1}")(x)
