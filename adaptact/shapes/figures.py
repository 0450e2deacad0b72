"""Figures of learned shapes across functions: small multiples on the same axes, and measures by layer."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from ..plotting import COLOURS
from .recorded import pooled, spread, units

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def draw_atlas(found, low=-4.0, high=4.0, bottom=-2.0, top=4.0, *, changes=False):
    """The start of each function, what became of it, and where its inputs are: one row a function, one column a site.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.tables.collect`, of one column; every seed of a row is drawn into the same panels.
    low, high, bottom, top : float
        The inputs and the values that are shown, the same in every panel.
    changes : bool, default False
        Draw learned less start instead.

    Returns
    -------
    matplotlib.figure.Figure or None
        None if no record follows a unit.
    """
    panels = {}
    for line in found.itertuples():
        for unit in units(line.record):
            panels.setdefault(line.row, {}).setdefault(unit.site, []).append(unit)
    if not panels:
        return None
    sites = list(dict.fromkeys(site for row in panels.values() for site in row))
    x = torch.linspace(low, high, 321, dtype=torch.float64)
    figure, axes = plt.subplots(
        len(panels), len(sites), figsize=(7.2, 0.7 + 1.02 * len(panels)), sharex=True, sharey=True, squeeze=False
    )
    for line, (row, of) in zip(axes, panels.items(), strict=True):
        for axis, site in zip(line, sites, strict=True):
            if site not in of:
                axis.set_visible(False)
                continue
            _density(axis, of[site], low, high, bottom, 0.28 * (top - bottom))
            starts = np.array([unit.start(x).numpy() for unit in of[site]])
            learned = np.array([unit.learned(x).numpy() for unit in of[site]]) - starts * changes
            start = np.median(starts, 0) * (not changes)
            thin = axis.plot(x, learned.T, color=COLOURS[5], linewidth=0.7, alpha=0.7)
            first, last = _reach(of[site], x)
            axis.plot(x, np.median(learned, 0), color=COLOURS[0], linewidth=1.2, alpha=0.45)
            middle = axis.plot(x[first:last], np.median(learned, 0)[first:last], color=COLOURS[0], linewidth=2.4)
            begin = axis.plot(x, start, color="black", linestyle=(0, (4, 2)), linewidth=1.1)
            axis.tick_params(labelsize=7)
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
        name = {"transform": line[0].transAxes, "va": "top", "fontsize": 8, "fontweight": "bold", "bbox": box}
        line[0].text(0.03, 0.95, row.replace(", ", ",\n"), **name)
    axes[0, 0].set(xlim=(low, high), ylim=(bottom, top))
    for axis, site in zip(axes[0], sites, strict=True):
        axis.set_title(f"site {site}", fontsize=9)
    figure.supxlabel("input", fontsize=9)
    labels = [
        "start",
        f"{'change' if changes else 'learned'}, each unit and seed",
        "their median, bold where 98 % of the inputs are",
    ]
    figure.legend([begin[0], thin[0], middle[0]], labels, loc="outside upper center", ncols=3, fontsize=8)
    return figure


def _density(axis, of, low, high, bottom, height):
    """Where the inputs are, as a grey shade at the foot of a panel; nothing without histograms."""
    edges = np.linspace(low, high, 81)
    heights = spread([of], edges)
    if heights.any():
        axis.stairs(bottom + height * heights / heights.max(), edges, baseline=bottom, fill=True, color="#cccccc")


def _reach(of, x):
    """From which to which place of x the middle 98 % of the inputs reach: all of x where none are recorded."""
    at, weight = pooled([of])
    return (0, len(x)) if at is None else np.searchsorted(x.numpy(), np.interp((0.01, 0.99), np.cumsum(weight) - weight / 2, at))


def draw_by_layer(estimates, sites, limits=None):
    """Measures by function and site: the mean over seeds and its 95 % interval.

    Parameters
    ----------
    estimates : dict of str to dict
        By the title of a panel, what `adaptact.shapes.measures.by_layer` gives.
    sites : sequence of str
        In their order.
    limits : dict of str to tuple of float, optional
        By the title of a panel, the values shown.

    Returns
    -------
    matplotlib.figure.Figure
        One panel a measure, one line a function, one marker a site.
    """
    rows = list(dict.fromkeys(row for of in estimates.values() for row, _ in of))
    figure, axes = plt.subplots(1, len(estimates), figsize=(7.2, 0.9 + 0.4 * len(rows)), sharey=True, squeeze=False)
    for axis, (title, of) in zip(axes[0], estimates.items(), strict=True):
        for number, site in enumerate(sites):
            shift = 0.5 * ((number + 0.5) / len(sites) - 0.5)
            style = {"color": COLOURS[number % 7], "marker": MARKERS[number % 7], "markersize": 5, "linestyle": "none"}
            for place, row in enumerate(rows):
                if (row, site) not in of:
                    continue
                found = of[row, site]
                if found.low is not None:
                    axis.plot([found.low, found.high], [place + shift] * 2, color=style["color"], linewidth=2, alpha=0.45)
                axis.plot(found.mean, place + shift, **style)
            axis.plot([], [], label=f"site {site}", **style)
        axis.set_title(title, fontsize=9)
        axis.tick_params(labelsize=8)
        axis.set_xlim((limits or {}).get(title))
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(sites), fontsize=8)
    return figure


__all__ = ["draw_atlas", "draw_by_layer"]
