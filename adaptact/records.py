"""Run (what to train), Record (what came out), and Store (folders of records).

Run -> train(run) -> Record, one JSON file -> table, figure, claim -> notebook -> book
"""

import hashlib
import json
import math
import os
import tempfile
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path

from . import activations
from .data import SOURCES
from .errors import UserError, choose
from .models import MODELS

# Raised by hand when the numbers that a Run gives change on purpose. A test of 20 steps fails when they change without it.
PROTOCOL = 1

OPTIMIZERS = ("adam", "rmsprop")
CONV_DROPOUTS = ("channel", "element")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that decides a training's numbers, and nothing else. The defaults are the LEAF paper's released code.

    A Run's identity is its fields. A field that is added later gets a default that means "as before"; fields at their
    default do not enter the hash, so records made before it keep their names. A default, once published, never changes.

    Parameters
    ----------
    dataset : str
        A key of `adaptact.data.SOURCES`.
    train_images : int
        The first so many training images are used.
    model : str
        A key of `adaptact.models.MODELS`.
    activation : str
        A registered activation.
    init : str, optional
        The function that a trainable activation starts as.
    granularity : {"layer", "channel", "neuron"}, optional
        What has activation parameters of its own; None for a fixed function.
    epochs : int
    seed : int
        Decides initial weights, batch order, augmentation, and dropout.
    dspt : bool
        Double-stage parameter tuning: for each mini-batch, update the activation parameters, then the weights.
    slow_rho24 : float, optional
        P24SI: a learning rate of their own for LEAF's rho2 and rho4. None: as the other activation parameters.
    optimizer : {"adam", "rmsprop"}
        RMSprop has alpha 0.9 and eps 1e-7.
    lr, activation_lr : float
        Learning rates of the weights and of the activation parameters.
    batch_size : int
    shuffle : bool
        Whether each epoch draws a new order. The LEAF code does not shuffle.
    augment : bool
        Horizontal flips and integer shifts; see `adaptact.data.augment`.
    conv_dropout : {"channel", "element"}
        KerasNet's dropout after its convolutions. LeNet-5 has none and ignores it.
    fc_dropout : float
        KerasNet's dropout before its last layer. LeNet-5 has none and ignores it.
    validation_images : int
        So many of `train_images` are held out, by class, and the best epoch on them is recorded. The LEAF code holds
        out none.

    Raises
    ------
    UserError
        If a value makes no sense, naming the valid ones.
    """

    dataset: str
    train_images: int
    model: str
    activation: str
    epochs: int
    seed: int
    init: str | None = None
    granularity: str | None = None
    dspt: bool = False
    slow_rho24: float | None = None
    optimizer: str = "adam"
    lr: float = 1e-3
    activation_lr: float = 1e-3
    batch_size: int = 128
    shuffle: bool = False
    augment: bool = True
    conv_dropout: str = "channel"
    fc_dropout: float = 0.2
    validation_images: int = 0

    def __post_init__(self):
        choose("data set", self.dataset, SOURCES)
        choose("model", self.model, MODELS)
        trainable = activations.is_trainable(self.activation)
        choose("optimizer", self.optimizer, OPTIMIZERS)
        choose("conv_dropout", self.conv_dropout, CONV_DROPOUTS)
        for name, low, high in [
            ("train_images", 1, SOURCES[self.dataset].train_size),
            ("epochs", 1, 10**6),
            ("seed", 0, 2**63 - 1),
            ("batch_size", 1, 10**6),
            ("validation_images", 0, self.train_images - 1),
        ]:
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise UserError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
        for name in ("lr", "activation_lr", "slow_rho24"):
            value = getattr(self, name)
            if value is not None:
                self._be_number(name, math.inf)
        self._be_number("fc_dropout", 1)
        if trainable:
            choose("granularity", self.granularity, activations.GRANULARITIES)
        elif self.init or self.granularity or self.dspt:
            raise UserError(f"{self.activation} has no parameters: leave init, granularity and dspt at their defaults.")
        if self.slow_rho24 is not None and self.activation != "leaf":
            raise UserError(f"slow_rho24 is a rate for LEAF's rho2 and rho4; {self.activation} has none. Leave it None.")

    def _be_number(self, name, high):
        value = getattr(self, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < high:
            raise UserError(f"{name} is {value!r}: give a number from 0 to below {high}.")
        object.__setattr__(self, name, float(value))  # 1 and 1.0 are the same Run and must have the same key

    @property
    def key(self):
        """Eight hexadecimal digits made from every field that is not at its default."""
        values = {f: getattr(self, f.name) for f in fields(self)}
        identity = {f.name: value for f, value in values.items() if f.default is MISSING or value != f.default}
        return _digest(identity)[:8]

    @property
    def name(self):
        """A readable name ending in `key`, such as ``cifar10-kerasnet-leaf_as_tanh-dspt-p24-s42-1f0c9a2e``."""
        activation = f"{self.activation}_as_{self.init}" if self.init else self.activation
        procedure = ["dspt"] * self.dspt + ["p24"] * (self.slow_rho24 is not None)
        return "-".join([self.dataset, self.model, activation, *procedure, f"s{self.seed}", self.key])


@dataclass(frozen=True)
class Record:
    """What a Run gave.

    Parameters
    ----------
    run : Run
    status : {"done", "diverged"}
        Diverged: a loss became NaN or infinite; training stopped after that epoch.
    curves : dict of str to list
        One value an epoch: ``train_loss`` (mean over the mini-batches, as seen while training), ``test_loss``,
        ``test_accuracy`` and, with a validation split, ``validation_accuracy`` in percent, and ``seconds``.
    scores : dict of str to dict
        ``last`` and ``best_test`` (the first epoch of maximal test accuracy, what the LEAF paper prints), and
        ``best_validation``; each with ``epoch`` (from 1) and ``test_accuracy``. Empty for a run that diverged in epoch 1.
    shapes : dict of str to dict
        By activation site: ``quantiles`` of each parameter over the site (0, 25, 50, 75, 100 %) at some epochs, and the
        learned ``sample`` of a few neurons, drawn alike for every run.
    seconds : float
        Wall time of training and evaluation.
    hardware, versions : dict
        Where it ran.
    protocol : int
        The version of the training code's numbers, see `PROTOCOL`.
    """

    run: Run
    status: str
    curves: dict
    scores: dict
    shapes: dict
    seconds: float
    hardware: dict
    versions: dict
    protocol: int = field(default=PROTOCOL)

    def to_json(self):
        """The record as text, closed by a checksum of all the rest."""
        body = asdict(self)
        body["sha256"] = _digest(body)
        lines = (f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in body.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text):
        """The record from its text.

        Raises
        ------
        ValueError
            If the text is truncated, was edited, or lacks a field.
        """
        body = json.loads(text)
        if not isinstance(body, dict) or body.pop("sha256", None) != _digest(body):
            raise ValueError("its checksum does not fit its content")
        try:
            return cls(**{**body, "run": Run(**body["run"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"its fields are not a Record's ({error})") from error


def _digest(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


def write_atomically(path, data):
    """Write bytes so that a reader, or a kill, sees the old file or the new one and nothing between.

    Raises
    ------
    UserError
        If the folder cannot be written or the disk is full.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(part, 0o644)
        os.replace(part, path)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error.strerror}. Free some space or choose another folder with --results."
        ) from error


def project_folder():
    """The nearest folder, from the current one upwards, that holds ``results``; else the current one."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "results").is_dir()), here)


class Store:
    """Folders of records: all are read, the last one is written.

    Parameters
    ----------
    *folders : path
        In the order in which they are asked for a record. By default the project's ``results``, the committed evidence,
        which nothing but an explicit import changes, then its ``_runs``, where training writes.
    """

    def __init__(self, *folders):
        default = (project_folder() / "results", project_folder() / "_runs")
        self.folders = tuple(Path(folder) for folder in folders) or default

    @property
    def target(self):
        """The folder that is written to."""
        return self.folders[-1]

    def path(self, run, folder=None):
        """Where the record of a run is, or would be."""
        return Path(folder or self.target) / run.dataset / f"{run.name}.json"

    def get(self, run):
        """The Record of a Run at the current `PROTOCOL`, or None."""
        for folder in self.folders:
            record = self._read(self.path(run, folder))
            if record is not None and record.run == run and record.protocol == PROTOCOL:
                return record
        return None

    def put(self, record):
        """Write a record; returns its path."""
        path = self.path(record.run)
        write_atomically(path, record.to_json().encode())
        return path

    def records(self):
        """All readable records, whatever their protocol; where two folders hold the same run, the first one's."""
        found = {}
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                record = self._read(path)
                if record is not None:
                    found.setdefault((record.run, record.protocol), record)
        return list(found.values())

    def damaged(self):
        """Paths of the record files that cannot be read, with the reason."""
        bad = []
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                try:
                    Record.from_json(path.read_text())
                except (ValueError, OSError) as error:
                    bad.append((path, str(error)))
        return bad

    def _read(self, path):
        try:
            return Record.from_json(path.read_text())
        except FileNotFoundError:
            return None
        except (ValueError, OSError):
            return None  # an unreadable file counts as absent, so its run is trained again; `damaged` names it


def import_records(source, target):
    """Copy the records of one folder into another, where they become evidence.

    Parameters
    ----------
    source, target : path

    Returns
    -------
    imported, kept : list of Run
        Those copied, and those that `target` held already; the latter are left as they are.

    Raises
    ------
    UserError
        If `source` is no folder, or holds a damaged record or one of another protocol: nothing is copied then.
    """
    source, target = Store(source), Store(target)
    if not source.target.is_dir():
        raise UserError(f"{source.target} is no folder; records are written to _runs unless --results names another.")
    for path, reason in source.damaged():
        raise UserError(f"{path} is damaged ({reason}); delete it and run its experiment again.")
    records = source.records()
    for record in records:
        if record.protocol != PROTOCOL:
            raise UserError(f"{record.run.name} is of protocol {record.protocol}, not {PROTOCOL}; run its experiment again.")
    imported = [record for record in records if target.get(record.run) is None]
    for record in imported:
        target.put(record)
    return [record.run for record in imported], [record.run for record in records if record not in imported]
