"""Record (what came of a Run) and Store (folders of records).

Run -> train(run) -> Record, one JSON file -> table, figure, claim -> notebook -> book
"""

import io
import json
import os
import re
import tempfile
import zipfile
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from . import activations
from .errors import UserError
from .run import Run, digest

# Raised by hand when the numbers that a Run gives change on purpose. A test of 20 steps fails when they change without it.
PROTOCOL = 1
LARGEST = 2**24  # bytes of a record in an archive: a thousand times the usual, and no more is unpacked


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
        ``best_validation``; each with ``epoch`` (from 1) and ``test_accuracy``; with a `fold` ``last`` has the macro metrics
        of `adaptact.training.metrics` too. Empty for a run that diverged in epoch 1.
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
            If the text is truncated, was edited, lacks a field, or has a value of another type.
        """
        try:
            body = json.loads(text)
            if not isinstance(body, dict) or body.pop("sha256", None) != digest(body):
                raise ValueError("its checksum does not fit its content")
            name = body["run"]["activation"]
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError("its activation has no name")
            if name not in activations.names():
                raise UnknownActivation(name)
            record = cls(**{**body, "run": Run(**body["run"])})
            hash(record.run)  # a list among its fields would be found only where it is looked up
            right = record.status in ("done", "diverged") and isinstance(record.protocol, int)
            kinds = (record.curves, record.scores, record.shapes, record.hardware, record.versions)
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
        """Paths of what stands in a record's place and is no sound record of that name, with the reason."""
        return [(path, reason_of(error)) for path, error in self._errors() if not isinstance(error, UnknownActivation)]

    def unknown(self):
        """Paths of the sound records whose activations are not registered in this process, with the activation's name."""
        return [(path, error.name) for path, error in self._errors() if isinstance(error, UnknownActivation)]

    def mending(self, path):
        """What helps where a path of this store is damaged."""
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


def export_records(records, path):
    """Write records into one file, which `import_records` takes: a zip archive, the same bytes for the same records.

    Parameters
    ----------
    records : iterable of Record
    path : Path
        Its name ends in ``.zip``.

    Raises
    ------
    UserError
        If the name ends otherwise, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".zip":
        raise UserError(f"{path} is written as a zip archive: give a name that ends in .zip.")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for record in sorted(records, key=lambda record: (record.run.dataset, record.run.name)):
            member = zipfile.ZipInfo(f"{record.run.dataset}/{record.run.name}.json")  # of 1980, whenever it is written
            member.compress_type, member.create_system, member.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(member, record.to_json())
    write_atomically(path, buffer.getvalue(), otherwise="give another file")


@dataclass
class Imported:
    """What became of the records of an import: names of runs in each list, and the count by protocol in `other_protocol`."""

    imported: list = field(default_factory=list)
    present: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    replaced: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    other_protocol: dict = field(default_factory=dict)


def import_records(source, target, unless=lambda run: False):
    """Copy records into a folder, where they become evidence. Doing it again, or with another machine's half, is safe.

    Parameters
    ----------
    source : path
        A folder of records, or a file that `export_records` wrote; of the latter nothing is unpacked to disk.
    target : path
    unless : callable, optional
        Given a Run, whether to leave its record out.

    Returns
    -------
    Imported
        ``imported``; ``present``, the same record was there already; ``kept``, another record of the same run was there,
        and still is; ``replaced``, those of ``imported`` that took the place of an older protocol's record or of a
        damaged file, which is set aside; ``left_out`` by `unless`; ``other_protocol``, left out as well.

    Raises
    ------
    UserError
        If `source` is neither, or holds a damaged record, anything else, or a record of an activation that is not
        registered: nothing is copied then.
    """
    source, target, found, unknown = Path(source), Store(target), [], {}
    for name, read in _texts(source):
        try:
            found.append(Record.from_json(read().decode()))
        except UnknownActivation as error:
            unknown[error.name] = None
        except (ValueError, OSError) as error:
            what = "delete it and run its experiment again" if source.is_dir() else "export it again"
            raise UserError(f"{name} is damaged or no record ({reason_of(error)}); {what}.") from error
    if unknown:
        raise UserError(f"{source} has records of activations not known here: {', '.join(unknown)}. Give --add FILE too.")
    result = Imported()
    for record in found:
        name = record.run.name
        if unless(record.run):
            result.left_out.append(name)
        elif record.protocol != PROTOCOL:
            result.other_protocol[record.protocol] = result.other_protocol.get(record.protocol, 0) + 1
        else:
            getattr(result, _place(record, target)).append(name)
    result.imported += result.replaced
    return result


def _place(record, target):
    """Write a record unless there is one of its run; returns the name of the list in `Imported` that it belongs to."""
    path, state = target.path(record.run), "imported"
    try:
        there = target._load(path)
        if there.protocol >= PROTOCOL:
            return "present" if there == record else "kept"
        state = "replaced"
    except FileNotFoundError:
        pass
    except (ValueError, OSError):
        state = "replaced" if rename_aside(path) else "imported"
    target.put(record)
    return state


def _texts(source):
    """The name, and a function that reads the bytes, of everything in a folder or an archive that should be a record."""
    if source.is_dir():
        yield from ((str(path), path.read_bytes) for path in sorted(source.glob("*/*.json")))
        return
    if not source.is_file():
        raise UserError(f"{source} is no folder and no file; records are written to _runs unless --results names another.")
    try:
        archive = zipfile.ZipFile(source)
    except Exception as error:  # whatever zipfile meets in damaged bytes
        raise UserError(f"{source} is no archive of records, or a damaged one ({reason_of(error)}); export it again.") from error
    with archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield f"{source}: {member.filename!r}", partial(_unpacked, archive, member)


def _unpacked(archive, member):
    """The bytes of one member, in memory: its name is never a path."""
    if member.file_size > LARGEST:
        raise ValueError(f"{member.file_size} bytes are too many")
    try:
        return archive.read(member)
    except Exception as error:  # whatever zipfile and zlib meet in damaged bytes
        raise ValueError(reason_of(error)) from error
