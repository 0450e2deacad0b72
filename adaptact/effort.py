"""What the evidence cost: records, seeds and hours by experiment, summed from the records themselves."""

from dataclasses import replace
from functools import cache

import pandas as pd

from .experiments import EXPERIMENTS
from .records import PROTOCOL

PROFILES = ("paper", "laptop")
REST = "searches and single runs"


def records_of(store):
    """Every record of a store with the experiment that it is of.

    Parameters
    ----------
    store : adaptact.Store

    Returns
    -------
    pandas.DataFrame
        A row a record of the current protocol: ``source`` (what stands before the slash in an experiment's name),
        ``experiment`` (of those that share a run the first), ``profile``, ``dataset``, ``model``, ``seed``, ``seconds`` of wall
        time on one thread or device, ``epochs`` that were trained, ``status``, and ``hardware`` in words. What no experiment
        lists is of `REST`: the trials of searches, and runs of readers' own.
    """
    rows = []
    for record in store.records():
        if record.protocol != PROTOCOL:
            continue
        name, profile = home_of(record.run)
        rows.append(
            {
                "source": name.split("/")[0],
                "experiment": name,
                "profile": profile,
                "dataset": record.run.dataset,
                "model": record.run.model,
                "seed": record.run.seed,
                "seconds": record.seconds,
                "epochs": max(map(len, record.curves.values()), default=0),
                "status": record.status,
                "hardware": record.machine,
            }
        )
    columns = ["source", "experiment", "profile", "dataset", "model", "seed", "seconds", "epochs", "status", "hardware"]
    return pd.DataFrame(rows, columns=columns)


@cache
def _homes():
    homes = {}
    for experiment in EXPERIMENTS.values():
        for profile in PROFILES:
            for cell in experiment.cells:
                run = experiment.run(cell, profile, 0, experiment.folds[0])
                homes.setdefault(_apart_from_repeats(run), (experiment, profile, cell))
    return homes


def home_of(run):
    """The experiment and the profile that a run is of.

    Parameters
    ----------
    run : Run

    Returns
    -------
    experiment : str
        Its name; of those that share a run the first, and `REST` if none lists it.
    profile : str
        Empty for `REST`.
    """
    experiment, profile, _ = _homes().get(_apart_from_repeats(run), (None, "", None))
    return (experiment.name if experiment else REST), profile


def at_paper_scale(records):
    """What the experiments that these records are of would take at the profile ``paper``, estimated from what they took.

    A run's seconds grow with the images that it trains on and with its epochs. Each row and column counts once, with the seeds
    and folds that ``paper`` has.

    Parameters
    ----------
    records : iterable of adaptact.Record

    Returns
    -------
    float
        Seconds of single runs, one thread or device each; 0 where no record is of an experiment.
    """
    taken, repeats = {}, {}
    for experiment, full, ratio, seconds in _at_full_scale(records):
        taken.setdefault(full, {}).setdefault(ratio, []).append(seconds)
        repeats.setdefault(full, len(experiment.repeats("paper")))
    return sum(repeats[full] * _nearest(scales) for full, scales in taken.items())


def lacking(store):
    """What experiments still lack at the profile ``paper``, and how long one thread would be at it.

    Parameters
    ----------
    store : adaptact.Store

    Returns
    -------
    pandas.DataFrame
        A row an experiment that lacks something: its ``runs`` and those that are ``recorded``; the ``hours`` of single runs that
        the rest would take, estimated from what records of the same row and column took, at this scale or a smaller one, else
        of the same network on the same set; ``unknown``, how many runs there is no such record of. A run that two experiments
        have is in both rows.
    """
    records = [record for record in store.records() if record.protocol == PROTOCOL]
    done, taken, lines = {record.run for record in records}, {}, {}
    for _, full, ratio, seconds in _at_full_scale(records):
        for alike in (full, (full.dataset, full.model)):  # by image, since rows of one network can differ in length
            taken.setdefault(alike, {}).setdefault(ratio, []).append(seconds / (full.epochs * full.train_images))
    for name, experiment in EXPERIMENTS.items():
        runs = list(dict.fromkeys(experiment.runs("paper")))
        rest = [run for run in runs if run not in done]
        known = [taken.get(_apart_from_repeats(run)) or taken.get((run.dataset, run.model)) for run in rest]
        if rest:
            seconds = sum(run.epochs * run.train_images * _nearest(of) for run, of in zip(rest, known, strict=True) if of)
            line = {"runs": len(runs), "recorded": len(runs) - len(rest), "hours": seconds / 3600}
            lines[name] = line | {"unknown": known.count(None)}
    columns = ["runs", "recorded", "hours", "unknown"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns).rename_axis("experiment")


def _at_full_scale(records):
    """Of each record of an experiment that, its run at full scale, and by which ratio its seconds were scaled to the last."""
    for record in records:
        key = _apart_from_repeats(record.run)
        if key in _homes():
            experiment, _, cell = _homes()[key]
            full = experiment.run(cell, "paper", 0, experiment.folds[0])
            ratio = full.epochs * full.train_images / (key.epochs * key.train_images)
            yield experiment, _apart_from_repeats(full), ratio, ratio * record.seconds


def _nearest(scales):
    """The mean of the seconds that come from the scale next to the paper's: a row may be recorded at several."""
    seconds = scales[min(scales)]
    return sum(seconds) / len(seconds)


def summed(found, by):
    """Records, diverged ones, seeds, and hours.

    Parameters
    ----------
    found : pandas.DataFrame
        From `records_of`.
    by : list of str
        Its columns to group by, in the order in which they are first met.

    Returns
    -------
    pandas.DataFrame
        ``records``, ``diverged``, ``seeds`` (different ones), ``epochs`` and ``hours``, of wall time, one thread or device each.
    """
    groups = found.groupby(by, sort=False)
    return pd.DataFrame(
        {
            "records": groups.size(),
            "diverged": groups["status"].agg(lambda status: int((status == "diverged").sum())),
            "seeds": groups["seed"].nunique(),
            "epochs": groups["epochs"].sum(),
            "hours": groups["seconds"].sum() / 3600,
        }
    )


def _apart_from_repeats(run):
    return replace(run, seed=0, fold=run.fold and 1)


__all__ = ["REST", "at_paper_scale", "home_of", "lacking", "records_of", "summed"]
