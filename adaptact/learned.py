"""How activations change while they learn, drawn from the shapes that a Record keeps."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from .plotting import COLOURS


def _neurons(sample):
    """The values of each neuron of a sample, as keyword arguments of the formula, and its place in the site."""
    names = [name for name in sample if name != "index"]
    return [
        (place, dict(zip(names, values, strict=True)))
        for place, *values in zip(sample["index"], *(sample[name] for name in names), strict=True)
    ]


def _density(axis, inputs, neuron, low, high):
    """Where a neuron's inputs are, as a grey shade at the foot of its panel; nothing for a record without histograms."""
    if inputs is None or inputs["counts"][neuron] is None:
        return
    first, last = inputs["range"][neuron]
    edges = np.linspace(first, last, len(inputs["counts"][neuron]) + 1)
    twin = axis.twinx()
    twin.stairs(inputs["counts"][neuron], edges, fill=True, color="#999999", alpha=0.45)
    twin.set(ylim=(0, 2.5 * max(inputs["counts"][neuron])), xlim=(low, high), yticks=[])
    twin.grid(False)
    twin.spines[:].set_visible(False)
    axis.set_zorder(twin.get_zorder() + 1)
    axis.patch.set_visible(False)


def draw_forms(record, function, start, low=-10.0, high=4.0):
    """A few neurons of each site: the form learned, the one it started as, and where its inputs are.

    Parameters
    ----------
    record : Record
    function : callable
        ``function(x, **parameters)``, such as `adaptact.functional.leaf`.
    start : callable
        The function of one tensor that they started as.
    low, high : float, default -10 and 4
        The inputs shown; those of the LEAF paper's figures 5, 7 and 8.

    Returns
    -------
    matplotlib.figure.Figure
        One row a site, one column a neuron. L is the number of the layer, F the neuron's place in it, flattened, from 0.
    """
    x = torch.linspace(low, high, 281)
    sites = list(record.shapes.values())
    count = max(len(shape["sample"]["index"]) for shape in sites)
    figure, axes = plt.subplots(len(sites), count, figsize=(8, 0.4 + 1.35 * len(sites)), sharex=True, squeeze=False)
    for row, (line, shape) in enumerate(zip(axes, sites, strict=True), start=1):
        for axis in line[len(shape["sample"]["index"]) :]:
            axis.set_visible(False)
        for number, (axis, (place, values)) in enumerate(zip(line, _neurons(shape["sample"]), strict=False)):
            _density(axis, shape.get("inputs"), number, low, high)
            begin = axis.plot(x, start(x), color="black", linestyle="--", linewidth=1)
            end = axis.plot(x, function(x, **values), color=COLOURS[0], linewidth=1.5)
            axis.set_title(f"L{row} F{place}", fontsize=7, pad=2)
            axis.tick_params(labelsize=6)
    figure.supxlabel("input $u$", fontsize=9)
    figure.legend([begin[0], end[0]], ["at the start", "learned"], loc="outside upper right", ncols=2, fontsize=8)
    return figure


def draw_quantiles(record):
    """How far each parameter of each site is from its start, by epoch: the median, the middle half, and all neurons.

    Parameters
    ----------
    record : Record

    Returns
    -------
    matplotlib.figure.Figure
        One row a parameter, one column a site.
    """
    names = list(next(iter(record.shapes.values()))["quantiles"])
    figure, axes = plt.subplots(
        len(names), len(record.shapes), figsize=(8, 0.4 + 1.45 * len(names)), sharex=True, sharey="row", squeeze=False
    )
    for column, (site, shape) in enumerate(record.shapes.items()):
        for axis, name in zip(axes[:, column], names, strict=True):
            epoch, least, quarter, median, three_quarters, most = np.array(shape["quantiles"][name], dtype=float).T
            least, quarter, median, three_quarters, most = (
                values - shape["quantiles"][name][0][3] for values in (least, quarter, median, three_quarters, most)
            )
            axis.fill_between(epoch, least, most, color=COLOURS[0], alpha=0.13, linewidth=0)
            axis.fill_between(epoch, quarter, three_quarters, color=COLOURS[0], alpha=0.4, linewidth=0)
            axis.plot(epoch, median, color=COLOURS[0], linewidth=1.5)
            axis.axhline(0, color="black", linestyle="--", linewidth=0.8)
            axis.tick_params(labelsize=7)
            if not column:
                axis.set_ylabel(f"change of {name}", fontsize=8)
        axes[0, column].set_title(f"site {site}", fontsize=9)
    figure.supxlabel("epoch", fontsize=9)
    return figure


def draw_path(record, function, site, panels=6):
    """Neurons of one site epoch by epoch, over the inputs that each of them has at the end.

    Parameters
    ----------
    record : Record
        One with a ``path``.
    function : callable
        As for `draw_forms`.
    site : str
    panels : int, default 6
        At most so many epochs are shown, the first and the last among them.

    Returns
    -------
    matplotlib.figure.Figure
        One row a neuron, one column an epoch.
    """
    shape = record.shapes[site]
    names, count = list(shape["path"]), len(shape["sample"]["index"])
    epochs = [row[0] for row in shape["path"][names[0]]]
    chosen = np.unique(np.linspace(0, len(epochs) - 1, min(panels, len(epochs))).round().astype(int))
    figure, axes = plt.subplots(count, len(chosen), figsize=(8, 0.5 + 1.25 * count), sharex="row", sharey="row", squeeze=False)
    first = [[shape["path"][name][0][1 + neuron] for name in names] for neuron in range(count)]
    for neuron, line in enumerate(axes):
        low, high = (shape["inputs"]["range"][neuron] or (-4.0, 4.0)) if "inputs" in shape else (-4.0, 4.0)
        x = torch.linspace(low, high, 161)
        for axis, epoch in zip(line, chosen, strict=True):
            _density(axis, shape.get("inputs"), neuron, low, high)
            values = {name: shape["path"][name][epoch][1 + neuron] for name in names}
            axis.plot(x, function(x, **dict(zip(names, first[neuron], strict=True))), color="black", linestyle="--", linewidth=0.9)
            axis.plot(x, function(x, **values), color=COLOURS[0], linewidth=1.5)
            axis.tick_params(labelsize=6)
        line[0].set_ylabel(f"F{shape['sample']['index'][neuron]}", fontsize=8)
    for axis, epoch in zip(axes[0], chosen, strict=True):
        axis.set_title(f"epoch {epochs[epoch]}", fontsize=8)
    figure.supxlabel("input $u$", fontsize=9)
    return figure


__all__ = ["draw_forms", "draw_path", "draw_quantiles"]
