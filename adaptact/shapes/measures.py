"""Numbers on a learned shape that mean the same for every function: how far it moved, how steep it is, what it resembles."""

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from ..stats import estimate
from .recorded import units

FIXED = {"ReLU": F.relu, "SiLU": F.silu, "tanh": torch.tanh, "identity": torch.clone}  # what a learned shape may resemble
STEP = 1e-4  # of the difference quotients that stand for slopes
AROUND = 0.1  # a slope at zero is the mean slope so far to either side: LEAF as ReLU can have a jump there
FLAT = 0.01 + 1e-6  # a slope of 0.01, up or down, passes on next to nothing; PLTanh's leak starts there
EDGES = (0.01, 0.99)  # between them lie 98 % of the inputs


def apart(a, b, weight):
    """How unlike two functions are when one may be scaled and shifted: sqrt(1 - r²), r being their weighted correlation.

    That is what is left of one after the best c times the other plus d, by least squares, over its own spread; so it is the same
    in both directions, 0 for functions that the weights and the bias of the next layer make alike, and 1 for unrelated ones.

    Parameters
    ----------
    a, b : numpy.ndarray
        ``(n,)``, their values at the same points.
    weight : numpy.ndarray
        ``(n,)``, in all 1.

    Returns
    -------
    float
        Between 0 and 1; NaN where one of them is constant.
    """
    a, b = a - weight @ a, b - weight @ b
    spread = np.sqrt((weight @ a**2) * (weight @ b**2))
    if not spread > 1e-14:
        return np.nan
    return float(np.sqrt(max(0.0, 1 - (weight @ (a * b) / spread) ** 2)))


def measures(learned, start, x, weight):
    """Numbers on one learned shape under its own inputs.

    Parameters
    ----------
    learned, start : callable
        Of a float64 tensor ``(n,)``.
    x, weight : numpy.ndarray
        ``(n,)``, as in `adaptact.shapes.Unit`.

    Returns
    -------
    dict of str to float or str
        ``moved``, the root mean square of learned less start; ``spread``, the standard deviation of the start's values, to
        which that can be compared; ``bent``, how far it is from its start if it may be scaled and shifted (`apart`).

        ``slope at zero``, within `AROUND`; ``left slope`` and ``right slope`` at `EDGES` of the inputs; ``falling``, the share
        of inputs with a slope below -`FLAT`, and ``flat``, that of inputs with none so steep, up or down; ``convexity``: of the
        mean slopes on either side of zero the difference over the sum of their sizes, 1 for ReLU, 0 for the identity.

        ``nearest`` of `FIXED` and the ``distance`` to it, by `apart`; ``to identity``, how far from a straight line. Each of
        these three also ``at the start``.

        NaN, or ``none`` for a name, where a number makes no sense: a constant has no spread, and inputs of which less than 1 %
        are on one side of zero have no slope there.
    """
    at = np.concatenate([x, np.interp(EDGES, np.cumsum(weight) - weight / 2, x)])
    points = torch.from_numpy(np.concatenate([at + STEP, at - STEP, x, [-AROUND, AROUND]]))
    up, down, values, around = np.split(learned(points).numpy(), np.cumsum([len(at), len(at), len(x)]))
    slope, (left, right) = np.split((up - down) / (2 * STEP), [len(x)])
    points = torch.from_numpy(x)
    begin = start(points).numpy()
    sides = [(weight * side, slope) for side in (x > 0, x < 0)]
    above, below = (part @ of / part.sum() if part.sum() >= 0.01 else np.nan for part, of in sides)
    steep = abs(above) + abs(below)
    found = {
        "moved": np.sqrt(weight @ (values - begin) ** 2),
        "spread": np.sqrt(weight @ (begin - weight @ begin) ** 2),
        "bent": apart(values, begin, weight),
        "slope at zero": (around[1] - around[0]) / (2 * AROUND),
        "left slope": left,
        "right slope": right,
        "falling": weight @ (slope < -FLAT),
        "flat": weight @ (abs(slope) <= FLAT),
        "convexity": (above - below) / steep if steep > 1e-12 else np.nan,
    }
    for when, of in (("", values), (" at the start", begin)):
        distances = {label: apart(of, function(points).numpy(), weight) for label, function in FIXED.items()}
        known = {label: distance for label, distance in distances.items() if np.isfinite(distance)}
        found["nearest" + when] = min(known, key=known.__getitem__) if known else "none"
        found["distance" + when] = min(known.values(), default=np.nan)
        found["to identity" + when] = distances["identity"]
    return {name: value if isinstance(value, str) else float(value) for name, value in found.items()}


def survey(found, look=-1):
    """`measures` of every unit that has inputs.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.tables.collect`.
    look : int, default -1
        As for `adaptact.shapes.units`.

    Returns
    -------
    pandas.DataFrame
        One line a unit: ``row``, ``column``, ``seed``, ``site``, ``place``, and the measures; empty if there are none.
    """
    lines = [
        {"row": line.row, "column": line.column, "seed": line.seed, "site": unit.site, "place": unit.place}
        | measures(unit.learned, unit.start, unit.x, unit.weight)
        for line in found.itertuples()
        for unit in units(line.record, look)
        if unit.x is not None
    ]
    return pd.DataFrame(lines)


def by_seed(surveyed, measure, over=None):
    """A measure by row, site and seed: the mean over the units that are followed there.

    Parameters
    ----------
    surveyed : pandas.DataFrame
        From `survey`, of one column.
    measure : str
    over : str, optional
        Another measure, by whose mean over the same units that of the first is divided: ``spread``, for instance, of which a
        single unit may have nearly none.

    Returns
    -------
    pandas.Series
        Without those where the measure is NaN in every unit, or there is nothing to divide by.
    """
    if not len(surveyed):
        return pd.Series(dtype=float)
    means = surveyed.groupby(["row", "site", "seed"], sort=False)[[measure, *([over] if over else [])]].mean()
    return (means[measure] / means[over].where(means[over] > 1e-9) if over else means[measure]).dropna()


def by_layer(surveyed, measure, over=None):
    """`by_seed`, as a mean over seeds with its interval.

    Parameters
    ----------
    surveyed, measure, over
        As for `by_seed`.

    Returns
    -------
    dict of tuple to Estimate
        By row and site.
    """
    means = by_seed(surveyed, measure, over)
    return {place: estimate(of.to_numpy()) for place, of in means.groupby(["row", "site"], sort=False)} if len(means) else {}


__all__ = ["apart", "by_layer", "by_seed", "measures", "survey"]
