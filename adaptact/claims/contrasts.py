"""Contrasts of cells, seed by seed: of two cells their difference, of four their interaction, and the rule that decides by them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from ..stats import estimate, holm
from .base import ALPHA, Verdict, hardware_of, stated
from .rules import PAIRED, decided

ENOUGH = 5  # seeds that a contrast must have
PROFILE = "laptop"


class Place(NamedTuple):
    """A cell of an experiment.

    Parameters
    ----------
    experiment, column, row : str
        Names, as in `adaptact.experiments`.
    """

    experiment: str
    column: str
    row: str


class Contrast(NamedTuple):
    """The sum of a measure over some cells less its sum over as many others, seed by seed.

    Parameters
    ----------
    label : str
    plus, minus : tuple of Place
        Of equal length.
    """

    label: str
    plus: tuple
    minus: tuple


def difference(label, place, base):
    """What one cell has more than another.

    Parameters
    ----------
    label : str
    place, base : Place

    Returns
    -------
    Contrast
    """
    return Contrast(label, (place,), (base,))


def interaction(label, first, second):
    """By how much one difference, a pair of cells, is larger than another one.

    Parameters
    ----------
    label : str
    first, second : (Place, Place)
        A cell and its base.

    Returns
    -------
    Contrast
    """
    return Contrast(label, (first[0], second[1]), (first[1], second[0]))


def values(evidence, place, measure, profile=PROFILE):
    """A measure of the runs of a cell that did not diverge, by seed; None values are left out.

    Parameters
    ----------
    evidence : Evidence
    place : Place
    measure : callable
        Of a record; None where it has no such number.
    profile : str, default "laptop"

    Returns
    -------
    dict of int to float
    """
    records = evidence.records(*place, profile)
    found = {seed: measure(record) for seed, record in records.items() if record.status == "done"}
    return {seed: value for seed, value in found.items() if value is not None}


def by_seed(evidence, contrast, measure, profile=PROFILE):
    """The values of a contrast, one a seed that all its cells have.

    Parameters
    ----------
    evidence : Evidence
    contrast : Contrast
    measure : callable
        Of a record; None where it has no such number.
    profile : str, default "laptop"

    Returns
    -------
    numpy.ndarray
        ``(seeds,)``.
    """
    signed = [(sign, values(evidence, p, measure, profile)) for sign, of in ((1, contrast.plus), (-1, contrast.minus)) for p in of]
    seeds = sorted(set.intersection(*(set(of) for _, of in signed)))
    return np.array([sum(sign * of[seed] for sign, of in signed) for seed in seeds])


def beyond(sample, threshold, side):
    """The p-value, as of a two-sided t-test, for a mean above or below a threshold; without any spread it is 0 or 1."""
    if np.ptp(sample) == 0:
        return float(sample[0] <= threshold if side == "greater" else sample[0] >= threshold)
    return min(1.0, 2 * float(scipy.stats.ttest_1samp(sample, threshold, alternative=side).pvalue))


def judged(samples, above=0.0, below=0.0, alpha=ALPHA):
    """Which samples have a mean above the one threshold, and which of the others have one below the other.

    Parameters
    ----------
    samples : list of array
        Each of two values or more.
    above, below : float
    alpha : float, default 0.05

    Returns
    -------
    yes, no : list of bool
        By t-tests, each kind corrected over all samples.
    """
    yes = [p < alpha for p in holm([beyond(of, above, "greater") for of in samples])]
    no = [p < alpha for p in holm([beyond(of, below, "less") for of in samples])]
    return yes, [fails and not shows for shows, fails in zip(yes, no, strict=True)]


def contrasted(contrasts, measure, words, *, above=0.0, below=0.0, unit="points", digits=1):
    """A claim that contrasts are above a threshold.

    Parameters
    ----------
    contrasts : list of Contrast
    measure : callable
        Of a record; None where it has no such number.
    words : (str, str)
        What a contrast shows that speaks for the claim, and what one that speaks against it.
    above, below : float, default 0
        A mean significantly above the first speaks for the claim, else one significantly below the second against it. A second
        threshold above zero is the smallest effect that counts: what is certainly smaller speaks against the claim too.
    unit : str
    digits : int

    Returns
    -------
    callable
        Its verdict is that of `adaptact.claims.rules.decided` over all contrasts; those with fewer than `ENOUGH` seeds are open.
    """

    against = f"; against it is one that is significantly less than {below:g} {unit.removesuffix('s') if below == 1 else unit}"
    places = [place for of in contrasts for place in (*of.plus, *of.minus)]

    @stated(
        f"each comparison is in its favour ({words[0]}) by {PAIRED}{against if below else ''}",
        *(place.experiment for place in places),
    )
    def rule(evidence):
        found = [(of, by_seed(evidence, of, measure)) for of in contrasts]
        found = [(of, sample) for of, sample in found if len(sample) >= ENOUGH]
        if not found:
            names = ", ".join(dict.fromkeys(place.experiment for of in contrasts for place in of.plus))
            return Verdict("undecided", f"no comparison has records of {ENOUGH} seeds yet; {names} makes them")
        yes, no = judged([sample for _, sample in found], above, below, evidence.alpha)
        means = [sample.mean() for _, sample in found]
        spread = f"{signed(min(means), digits)} to {signed(max(means), digits)} {unit}"
        reason = f"of {len(contrasts)} comparisons {sum(yes)} are {words[0]} and {sum(no)} {words[1]}; means {spread}"
        if shown := [of.label for (of, _), y in zip(found, yes, strict=True) if y]:
            reason += f"; for it {_some(shown)}"
        if shown := [of.label for (of, _), n in zip(found, no, strict=True) if n]:
            reason += f"; against it {_some(shown)}"
        if lacking := len(contrasts) - len(found):
            reason += f"; {lacking} lack {ENOUGH} seeds"
        used = [r for of, _ in found for place in (*of.plus, *of.minus) for r in evidence.records(*place, PROFILE).values()]
        n = min(len(sample) for _, sample in found)
        verdict = decided(sum(yes), sum(no), len(contrasts))
        return Verdict(verdict, reason, spread, n=n, profile=PROFILE, hardware=hardware_of(used))

    return rule


def table(evidence, contrasts, measure, profile=PROFILE, digits=1):
    """Contrasts for a page: the mean with its 95 % interval, n, and the corrected p-value against zero.

    Parameters
    ----------
    evidence : Evidence
    contrasts : list of Contrast
    measure : callable
    profile : str, default "laptop"
    digits : int, default 1

    Returns
    -------
    pandas.DataFrame
        A line for each contrast with two seeds or more.
    """
    samples = [(of.label, by_seed(evidence, of, measure, profile)) for of in contrasts]
    samples = [(label, sample) for label, sample in samples if len(sample) > 1]
    corrected = holm([beyond(sample, 0, "greater" if sample.mean() > 0 else "less") for _, sample in samples])
    lines = []
    for (label, sample), p in zip(samples, corrected, strict=True):
        of = estimate(sample)
        interval = f"{signed(of.mean, digits)} [{signed(of.low, digits)}, {signed(of.high, digits)}]"
        p_text = f"{p:.3f}" if p >= 0.001 else "< 0.001"
        lines.append({"comparison": label, "mean [95 % interval]": interval, "n": of.n, "p (Holm)": p_text})
    return pd.DataFrame(lines, columns=["comparison", "mean [95 % interval]", "n", "p (Holm)"]).set_index("comparison")


def signed(value, digits):
    """A number with its sign, a true minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def _some(labels, most=4):
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


__all__ = ["Contrast", "Place", "by_seed", "contrasted", "difference", "interaction", "judged", "table", "values"]
