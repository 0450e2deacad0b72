"""What weighted sums learned: their coefficients from records, beside the printed ones, and drawn.

Bansal (2022), Table 1 and Figs 1, 2, arXiv 2202.12065.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from .experiments.weighted_sum import published, published_name
from .functional import weighted_sum
from .plotting import COLOURS
from .stats import estimate

FUNCTIONS = ("relu", "tanh", "sin")
LABELS = {"relu": "ReLU", "tanh": "tanh", "sin": "sin"}
_CORNERS = {"relu": (0.5, 3**0.5 / 2), "tanh": (0.0, 0.0), "sin": (1.0, 0.0)}  # of a triangle with sides of one


def coefficients(found):
    """The coefficients in records of weighted sums with one set a layer.

    Parameters
    ----------
    found : pandas.DataFrame
        As from `adaptact.tables.collect`; records of other activations, or with more sets a layer, are passed over.

    Returns
    -------
    pandas.DataFrame
        A line a row, column, seed, layer (from 1) and function: its coefficient at the ``start`` and at the ``end``.
    """
    lines = []
    for row, column, seed, record in zip(found["row"], found["column"], found["seed"], found["record"], strict=True):
        if record.run.activation != "weighted_sum" or record.run.granularity != "layer":
            continue
        for layer, shape in enumerate(record.shapes.values(), start=1):
            for function, rows in shape["quantiles"].items():
                line = {"row": row, "column": column, "seed": seed, "layer": layer, "function": function}
                lines.append({**line, "start": rows[0][3], "end": rows[-1][3]})
    return pd.DataFrame(lines, columns=["row", "column", "seed", "layer", "function", "start", "end"])


def triples(learned):
    """The coefficients at the end as one line a row, column, seed and layer, with a column a function.

    Parameters
    ----------
    learned : pandas.DataFrame
        From `coefficients`.

    Returns
    -------
    pandas.DataFrame
    """
    return learned.pivot(index=["row", "column", "seed", "layer"], columns="function", values="end")


def table_1(learned):
    """The printed coefficients beside the learned ones of one row of an experiment.

    Parameters
    ----------
    learned : pandas.DataFrame
        From `coefficients`, of one row.

    Returns
    -------
    pandas.DataFrame
        Text: a line a data set and layer; for each function the printed coefficient and the mean of ours with half of its
        95 % interval; and in how many runs the three are in the printed order.
    """
    lines, known = {}, published()
    for (column, layer, function), of in learned.groupby(["column", "layer", "function"], sort=False):
        ours = estimate(of["end"])
        line = lines.setdefault((column, layer), {})
        line[LABELS.get(function, function), "printed"] = f"{known[published_name(column), layer][function]:.3f}"
        half = "" if ours.low is None else f" ± {ours.high - ours.mean:.3f}"
        line[LABELS.get(function, function), "ours"] = f"{ours.mean:.3f}{half}"
    for (column, layer), of in learned.groupby(["column", "layer"], sort=False):
        orders = [_order(dict(zip(run["function"], run["end"], strict=True))) for _, run in of.groupby("seed")]
        same = orders.count(_order(known[published_name(column), layer]))
        lines[column, layer]["order", "as printed"] = f"{same} of {len(orders)}"
    table = pd.DataFrame.from_dict(lines, orient="index")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["data set", "layer"])
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table


def preferences(learned):
    """Which function each layer prefers, and how far that is from where it started.

    Parameters
    ----------
    learned : pandas.DataFrame
        From `coefficients`.

    Returns
    -------
    pandas.DataFrame
        Text, a line a row: in how many runs the first function's coefficient is above all others in each layer, how many
        runs there are, and how far the farthest coefficient of a run and layer moves, on average.
    """
    lines = {}
    for row, of_row in learned.groupby("row", sort=False):
        runs, line = of_row.groupby(["column", "seed"]).ngroups, {}
        for layer, of_layer in of_row.groupby("layer"):
            first = of_layer["function"].iloc[0]
            ends = of_layer.pivot(index=["column", "seed"], columns="function", values="end")
            above = ends[first] > ends.drop(columns=first).max(axis=1) + 1e-6  # equal coefficients prefer nothing
            line[f"layer {layer}: {LABELS.get(first, first)} largest"] = f"{above.sum()} of {runs}"
        moved = (of_row["end"] - of_row["start"]).abs().groupby([of_row["column"], of_row["seed"], of_row["layer"]]).max()
        lines[row] = {**line, "moved": f"{moved.mean():.3f}"}
    return pd.DataFrame.from_dict(lines, orient="index")


def draw_learned(learned, low=-5.0, high=5.0):
    """The paper's Fig. 1: the mixture of each data set and layer, as printed and as each of our runs learned it.

    Parameters
    ----------
    learned : pandas.DataFrame
        From `coefficients`, of one row of an experiment.
    low, high : float, default -5 and 5
        The inputs shown; the paper's range is not in the text available to us.

    Returns
    -------
    matplotlib.figure.Figure
        One row a data set of the paper, one column a layer.
    """
    x, ours = torch.linspace(low, high, 401), triples(learned).reset_index()
    figure, axes = plt.subplots(3, 3, figsize=(8, 6.3), sharex=True, sharey=True)
    for axis, ((name, layer), coefficients) in zip(axes.flat, published().items(), strict=True):
        for _, mine in ours[(ours["column"].map(published_name) == name) & (ours["layer"] == layer)].iterrows():
            (run,) = axis.plot(x, _mixture(x, mine), color=COLOURS[0], linewidth=1, alpha=0.6)
        (paper,) = axis.plot(x, _mixture(x, coefficients), color="black", linestyle="--", linewidth=1.5)
        axis.set_title(f"{name}, layer {layer}", fontsize=9)
    handles = {"printed": paper} | ({"ours, a line a seed": run} if len(ours) else {})
    figure.legend(handles.values(), handles.keys(), loc="outside upper right", ncols=2, fontsize=9)
    figure.supxlabel("input $x$", fontsize=9)
    return figure


def draw_ranges(mixtures, highs=(1.0, 5.0, 50.0)):
    """The paper's Fig. 2: mixtures over a small, a medium and a large range of inputs.

    Parameters
    ----------
    mixtures : dict of (str, int) to dict of str to float
        By data set and layer the coefficients, as from `adaptact.experiments.weighted_sum.published`.
    highs : tuple of float, default (1, 5, 50)
        Where the ranges end; they begin at the negative of it. The paper's are not in the text available to us.

    Returns
    -------
    matplotlib.figure.Figure
        One row a data set, one column a range, one line a layer; dotted, in the colour of its layer, the coefficient of ReLU
        times ReLU alone.
    """
    sets = list(dict.fromkeys(name for name, _ in mixtures))
    figure, axes = plt.subplots(len(sets), len(highs), figsize=(8, 0.5 + 1.95 * len(sets)), sharex="col", squeeze=False)
    for name, row in zip(sets, axes, strict=True):
        for high, axis in zip(highs, row, strict=True):
            x = torch.linspace(-high, high, 1001)
            for layer, coefficients in ((layer, of) for (of_set, layer), of in mixtures.items() if of_set == name):
                colour = COLOURS[layer - 1]
                axis.plot(x, _mixture(x, coefficients), color=colour, linewidth=1.5, label=f"layer {layer}")
                axis.plot(x, coefficients["relu"] * torch.relu(x), color=colour, linewidth=1, linestyle=":")
        row[0].set_ylabel(name, fontsize=9)
    for high, axis in zip(highs, axes[0], strict=True):
        axis.set_title(f"$-{high:g} \\leq x \\leq {high:g}$", fontsize=9)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=9)
    figure.supxlabel("input $x$", fontsize=9)
    return figure


def draw_simplex(learned, rows):
    """Where coefficients start and end: points of a triangle whose corners are pure ReLU, pure tanh and pure sin.

    Parameters
    ----------
    learned : pandas.DataFrame
        From `coefficients`.
    rows : dict of str to str
        Rows of the experiment that are shown, with their labels.

    Returns
    -------
    matplotlib.figure.Figure
        One row a data set, one column a layer. A line leads from each start to where that run ended.
    """
    learned = learned[learned["row"].isin(rows)]
    columns = list(dict.fromkeys(learned["column"]))
    figure, axes = plt.subplots(len(columns), 3, figsize=(8, 0.6 + 2.3 * len(columns)), squeeze=False)
    for (name, line), layer in ((pair, layer) for pair in zip(columns, axes, strict=True) for layer in (1, 2, 3)):
        axis = line[layer - 1]
        axis.plot(*np.array([*_CORNERS.values(), _CORNERS["relu"]]).T, color="#888888", linewidth=0.8)
        for function, (across, up) in _CORNERS.items():
            offset = (0, 5 if up else -11)
            axis.annotate(LABELS[function], (across, up), offset, textcoords="offset points", ha="center", fontsize=8)
        here = learned[(learned["column"] == name) & (learned["layer"] == layer)]
        for number, (row, label) in enumerate(rows.items()):
            for _, of in here[here["row"] == row].groupby("seed"):
                of = of.set_index("function")
                path = np.array([_place(of[when]) for when in ("start", "end")])
                axis.plot(*path.T, color=COLOURS[number], linewidth=1)
                axis.plot(*path[1], color=COLOURS[number], marker="o", markersize=4, linestyle="", label=label)
        paper = _place(published()[published_name(name), layer])
        axis.plot(*paper, color="black", marker="*", markersize=10, linestyle="", label="printed")
        axis.set(aspect="equal", xlim=(-0.08, 1.08), ylim=(-0.12, 1.02), title=f"{name}, layer {layer}")
        axis.title.set_size(8)
        axis.axis("off")
    handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, fontsize=9)
    return figure


def _mixture(x, coefficients):
    return weighted_sum(x, torch.tensor([float(coefficients[function]) for function in FUNCTIONS]))


def _order(coefficients):
    """The functions, that of the largest coefficient first."""
    return sorted(coefficients, key=coefficients.get, reverse=True)


def _place(coefficients):
    """A triple as a point of the triangle."""
    return sum(float(coefficients[function]) * np.array(corner) for function, corner in _CORNERS.items())


__all__ = ["LABELS", "coefficients", "draw_learned", "draw_ranges", "draw_simplex", "preferences", "table_1", "triples"]
