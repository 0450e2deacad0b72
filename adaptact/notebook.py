"""What a notebook needs around its experiment: checked parameters, and records that are read or, on request, trained."""

from dataclasses import dataclass, field, replace
from typing import Any

from IPython.display import Markdown, display

from . import data, plugins, stamps, tables
from .errors import UserError, choose, parse_seeds
from .experiments import PROFILES
from .records import Store, project_folder
from .sweep import sweep
from .training import pick_device, train

RECORDED = "recorded"
_PARAMETERS = ("profile", "seeds", "device", "results", "data", "dataset", "add")


@dataclass(frozen=True)
class Settings:
    """The checked parameters of a notebook.

    Parameters
    ----------
    profile : str
        ``recorded``, or a key of `adaptact.experiments.PROFILES`.
    seeds : tuple of int or None
        None for the profile's own.
    device : str
    store : Store
    data_folder : str or None
    dataset : str or None
        For notebooks that let one choose.
    add : str
        As given, such as ``mine.py,prelu``.
    added : tuple of str
        The names of the activations in it. Each has its rows in every table.
    more : dict, optional
        By name, what the notebook has besides; whoever takes these checks them.
    """

    profile: str
    seeds: tuple | None
    device: str
    store: Store
    data_folder: str | None
    dataset: str | None
    add: str
    added: tuple
    more: dict = field(default_factory=dict)

    @property
    def shown(self):
        """The profiles whose tables are shown: when nothing is trained, those that are meant as results."""
        return ("paper", "laptop") if self.profile == RECORDED else (self.profile,)

    def at_scale(self, runs):
        """Runs at this profile and its seeds; at ``recorded`` as they are, a demonstration is small already.

        Parameters
        ----------
        runs : list of Run
            At the paper's scale.

        Returns
        -------
        list of Run
        """
        if self.profile != RECORDED:
            runs = [PROFILES[self.profile].scale(run) for run in runs]
        return [replace(run, seed=seed) for seed in self.seeds or {run.seed: None for run in runs} for run in runs]

    def train(self, runs):
        """Records of runs: read, or trained and kept; at ``recorded`` trained before the reader's eyes and not kept.

        Parameters
        ----------
        runs : list of Run

        Returns
        -------
        list of Record

        Raises
        ------
        UserError
            If the data set is not to be had or a run fails.
        """
        if self.profile == RECORDED:
            return [train(run, device=self.device, data_folder=self.data_folder) for run in runs]
        outcome = sweep(runs, self.store, device=self.device, data_folder=self.data_folder)
        if outcome.failed:
            run, reason = next(iter(outcome.failed.items()))
            raise UserError(f"{len(outcome.failed)} of {len(runs)} runs failed, the first is {run.name}: {reason}")
        return [self.store.get(run) for run in runs]

    def fill(self, experiment):
        """Train what an experiment lacks, unless the profile is ``recorded``.

        Parameters
        ----------
        experiment : Experiment
        """
        if self.profile != RECORDED:
            self.train(data.to_be_had(experiment.including(self.added).runs(self.profile, self.seeds), self.data_folder))

    def found(self, experiment, *rows):
        """The records of an experiment at the best profile that has any, trained first unless the profile is ``recorded``.

        Parameters
        ----------
        experiment : Experiment
        *rows : str
            The best profile that has all of these rows: another experiment may have recorded others, or some of them.

        Returns
        -------
        profile : str
        records : pandas.DataFrame
            As from `adaptact.tables.collect`; empty if there are none.
        """
        experiment = experiment.including(self.added)
        self.fill(experiment)
        for profile in self.shown:
            records = tables.collect(experiment, profile, self.store, self.seeds)
            if len(records) and set(rows) <= set(records["row"]):
                break
        return profile, records

    def show(self, experiment):
        """Display a paper's table at every shown profile, training what it lacks unless the profile is ``recorded``.

        Parameters
        ----------
        experiment : Experiment
        """
        experiment = experiment.including(self.added)
        self.fill(experiment)
        printed = tables.is_printed(experiment)
        for profile in self.shown:
            ours = profile == "paper" and not printed
            summary = "full scale; the paper prints no such numbers" if ours else PROFILES[profile].summary
            cycles = max(len(cell.run.cycles) for cell in experiment.cells)
            each = f" The {cycles} cycles of training have so many epochs each." if cycles and profile != "paper" else ""
            display(Markdown(f"**Profile {profile}**: {summary}.{each}"))
            if profile == "smoke":
                display(Markdown("This only shows that the path works. *These numbers are no results.*"))
            records = tables.collect(experiment, profile, self.store, self.seeds)
            found, recorded = len(records), tables.without_empty_doubles(experiment, records)
            if found and not printed and not any(cell.base and cell.row in set(records["row"]) for cell in experiment.cells):
                found = 0  # what is there is another experiment's, and nothing to compare
            if found or (profile == "paper" and printed):
                display(tables.scores(recorded, profile, self.store, self.seeds))
            if found:
                display(Markdown("Differences over the same seeds, in points:"))
                display(tables.differences(recorded, profile, self.store, self.seeds))
            command = f"`python -m adaptact run {experiment.name} --profile {profile}{self.add and f' --add {self.add}'}`"
            if found:
                display(Markdown(f"{tables.coverage(recorded, profile, self.store, self.seeds)} Made by {command}."))
            else:
                rest = f" but of the row {records['row'].iloc[0]}" if len(records) else ""
                display(Markdown(f"No record of our own yet{rest}; {command} makes it."))


def settings(parameters, more=()):
    """Check a notebook's parameters at once, before anything is computed.

    Parameters
    ----------
    parameters : dict
        The notebook's ``globals()`` right after its parameters cell. It may hold ``profile``, ``seeds``, ``device``,
        ``results``, ``data``, ``dataset`` and ``add``; an empty string means the default.
    more : iterable of str, optional
        Names of further parameters that this notebook has.

    Returns
    -------
    Settings

    Raises
    ------
    UserError
        If a value makes no sense, or a parameter has a name that the notebook does not know, with the valid choices.
    """
    given: dict[str, Any] = {
        name: value
        for name, value in parameters.items()
        if not name.startswith("_") and name not in ("In", "Out") and isinstance(value, (str, int, float, list, type(None)))
    }
    for name in given:
        # papermill only logs a name that it does not find in the parameters cell, and goes on with the defaults.
        choose("parameter", name, [*_PARAMETERS, *more])
    profile = choose("profile", given.get("profile", RECORDED), [RECORDED, *PROFILES])
    seeds = given.get("seeds", "")
    results = given.get("results") or ""
    add = given.get("add") or ""
    add = ",".join(add) if isinstance(add, list) else str(add)
    # What is committed must be shown alike on every machine, whatever lies in _runs there.
    default = Store(project_folder() / "results") if profile == RECORDED else Store()
    store = Store(results) if results else default
    stamps.follow(store)
    return Settings(
        profile=profile,
        seeds=None if seeds in ("", None) else parse_seeds(seeds),
        device=str(pick_device(given.get("device") or "auto")),
        store=store,
        data_folder=given.get("data") or None,
        dataset=choose("data set", given["dataset"], data.SOURCES) if "dataset" in given else None,
        add=add,
        added=plugins.add(add),
        more={name: given[name] for name in more if name in given},
    )


__all__ = ["RECORDED", "Settings", "settings"]
