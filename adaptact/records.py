"""Record (what came of a Run) and Store (folders of records).

Run -> train(run) -> Record, one JSON file -> table, figure, claim -> notebook -> book
"""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import activations
from .errors import UserError
from .run import Run, digest

# Raised by hand when the numbers that a Run gives change on purpose. A test of 20 steps fails when they change without it.
PROTOCOL = 1


class UnknownActivation(UserError):
    """A record is sound, but its activation `name` is not registered in this process."""

    def __init__(self, name):
        super().__init__(f"activation {name!r} is not known here; --add FILE makes it known.")
        self.name = name


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
        body["sha256"] = digest(body)
        lines = (f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in body.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text):
        """The record from its text.

        Raises
        ------
        UnknownActivation
            If its activation is not registered in this process.
        ValueError
            If the text is truncated, was edited, or lacks a field.
        """
        body = json.loads(text)
        if not isinstance(body, dict) or body.pop("sha256", None) != digest(body):
            raise ValueError("its checksum does not fit its content")
        try:
            name = body["run"]["activation"]
            if name not in activations.names():
                raise UnknownActivation(name)
            return cls(**{**body, "run": Run(**body["run"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"its fields are not a Record's ({error})") from error


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
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")
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
        """All readable records of known activations, whatever their protocol; of the same run, the first folder's."""
        found = {}
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                record = self._read(path)
                if record is not None:
                    found.setdefault((record.run, record.protocol), record)
        return list(found.values())

    def damaged(self):
        """Paths of the record files that cannot be read, with the reason."""
        return [(path, str(error)) for path, error in self._errors() if not isinstance(error, UnknownActivation)]

    def unknown(self):
        """Paths of the sound records whose activations are not registered in this process, with the activation's name."""
        return [(path, error.name) for path, error in self._errors() if isinstance(error, UnknownActivation)]

    def _errors(self):
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                try:
                    Record.from_json(path.read_text())
                except (ValueError, OSError) as error:
                    yield path, error

    def _read(self, path):
        try:
            return Record.from_json(path.read_text())
        except FileNotFoundError:
            return None
        except (ValueError, OSError):
            return None  # an unreadable file counts as absent, so its run is trained again; `damaged` or `unknown` has it


def import_records(source, target, unless=lambda run: False):
    """Copy the records of one folder into another, where they become evidence.

    Parameters
    ----------
    source, target : path
    unless : callable, optional
        Given a Run, whether to leave its record out.

    Returns
    -------
    imported, kept : list of Run
        Those copied, and those that `target` held already; the latter are left as they are.

    Raises
    ------
    UserError
        If `source` is no folder, or holds a damaged record, one of another protocol, or one of an activation that is not
        registered: nothing is copied then.
    """
    source, target = Store(source), Store(target)
    if not source.target.is_dir():
        raise UserError(f"{source.target} is no folder; records are written to _runs unless --results names another.")
    for path, reason in source.damaged():
        raise UserError(f"{path} is damaged ({reason}); delete it and run its experiment again.")
    if unknown := dict.fromkeys(name for _, name in source.unknown()):
        raise UserError(f"{source.target} has records of activations not known here: {', '.join(unknown)}. Give --add FILE too.")
    records = [record for record in source.records() if not unless(record.run)]
    for record in records:
        if record.protocol != PROTOCOL:
            raise UserError(f"{record.run.name} is of protocol {record.protocol}, not {PROTOCOL}; run its experiment again.")
    imported = [record for record in records if target.get(record.run) is None]
    for record in imported:
        target.put(record)
    return [record.run for record in imported], [record.run for record in records if record not in imported]
