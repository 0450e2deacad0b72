"""Means, intervals and paired tests over seeds, by scipy and statsmodels."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Parameters
    ----------
    mean : float
    low, high : float or None
        The 95 % interval by Student's t; None for a single value, which has none.
    n : int
    p : float or None, optional
        Two-sided, of a paired t-test against no difference; None where there is none.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    p: float | None = None


def estimate(values, *, test=False):
    """Mean and 95 % interval of values, one a seed.

    Parameters
    ----------
    values : sequence of float
        At least one.
    test : bool, default False
        Whether to test them against a mean of zero.

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
    mean, error = float(values.mean()), stats.sem(values)
    if error == 0:  # every seed gives the same: the interval is a point, and the t-test is not defined
        return Estimate(mean, mean, mean, values.size)
    low, high = stats.t.interval(0.95, values.size - 1, loc=mean, scale=error)
    p = float(stats.ttest_1samp(values, 0.0).pvalue) if test else None
    return Estimate(mean, float(low), float(high), values.size, p)


def paired(values, base):
    """Mean difference of two conditions over the same seeds, with its interval and a paired t-test.

    Parameters
    ----------
    values, base : dict of int to float
        By seed; seeds that only one of them has are left out.

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
    return estimate([values[seed] - base[seed] for seed in seeds], test=True)


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
    tested = [p for p in p_values if p is not None]
    corrected = iter(multipletests(tested, method="holm")[1] if tested else [])
    return [None if p is None else float(next(corrected)) for p in p_values]
