"""A user's own activations by name: those in this process, and those that a Python file of theirs registers."""

import importlib.util
import sys
import traceback
from pathlib import Path

from . import activations
from .errors import UserError, choose

_FILES = {}  # the names that each imported file registered, by its path


def add(text):
    """Names of activations, from a list such as ``mine.py,prelu``; files are imported, which registers theirs.

    Parameters
    ----------
    text : str
        Registered names and paths of Python files, with commas between them. Empty for none.

    Returns
    -------
    tuple of str
        In this order, without repeats; for a file all the names that it registered.

    Raises
    ------
    UserError
        If a name is unknown, or if a file is missing, cannot be imported, or registers nothing.
    """
    found = []
    for item in map(str.strip, text.split(",")):
        if item.endswith(".py"):
            found += _from_file(Path(item).expanduser().resolve())
        elif item:
            found.append(choose("activation (a file must end in .py)", item, activations.names()))
    return tuple(dict.fromkeys(found))


def modules():
    """The modules that the files became."""
    return [sys.modules[path.stem] for path in _FILES if path.stem in sys.modules]


def _from_file(path):
    if path not in _FILES:
        before = set(activations.names())
        module = _import(path)
        new = [name for name in activations.names() if name not in before]
        # A file that something else has imported already registers nothing new; what it registered bears its name.
        old = [name for name, entry in activations.custom().items() if entry.target.__module__ == module.__name__]
        _FILES[path] = new or old
    if not _FILES[path]:
        del _FILES[path]
        raise UserError(f'{path} registers no activation; put @adaptact.register("a_free_name") above its function or class.')
    return _FILES[path]


def _import(path):
    """Import a file as a module of its own name, which is how worker processes find again what is defined in it."""
    if not path.is_file():
        raise UserError(f"there is no file {path}; give names of activations, or Python files that register some.")
    name = path.stem
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # last: the folder's other files must not hide installed modules
    importlib.invalidate_caches()  # the file may be younger than the last look into its folder
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a dot in the name; __main__
        spec = None
    if spec is None or Path(spec.origin or "").resolve() != path:
        reason = f"that is the name of {spec.origin or 'a package'}" if spec else "no module can have that name"
        raise UserError(f"{path} cannot be imported as {name!r}: {reason}. Give the file another one.")
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == spec.origin]
        line = lines[-1] if lines else getattr(error, "lineno", None)  # a SyntaxError is not in any frame of the file
        reason = " ".join(str(error).split())
        raise UserError(f"{path}, line {line}, raised {type(error).__name__}: {reason}") from error


__all__ = ["add"]
