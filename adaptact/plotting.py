"""One visual style, and the figures that several notebooks draw."""

import matplotlib.pyplot as plt
import numpy as np
import torch

from .stats import estimate

# Okabe and Ito's palette, which colour-blind readers can tell apart too; black last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "lines.linewidth": 1.8,
    "legend.frameon": False,
}


def use_style():
    """Make the style of this book matplotlib's default for this process."""
    plt.rcParams.update(STYLE)


def curve(function, x):
    """Values and derivative of a function at points, by autograd.

    Parameters
    ----------
    function : callable
        Of one tensor.
    x : torch.Tensor
        ``(n,)``.

    Returns
    -------
    values, derivative : torch.Tensor
        ``(n,)``, detached.
    """
    x = x.detach().clone().requires_grad_()
    values = function(x)
    (derivative,) = torch.autograd.grad(values.sum(), x)
    return values.detach(), derivative


def draw_functions(functions, low=-4.0, high=4.0, derivatives=True):
    """Functions, and their derivatives on their right.

    Parameters
    ----------
    functions : dict of str to callable
        By label.
    low, high : float, default -4 and 4
    derivatives : bool, default True

    Returns
    -------
    matplotlib.figure.Figure
    """
    x = torch.linspace(low, high, 801, dtype=torch.float64)
    titles = ("function", "derivative")[: 1 + derivatives]
    figure, axes = plt.subplots(1, len(titles), figsize=(8, 3), squeeze=False)
    for index, (label, function) in enumerate(functions.items()):
        style = ("-", "--", "-.", ":")[index % 4]
        for axis, values in zip(axes[0], curve(function, x), strict=False):
            axis.plot(x, values, label=label, linestyle=style)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set(title=title, xlabel="input $u$")
    axes[0, 0].legend()
    return figure


def draw_shapes(record, function, start, low=-4.0, high=4.0):
    """Learned shapes of a few neurons of each activation site over the function they started as.

    Parameters
    ----------
    record : Record
    function : callable
        ``function(x, **parameters)``, such as `adaptact.functional.leaf`.
    start : callable
        The function of one tensor that they started as.
    low, high : float, default -4 and 4

    Returns
    -------
    matplotlib.figure.Figure
    """
    x = torch.linspace(low, high, 401)
    figure, axes = plt.subplots(1, len(record.shapes), figsize=(8, 2.6), sharey=True, squeeze=False)
    for axis, (site, shape) in zip(axes[0], record.shapes.items(), strict=True):
        sample = {name: values for name, values in shape["sample"].items() if name != "index"}
        for values in zip(*sample.values(), strict=True):
            neuron = axis.plot(x, function(x, **dict(zip(sample, values, strict=True))), color=COLOURS[0], alpha=0.7, linewidth=1.2)
        begin = axis.plot(x, start(x), color="black", linestyle="--", linewidth=1.2)
        axis.set(title=f"site {site}", xlabel="input $u$")
    axes[0, 0].legend([begin[0], neuron[0]], ["at the start", "five neurons, learned"], fontsize=8)
    return figure


def draw_differences(experiment, found, selection="best_test", figure=None):
    """Differences of adaptive variants to their base: a dot a seed, and the mean with its 95 % interval.

    Parameters
    ----------
    experiment : Experiment
    found : pandas.DataFrame
        From `adaptact.tables.collect`.
    selection : str, default "best_test"
        A key of `adaptact.tables.SELECTIONS`.
    figure : matplotlib.figure.Figure or SubFigure, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.figure.Figure or SubFigure
    """
    by_cell = {
        (row, column): part.dropna(subset=[selection]).set_index("seed")[selection]
        for (row, column), part in found.groupby(["row", "column"])
    }
    columns = list(dict.fromkeys(cell.column for cell in experiment.cells))
    rows = list(dict.fromkeys(cell.row for cell in experiment.cells if cell.base))
    figure = figure or plt.figure(figsize=(8, 0.6 + 0.42 * len(rows)))
    axes = figure.subplots(1, len(columns), sharey=True, squeeze=False)
    for axis, column in zip(axes[0], columns, strict=True):
        for cell in experiment.cells:
            if not cell.base or cell.column != column or not {(cell.row, column), (cell.base, column)} <= by_cell.keys():
                continue
            values = (by_cell[cell.row, column] - by_cell[cell.base, column]).dropna().to_numpy()
            if not len(values):  # no seed that both have
                continue
            place, ours = rows.index(cell.row), estimate(values)
            if ours.low is not None:
                axis.plot([ours.low, ours.high], [place, place], color=COLOURS[0], linewidth=2.5, alpha=0.5, zorder=2)
            axis.plot(values, np.full(len(values), place), "o", color=COLOURS[1], markersize=4, zorder=3)
            axis.plot(ours.mean, place, "|", color=COLOURS[0], markersize=14, markeredgewidth=2.5, zorder=4)
        axis.axvline(0, color="black", linewidth=1)
        axis.set(title=column)
    figure.supxlabel("points above the base function", fontsize="medium")
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def draw_curves(experiment, found, column):
    """Test accuracy on the left and training loss on the right, epoch by epoch: the mean over seeds, and all of them as a band.

    Parameters
    ----------
    experiment : Experiment
    found : pandas.DataFrame
        From `adaptact.tables.collect`.
    column : str
        Which column of the table.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2))
    rows = list(dict.fromkeys(cell.row for cell in experiment.cells if cell.column == column))
    for index, row in enumerate(rows):
        records = found[(found["row"] == row) & (found["column"] == column)]["record"]
        for axis, what in zip(axes, ("test_accuracy", "train_loss"), strict=True) if len(records) else ():
            # Of runs that diverged the epochs before are drawn.
            length = min(sum(value is not None for value in record.curves[what]) for record in records)
            values = np.array([record.curves[what][:length] for record in records], dtype=float)
            epochs, style = np.arange(1, length + 1), ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))[index % 5]
            axis.fill_between(epochs, values.min(0), values.max(0), color=COLOURS[index % 7], alpha=0.15, linewidth=0)
            marker = "o" if length < 8 else None
            axis.plot(epochs, values.mean(0), linestyle=style, marker=marker, markersize=3, color=COLOURS[index % 7], label=row)
    axes[0].set(title="test accuracy, %", xlabel="epoch")
    axes[1].set(title="training loss", xlabel="epoch")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_cost(result):
    """Forward plus backward of each activation as a multiple of eager SiLU's: a dot a site, and their median.

    Parameters
    ----------
    result : dict
        From `adaptact.bench.bench`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = result["sites"]
    names = list(dict.fromkeys(line["activation"] for line in lines))
    figure, axis = plt.subplots(figsize=(8, 0.7 + 0.27 * len(names)))
    for mode, colour, shift in (("eager", COLOURS[1], -0.17), ("compiled", COLOURS[0], 0.17)):
        for place, name in enumerate(names):
            found = [line["to_silu"] for line in lines if (line["activation"], line["mode"]) == (name, mode)]
            axis.plot(found, np.full(len(found), place + shift), "o", color=colour, markersize=3, alpha=0.3)
            if found:
                axis.plot(np.median(found), place + shift, "o", color=colour, markersize=6, label=mode if place == 0 else None)
    silu = [line["to_limit"] for line in lines if (line["activation"], line["mode"]) == ("silu", "eager")]
    axis.axvline(1, color="black", linewidth=1)
    axis.axvline(1 / np.median(silu), color="black", linewidth=1, linestyle=":")
    axis.set(xscale="log", xlabel="multiple of eager SiLU")
    axis.set_xticks(ticks := [0.2, 0.5, 1, 2, 5, 10, 20], [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


__all__ = ["COLOURS", "curve", "draw_cost", "draw_curves", "draw_differences", "draw_functions", "draw_shapes", "use_style"]
