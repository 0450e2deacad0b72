"""The arena's two stages, tuning and comparing, for all activations and for one's own: ``python -m adaptact arena``.

rates (three trainings each) -> chosen (by held-out images) -> scores (five seeds each) -> adaptact.contest, the page
"""

import json

from . import data
from .experiments import arena
from .experiments.arena import RATES, RATES_FILE, SETTINGS, TUNING_SEED, found_rates, rate_column
from .records import Store, write_atomically
from .sweep import Outcome, sweep


def chosen(profile, store, settings=SETTINGS, names=(), rows=None):
    """The learning rate of each row in each setting: that of the highest accuracy on images held out of training.

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
        is below all others, and a row all of whose trainings diverged has the lowest rate.
    """
    experiment, found, missing = arena.rates(settings, names, rows), {}, set()
    for cell in experiment.cells:
        record = store.get(experiment.run(cell, profile, TUNING_SEED))
        setting, rate = cell.column.rpartition(", rate ")[0], cell.run.lr
        if record is None:
            missing.add((setting, cell.row))
            continue
        held_out = max((value for value in record.curves["validation_accuracy"] if value is not None), default=-1.0)
        value = held_out if record.status == "done" else -1.0
        best = found.setdefault(setting, {}).get(cell.row)
        if best is None or value > best[0]:
            found[setting][cell.row] = (value, rate)
    return {
        setting: {row: rate for row, (_, rate) in rows.items() if (setting, row) not in missing} for setting, rows in found.items()
    }


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
            runs = arena.rates(settings, names, rows).runs(profile, [TUNING_SEED])
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
    """Write what `chosen` finds at a profile into the file that `adaptact.experiments.arena.scores` reads."""
    found = {**found_rates(), profile: chosen(profile, store)}
    write_atomically(RATES_FILE, (json.dumps(found, indent=1) + "\n").encode())


__all__ = ["RATES", "SETTINGS", "chosen", "compete", "keep_rates", "rate_column"]
