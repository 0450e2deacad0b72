"""Record (what came of a Run) and Store (folders of records).

Run -> train(run) -> Record, one JSON file -> table, figure, claim -> notebook -> book
"""

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, field
from itertools import count
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
        ``test_accuracy`` and, with a validation split, ``validation_accuracy`` in percent, and ``seconds``. Of sequences with
        classes also ``train_accuracy``, of the whole training set after the epoch, in percent. Where labels are numbers
        ``test_rmse``, the root of the mean squared error, stands in the place of the accuracy. Of another task, what its own
        training says: `adaptact.training.deep_svdd`, `adaptact.training.loop.train_imbalanced`.
    scores : dict of str to dict
        ``last`` and ``best_test`` (the first epoch of maximal test accuracy, what the LEAF paper prints), and
        ``best_validation``; each with ``epoch`` (from 1) and ``test_accuracy``; with a `fold` ``last`` has the macro metrics
        of `adaptact.training.metrics` too, and where labels are measured numbers ``test_mae``, ``test_r2`` and, of a series,
        ``naive_rmse`` and ``naive_mae``, the errors of the naive forecast. With rare classes it has what
        `adaptact.training.imbalance.minority_metrics` says. Empty for a run that diverged in epoch 1.
    shapes : dict of str to dict
        By activation site: ``quantiles`` of each parameter over the site (0, 25, 50, 75, 100 %) at some epochs, the
        learned ``sample`` of a few neurons, drawn alike for every run, and, in all but the oldest records, the ``path`` of these
        neurons over the epochs and histograms of their ``inputs`` at the end, on a part of the test set.
    seconds : float
        Wall time of training and evaluation.
    hardware, versions : dict
        Where it ran.
    protocol : int
        The version of the training code's numbers, see `PROTOCOL`.
    units : dict of str to dict
        By activation site: how many units no image of a part of the test set moves any more, and how much gradient arrives;
        see `adaptact.training.units`, and with rare classes `adaptact.training.imbalance`. Empty in older records.
    maps : dict of str to object
        Heat maps of a few test images, of the task ``padim`` alone; see `adaptact.training.padim.maps_of`.
    checksum : str
        The SHA-256 of all the rest, of a record that was read from a file.
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
    units: dict = field(default_factory=dict)
    maps: dict = field(default_factory=dict)
    checksum: str = field(default="", compare=False, repr=False)

    @property
    def machine(self):
        """Where it was made, in words: the GPU, or the processor and the threads."""
        return self.hardware.get("gpu") or f"{self.hardware.get('cpu')}, {self.hardware.get('threads')} thread a run"

    def to_json(self):
        """The record as text, closed by a checksum of all the rest.

        Returns
        -------
        str
        """
        body = asdict(self)
        del body["checksum"]
        body["sha256"] = digest(body)
        lines = (f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in body.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text):
        """The record from its text.

        Parameters
        ----------
        text : str
            From `to_json`.

        Returns
        -------
        Record

        Raises
        ------
        UnknownActivation
            If its activation is not registered in this process.
        ValueError
            If the text is truncated, was edited, lacks a field, or has a value of another type.
        """
        try:
            body = json.loads(text)
            if not isinstance(body, dict) or (checksum := body.pop("sha256", None)) != digest(body):
                raise ValueError("its checksum does not fit its content")
            name = body["run"]["activation"]
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError("its activation has no name")
            if name not in activations.names():
                raise UnknownActivation(name)
            record = cls(**{**body, "run": Run(**body["run"]), "checksum": checksum})
            hash(record.run)  # a list among its fields would be found only where it is looked up
            right = record.status in ("done", "diverged") and isinstance(record.protocol, int)
            kinds = (record.curves, record.scores, record.shapes, record.hardware, record.versions, record.units, record.maps)
            if not right or not all(isinstance(value, dict) for value in kinds):
                raise ValueError("its fields are not a Record's")
            if not re.fullmatch(r"[\w.+-]+", record.run.name):  # it becomes a path, and the text may be anybody's
                raise ValueError(f"{record.run.name!r} is no file's name")
            return record
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"its fields are not a Record's ({error})") from error


def write_atomically(path, data, otherwise="choose another folder with --results"):
    """Write bytes so that a reader, or a kill, sees the old file or the new one and nothing between.

    Parameters
    ----------
    path : Path
    data : bytes
    otherwise : str, optional
        What a user can do where freeing some space does not help.

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
        raise UserError(f"cannot write {path}: {error.strerror}. Free some space or {otherwise}.") from error


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
        self.listener = None  # called with each record that is asked for; see adaptact.stamps

    def heard(self, record):
        """The same record, once the listener, if there is one, has been told of it.

        Parameters
        ----------
        record : Record

        Returns
        -------
        Record
        """
        if self.listener is not None:
            self.listener(record)
        return record

    @property
    def target(self):
        """The folder that is written to."""
        return self.folders[-1]

    def path(self, run, folder=None):
        """Where the record of a run is, or would be.

        Parameters
        ----------
        run : Run
        folder : path, optional
            By default `target`.

        Returns
        -------
        pathlib.Path
        """
        return Path(folder or self.target) / run.dataset / f"{run.name}.json"

    def get(self, run):
        """The Record of a Run at the current `PROTOCOL`, or None.

        Parameters
        ----------
        run : Run

        Returns
        -------
        Record or None
            From the first folder that has it; a damaged file counts as none.
        """
        for folder in self.folders:
            record = self._read(self.path(run, folder))
            if record is not None and record.run == run and record.protocol == PROTOCOL:
                return self.heard(record)
        return None

    def put(self, record):
        """Write a record into `target`, in the place of one of the same run.

        Parameters
        ----------
        record : Record

        Returns
        -------
        pathlib.Path
            Where it is.

        Raises
        ------
        UserError
            If the folder cannot be written or the disk is full.
        """
        path = self.path(record.run)
        write_atomically(path, record.to_json().encode())
        return path

    def records(self):
        """All readable records of known activations, whatever their protocol; of the same run, the first folder's.

        Returns
        -------
        list of Record
        """
        found = {}
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                record = self._read(path)
                if record is not None:
                    found.setdefault((record.run, record.protocol), record)
        return list(found.values())

    def damaged(self):
        """Paths of what stands in a record's place and is no sound record of that name, with the reason.

        Returns
        -------
        list of (pathlib.Path, str)
        """
        return [(path, reason_of(error)) for path, error in self._errors() if not isinstance(error, UnknownActivation)]

    def unknown(self):
        """Paths of the sound records whose activations are not registered in this process, with the activation's name.

        Returns
        -------
        list of (pathlib.Path, str)
        """
        return [(path, error.name) for path, error in self._errors() if isinstance(error, UnknownActivation)]

    def mending(self, path):
        """What helps where a path of this store is damaged.

        Parameters
        ----------
        path : path
            One that `damaged` names.

        Returns
        -------
        str
        """
        if Path(path).is_relative_to(self.target):
            return "`run` sets it aside and trains its run again"
        return f"restore it (git restore {path}), or `run` its experiment and `import` the record"

    def set_aside(self, runs):
        """Make way for the records of runs: what is damaged in the written folder gets ``.damaged`` after its name.

        Parameters
        ----------
        runs : iterable of Run

        Returns
        -------
        list of str
            A line for each damaged file, those of the other folders included, which are left as they are.

        Raises
        ------
        UserError
            If a file cannot be renamed.
        """
        said = []
        for path in dict.fromkeys(self.path(run, folder) for run in runs for folder in self.folders):
            try:
                self._load(path)
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                if not path.is_relative_to(self.target):
                    said.append(f"damaged: {path} ({reason_of(error)}); {self.mending(path)}")
                elif aside := rename_aside(path):
                    said.append(f"damaged: {path} ({reason_of(error)}); set aside as {aside.name}, its run is trained again")
        return said

    def _errors(self):
        for folder in self.folders:
            for path in sorted(folder.glob("*/*.json")):
                try:
                    self._load(path)
                except FileNotFoundError:
                    continue  # another process has just set it aside
                except (ValueError, OSError) as error:
                    yield path, error

    def _load(self, path):
        record = Record.from_json(path.read_bytes().decode())
        if path.name != f"{record.run.name}.json" or path.parent.name != record.run.dataset:
            raise ValueError(f"it is the record of {record.run.dataset}/{record.run.name}, by another name")
        return record

    def _read(self, path):
        try:
            return self._load(path)
        except (ValueError, OSError):
            return None  # an unreadable file counts as absent, so its run is trained again; `damaged` or `unknown` has it


def reason_of(error):
    """What went wrong, in one line, not too long, and without the path, which is named beside it."""
    words = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= 200 else f"{words[:200]} ..."


def rename_aside(path):
    """Rename a damaged file, or a folder in its place, to a free name that ends in ``.damaged``.

    Returns
    -------
    Path or None
        Its new name; None if another process has just done it.

    Raises
    ------
    UserError
        If it cannot be renamed.
    """
    names = (path.with_name(f"{path.name}.damaged{number or ''}") for number in count())
    try:
        return path.rename(next(name for name in names if not name.exists()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"{path} is damaged and cannot be set aside: {error.strerror}. Rename or delete it.") from error
