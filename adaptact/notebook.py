"""What a notebook needs around its experiment: checked parameters, and records that are read or, on request, trained."""

from dataclasses import dataclass

from . import data
from .errors import UserError, choose, parse_seeds
from .experiments import PROFILES
from .records import Store, project_folder
from .sweep import sweep
from .training import pick_device

RECORDED = "recorded"
_PARAMETERS = ("profile", "seeds", "device", "results", "data", "dataset")


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
    """

    profile: str
    seeds: tuple | None
    device: str
    store: Store
    data_folder: str | None
    dataset: str | None

    @property
    def shown(self):
        """The profiles whose tables are shown: when nothing is trained, those that are meant as results."""
        return ("paper", "laptop") if self.profile == RECORDED else (self.profile,)

    def records(self, experiment):
        """Train what an experiment lacks, unless the profile is ``recorded``; returns the store.

        Parameters
        ----------
        experiment : Experiment

        Returns
        -------
        Store

        Raises
        ------
        UserError
            If the data set is not to be had or a run fails.
        """
        if self.profile != RECORDED:
            runs = experiment.runs(self.profile, self.seeds)
            outcome = sweep(runs, self.store, device=self.device, data_folder=self.data_folder)
            if outcome.failed:
                run, reason = next(iter(outcome.failed.items()))
                raise UserError(f"{len(outcome.failed)} of {len(runs)} runs failed, the first is {run.name}: {reason}")
        return self.store


def settings(parameters):
    """Check a notebook's parameters at once, before anything is computed.

    Parameters
    ----------
    parameters : dict
        The notebook's ``globals()`` right after its parameters cell. It may hold ``profile``, ``seeds``, ``device``,
        ``results``, ``data`` and ``dataset``; an empty string means the default.

    Returns
    -------
    Settings

    Raises
    ------
    UserError
        If a value makes no sense, or a parameter has a name that the notebook does not know, with the valid choices.
    """
    given = {
        name: value
        for name, value in parameters.items()
        if not name.startswith("_") and isinstance(value, (str, int, float, list, type(None)))
    }
    for name in given:
        # papermill only logs a name that it does not find in the parameters cell, and goes on with the defaults.
        choose("parameter", name, _PARAMETERS)
    profile = choose("profile", given.get("profile", RECORDED), [RECORDED, *PROFILES])
    seeds = given.get("seeds", "")
    results = given.get("results") or ""
    # What is committed must be shown alike on every machine, whatever lies in _runs there.
    default = Store(project_folder() / "results") if profile == RECORDED else Store()
    return Settings(
        profile=profile,
        seeds=None if seeds in ("", None) else parse_seeds(seeds),
        device=str(pick_device(given.get("device") or "auto")),
        store=Store(results) if results else default,
        data_folder=given.get("data") or None,
        dataset=choose("data set", given["dataset"], data.SOURCES) if "dataset" in given else None,
    )
