"""What came of the arena: scores, differences to a base in a setting and over all settings, and costs.

adaptact.arena (records) -> collect -> compare, pooled, costs; contest.ranks, contest.tuning, contest.figures -> the page
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import scipy

from .. import tables
from ..arena import chosen
from ..claims.base import ALPHA
from ..claims.contrasts import signed
from ..data import SOURCES
from ..experiments import arena
from ..experiments.arena import BASE, RATES, SETTINGS
from ..stats import estimate, holm, paired
from ..training import build_model

# An adaptive row and the fixed function that it starts as. PReLU starts as a Leaky ReLU of another slope than that row's.
STARTS = (
    ("LEAF as ReLU", "ReLU"),
    ("LEAF as SiLU", "SiLU"),
    ("LEAF as tanh", "tanh"),
    ("AHAF as SiLU", "SiLU"),
    ("trainable Swish", "SiLU"),
    ("trainable PLTanh", "PLTanh"),
    ("PReLU", "Leaky ReLU"),
    ("PReLU", "ReLU"),
)
# Against a network of a fixed function with as many trained numbers, and a LEAF a neuron against one a layer.
MATCHED = (
    ("LEAF as SiLU", "SiLU"),
    ("SiLU, wider", "SiLU"),
    ("LEAF as SiLU", "SiLU, wider"),
    ("LEAF as tanh", "tanh"),
    ("tanh, wider", "tanh"),
    ("LEAF as tanh", "tanh, wider"),
    ("LEAF as SiLU, by layer", "SiLU"),
    ("LEAF as SiLU", "LEAF as SiLU, by layer"),
)
ADDED = " (added)"
SCORES = ["setting", "row", "seed", "rate", "status", "test", "last", "seconds", "added", "record"]


def marked(row, names=()):
    """The label of a row: an activation that a user added says so in every table and figure.

    Parameters
    ----------
    row : str
    names : iterable of str
        The activations that a user added.

    Returns
    -------
    str
    """
    return f"{row}{ADDED}" if row in names else row


def collect(profile, store, settings=SETTINGS, names=(), rows=None, seeds=None, *, rates=None):
    """The scores of the arena's second stage, each row at the rate that the first stage chose.

    Parameters
    ----------
    profile : str
    store : Store
    settings, names, rows
        As for `adaptact.experiments.arena.entries`.
    seeds : iterable of int, optional
        By default the profile's.
    rates : dict, optional
        Other rates, by profile, setting and row; with ``{}`` every row has the middle one.

    Returns
    -------
    pandas.DataFrame
        One line a setting, row and seed that has a record: ``setting``, ``row`` (see `marked`), ``seed``, ``rate``, ``status``,
        ``test`` and ``last`` (test accuracy in percent, at the epoch that is best on held-out images and at the last one),
        ``seconds`` (of the fastest epoch), ``added`` (trained numbers beyond those of the same network with ReLU), ``record``.
        A run that diverged counts as guessing, 100 / classes: a mean over what is left would favour what diverges.
    """
    own = chosen(profile, store, settings, names, rows) if rates is None else None
    experiment, lines = arena.scores(settings, names, rows, found={profile: own} if rates is None else rates), []
    for line in tables.collect(experiment, profile, store, seeds).to_dict("records"):
        record, setting = line["record"], line["column"]
        if own is not None and line["row"] not in own.get(setting, {}):
            continue  # its rate is not chosen yet, and what is found at the middle one was made for something else
        broken = line["status"] != "done" or line["best_validation"] is None
        scores = {"test": line["best_validation"], "last": line["last"]}
        lines.append(
            {
                "setting": setting,
                "row": marked(line["row"], names),
                "rate": record.run.lr,
                **{name: line[name] for name in ("seed", "status", "record")},
                **{name: guessing(record.run) if broken else score for name, score in scores.items()},
                "seconds": min(record.curves.get("seconds") or [np.nan]),
                "added": added_numbers(record.run, setting),
            }
        )
    return pd.DataFrame(lines, columns=SCORES)


def means(found, value="test"):
    """Means over seeds, settings by rows, in the order of the arena; NaN where a row is not in a setting.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    value : str, default "test"
        Or another column of numbers.

    Returns
    -------
    pandas.DataFrame
    """
    table = found.pivot_table(index="setting", columns="row", values=value, sort=False)
    return table.reindex(index=found["setting"].unique(), columns=found["row"].unique())


def by_seed(found, setting, row, value="test"):
    """The scores of a row in a setting, by seed.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    setting, row : str
    value : str, default "test"
        Or ``last``.

    Returns
    -------
    dict of int to float
    """
    of = found[(found["setting"] == setting) & (found["row"] == row)]
    return dict(zip(of["seed"], of[value], strict=True))


def compare(found, base=BASE, value="test"):
    """Each row in each setting: its mean, and its paired difference to a base over the seeds that both have.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    base : str, default "ReLU"
    value : str, default "test"
        Or ``last``.

    Returns
    -------
    pandas.DataFrame
        By setting and row: ``rate``, ``edge`` (whether it is the lowest or the highest that was tried), ``n``, ``diverged``;
        ``mean``, ``low``, ``high``; ``difference``, ``difference_low``, ``difference_high``, ``p`` of a paired t-test,
        ``p_holm``, corrected over all rows of all settings, which are one family since the table is read as one;
        and ``d_z``, the mean difference over its standard deviation between seeds (Cohen 1988).
    """
    lines = []
    for (setting, row), of in found.groupby(["setting", "row"], sort=False):
        own, other = by_seed(found, setting, row, value), by_seed(found, setting, base, value)
        mean, against = estimate(list(own.values())), None if row == base else paired(own, other)
        difference = {} if against is None else {"difference": against.mean, "p": against.p}
        if against is not None and against.low is not None:
            spread = np.std([own[seed] - other[seed] for seed in own.keys() & other.keys()], ddof=1)
            difference |= {"difference_low": against.low, "difference_high": against.high}
            difference |= {"d_z": against.mean / spread if spread else np.nan}
        line = {"setting": setting, "row": row, "rate": of["rate"].iloc[0], "edge": of["rate"].iloc[0] in (min(RATES), max(RATES))}
        line |= {"n": mean.n, "diverged": int((of["status"] == "diverged").sum())}
        lines.append(line | {"mean": mean.mean, "low": mean.low, "high": mean.high} | difference)
    columns = ["setting", "row", "rate", "edge", "n", "diverged", "mean", "low", "high"]
    columns += ["difference", "difference_low", "difference_high", "p", "d_z"]
    table = pd.DataFrame(lines, columns=columns)
    numbers = columns[6:]
    table[numbers] = table[numbers].astype(float)
    table["p_holm"] = pd.Series(_holm(table["p"]), index=table.index, dtype=float)
    return table.set_index(["setting", "row"])


def shown(compared):
    """`compare` for a page: means, and differences to the base, rows by settings.

    Parameters
    ----------
    compared : pandas.DataFrame
        From `compare`.

    Returns
    -------
    means, differences : pandas.DataFrame
        Text: the mean and half of its 95 % interval; the difference with its interval, ``*`` where the corrected p-value is below
        5 %.
    """
    mean, difference = {}, {}
    for (setting, row), line in compared.iterrows():
        half = "" if np.isnan(line["low"]) else f" ± {line['high'] - line['mean']:.1f}"
        diverged = f" ({line['diverged']} diverged)" if line["diverged"] else ""
        mean.setdefault(setting, {})[row] = f"{line['mean']:.1f}{half}{diverged}"
        if not np.isnan(line["difference"]):
            ends = (
                ""
                if np.isnan(line["difference_low"])
                else " [{}, {}]".format(*(signed(line[f"difference_{end}"], 1) for end in ("low", "high")))
            )
            star = " *" if line["p_holm"] < ALPHA else ""
            difference.setdefault(setting, {})[row] = f"{signed(line['difference'], 1)}{ends}{star}"
    rows = list(dict.fromkeys(compared.index.get_level_values("row")))
    return tuple(
        pd.DataFrame(of, index=[row for row in rows if of is mean or row != BASE]).fillna(tables.NOTHING)
        for of in (mean, difference)
    )


def pooled(found, pairs, value="test"):
    """Pairs of rows over all settings that have both; a setting's mean over seeds is one value, however many seeds it has.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    pairs : iterable of (str, str)
    value : str, default "test"

    Returns
    -------
    pandas.DataFrame
        By ``row`` and ``base``: how many ``settings``; the ``mean`` of the settings' differences with its 95 % interval
        between settings (``low``, ``high``); how many settings lie ``above`` zero, and in how many the interval over seeds
        excludes zero (``surely_above``, ``surely_below``); in how many both have the ``same_rate``, and the mean difference
        there (``mean_same_rate``), for what comes of two rates, chosen by one seed each, need not come of the two functions;
        ``p`` of Wilcoxon's signed-rank test, exact and two-sided, whose least value with n settings is 2 / 2**n, and ``p_holm``
        over these pairs. Pairs without a common setting are left out.

    Notes
    -----
    Demšar (2006), Journal of Machine Learning Research 7, section 3.1.3: signed ranks for two classifiers over data sets.
    """
    lines, rate = [], found.groupby(["setting", "row"])["rate"].first()
    for row, base in pairs:
        each = {s: paired(by_seed(found, s, row, value), by_seed(found, s, base, value)) for s in found["setting"].unique()}
        each = {setting: of for setting, of in each.items() if of is not None}
        if not each:
            continue
        differences = np.array([of.mean for of in each.values()])
        over = estimate(differences)
        moved = differences[differences != 0]  # the test leaves out what does not differ
        p = scipy.stats.wilcoxon(moved, method="exact").pvalue if len(each) > 1 and len(moved) else np.nan
        sure = [of for of in each.values() if of.low is not None]
        counts = {"above": int((differences > 0).sum()), "surely_above": sum(of.low > 0 for of in sure)}
        counts["surely_below"] = sum(of.high < 0 for of in sure)
        same = [of.mean for setting, of in each.items() if rate[setting, row] == rate[setting, base]]
        counts |= {"same_rate": len(same), "mean_same_rate": np.mean(same) if same else np.nan}
        lines.append(
            {
                "row": row,
                "base": base,
                "settings": len(each),
                "mean": over.mean,
                "low": over.low,
                "high": over.high,
                **counts,
                "p": p,
            }
        )
    columns = [
        "row",
        "base",
        "settings",
        "mean",
        "low",
        "high",
        "above",
        "surely_above",
        "surely_below",
        "same_rate",
        "mean_same_rate",
        "p",
    ]
    table = pd.DataFrame(lines, columns=columns)
    ends = ["low", "high", "p"]  # None for one setting alone
    table[ends] = table[ends].astype(float)
    table["p_holm"] = pd.Series(_holm(table["p"]), index=table.index, dtype=float)
    return table.set_index(["row", "base"])


def costs(found, base=BASE):
    """What each row costs: time beside the base's, and trained numbers.

    Parameters
    ----------
    found : pandas.DataFrame
        From `collect`.
    base : str, default "ReLU"

    Returns
    -------
    pandas.DataFrame
        By setting and row: ``seconds`` an epoch, the least over all epochs of all its runs, for a machine that does other work
        too only ever adds to it; ``times`` the base's; ``added`` numbers.
    """
    table = found.groupby(["setting", "row"], sort=False).agg(seconds=("seconds", "min"), added=("added", "first"))
    own = found[found["row"] == base].groupby("setting")["seconds"].min()
    table["times"] = table["seconds"] / own.reindex(table.index.get_level_values("setting")).to_numpy()
    return table


def added_numbers(run, setting):
    """Trained numbers of a Run's network beyond those of the same network with ReLU, in a setting of the arena.

    Parameters
    ----------
    run : Run
    setting : str
        A key of `adaptact.arena.SETTINGS`.

    Returns
    -------
    int
    """
    network = arena.NETWORKS[SETTINGS[setting][0]]
    plain = replace(run, activation="relu", granularity=None, init=None, options=(), fc_width=network.get("fc_width"))
    return _trained_numbers(_shape(run)) - _trained_numbers(_shape(plain))


def guessing(run):
    """The accuracy of guessing, in percent: what a run that diverged counts as.

    Parameters
    ----------
    run : Run

    Returns
    -------
    float
    """
    return 100 / SOURCES[run.dataset].num_classes


def _shape(run):
    return replace(run, seed=0, lr=RATES[0], activation_lr=RATES[0])  # so that all seeds and rates are one


@cache
def _trained_numbers(run):
    return sum(numbers.numel() for numbers in build_model(run).parameters() if numbers.requires_grad)


def _holm(values):
    return holm([None if np.isnan(p) else p for p in values.astype(float)])
