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
    taken = {}  # by the run at full scale: seconds as recorded there, or as they grow from a smaller scale
    for record in records:
        key = _apart_from_repeats(record.run)
        if key in _homes():
            experiment, _, cell = _homes()[key]
            full = experiment.run(cell, "paper", 0, experiment.folds[0])
            ratio = full.epochs * full.train_images / (key.epochs * key.train_images)
            scales, _ = taken.setdefault(_apart_from_repeats(full), ({}, len(experiment.repeats("paper"))))
            scales.setdefault(ratio, []).append(ratio * record.seconds)
    # A row that is recorded at several scales counts once, by the scale next to the paper's.
    nearest = ((scales[min(scales)], repeats) for scales, repeats in taken.values())
    return sum(repeats * sum(seconds) / len(seconds) for seconds, repeats in nearest)


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


__all__ = ["REST", "at_paper_scale", "home_of", "records_of", "summed"]
