"""A setting of the reader's own: the parameters of one notebook become an Experiment, which every table and figure takes."""

from dataclasses import replace

import pandas as pd

from . import activations
from .activations import activation_parameters
from .data import SOURCES
from .errors import UserError, choose
from .experiments import PROFILES, SEEDS, Cell, Experiment
from .notebook import RECORDED
from .run import Run
from .training import build_model

FULL = "paper"  # the profile that changes nothing: the runs of an experiment as they are asked for
PROCEDURES = ("classic", "dspt", "p24si", "dspt+p24si")
SLOW = 1000  # by P24SI so many times slower
# What a profile asks for where a parameter is left empty; all images, where it says nothing of them.
SCALES = {name: profile.fields for name, profile in PROFILES.items()}
SCALES |= {RECORDED: {"train_images": 600, "epochs": 6}, FULL: {"epochs": 100}}
DEFAULTS = {
    "model": "mlp",
    "activations": "relu, silu, leaf as silu, ahaf, apalu",
    "base": "",
    "granularity": "",
    "procedures": "classic",
    "optimizer": "adam",
    "lr": 1e-3,
    "batch_size": 32,
}
PARAMETERS = (*DEFAULTS, "activation_lr", "epochs", "train_images")


def setting(settings):
    """The experiment that a notebook's parameters ask for.

    Parameters
    ----------
    settings : adaptact.notebook.Settings
        With a `dataset`, and any of `PARAMETERS` in `more`; what is left out or empty has its default, or what the profile asks
        for. A function that the user added has a row too.

    Returns
    -------
    Experiment
        A row for each function and each procedure that applies to it, all compared with the base. Its runs are as asked for at
        `FULL`.

    Raises
    ------
    UserError
        If a value makes no sense, naming the valid ones.
    """
    source = SOURCES[settings.dataset]
    if source.numeric or source.defects:
        fitting = ", ".join(name for name, of in SOURCES.items() if not (of.numeric or of.defects))
        raise UserError(f"{settings.dataset} has no classes for an accuracy. Choose from: {fitting}.")
    scale, seeds = SCALES[settings.profile], PROFILES["smoke"].seeds if settings.profile == "smoke" else SEEDS
    size = {"train_images": min(scale.get("train_images", source.train_size), source.train_size), "epochs": scale["epochs"]}
    given = DEFAULTS | size | {name: value for name, value in settings.more.items() if value != ""}
    given.setdefault("activation_lr", given["lr"])
    fields = {name: given[name] for name in ("model", "optimizer", "lr", "activation_lr", "batch_size", "epochs", "train_images")}
    plain = Run(dataset=settings.dataset, activation="relu", seed=SEEDS[0], shuffle=True, augment=False, **fields)
    functions = list(dict.fromkeys([*_listed("activations", given["activations"]), *settings.added]))
    procedures = [choose("procedure", name.replace(" ", ""), PROCEDURES) for name in _listed("procedures", given["procedures"])]
    rows = {function: _rows(plain, function, procedures, given["granularity"]) for function in functions}
    _be_applied(procedures, [run for of in rows.values() for run in of.values()])
    base = next(iter(rows[choose("base", _words(given["base"]) or functions[0], functions)]))
    runs = {row: run for of in rows.values() for row, run in of.items()}
    if len(runs) < 2:
        raise UserError(f"activations is {given['activations']!r}: give two at least, to compare, such as relu, silu.")
    column = f"{plain.model}, {source.title}"
    cells = tuple(Cell(row, column, run, None if row == base else base) for row, run in runs.items())
    return Experiment("own", "A setting of one's own", cells, settings.seeds or seeds)


def numbers(experiment):
    """What each row of an experiment trains.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    pandas.DataFrame
        By row: ``a set for each`` neuron, channel or layer, ``trained numbers`` of the whole network, and ``of the function``.
    """
    table = {}
    for cell in experiment.cells:
        model = build_model(cell.run)
        table[cell.row] = {
            "a set for each": cell.run.granularity or "–",
            "trained numbers": sum(values.numel() for values in model.parameters()),
            "of the function": sum(values.numel() for values in activation_parameters(model).values()),
        }
    return pd.DataFrame.from_dict(table, orient="index")


def _words(text):
    return " ".join(str(text).lower().split())


def _listed(name, given):
    items = [_words(item) for item in (given if isinstance(given, list) else str(given).split(","))]
    if not all(items):
        raise UserError(f"{name} is {given!r}: give names with commas between them, such as {DEFAULTS[name]}.")
    return items


def _rows(plain, function, procedures, granularity):
    """The runs of a function by their rows: one for each procedure of those that apply to it."""
    name, _, start = function.partition(" as ")
    allowed = activations.granularities(name)
    if granularity != "":
        choose("granularity", granularity, activations.GRANULARITIES)
    fields = {"activation": name, "init": start or None}
    if allowed:
        fields["granularity"] = granularity if granularity in allowed else allowed[0]
    rows = {}
    for procedure in procedures:
        asked = procedure.split("+")
        applies = [part for part in asked if (part == "dspt" and allowed) or (part == "p24si" and name == "leaf")]
        slow = plain.activation_lr / SLOW if "p24si" in applies else None
        run = replace(plain, **fields, dspt="dspt" in applies, slow_rho24=slow)
        rows.setdefault(", ".join([function, *([" + ".join(applies)] if applies else [])]), run)
    if start:
        _try(function, name, start)
    return rows


def _try(function, name, start):
    """Make the function once: whether it can start so is only known then."""
    try:
        activations.make(name, (4,), init=start)
    except UserError as error:
        raise UserError(f"{function}: {error}") from None
    except Exception as error:  # whatever a class says of a start that it cannot take
        raise UserError(f"{function}: {name} cannot start as a function of that name.") from error


def _be_applied(procedures, runs):
    asked = "+".join(procedures)
    if "dspt" in asked and not any(run.dspt for run in runs):
        raise UserError("dspt trains a function's own parameters, and no activation here has any: add one, such as leaf as silu.")
    if "p24si" in asked and not any(run.slow_rho24 is not None for run in runs):
        raise UserError("p24si slows LEAF's rho2 and rho4, and no activation here is LEAF: add one, such as leaf as silu.")


__all__ = ["FULL", "PARAMETERS", "numbers", "setting"]
