"""Whether learned shapes are alike: across functions, seeds, layers and units."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import torch

from .measures import apart
from .recorded import pooled, units


def forms(found, *, together=False):
    """One curve for each row, site and seed: at every point the median over the units that are followed there.

    Parameters
    ----------
    found : pandas.DataFrame
        From `adaptact.tables.collect`, of one column: one network on one data set.
    together : bool, default False
        Give the curves of all sites at the same points, so that they can be compared across sites.

    Returns
    -------
    curves : pandas.DataFrame
        ``row``, ``site``, ``seed``, and arrays: ``start`` and ``learned``, ``(n,)``, and ``changes``, ``(units, n)``, learned
        less start of each unit.
    inputs : dict of str to tuple of numpy.ndarray
        By site the ``x`` of these n points, and the ``weight`` of each: the inputs of all rows there, or of all rows and sites,
        each having the same share, by `adaptact.shapes.pooled`.
    """
    sites = {}
    for line in found.itertuples():
        for unit in units(line.record):
            sites.setdefault(unit.site, {}).setdefault(line.row, {}).setdefault(line.seed, []).append(unit)
    groups = {site: [[unit for of in seeds.values() for unit in of] for seeds in rows.values()] for site, rows in sites.items()}
    everywhere = pooled([group for of in groups.values() for group in of]) if together else None
    inputs, lines = {}, []
    for site, rows in sites.items():
        x, weight = everywhere or pooled(groups[site])
        if x is None:
            continue
        inputs[site] = x, weight
        for row, seeds in rows.items():
            for seed, of in seeds.items():
                start, learned = (np.array([form(torch.from_numpy(x)).numpy() for form in kind])
                                  for kind in ([unit.start for unit in of], [unit.learned for unit in of]))  # fmt: skip
                middle = {"start": np.median(start, 0), "learned": np.median(learned, 0)}
                lines.append({"row": row, "site": site, "seed": seed, **middle, "changes": learned - start})
    return pd.DataFrame(lines, columns=["row", "site", "seed", "start", "learned", "changes"]), inputs


def pairs(curves, inputs):
    """How far apart the functions of two rows are in the same place and seed, when they start and when they are trained.

    Parameters
    ----------
    curves, inputs
        From `forms`.

    Returns
    -------
    pandas.DataFrame
        One line a site, seed and pair: ``site``, ``seed``, ``first``, ``second``, ``start`` and ``learned``, by `apart`.
    """
    lines = []
    for (site, seed), of in curves.groupby(["site", "seed"], sort=False):
        for one, other in combinations(of.itertuples(), 2):
            distances = {kind: apart(getattr(one, kind), getattr(other, kind), inputs[site][1]) for kind in ("start", "learned")}
            lines.append({"site": site, "seed": seed, "first": one.row, "second": other.row, **distances})
    return pd.DataFrame(lines, columns=["site", "seed", "first", "second", "start", "learned"])


def agreement(changes, weight, others=None):
    """Whether functions changed in the same way: the mean cosine between their changes.

    Parameters
    ----------
    changes : numpy.ndarray
        ``(k, n)``, learned less start of k functions at n points.
    weight : numpy.ndarray
        ``(n,)``, in all 1.
    others : numpy.ndarray, optional
        ``(m, n)``, of which each is compared with each of `changes`; by default these are compared with one another.

    Returns
    -------
    float
        1 where all changed alike, up to size; 0 where the changes are unrelated; -1 where two are opposite. NaN where there
        are not two that changed.
    """
    directions = [_directions(of, weight) for of in (changes, changes if others is None else others)]
    chosen = combinations(directions[0], 2) if others is None else product(*directions)
    cosines = [one @ other for one, other in chosen]
    return float(np.mean(cosines)) if cosines else np.nan


def _directions(changes, weight):
    scaled = np.reshape(changes, (-1, len(weight))) * np.sqrt(weight)
    sizes = np.linalg.norm(scaled, axis=-1)
    return scaled[sizes > 1e-9] / sizes[sizes > 1e-9, None]


def agreements(found):
    """How far the changes of each function agree: between the units of a layer, between seeds, layers, and other functions.

    Parameters
    ----------
    found : pandas.DataFrame
        As for `forms`.

    Returns
    -------
    pandas.DataFrame
        By row: `agreement` of the changes of the ``units`` of one site and seed, NaN where there is one unit; of the changes of
        the curves of `forms` between ``seeds`` at one site, between ``layers`` at one seed, and with ``others``, the other
        rows at the same site and seed. Means over what is not compared.
    """
    (curves, inputs), (across, everywhere) = forms(found), forms(found, together=True)
    curves, across = (of.assign(change=[line.learned - line.start for line in of.itertuples()]) for of in (curves, across))
    kinds = {}
    for line in curves.itertuples():
        weight = inputs[line.site][1]
        kinds.setdefault((line.row, "units"), []).append(agreement(line.changes, weight))
        rest = curves[(curves["site"] == line.site) & (curves["seed"] == line.seed) & (curves["row"] != line.row)]
        kinds.setdefault((line.row, "others"), []).append(agreement([line.change], weight, list(rest["change"])))
    for (row, site), of in curves.groupby(["row", "site"], sort=False):
        kinds.setdefault((row, "seeds"), []).append(agreement(list(of["change"]), inputs[site][1]))
    for (row, _), of in across.groupby(["row", "seed"], sort=False):
        kinds.setdefault((row, "layers"), []).append(agreement(list(of["change"]), next(iter(everywhere.values()))[1]))
    means = {key: np.mean(known) if (known := [v for v in values if np.isfinite(v)]) else np.nan for key, values in kinds.items()}
    rows = dict.fromkeys(row for row, _ in means)
    return pd.DataFrame({kind: {row: means[row, kind] for row in rows} for kind in ("units", "seeds", "layers", "others")})


__all__ = ["agreement", "agreements", "forms", "pairs"]
