"""Activations by name, so that a Run, a notebook parameter, or the command line can ask for one."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from ..errors import UserError, choose

GRANULARITIES = ("neuron", "channel", "layer")


@dataclass(frozen=True)
class Facts:
    """What is known of an activation as it starts, each of which the battery holds it to. None: not declared.

    Parameters
    ----------
    title : str
        How it is written in a text.
    formula : str
        LaTeX, a function of x.
    source : str
        Where it comes from, with a DOI or arXiv number.
    range : tuple of float
        Infimum and supremum of its values.
    monotone : bool
        Whether it never decreases.
    at_zero : float
        Its value at zero.
    kinks : tuple of float
        Where its slope jumps; it is differentiable everywhere else.
    saved : int
        Bytes kept for the backward pass for each float32 element of the input, parameters apart.
    function : callable
        The functional form, ``function(x, *values)``, with what the module's `values` gives, in that order.
    derivatives : callable
        ``derivatives(x, *values)`` gives closed forms with respect to `x` and each value, written down apart from the formula.
    """

    title: str | None = None
    formula: str | None = None
    source: str | None = None
    range: tuple | None = None
    monotone: bool | None = None
    at_zero: float | None = None
    kinks: tuple | None = None
    saved: int | None = None
    function: Callable | None = None
    derivatives: Callable | None = None


@dataclass(frozen=True)
class _Entry:
    target: Callable
    granularities: tuple
    preset: dict = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)

    @property
    def options(self):
        """The names of the options that the target takes; none for a plain function."""
        return tuple(inspect.signature(self.target).parameters) if inspect.isclass(self.target) else ()


BUILT_IN: set[str] = set()  # the names of this package's own
_REGISTRY: dict[str, _Entry] = {}


def register(name, *, granularities=None, preset=None, facts=None):
    """Decorator that makes an activation known under `name`.

    Parameters
    ----------
    name : str
        Free, of lower-case letters, digits and underscores: it becomes a part of file names.
    granularities : tuple of str, optional
        What may have parameters of its own, the usual one first. By default all of ``neuron``, ``channel``, ``layer`` for
        a class that takes `num_parameters`, else none: a fixed function.
    preset : dict, optional
        Options that the class is given unless `make` is told otherwise.
    facts : Facts, optional
        What the battery is to check.

    Returns
    -------
    callable
        Takes a function of one tensor, or an `nn.Module` class. A class that takes `num_parameters` is trainable:
        it is given 1, the channels, or a sample's shape, and may take `init` and other options by keyword.

    Raises
    ------
    UserError
        If another activation has that name, or it has other characters.

    Examples
    --------
    >>> import torch
    >>> @register("doc_square")
    ... def square(x):
    ...     return x * x
    >>> make("doc_square", (4,))(torch.tensor([3.0]))
    tensor([9.])
    """

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"{name!r} is no name for an activation: give lower-case letters, digits and underscores, such as my_tanh.")

    def add(target):
        old = _REGISTRY.get(name)
        # Running a notebook cell twice makes a new object under the same qualified name: that is no clash.
        if old is not None and _identity(old.target) != _identity(target):
            raise UserError(f"an activation named {name!r} is registered already; choose a free name.")
        allowed = granularities
        if allowed is None:
            trainable = inspect.isclass(target) and "num_parameters" in inspect.signature(target).parameters
            allowed = GRANULARITIES if trainable else ()
        _REGISTRY[name] = _Entry(target, tuple(allowed), preset or {}, facts or Facts())
        return target

    return add


def names():
    """The names of all registered activations, in order of registration.

    Returns
    -------
    list of str
    """
    return list(_REGISTRY)


def is_trainable(name):
    """Whether the activation `name` has parameters of its own.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    bool

    Raises
    ------
    UserError
        If the name is unknown.
    """
    return bool(granularities(name))


def granularities(name):
    """What may have parameters of its own in the activation `name`, the usual one first; empty for a fixed function.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    tuple of str
        Some of `GRANULARITIES`.

    Raises
    ------
    UserError
        If the name is unknown.
    """
    return _entry(name).granularities


def facts(name):
    """The declared `Facts` of the activation `name`.

    Parameters
    ----------
    name : str
        A registered activation.

    Returns
    -------
    Facts
        All None where nothing was declared.

    Raises
    ------
    UserError
        If the name is unknown.
    """
    return _entry(name).facts


def custom():
    """The activations that are not this package's own, by name, in a form that `restore` takes in another process.

    Returns
    -------
    dict of str to object
    """
    return {name: entry for name, entry in _REGISTRY.items() if name not in BUILT_IN}


def restore(entries):
    """Register what `custom` gave, as a worker process does that has not run the user's code.

    Parameters
    ----------
    entries : dict of str to object
        From `custom`. What is registered under these names already is replaced.
    """
    _REGISTRY.update(entries)  # a worker outlives a sweep, and the user may have changed the code since


class _Plain(nn.Module):
    """A module around a plain function, so that every site is an object of its own."""

    def __init__(self, function, name):
        super().__init__()
        self.function, self.name = function, name

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.name


def make(name, shape, *, granularity=None, **options):
    """A fresh activation for one site of a network.

    Parameters
    ----------
    name : str
        A registered activation.
    shape : tuple of int
        The shape of one sample at that site: ``(channels, rows, columns)`` or ``(features,)``.
    granularity : {"neuron", "channel", "layer"}, optional
        What has parameters of its own. By default neuron where the function allows it. Fixed functions ignore it.
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
    entry, shape = _entry(name), tuple(shape)
    if granularity is not None:
        choose("granularity", granularity, entry.granularities or GRANULARITIES)
    if not inspect.isclass(entry.target):
        if options:
            raise UserError(f"activation {name!r} is a plain function and takes no options, but got: {', '.join(options)}.")
        module: nn.Module = _Plain(entry.target, name)
    else:
        for option in options:
            choose(f"option of activation {name!r}", option, entry.options)
        options = {**entry.preset, **options}
        if "num_parameters" in entry.options:
            granularity = granularity or (entry.granularities or ("layer",))[0]
            if isinstance(start := options.get("init"), tuple) and len(start) == 1 and entry.target is nn.PReLU:
                options["init"] = start[0]  # torch's takes a number where those of this package take a list
            options["num_parameters"] = {"layer": 1, "channel": shape[0], "neuron": shape}[granularity]
        module = entry.target(**options)
    module.is_activation = True
    return module


def _entry(name):
    return _REGISTRY[choose("activation", name, _REGISTRY)]


def _identity(target):
    return target.__module__, target.__qualname__
