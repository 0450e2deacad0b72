"""A stamp under each table and figure of a notebook: which records it rests on.

A notebook's store says which records a cell reads. The names that the cell assigns rest on them, and so does what later cells make
of these names, so that a figure drawn ten cells further down is stamped with the records it shows.
"""

import ast
import hashlib
from collections import Counter

from IPython import get_ipython
from IPython.display import Markdown, display

from .effort import home_of

PLAIN = (str, int, float, type(None))  # a profile's name, a count: what is made of them need not rest on the records

HEARD = {}  # every record that a cell of this notebook has read, by its checksum


def stamp(records):
    """What records have in common, in one line.

    Parameters
    ----------
    records : iterable of adaptact.Record

    Returns
    -------
    str
        Their number, profile, seeds, hardware, versions, and `mark`. Empty where there are no records.
    """
    records = {record.checksum: record for record in records}.values()
    if not records:
        return ""
    profiles = dict.fromkeys(home_of(record.run)[1] or "a scale of its own" for record in records)
    repeats = [_counted("seed", {record.run.seed for record in records})]
    if folds := {record.run.fold for record in records} - {None}:
        repeats.append(_counted("fold", folds))
    versions = (", ".join(f"{name} {version}" for name, version in record.versions.items()) for record in records)
    return (
        f"{_number(records)} at {' and '.join(profiles)}, {', '.join(repeats)}; "
        f"{_some(map(_made_on, records))}; {_some(versions)}; hash {mark(records)}"
    )


def mark(records):
    """Eight hexadecimal digits that change when any of some records does: of a SHA-256 over their checksums.

    Parameters
    ----------
    records : iterable of adaptact.Record

    Returns
    -------
    str
    """
    return hashlib.sha256("".join(sorted({record.checksum for record in records})).encode()).hexdigest()[:8]


def _made_on(record):
    return record.machine + (", activations compiled" if "activations" in record.hardware else "")


def _number(records):
    return f"{len(records):,} record{'s' * (len(records) > 1)}"


def _counted(what, values):
    listed = f" ({', '.join(map(str, sorted(values)))})" if what == "seed" and len(values) <= 5 else ""
    return f"{len(values)} {what}{'s' * (len(values) > 1)}{listed}"


def _some(kinds):
    """The first two kinds of something, the most frequent first, and how many others there are."""
    first = [kind for kind, _ in Counter(kinds).most_common()]
    rest = len(first) - 2
    return " or ".join(first[:2]) + (f" or {rest} other{'s' * (rest > 1)}" if rest > 0 else "")


class Follower:
    """Follows records through the names of a notebook's cells.

    Parameters
    ----------
    store : adaptact.Store
        Its reads are heard from now on.
    """

    def __init__(self, store):
        self.of, self.read, self.shows = {}, [], False
        store.listener = self.read.append

    def cell(self, source, values):
        """The records that a cell rests on, by what it read and the names it uses; what it assigns rests on them too.

        Parameters
        ----------
        source : str
            The cell's code, once it has run.
        values : dict of str to object
            The notebook's names.

        Returns
        -------
        list of adaptact.Record
        """
        try:
            tree = ast.parse(source)
        except SyntaxError:  # a line that is not Python, such as %matplotlib
            tree = ast.parse("")
        first = {}  # the line where a name is first assigned: below it, what it rested on before does not matter
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                first[node.id] = min(node.lineno, first.get(node.id, node.lineno))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        inside = {node.name: self._used(node, {}) for node in functions}
        found = self._used(tree, first) | {id(record): record for record in self.read}
        HEARD.update((record.checksum, record) for record in self.read)
        self.read.clear()
        changed = (_root(node) for node in ast.walk(tree) if isinstance(getattr(node, "ctx", None), ast.Store))
        # A name that is gone, such as a comprehension's, rests on nothing when a later cell has one of the same name.
        self.of |= {name: {} if isinstance(values.get(name), PLAIN) else found for name in changed if name}
        self.of |= inside
        return list(found.values())

    def _used(self, tree, first):
        """The records of all names that are used, but for names that are assigned anew on a line before."""
        loads = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
        names = {node.id for node in loads if node.lineno <= first.get(node.id, node.lineno)}
        return {key: record for name in names for key, record in self.of.get(name, {}).items()}


def _root(node):
    """The name that an assignment changes: of ``table["a"].b = 1`` it is ``table``."""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def follow(store):
    """Stamp every table and figure of this notebook from now on; nothing outside of one.

    Parameters
    ----------
    store : adaptact.Store
    """
    shell = get_ipython()
    if shell is None or not hasattr(shell.display_pub, "register_hook"):
        return
    follower, last = Follower(store), None

    def hear(message):
        follower.shows |= is_shown(message["content"].get("data", {}))
        return message

    def after(result):
        nonlocal last
        shown, follower.shows = follower.shows or hasattr(result.result, "_repr_html_"), False
        records = follower.cell(result.info.raw_cell, shell.user_ns)
        if shown and records and result.success:
            line = stamp(records)
            again = f"{_number({record.checksum for record in records})} as stamped above; hash {mark(records)}"
            display(Markdown(f'<span class="stamp">{again if line == last else line}</span>'))
            last, follower.shows = line, False

    for forget in _following:  # of a cell that is run again
        forget()
    _following[:] = [
        lambda: shell.display_pub.unregister_hook(hear),
        lambda: shell.events.unregister("post_run_cell", after),
    ]
    shell.display_pub.register_hook(hear)
    shell.events.register("post_run_cell", after)


_following = []


def is_shown(data):
    """Whether an output is a table or a figure."""
    return "image/png" in data or "text/html" in data or "|--" in data.get("text/markdown", "").replace(" ", "")


__all__ = ["follow", "mark", "stamp"]
