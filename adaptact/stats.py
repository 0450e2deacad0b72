"""Means, intervals and paired tests over seeds, by scipy and statsmodels."""

import gc
from dataclasses import dataclass

import numpy as np
import scipy


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Parameters
    ----------
    mean : float
    low, high : float or None
        The interval by Student's t, of 95 % unless asked otherwise; None for a single value, which has none.
    n : int
    p : float or None, optional
        Two-sided, of a paired t-test against no difference; None where there is none.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    p: float | None = None


def estimate(values, *, test=False, overlap=0.0, alpha=0.05):
    """Mean and 95 % interval of values, one a seed, or one a seed and fold.

    Parameters
    ----------
    values : sequence of float
        At least one.
    test : bool, default False
        Whether to test them against a mean of zero.
    overlap : float, default 0
        For values from folds, the test images of a fold over its training images, 1/4 for five folds. Two folds' training
        images are mostly the same, so that their values vary less than those of new data would; the variance of the mean is
        s²(1/n + overlap) in place of s²/n (Nadeau and Bengio 2003, doi 10.1023/A:1024068626366).
    alpha : float, default 0.05
        What the interval's coverage is below one.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If there are no values.

    Examples
    --------
    >>> estimate([1.0, 2.0, 3.0]).mean
    2.0
    """
    values = np.asarray(values, dtype=float)
    if values.size == 0:
        raise ValueError("no values to estimate from")
    if values.size == 1:
        return Estimate(float(values[0]), None, None, 1)
    mean, error = float(values.mean()), scipy.stats.sem(values) * np.sqrt(1 + overlap * values.size)
    if error == 0:  # every seed gives the same: the interval is a point, and the t-test is not defined
        return Estimate(mean, mean, mean, values.size)
    low, high = scipy.stats.t.interval(1 - alpha, values.size - 1, loc=mean, scale=error)
    p = float(2 * scipy.stats.t.sf(abs(mean) / error, values.size - 1)) if test else None
    return Estimate(mean, float(low), float(high), values.size, p)


def paired(values, base, *, overlap=0.0, alpha=0.05):
    """Mean difference of two conditions over the same seeds, with its interval and a paired t-test.

    Parameters
    ----------
    values, base : dict of int to float
        By seed, or by seed and fold; what only one of them has is left out.
    overlap, alpha : float
        As for `estimate`.

    Returns
    -------
    Estimate or None
        None if they share no seed.

    Examples
    --------
    >>> paired({1: 2.0, 2: 3.0}, {1: 1.0, 3: 1.0}).mean
    1.0
    """
    seeds = sorted(values.keys() & base.keys())
    if not seeds:
        return None
    return estimate([values[seed] - base[seed] for seed in seeds], test=True, overlap=overlap, alpha=alpha)


def holm(p_values):
    """Holm's correction for the tests of one family.

    Parameters
    ----------
    p_values : sequence of float or None
        None for a comparison that was not tested; it does not count.

    Returns
    -------
    list of float or None

    Examples
    --------
    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    from statsmodels.stats.multitest import multipletests  # here, since it takes a second to import

    tested = [p for p in p_values if p is not None]
    # statsmodels collects garbage at each call, half a second where thousands of records are held: it is shown none of them.
    gc.freeze()
    try:
        corrected = iter(multipletests(tested, method="holm")[1] if tested else [])
    finally:
        gc.unfreeze()
    return [None if p is None else float(next(corrected)) for p in p_values]


__all__ = ["Estimate", "estimate", "holm", "paired"]
