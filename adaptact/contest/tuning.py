"""What a learning rate of its own is worth to each activation: the first stage of the arena, and what it changes."""

import numpy as np
import pandas as pd
import scipy

from .. import tables
from ..arena import chosen
from ..experiments import arena
from ..experiments.arena import RATES, SETTINGS, TUNING_SEED, tuning_seeds
from ..stats import paired
from .results import ADDED, by_seed, guessing, marked, means

MIDDLE = RATES[len(RATES) // 2]
COLUMNS = ["setting", "row", "rate", "seed", "status", "held_out", "test", "chosen"]


def tuned(profile, store, settings=SETTINGS, names=(), rows=None):
    """The trainings of the arena's first stage, of seeds that the second does not use.

    Parameters
    ----------
    profile, store, settings, names, rows
        As for `adaptact.contest.collect`.

    Returns
    -------
    pandas.DataFrame
        One line a setting, row, rate and seed that has a record: ``held_out``, the best accuracy on held-out images, whose mean
        over seeds chose the rate; ``test``, the accuracy on test images at that epoch, which did not; and whether the rate was
        ``chosen``. Where it diverged 0, as `adaptact.arena.chosen` has it, and guessing.
    """
    lines, found = [], chosen(profile, store, settings, names, rows)
    for setting in settings:
        experiment = arena.rates([setting], names, rows)
        for line in tables.collect(experiment, profile, store, tuning_seeds(setting, profile)).to_dict("records"):
            record, row = line["record"], line["row"]
            broken, rate = line["status"] != "done" or line["best_validation"] is None, record.run.lr
            held_out = 0.0 if broken else max(record.curves["validation_accuracy"])
            test = guessing(record.run) if broken else line["best_validation"]
            is_chosen = found.get(setting, {}).get(row) == rate
            lines.append((setting, marked(row, names), rate, line["seed"], line["status"], held_out, test, is_chosen))
    return pd.DataFrame(lines, columns=COLUMNS)


def chosen_by_each(trials):
    """The rate that each seed of the first stage would have chosen by itself.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `tuned`.

    Returns
    -------
    pandas.DataFrame
        By setting and row, a column a seed; of equals the lowest rate. NaN where a seed lacks a rate.
    """
    table = trials.pivot_table(index=["setting", "row", "seed"], columns="rate", values="held_out", sort=False)
    table = table.sort_index(axis=1).dropna()
    return table.idxmax(axis=1).unstack("seed") if len(table) else pd.DataFrame()


def first_seed_rates(trials):
    """`chosen_by_each` of the first seed alone, in the form that `adaptact.contest.collect` takes for a profile's rates.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `tuned`.

    Returns
    -------
    dict of str to dict of str to float
        By setting and row.
    """
    rates = {}
    for (setting, row), rate in chosen_by_each(trials)[TUNING_SEED].dropna().items():
        rates.setdefault(setting, {})[row.removesuffix(ADDED)] = rate
    return rates


def sensitivity(trials):
    """How many points of held-out accuracy each rate loses to the row's best one, the mean over settings.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `tuned`.

    Returns
    -------
    pandas.DataFrame
        Rows by rates, and ``settings``, how many have all rates.
    """
    table = trials.pivot_table(index=["setting", "row"], columns="rate", values="held_out", sort=False).dropna()
    loss = (-table.sub(table.max(axis=1), axis=0)).groupby("row", sort=False)
    return loss.mean().join(loss.size().rename("settings"))


def worth_of_tuning(trials, found):
    """What a rate of one's own changes, by setting.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `tuned`.
    found : pandas.DataFrame
        From `adaptact.contest.collect`.

    Returns
    -------
    pandas.DataFrame
        By setting: ``moved``, rows whose chosen rate is not the middle one; ``gain``, the mean over rows of test accuracy at the
        chosen rate less that at the middle one, in points; ``tau``, Kendall's rank correlation of the rows at the middle
        rate with those at their own, both by means over the first stage's seeds; and as a measure of chance ``tau_seeds``, its
        mean over all pairs of the second stage's seeds, all at the same rates.
    """
    lines = []
    for setting, of in trials.groupby("setting", sort=False):
        own = of[of["chosen"]].groupby("row")["test"].mean()
        middle = of[of["rate"] == MIDDLE].groupby("row")["test"].mean()
        own, middle = own.align(middle, join="inner")
        moved = of[of["chosen"] & (of["rate"] != MIDDLE)]["row"].nunique()
        seeds = found[found["setting"] == setting].pivot_table(index="row", columns="seed", values="test").dropna()
        line = {"setting": setting, "rows": len(own), "moved": moved, "gain": (own - middle).mean(), "tau": _tau(own, middle)}
        between = [_tau(seeds[a], seeds[b]) for i, a in enumerate(seeds) for b in seeds.columns[:i]]
        lines.append(line | {"tau_seeds": np.mean(between) if between else np.nan})
    return pd.DataFrame(lines, columns=["setting", "rows", "moved", "gain", "tau", "tau_seeds"]).set_index("setting")


def gains(found, other):
    """What one choice of rates gains over another, over the seeds that are compared, for the rows that it gives another rate.

    Parameters
    ----------
    found, other : pandas.DataFrame
        From `adaptact.contest.collect`, with different ``rates``.

    Returns
    -------
    pandas.DataFrame
        By setting and row: ``rate``, ``other_rate``, ``gain`` in points of test accuracy with its 95 % interval ``low``, ``high``,
        and ``n``. Held-out images chose the rate with other seeds, so that a gain can be negative.
    """
    rates = pd.DataFrame({name: of.groupby(["setting", "row"])["rate"].first() for name, of in (("own", found), ("other", other))})
    lines = []
    for setting, row in dict.fromkeys(zip(found["setting"], found["row"], strict=True)):
        gain, (own, rate) = paired(by_seed(found, setting, row), by_seed(other, setting, row)), rates.loc[(setting, row)]
        if own != rate and gain is not None:
            lines.append((setting, row, own, rate, gain.mean, gain.low, gain.high, gain.n))
    columns = ["setting", "row", "rate", "other_rate", "gain", "low", "high", "n"]
    table = pd.DataFrame(lines, columns=columns).set_index(["setting", "row"])
    return table.astype({"low": float, "high": float})


def agreement(first, second):
    """Kendall's τ, by setting, between two rankings of the rows by their means over seeds.

    Parameters
    ----------
    first, second : pandas.DataFrame
        From `adaptact.contest.collect`.

    Returns
    -------
    pandas.Series
        Of the settings and rows that both have.
    """
    a, b = means(first).align(means(second), join="inner")
    both = {setting: pd.concat([a.loc[setting], b.loc[setting]], axis=1).dropna() for setting in a.index}
    return pd.Series({setting: _tau(of.iloc[:, 0], of.iloc[:, 1]) for setting, of in both.items()}, dtype=float)


def _tau(first, second):
    return scipy.stats.kendalltau(first, second).statistic if len(first) > 1 else np.nan


__all__ = ["agreement", "chosen_by_each", "first_seed_rates", "gains", "sensitivity", "tuned", "worth_of_tuning"]
