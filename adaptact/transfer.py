"""Records from one machine to another, and records and searches from a folder of runs into the evidence: export and import."""

import io
import zipfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .errors import UserError
from .records import PROTOCOL, Record, Store, UnknownActivation, reason_of, rename_aside, write_atomically

LARGEST = 2**24  # bytes of a record in an archive: a thousand times the usual, and no more is unpacked


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
    """What became of the records of an import, by the names of their runs.

    Parameters
    ----------
    imported, present, kept, replaced, left_out : list of str
        See `import_records`.
    other_protocol : dict of int to int
        How many records of each other protocol were left out.
    searches : dict of str to str
        For the journal of each search one of these words: imported, present, kept, incomplete, left_out.
    """

    imported: list = field(default_factory=list)
    present: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    replaced: list = field(default_factory=list)
    left_out: list = field(default_factory=list)
    other_protocol: dict = field(default_factory=dict)
    searches: dict = field(default_factory=dict)


def import_records(source, target, unless=lambda run: False):
    """Copy records into a folder, where they become evidence. Doing it again, or with another machine's half, is safe.

    Of a folder the journals of complete searches go along, but for those at smoke.

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
    result, journals = Imported(), _journals(source)
    for record in found:
        name = record.run.name
        if unless(record.run):
            result.left_out.append(name)
        elif record.protocol != PROTOCOL:
            result.other_protocol[record.protocol] = result.other_protocol.get(record.protocol, 0) + 1
        else:
            getattr(result, _place(record, target)).append(name)
    result.imported += result.replaced
    for journal, state in journals.items():
        result.searches[journal.stem] = state or _copy(journal, target.target / "searches" / journal.name)
    return result


def _journals(source):
    """The searches' journals in a folder, each with why it is left out, or None."""
    paths = sorted(source.glob("searches/*.log")) if source.is_dir() else []
    if not paths:
        return {}
    from .search import is_complete  # here, since it needs `sweep`, and a journal needs Optuna

    found = {}
    for path in paths:
        complete, said = is_complete(path)
        stays = said.get("profile") == "smoke" or said.get("protocol") != PROTOCOL
        found[path] = "incomplete" if not complete else "left_out" if stays else None
    return found


def _copy(journal, to):
    data = journal.read_bytes()
    if to.exists():
        return "present" if to.read_bytes() == data else "kept"
    write_atomically(to, data)
    return "imported"


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


__all__ = ["Imported", "export_records", "import_records"]
