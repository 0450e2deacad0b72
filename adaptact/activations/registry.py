"""Activations by name, so that a Run, a notebook parameter, or the command line can ask for one."""

import inspect

import torch
from torch import nn

from ..errors import UserError, choose

GRANULARITIES = ("layer", "channel", "neuron")
_REGISTRY = {}


def register(name):
    """Decorator that makes an activation known under `name`.

    Parameters
    ----------
    name : str
        Lower-case, free.

    Returns
    -------
    callable
        Takes a function of one tensor, or an `nn.Module` class. A class that takes `num_parameters` is trainable:
        it is given 1, the channels, or a sample's shape, and may take `init` and other options by keyword.

    Raises
    ------
    UserError
        If another activation has that name.

    Examples
    --------
    >>> @register("doc_square")
    ... def square(x):
    ...     return x * x
    >>> make("doc_square", (4,))(torch.tensor([3.0]))
    tensor([9.])
    """

    def add(target):
        old = _REGISTRY.get(name)
        # Running a notebook cell twice makes a new object under the same qualified name: that is no clash.
        if old is not None and (old.__module__, old.__qualname__) != (target.__module__, target.__qualname__):
            raise UserError(f"an activation named {name!r} is registered already; choose a free name.")
        _REGISTRY[name] = target
        return target

    return add


def names():
    """The names of all registered activations, in order of registration."""
    return list(_REGISTRY)


def is_trainable(name):
    """Whether the activation `name` has parameters of its own (it takes `num_parameters`)."""
    target = _REGISTRY[choose("activation", name, _REGISTRY)]
    return inspect.isclass(target) and "num_parameters" in inspect.signature(target).parameters


class _Plain(nn.Module):
    """A module around a plain function, so that every site is an object of its own."""

    def __init__(self, function, name):
        super().__init__()
        self.function, self.name = function, name

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.name


def make(name, shape, *, granularity="neuron", **options):
    """A fresh activation for one site of a network.

    Parameters
    ----------
    name : str
        A registered activation.
    shape : tuple of int
        The shape of one sample at that site: ``(channels, rows, columns)`` or ``(features,)``.
    granularity : {"layer", "channel", "neuron"}, default "neuron"
        What has parameters of its own. Fixed functions have none and ignore it.
    **options
        Passed on, such as ``init="tanh"``.

    Returns
    -------
    torch.nn.Module
        Never shared: the same object at two sites would silently share its parameters.

    Raises
    ------
    UserError
        If the name, the granularity, or an option is unknown.

    Examples
    --------
    >>> make("leaf", (20, 24, 24), granularity="channel", init="tanh").num_parameters
    (20,)
    """
    trainable = is_trainable(name)
    target = _REGISTRY[name]
    choose("granularity", granularity, GRANULARITIES)
    shape = tuple(shape)
    if trainable:
        options["num_parameters"] = {"layer": 1, "channel": shape[0], "neuron": shape}[granularity]
    if inspect.isclass(target):
        known = [option for option in inspect.signature(target).parameters if option != "self"]
        for option in options:
            choose(f"option of activation {name!r}", option, known)
        module = target(**options)
    elif options:
        raise UserError(f"activation {name!r} is a plain function and takes no options, but got: {', '.join(options)}.")
    else:
        module = _Plain(target, name)
    module.is_activation = True
    return module


@register("silu_manual")
def silu_manual(x):
    """x * sigmoid(x) written out, the SiLU that the LEAF paper's baselines use."""
    return x * torch.sigmoid(x)
