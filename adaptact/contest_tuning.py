"""What a learning rate of its own is worth to each activation: the first stage of the arena, and what it changes."""

import numpy as np
import pandas as pd
from scipy import stats

from . import tables
from .arena import chosen
from .contest import by_seed, guessing, marked, means
from .experiments import arena
from .experiments.arena import RATES, SETTINGS, TUNING_SEED
from .stats import paired

MIDDLE = RATES[len(RATES) // 2]
COLUMNS = ["setting", "row", "rate", "status", "held_out", "test", "chosen"]


def tuned(profile, store, settings=SETTINGS, names=(), rows=None):
    """The trainings of the arena's first stage, of one seed that the second does not use.

    Parameters
    ----------
    profile, store, settings, names, rows
        As for `adaptact.contest.collect`.

    Returns
    -------
    pandas.DataFrame
        One line a setting, row and rate that has a record: ``held_out``, the best accuracy on held-out images, which chose the
        rate; ``test``, the accuracy on test images at that epoch, which did not; and whether the rate was ``chosen``.
    """
    experiment, lines = arena.rates(settings, names, rows), []
    found = chosen(profile, store, settings, names, rows)
    for line in tables.collect(experiment, profile, store, [TUNING_SEED]).to_dict("records"):
        record, setting = line["record"], line["column"].rpartition(", rate ")[0]
        broken = line["status"] != "done" or line["best_validation"] is None
        guess, held_out = guessing(record.run), record.curves.get("validation_accuracy", [])
        rate = record.run.lr
        lines.append(
            {
                "setting": setting,
                "row": marked(line["row"], names),
                "rate": rate,
                "status": line["status"],
                "held_out": guess if broken else max(value for value in held_out if value is not None),
                "test": guess if broken else line["best_validation"],
                "chosen": found.get(setting, {}).get(line["row"]) == rate,
            }
        )
    return pd.DataFrame(lines, columns=COLUMNS)


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
        rate with those at their own, both with the first stage's seed; and as a measure of chance ``tau_seeds``, its mean over
        all pairs of the second stage's seeds, all at the same rates.
    """
    lines = []
    for setting, of in trials.groupby("setting", sort=False):
        own = of[of["chosen"]].set_index("row")["test"]
        middle = of[of["rate"] == MIDDLE].set_index("row")["test"]
        own, middle = own.align(middle, join="inner")
        moved = int((of[of["chosen"]]["rate"] != MIDDLE).sum())
        seeds = found[found["setting"] == setting].pivot_table(index="row", columns="seed", values="test").dropna()
        line = {"setting": setting, "rows": len(own), "moved": moved, "gain": (own - middle).mean(), "tau": _tau(own, middle)}
        between = [_tau(seeds[a], seeds[b]) for i, a in enumerate(seeds) for b in seeds.columns[:i]]
        lines.append(line | {"tau_seeds": np.mean(between) if between else np.nan})
    return pd.DataFrame(lines, columns=["setting", "rows", "moved", "gain", "tau", "tau_seeds"]).set_index("setting")


def own_less_middle(found, middle):
    """What the rate of its own gains each row whose rate is not the middle one, over the seeds that are compared.

    Parameters
    ----------
    found, middle : pandas.DataFrame
        From `adaptact.contest.collect`, the second with ``rates={}``.

    Returns
    -------
    pandas.DataFrame
        By setting and row: ``rate``, ``gain`` in points of test accuracy with its 95 % interval ``low``, ``high``, and ``n``.
        Held-out images chose the rate with another seed, so that a gain can be negative.
    """
    lines = []
    for (setting, row), rate in found.groupby(["setting", "row"], sort=False)["rate"].first().items():
        gain = paired(by_seed(found, setting, row), by_seed(middle, setting, row))
        if rate != MIDDLE and gain is not None:
            lines.append((setting, row, rate, gain.mean, gain.low, gain.high, gain.n))
    columns = ["setting", "row", "rate", "gain", "low", "high", "n"]
    return pd.DataFrame(lines, columns=columns).set_index(["setting", "row"])


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
    return stats.kendalltau(first, second).statistic if len(first) > 1 else np.nan
