"""The papers' networks and recurrent ones, built with an activation factory: a fresh activation at every site."""

import math
from collections.abc import Callable
from functools import partial

import torch

from ..errors import choose
from .flow import Flow
from .kerasnet import KerasNet
from .lenet5 import LeNet5
from .mlp import MLP
from .mopgru import MOPGRU
from .pltanh_cnns import DeepCNN, SimpleCNN
from .recurrent import GRU, LSTM
from .resnet import resnet
from .strided_cnn import StridedCNN
from .student import Student
from .svdd_lenet import SVDDLeNet
from .torchvision_nets import googlenet, mobilenet

MODELS: dict[str, Callable] = {
    "lenet5": LeNet5,
    "kerasnet": KerasNet,
    "strided_cnn": StridedCNN,
    "simple_cnn": SimpleCNN,
    "deep_cnn": DeepCNN,
    "mlp": MLP,
    "mobilenet": mobilenet,
    "googlenet": googlenet,
    "resnet10": partial(resnet, blocks=1),
    "resnet18": partial(resnet, blocks=2),
    "student": Student,
    "flow": Flow,
    "svdd_lenet": SVDDLeNet,
    "svdd_lenet_biased": partial(SVDDLeNet, biased=True),
    "gru": GRU,
    "lstm": LSTM,
    "gru_gates": partial(GRU, gates=True),
    "lstm_gates": partial(LSTM, gates=True),
    "mopgru": MOPGRU,
    "mopgru_logits": partial(MOPGRU, on_logits=True),
}


def build(name, in_shape, activation, num_classes=10, **options):
    """A network by name, with weights that do not depend on the activation.

    Parameters
    ----------
    name : str
        A key of `MODELS`.
    in_shape : tuple of int
        ``(channels, rows, columns)``.
    activation : callable
        Given the shape of one sample at a site, returns a fresh activation module. The gates of ``gru_gates`` and
        ``lstm_gates`` also ask it for ``init="sigmoid"``.
    num_classes : int, default 10
    **options
        The network's own, such as `fc_dropout`.

    Returns
    -------
    torch.nn.Module
        With torch's default initial weights, drawn from torch's global generator, and ``neurons``, how many outputs its
        activations have for one image.

    Raises
    ------
    UserError
        If the name is unknown, or a trainable activation is asked to be a gate and cannot start as the sigmoid.

    Examples
    --------
    >>> build("lenet5", (1, 28, 28), lambda shape: torch.nn.ReLU())(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    shapes = []

    def isolated(shape, **asked):
        shapes.append(shape)
        # An activation that starts at random must not shift the weights drawn after it: runs of a seed are paired.
        with torch.random.fork_rng(devices=[]):
            return activation(shape, **asked)

    model = MODELS[choose("model", name, MODELS)](tuple(in_shape), isolated, num_classes, **options)
    model.neurons = sum(math.prod(shape) for shape in shapes)
    return model


__all__ = [
    "GRU", "LSTM", "MLP", "MODELS", "MOPGRU", "DeepCNN", "Flow", "KerasNet", "LeNet5", "SVDDLeNet", "SimpleCNN", "StridedCNN",
    "Student", "build", "googlenet", "mobilenet", "resnet",
]  # fmt: skip
