"""Ranks over settings: Friedman's test, Nemenyi's test after it, and how small a difference that can see.

Demšar (2006), Statistical comparisons of classifiers over multiple data sets, Journal of Machine Learning Research 7, 1-30.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from ..claims.base import ALPHA
from ..errors import UserError

FEWEST = 3  # rows; with two Friedman's test is a sign test


@dataclass(frozen=True)
class Ranks:
    """Rows ranked in each of some settings.

    Parameters
    ----------
    ranks : pandas.DataFrame
        Settings by rows; 1 is the best, equals share the mean of their ranks.
    mean : pandas.Series
        By row, best first.
    chi2, p : float
        Friedman's statistic, chi-squared with k - 1 degrees of freedom, and its p-value; NaN if nothing differs anywhere.
    f, p_f : float
        Iman and Davenport's, less conservative: F with k - 1 and (k - 1)(N - 1) degrees of freedom (Demšar's section 3.2.2).
    agreement : float
        Kendall's W: 0 if the settings' rankings have nothing in common, 1 if they are the same.
    critical : float
        The difference of two mean ranks that Nemenyi's test finds significant at 5 %.
    nemenyi : pandas.DataFrame
        p-values, rows by rows.
    """

    ranks: pd.DataFrame
    mean: pd.Series
    chi2: float
    p: float
    f: float
    p_f: float
    agreement: float
    critical: float
    nemenyi: pd.DataFrame

    @property
    def told_apart(self):
        """Pairs (better, worse) of rows that Nemenyi's test tells apart at 5 %."""
        order = list(self.mean.index)
        return [(a, b) for i, a in enumerate(order) for b in order[i + 1 :] if self.nemenyi.loc[a, b] < ALPHA]


def complete(table, rows=None):
    """The part of a table of means without gaps.

    Parameters
    ----------
    table : pandas.DataFrame
        Settings by rows, from `adaptact.contest.means`.
    rows : iterable of str, optional
        The settings that have all of these, as far as any has them. By default the rows that all settings have.

    Returns
    -------
    pandas.DataFrame
    """
    if rows is None:
        return table.dropna(axis=1)
    return table[[row for row in rows if row in table]].dropna(axis=0)


def rank(table):
    """Rank the rows in each setting and test whether they differ.

    Parameters
    ----------
    table : pandas.DataFrame
        Settings by rows, without gaps; more is better.

    Returns
    -------
    Ranks or None
        None with fewer than two settings or three rows.

    Raises
    ------
    UserError
        If scikit-posthocs is missing.
    """
    blocks, count = table.shape
    if blocks < 2 or count < FEWEST:
        return None
    ranks = table.rank(axis=1, ascending=False)
    nothing = bool((ranks == ranks.iloc[0, 0]).all(axis=None))
    chi2, p = (np.nan, np.nan) if nothing else scipy.stats.friedmanchisquare(*(table[row] for row in table))
    left = blocks * (count - 1) - chi2
    f = np.inf if left <= 0 else (blocks - 1) * chi2 / left
    p_f = float(scipy.stats.f.sf(f, count - 1, (count - 1) * (blocks - 1)))
    return Ranks(
        ranks=ranks,
        mean=ranks.mean().sort_values(kind="stable"),
        chi2=float(chi2),
        p=float(p),
        f=float(f),
        p_f=p_f,
        agreement=float(chi2 / (blocks * (count - 1))),
        critical=critical_difference(count, blocks),
        nemenyi=_posthocs().posthoc_nemenyi_friedman(table.reset_index(drop=True)),
    )


def critical_difference(count, blocks, alpha=ALPHA):
    """The least difference of two mean ranks that Nemenyi's test finds, for so many rows and settings (Demšar's section 3.2.2).

    Parameters
    ----------
    count : int
        How many rows are ranked.
    blocks : int
        In how many settings.
    alpha : float, default 0.05
        The level of significance.

    Returns
    -------
    float

    Examples
    --------
    >>> round(critical_difference(4, 14), 2)
    1.25
    """
    quantile = scipy.stats.studentized_range.ppf(1 - alpha, count, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(count * (count + 1) / (6 * blocks)))


def draw_ranks(result, axis):
    """A critical-difference diagram: mean ranks on a line, a bar over rows that Nemenyi's test does not tell apart.

    Parameters
    ----------
    result : Ranks
    axis : matplotlib.axes.Axes

    Raises
    ------
    UserError
        If scikit-posthocs is missing.
    """
    axis.grid(False)
    drawn = _posthocs().critical_difference_diagram(
        result.mean,
        result.nemenyi,
        ax=axis,
        label_fmt_left="{label} ({rank:.1f})",
        label_fmt_right="({rank:.1f}) {label}",
        label_props={"fontsize": 9},
        text_h_margin=0.15,
        elbow_props={"color": "#333333", "linewidth": 1},
        marker_props={"color": "black", "s": 14},
        crossbar_props={"color": "#0072B2"},
    )
    # The library's own bar for the critical difference lies on the numbers of the axis.
    axis.plot([1, 1 + result.critical], [1.9, 1.9], color="#D55E00", linewidth=2)
    axis.text(1 + result.critical / 2, 2.1, f"critical difference {result.critical:.1f}", ha="center", va="bottom", fontsize=9)
    lowest = min(text.get_position()[1] for text in drawn["labels"])
    axis.set(xlim=(0.9, 0.1 + max(len(result.mean), 1 + result.critical)), ylim=(lowest - 0.5, 3.2))
    axis.set_xticks(range(1, len(result.mean) + 1, 1 + len(result.mean) // 12))


def _posthocs():
    try:
        import scikit_posthocs
    except ImportError as error:
        raise UserError("the test of ranks needs scikit-posthocs: pip install 'adaptact[book]'.") from error
    return scikit_posthocs


__all__ = ["Ranks", "complete", "critical_difference", "draw_ranks", "rank"]
