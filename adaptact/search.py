"""The search for an option of an activation with Optuna: by images held out of training, and through a kill.

search(space) -> one journal, a line a trial -> trials, a data frame -> notebook
"""

import contextlib
import io
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from .disk import room
from .errors import UserError, choose
from .experiments.base import PROFILES
from .records import PROTOCOL, Store, reason_of, write_atomically
from .sweep import sweep

COLUMNS = ("number", "value", "validation_accuracy", "status", "seconds", "run")
RANDOM_TRIALS = 5  # before what came of them decides where to look


def search(space, profile, store=None, *, device="auto", data_folder=None, seed=0):
    """Do a search, or what is left of it; one that is complete in any folder of the store is only read.

    The trials follow from the search, the profile and the seed alone: after a kill the same call goes on to those of an
    undisturbed search. A trial's training goes on from its last epoch.

    Parameters
    ----------
    space : adaptact.experiments.Search
    profile : str
    store : Store, optional
        By default ``results`` and ``_runs``. The journal is in ``searches`` of the folder that is written to, and the record of
        each trial is one like any other.
    device : str, default "auto"
    data_folder : path, optional
        See `adaptact.data.data_folder`.
    seed : int, default 0
        Of the sampler, a Tree-structured Parzen Estimator.

    Returns
    -------
    pandas.DataFrame
        See `load`.

    Raises
    ------
    UserError
        If Optuna is not installed, the journal is damaged or is another search's, a training fails, or for a reason of
        `adaptact.sweep.sweep`.
    """
    store = store or Store()
    if len(found := load(space, profile, store, seed=seed)):
        return found
    journal = journal_of(space, profile, store.target)
    room(journal.parent)
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with _alone(FileLock(f"{journal}.lock"), space.name) as lock:
            _cut(journal)
            study, wanted = _open(journal, lock), identity(space, profile, seed)
            trials = _trials(journal, study, space, wanted)
            if "search" not in study.user_attrs:
                study.set_user_attr("search", wanted)
            while len(trials) < space.trials:
                value = _suggest(space, trials, seed)
                record = _train(space, profile, value, store, device, data_folder)
                study.add_trial(_trial(space, value, record))  # one line: it is in the journal whole or not at all
                trials = _trials(journal, study, space, wanted)
                said = f"{space.option} {value:.4g}, validation accuracy {trials[-1].value:.2f} %, {record.status}"
                print(f"{space.name} [{len(trials)}/{space.trials}] {said}", file=sys.stderr, flush=True)
            Path(lock.lock_file).unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write {journal}: {reason_of(error)}. Free some space or choose another folder with --results."
        ) from error
    return _table(space, trials)


def search_all(spaces, profile, store=None, *, jobs=1, **options):
    """Do several searches, some side by side in processes of their own.

    Parameters
    ----------
    spaces : list of adaptact.experiments.Search
    profile : str
    store : Store, optional
    jobs : int, default 1
    **options
        Those of `search`.

    Yields
    ------
    space : adaptact.experiments.Search
    trials : pandas.DataFrame or UserError
        Why there are none: one search's failure does not stop the others.
    """
    folders = [folder.resolve() for folder in (store or Store()).folders]
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="n_jobs", batch_size=1)
    work = (joblib.delayed(_one)(space, profile, folders, options, os.getpid()) for space in spaces)
    with contextlib.closing(parallel(work)) as results:
        yield from zip(spaces, results, strict=True)


def load(space, profile, store=None, *, seed=0):
    """The trials of a complete search.

    Parameters
    ----------
    space : adaptact.experiments.Search
    profile : str
    store : Store, optional
    seed : int, default 0
        The one that it was made with.

    Returns
    -------
    pandas.DataFrame
        Of the first folder of the store that has it whole, a row a trial: ``number`` from 0, the option's ``value``,
        ``validation_accuracy`` in percent after the last epoch (0 if it diverged), ``status``, ``seconds`` and ``run``, the
        name of its Run. Empty if there is none.

    Raises
    ------
    UserError
        If Optuna is not installed, or a journal is damaged or is another search's.
    """
    wanted = identity(space, profile, seed)
    for folder in (store or Store()).folders:
        journal = journal_of(space, profile, folder)
        if _begun(journal):
            trials = _trials(journal, _open(journal), space, wanted)
            if len(trials) == space.trials:
                return _table(space, trials)
    return _table(space, [])


def best(trials):
    """The row of highest validation accuracy, the first of such.

    Parameters
    ----------
    trials : pandas.DataFrame
        From `load`.

    Returns
    -------
    pandas.Series

    Raises
    ------
    UserError
        If there are no trials.
    """
    if trials.empty:
        raise UserError("there are no trials: the search is not done; python -m adaptact list names the searches.")
    return trials.loc[trials["validation_accuracy"].idxmax()]


def journal_of(space, profile, folder):
    """Where the journal of a search is, or would be."""
    choose("profile", profile, PROFILES)
    return Path(folder) / "searches" / f"{space.name.replace('/', '-')}-{profile}.log"


def identity(space, profile, seed=0):
    """What a journal says that it is the search of."""
    run = PROFILES[choose("profile", profile, PROFILES)].scale(space.run)
    kept = {name: getattr(space, name) for name in ("option", "low", "high", "trials")}
    return {"name": space.name, "profile": profile, "run": run.key, **kept, "seed": seed, "protocol": PROTOCOL}


def is_complete(journal):
    """Whether a journal, of whatever search, has all its trials; and its `identity`.

    Returns
    -------
    bool, dict

    Raises
    ------
    UserError
        If Optuna is not installed, or the journal is damaged.
    """
    if not _begun(journal):
        return False, {}
    study = _open(journal)
    try:
        said = study.user_attrs["search"]
        if journal.name != f"{said['name'].replace('/', '-')}-{said['profile']}.log":
            raise ValueError(f"it is the journal of {said['name']} at {said['profile']}, by another name")
        return sum(trial.state.name == "COMPLETE" for trial in study.trials) == said["trials"], said
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(journal, error) from error


def _optuna():
    try:
        import optuna
    except ImportError as error:
        raise UserError('searches need Optuna: pip install "optuna>=4"') from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _begun(journal):
    """Whether a journal has at least one whole line; without one a kill came before anything was said."""
    return journal.is_file() and b"\n" in journal.read_bytes()


def _cut(journal):
    """Take off the half line that a kill left at the end: Optuna does not read it, but would write on in it."""
    if journal.exists() and not (text := journal.read_bytes()).endswith(b"\n"):
        write_atomically(journal, text[: text.rfind(b"\n") + 1])


def _open(journal, lock=None):
    """The study in a journal; made there if there is none and a lock to write with is given."""
    optuna = _optuna()
    try:
        # This lock, and not Optuna's own, which outlives a kill. A process that holds it can take it again.
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal), lock_obj=lock))
        if lock is None:
            return optuna.load_study(study_name=None, storage=storage)
        return optuna.create_study(study_name="search", storage=storage, direction="maximize", load_if_exists=True)
    except OSError:
        raise
    except Exception as error:  # whatever Optuna meets in damaged lines
        raise _damaged(journal, error) from error


def _trials(journal, study, space, wanted):
    """The trials of a study, all complete, once it is clear that they are those of this search."""
    trials, said = study.trials, study.user_attrs.get("search")
    if said is None and not trials:
        return []
    if said != wanted:
        said = said if isinstance(said, dict) else {}
        name = next((name for name in wanted if said.get(name) != wanted[name]), "another entry")
        other = f"{name} {said.get(name)!r}, not {wanted.get(name)!r}"
        raise UserError(f"{journal} is the journal of another search: {other}. {_MENDING}")
    try:
        if len(trials) > space.trials:
            raise ValueError(f"{len(trials)} trials are too many")
        for trial in trials:
            run, held = _run(space, wanted["profile"], trial.params[space.option]), trial.user_attrs
            value = held["validation_accuracy"][-1] if held["status"] == "done" else 0.0
            if held["run"] != run.name or trial.value != value or not held["seconds"] >= 0:
                raise ValueError(f"trial {trial.number} does not fit its training")
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _damaged(journal, error) from error
    return trials


_MENDING = "Restore it, or delete it and search again: what was trained is recorded and not trained again."


def _damaged(journal, error):
    return UserError(f"{journal} is damaged or no search's journal ({reason_of(error)}). {_MENDING}")


def _suggest(space, trials, seed):
    """The value to try next; it depends on the trials before and on nothing that a kill could take away."""
    optuna = _optuna()
    words = np.random.SeedSequence([seed, len(trials)]).generate_state(1)
    sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=int(words[0]))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.add_trials(trials)
    return study.ask(_distributions(space)).params[space.option]


def _distributions(space):
    return {space.option: _optuna().distributions.FloatDistribution(space.low, space.high, log=True)}


def _trial(space, value, record):
    accuracies = record.curves["validation_accuracy"]
    held = {"run": record.run.name, "status": record.status, "seconds": record.seconds, "validation_accuracy": accuracies}
    return _optuna().trial.create_trial(
        value=accuracies[-1] if record.status == "done" else 0.0,
        params={space.option: value},
        distributions=_distributions(space),
        user_attrs=held,
    )


def _run(space, profile, value):
    run = PROFILES[profile].scale(space.run)
    return replace(run, options={**dict(run.options), space.option: value})


def _train(space, profile, value, store, device, data_folder):
    """The Record of a trial."""
    run = _run(space, profile, value)
    with contextlib.redirect_stderr(io.StringIO()) as said:  # what the test images say is not for a search to show
        outcome = sweep([run], store, device=device, data_folder=data_folder, jobs=1)
    for line in said.getvalue().splitlines():
        if not line.startswith("[1/1]"):
            print(line, file=sys.stderr)
    if outcome.failed:
        log = store.target / "sweep.log"
        raise UserError(f"{space.name} stopped: {run.name} failed ({outcome.failed[run]}). Try the same again; log in {log}")
    return store.get(run)


def _table(space, trials):
    rows = [
        (t.number, t.params[space.option], t.value, t.user_attrs["status"], t.user_attrs["seconds"], t.user_attrs["run"])
        for t in trials
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


@contextlib.contextmanager
def _alone(lock, name):
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: another process is at it; waiting for what it finds", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield lock
    finally:
        lock.release()


def _one(space, profile, folders, options, parent):
    """One search in a worker; what went wrong is returned."""
    if os.getpid() != parent:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
        tqdm.set_lock(threading.RLock())  # its own is among processes, and Ctrl-C would leave it behind with a warning
    try:
        return search(space, profile, Store(*folders), **options)
    except UserError as error:
        return error


def _end_with(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)  # nobody is left to take the result; the checkpoint is written


__all__ = ["best", "load", "search", "search_all"]
