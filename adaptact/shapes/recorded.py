"""Learned shapes of any activation, read from records: the functions that the units followed there start as and become.

Record -> units -> adaptact.shapes.measures (of each), adaptact.shapes.comparisons (of several), adaptact.shapes.figures -> the page
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from ..activations import Adaptive, WeightedSum, facts, make, weighted_sum
from ..errors import UserError

WITHIN = 4  # points in each bin of a histogram of inputs: its counts are spread evenly over them
BINS = 200  # of inputs that are pooled


def evaluate(name, values, x, **options):
    """A trainable activation with the values that a record keeps of it.

    Parameters
    ----------
    name : str
        A registered activation: this package's, torch's PReLU, or one's own, a class.
    values : dict of str to float
        As `adaptact.training.inspection.sites` names them: what `Adaptive.learned` gives, else the parameters.
    x : torch.Tensor
        ``(n,)``; it is taken as float64.
    **options
        As for `adaptact.activations.make`.

    Returns
    -------
    torch.Tensor
        ``(n,)``, float64, detached.

    Raises
    ------
    UserError
        If the activation has no such values, or none that a formula or its parameters can take.
    """
    return _applied(_made(name, options), name, values, x)


def _made(name, options):
    with torch.random.fork_rng(devices=[]):  # one that starts at random must not move the caller's numbers
        return make(name, (1,), **options).double().eval()


@torch.no_grad()
def _applied(module, name, values, x):
    own, x = dict(module.named_parameters()), x.double()
    known = module.values() if isinstance(module, Adaptive) else own
    if unknown := sorted(values.keys() - known.keys() - own.keys()):
        raise UserError(f"{name} has no {', '.join(unknown)}; choose from: {', '.join(known) or 'nothing, it is fixed'}.")
    if values.keys() <= own.keys():
        if several := [label for label in values if own[label].numel() > 1]:
            raise UserError(f"{name} has {several[0]} of several numbers for one unit, of which a record keeps single ones.")
        state = {label: torch.full_like(own[label], value) for label, value in values.items()}
        return torch.func.functional_call(module, state, (x[:, None],))[:, 0]
    given = [torch.tensor(values.get(label, value.item()), dtype=x.dtype) for label, value in known.items()]
    if isinstance(module, WeightedSum):  # its formula depends on its options
        return weighted_sum(x, torch.stack(given), module.functions)
    if facts(name).function is None:
        raise UserError(f"{name} makes {', '.join(known)} from its parameters: register it with facts=Facts(function=...).")
    return facts(name).function(x, *given)


@dataclass(frozen=True)
class Unit:
    """One parameter set that a record follows: a neuron's, a channel's, or a layer's.

    Parameters
    ----------
    site : str
        Where in the network.
    place : int
        Its place in the site, flattened.
    start, learned : callable
        Of a tensor ``(n,)``.
    x, weight : numpy.ndarray or None
        Points where its inputs are when it is trained, and how much of them is there, in all 1; None where that is not recorded.
    """

    site: str
    place: int
    start: Callable
    learned: Callable
    x: np.ndarray | None
    weight: np.ndarray | None


def units(record, look=-1):
    """What a record follows at each of its activations.

    Parameters
    ----------
    record : Record
    look : int, default -1
        Which of the epochs that were looked at counts as learned: 0 is the start, -1 the end.

    Returns
    -------
    list of Unit
        Without those whose parameters are not all finite, as of a run that diverged; empty for a fixed function.
    """
    run, found = record.run, []
    options = dict(run.options) | ({"init": run.init} if run.init else {})
    module = _made(run.activation, options)
    for site, shape in record.shapes.items():
        if "path" in shape:
            first, last = ({name: rows[place][1:] for name, rows in shape["path"].items()} for place in (0, look))
        elif "sample" in shape:  # of the oldest records, which say of the start what all units have in common
            last = {name: values for name, values in shape["sample"].items() if name != "index"}
            first = {name: [shape["quantiles"][name][0][3]] * len(values) for name, values in last.items()}
        else:
            continue
        inputs, count = shape.get("inputs"), len(next(iter(last.values())))
        places = (inputs or shape.get("sample") or {"index": range(count)})["index"]
        for number in range(count):
            start, learned = ({name: values[number] for name, values in of.items()} for of in (first, last))
            if None not in (*start.values(), *learned.values()):
                before, after = (partial(_applied, module, run.activation, values) for values in (start, learned))
                found.append(Unit(site, places[number], before, after, *_inputs(inputs, number)))
    return found


def _inputs(inputs, number):
    if inputs is None or inputs["counts"][number] is None:
        return None, None
    counts = np.asarray(inputs["counts"][number], dtype=float)
    low, high = inputs["range"][number]
    edges = np.linspace(low, high, WITHIN * len(counts) + 1)
    return (edges[1:] + edges[:-1]) / 2, np.repeat(counts, WITHIN) / (WITHIN * counts.sum())


def spread(groups, edges):
    """The inputs of several groups of units taken together, each group having the same share.

    Parameters
    ----------
    groups : iterable of list of Unit
    edges : numpy.ndarray
        ``(n + 1,)``, of bins, rising.

    Returns
    -------
    numpy.ndarray
        ``(n,)``, how much falls into each bin; all 0 if no inputs are recorded.
    """
    total = np.zeros(len(edges) - 1)
    for group in groups:
        known = [unit for unit in group if unit.x is not None]
        for unit in known:
            # A unit's inputs are spread evenly within its bins; counting its points instead would leave gaps between them.
            below = np.interp(edges, _edges(unit), np.append(0, np.cumsum(unit.weight)))
            total += np.diff(below) / len(known)
    return total


def _edges(unit):
    half = (unit.x[1] - unit.x[0]) / 2
    return np.append(unit.x - half, unit.x[-1] + half)


def pooled(groups):
    """Where the inputs of several groups of units lie, taken together as by `spread`.

    Parameters
    ----------
    groups : list of list of Unit

    Returns
    -------
    x, weight : numpy.ndarray
        ``(n,)``, the middles of `BINS` bins over all but the outermost 0.2 % of them, and the share of each, in all 1; None,
        None if no inputs are recorded.
    """
    ends = [_edges(unit)[[0, -1]] for group in groups for unit in group if unit.x is not None]
    if not ends:
        return None, None
    edges = np.linspace(np.min(ends), np.max(ends), 20 * BINS + 1)
    share = np.cumsum(spread(groups, edges))
    first, last = np.searchsorted(share / share[-1], (0.001, 0.999))
    edges = np.linspace(edges[first], edges[last + 1], BINS + 1)
    weight = spread(groups, edges)
    return (edges[1:] + edges[:-1]) / 2, weight / weight.sum()
