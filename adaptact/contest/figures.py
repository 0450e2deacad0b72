"""The figures of the arena's page."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from ..claims.base import ALPHA
from ..claims.contrasts import signed
from ..experiments.arena import ADAPTIVE, BASE, CONTROLS, FIXED, RATES
from ..plotting import COLOURS
from .results import costs, means, pooled

DIVERGING = "PuOr"  # orange below, violet above: told apart with any colour vision, and by its lightness in grey
KINDS = {  # label, colour, marker
    "fixed": ("#777777", "o"),
    "adaptive, a set of numbers a layer or channel": (COLOURS[0], "s"),
    "adaptive, a set of numbers a neuron": (COLOURS[1], "D"),
    "fixed, wider": (COLOURS[2], "^"),
    "added": (COLOURS[6], "*"),
}
_AROUND = ((1, 0), (-1, 0), (0, 1.2), (0, -1.2), (1, 1), (1, -1), (-1, 1), (-1, -1))
MARKERS = "osD^vPX*"
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def kind(row):
    """To which of `KINDS` a row belongs.

    Parameters
    ----------
    row : str

    Returns
    -------
    str
    """
    if row in CONTROLS:
        return "fixed, wider"
    if row in FIXED:
        return "fixed"
    if row in ADAPTIVE:
        many = ADAPTIVE[row]["granularity"] == "neuron"
        return "adaptive, a set of numbers a neuron" if many else "adaptive, a set of numbers a layer or channel"
    return "added"


def draw_heat_map(compared, limit=None):
    """Differences to ReLU, rows by settings.

    Parameters
    ----------
    compared : pandas.DataFrame
        From `adaptact.contest.compare`.
    limit : float, optional
        Points at which the colours end, by default the 90th percentile of the sizes: beyond it the number still tells.

    Returns
    -------
    matplotlib.figure.Figure
        A filled dot where the corrected test finds a difference, an open one where only the interval lies on one side of zero.
    """
    flat = compared[compared["difference"].notna()].reset_index()
    rows, settings = list(flat["row"].unique()), list(flat["setting"].unique())
    table = flat.pivot(index="row", columns="setting", values="difference").reindex(index=rows, columns=settings)
    sizes = np.abs(table.to_numpy())
    limit = limit or max(0.5, float(np.nanquantile(sizes, 0.9)))
    figure, axis = plt.subplots(figsize=(1.9 + 0.8 * max(4, len(settings)), 1.3 + 0.27 * len(rows)))
    image = axis.imshow(table, cmap=DIVERGING, norm=TwoSlopeNorm(0, -limit, limit), aspect="auto")
    for line in flat.itertuples():
        place = settings.index(line.setting), rows.index(line.row)
        sure = line.p_holm < ALPHA
        one_side = line.difference_low > 0 or line.difference_high < 0
        mark = " ●" if sure else " ○" if one_side else ""
        colour = "white" if abs(line.difference) > 0.6 * limit else "black"
        axis.text(*place, f"{signed(line.difference, 1)}{mark}", ha="center", va="center", fontsize=8, color=colour)
    axis.set_xticks(range(len(settings)), [name.replace(", ", "\n") for name in settings], fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    axis.xaxis.set_ticks_position("top")
    axis.tick_params(length=0)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axis, orientation="horizontal", shrink=0.6, pad=0.02, aspect=40, extend="both")
    bar.set_label("points of test accuracy above ReLU", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def draw_pooled(found, pairs):
    """Differences of pairs of rows: a mark a setting, and their mean with its 95 % interval between settings.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.contest.collect`.
    pairs : iterable of (str, str)
        Those without a common setting are left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    table, mean = pooled(found, pairs), means(found)
    figure, axis = plt.subplots(figsize=(8.2, 1.5 + 0.36 * len(table)))
    for index, (setting, of) in enumerate(mean.iterrows()):
        x = [of.get(row, np.nan) - of.get(base, np.nan) for row, base in table.index]
        shift = (index - (len(mean) - 1) / 2) * 0.08
        look = {"marker": MARKERS[index % 8], "color": COLOURS[index % 6], "zorder": 3}
        axis.scatter(x, np.arange(len(table)) + shift, s=18, label=setting, **look)
    places = np.arange(len(table))
    axis.hlines(places, table["low"], table["high"], color="black", alpha=0.35, linewidth=4, zorder=2)
    axis.plot(table["mean"], places, "|", color="black", markersize=15, markeredgewidth=2.5, label="mean", zorder=4)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_yticks(places, [f"{row} − {base}" for row, base in table.index], fontsize=9)
    axis.set(xlabel="points of test accuracy", ylim=(len(table) - 0.5, -0.5))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_costs(found, settings, base=BASE, named=None):
    """Differences to ReLU against time on the left and against added numbers on the right, the mean over some settings.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.contest.collect`.
    settings : iterable of str
        Rows that one of them lacks are left out. Of times the mean is the geometric one.
    base : str, default "ReLU"
    named : iterable of str, optional
        Rows whose names are written beside their points; by default all.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 4.6), sharey=True)
    found = found[found["setting"].isin(list(settings))]
    table, spent = means(found).dropna(axis=1), costs(found, base)
    spent = pd.DataFrame(
        {"times": np.exp(np.log(spent["times"]).groupby("row").mean()), "added": spent["added"].groupby("row").mean()}
    )
    spent, height = spent.loc[list(table)], table.sub(table[base], axis=0).mean()
    for axis, what in zip(axes, ("times", "added"), strict=True):
        for label, (colour, marker) in KINDS.items():
            rows = [row for row in spent.index if kind(row) == label]
            size = 90 if label == "added" else 30
            axis.scatter(
                spent.loc[rows, what], height[rows], color=colour, marker=marker, s=size, label=label if rows else None, zorder=3
            )
        axis.axhline(0, color="black", linewidth=0.8)
    axes[0].set(xlabel="time an epoch, of ReLU's", ylabel="points above ReLU", xscale="log")
    ticks = [tick for tick in (0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8) if spent["times"].min() * 0.8 < tick < spent["times"].max() * 1.25]
    axes[0].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes[0].minorticks_off()
    axes[1].set_xscale("symlog", linthresh=1, linscale=0.5)
    axes[1].set(xlabel="trained numbers added", xlim=(-0.4, max(10, spent["added"].max()) * 8))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    names = [row for row in spent.index if named is None or row in named or kind(row) == "added"]
    figure.draw_without_rendering()  # where names find room depends on where the axes come to lie
    _write_names(axes[0], spent["times"], height, names)
    _write_names(axes[1], spent["added"], height, [row for row in names if spent.loc[row, "added"]])
    return figure


def draw_convergence(found, setting, rows):
    """Test accuracy after each epoch, against epochs on the left and against seconds of training on the right.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.contest.collect`.
    setting : str
    rows : iterable of str
        Those that the setting lacks are left out.

    Returns
    -------
    matplotlib.figure.Figure
        The mean over seeds, and all of them as a band on the left. An epoch's time is the fastest one of the row.
    """
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.6), sharey=True)
    spent = costs(found)
    present = [row for row in rows if (setting, row) in spent.index]
    for index, row in enumerate(present):
        of = found[(found["setting"] == setting) & (found["row"] == row) & (found["status"] == "done")]
        if not len(of):
            continue
        values = np.array([record.curves["test_accuracy"] for record in of["record"]], dtype=float)
        epochs = np.arange(1, values.shape[1] + 1)
        style = {"color": COLOURS[index % 7], "linestyle": STYLES[index % 5], "marker": "o", "markersize": 3.5}
        axes[0].fill_between(epochs, values.min(0), values.max(0), color=COLOURS[index % 7], alpha=0.12, linewidth=0)
        axes[0].plot(epochs, values.mean(0), label=row, **style)
        axes[1].plot(epochs * spent.loc[(setting, row), "seconds"], values.mean(0), **style)
    axes[0].set(xlabel="epoch", ylabel="test accuracy, %")
    axes[0].xaxis.get_major_locator().set_params(integer=True)
    axes[1].set(xlabel="seconds of training", xlim=(0, None))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_sensitivity(tables):
    """What each rate loses to a row's best one, for one or more sets of settings side by side.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        By title, from `adaptact.contest.tuning.sensitivity`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    most = max(len(table) for table in tables.values())
    figure, axes = plt.subplots(1, len(tables), figsize=(8.2, 1.3 + 0.25 * most), squeeze=False)
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        rates = [rate for rate in RATES if rate in table]
        places = np.arange(len(table))
        axis.hlines(places, table[rates].min(axis=1), table[rates].max(axis=1), color="#cccccc", linewidth=2, zorder=1)
        for rate, colour, marker in zip(rates, COLOURS, ("v", "o", "^"), strict=False):
            axis.scatter(table[rate], places, color=colour, marker=marker, s=28, label=f"rate {rate:g}", zorder=3)
        axis.set_yticks(places, table.index, fontsize=8)
        axis.set_xscale("symlog", linthresh=5, linscale=2)  # a few rows lose ten times as much as the others
        ticks = [tick for tick in (0, 1, 2, 5, 10, 20, 50) if tick <= max(2, table[rates].max(axis=None))]
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
        largest = table[rates].max(axis=None)
        axis.set(title=title, xlabel="points lost to the row's best rate")
        axis.set(xlim=(-0.3, max(2, 1.15 * largest)), ylim=(len(table) - 0.5, -0.5))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def draw_rank_spread(result):
    """The rank of each row in each setting, best mean rank on top: how far a place carries from one setting to another.

    Parameters
    ----------
    result : adaptact.contest.ranks.Ranks

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = list(result.mean.index)
    figure, axis = plt.subplots(figsize=(8.2, 1.2 + 0.26 * len(rows)))
    for index, (setting, ranks) in enumerate(result.ranks.iterrows()):
        shift = (index - (len(result.ranks) - 1) / 2) * 0.09
        look = {"marker": MARKERS[index % 8], "color": COLOURS[index % 6]}
        axis.scatter(ranks[rows], np.arange(len(rows)) + shift, s=20, label=setting, **look)
    axis.plot(result.mean, np.arange(len(rows)), "|", color="black", markersize=15, markeredgewidth=2.5, label="mean")
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel="rank, 1 is the best", ylim=(len(rows) - 0.5, -0.5))
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _write_names(axis, x, y, rows):
    """Names beside their points, each at the nearest of some places where it lies on no point and on no other name."""
    axis.margins(0.1)
    renderer = axis.figure.canvas.get_renderer()
    points = axis.transData.transform(np.column_stack([x, y]))
    taken = [Bbox.from_extents(left - 4, low - 4, left + 4, low + 4) for left, low in points if np.isfinite(left + low)]
    places = [(far * across, far * up) for far in (6, 12, 20, 30, 42) for across, up in _AROUND]
    for row in sorted(rows, key=lambda row: -y[row]):
        for across, up in places:
            text = axis.annotate(
                row,
                (x[row], y[row]),
                xytext=(across, up),
                textcoords="offset points",
                fontsize=7,
                ha="left" if across > 0 else "right" if across < 0 else "center",
                va="center",
                arrowprops={"arrowstyle": "-", "color": "#aaaaaa", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
            )
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)  # of the name alone, without its line
            inside = axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1 + 20 and axis.bbox.y0 <= box.y0 and box.y1 <= axis.bbox.y1
            if (inside and not any(box.overlaps(other) for other in taken)) or (across, up) == places[-1]:
                break
            text.remove()
        taken.append(box)


__all__ = ["draw_convergence", "draw_costs", "draw_heat_map", "draw_pooled", "draw_rank_spread", "draw_sensitivity", "kind"]
