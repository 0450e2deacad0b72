"""The arena's two stages, tuning and comparing, for all activations and for one's own: ``python -m adaptact arena``.

rates (three trainings each) -> chosen (by held-out images) -> scores (five seeds each) -> adaptact.contest, the page
"""

import json

from . import data
from .experiments import arena
from .experiments.arena import RATES, RATES_FILE, SETTINGS, found_rates, rate_column, tuning_seeds
from .records import Store, write_atomically
from .sweep import Outcome, sweep


def chosen(profile, store, settings=SETTINGS, names=(), rows=None):
    """The learning rate of each row in each setting: that of the highest accuracy on images held out, on average over seeds.

    Parameters
    ----------
    profile : str
    store : Store
    settings, names, rows
        As for `adaptact.experiments.arena.entries`.

    Returns
    -------
    dict of str to dict of str to float
        By setting and row; without rows that lack one of their trainings. Of equals the lowest rate. A training that diverged
        counts as an accuracy of 0.
    """
    experiment, held_out = arena.rates(settings, names, rows), {}
    for cell in experiment.cells:
        setting = cell.column.rpartition(", rate ")[0]
        records = [store.get(experiment.run(cell, profile, seed)) for seed in tuning_seeds(setting, profile)]
        by_rate = held_out.setdefault(setting, {}).setdefault(cell.row, {})
        by_rate[cell.run.lr] = None if None in records else sum(map(_held_out, records)) / len(records)
    return {
        setting: {row: max(by_rate, key=by_rate.get) for row, by_rate in of.items() if None not in by_rate.values()}
        for setting, of in held_out.items()
    }


def _held_out(record):
    """The best accuracy on held-out images in percent, the epoch that the test images are looked at; 0 where it diverged."""
    values = record.curves["validation_accuracy"] if record.status == "done" else []
    return max(values, default=0.0)


def compete(profile, store=None, settings=SETTINGS, names=(), rows=None, *, seeds=None, **options):
    """Train what the arena lacks: each activation at every rate, then at its own rate with the seeds that are compared.

    Parameters
    ----------
    profile : str
    store : Store, optional
    settings, names, rows
        As for `adaptact.experiments.arena.entries`.
    seeds : iterable of int, optional
        To compare; by default the profile's.
    **options
        Those of `adaptact.sweep.sweep`.

    Returns
    -------
    Outcome
        Of both stages.
    """
    store, both = store or Store(), Outcome()
    for stage in ("rates", "scores"):
        if stage == "rates":
            tuned = [(arena.rates([setting], names, rows), tuning_seeds(setting, profile)) for setting in settings]
            runs = [run for experiment, tried in tuned for run in experiment.runs(profile, tried)]
        else:
            found = {profile: chosen(profile, store, settings, names, rows)}
            runs = arena.scores(settings, names, rows, found=found).runs(profile, seeds)
        outcome = sweep(data.to_be_had(runs, options.get("data_folder")), store, **options)
        for kind in ("present", "done", "diverged"):
            getattr(both, kind).extend(getattr(outcome, kind))
        both.failed.update(outcome.failed)
        if outcome.failed:
            break
    return both


def keep_rates(profile, store):
    """Write what `chosen` finds at a profile into the file that `adaptact.experiments.arena.scores` reads.

    Parameters
    ----------
    profile : str
        A key of `adaptact.experiments.PROFILES`. The rates of other profiles stay.
    store : Store
    """
    found = {**found_rates(), profile: chosen(profile, store)}
    write_atomically(RATES_FILE, (json.dumps(found, indent=1) + "\n").encode())


__all__ = ["RATES", "SETTINGS", "chosen", "compete", "keep_rates", "rate_column"]
