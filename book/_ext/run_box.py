"""A Sphinx extension that puts a folded box under the head of each notebook page: how to run it, and how long that takes.

The times are those of ``book/times.json``, which ``book/times.py`` measures.
"""

import json
from pathlib import Path

TIMES = Path(__file__).parents[1] / "times.json"
AGAIN = "it goes on where it was stopped, and trains no run twice"


def spoken(seconds):
    """Seconds in words, in the unit that a reader would use.

    >>> spoken(12), spoken(70), spoken(5400), spoken(200), spoken(500_000)
    ('12 seconds', '70 seconds', '1.5 hours', '3 minutes', '139 hours')
    """
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    if seconds < 3600:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 36_000 else f"{seconds / 3600:,.0f} hours"


def box(page, times):
    """The box of a page, in MyST.

    Parameters
    ----------
    page : str
        Such as ``11-leaf-tables``.
    times : dict
        What ``book/times.json`` holds.

    Returns
    -------
    str
    """
    found = times["pages"][page]
    rows = [
        ("recorded", "", spoken(found["recorded"]), "nothing new is trained but what the page says"),
        ("smoke", " -p profile smoke", spoken(found["smoke"]), "256 digits, one epoch: shows that the path works"),
    ]
    laptop, paper = (found["took"][profile] for profile in ("laptop", "paper"))
    if laptop:
        rows.append(
            ("laptop", " -p profile laptop -p data DIR", spoken(laptop), f"of single runs, summed over the records; {AGAIN}")
        )
    if found["paper"]:
        known = (
            "as recorded" if paper and abs(found["paper"] / paper - 1) < 0.1 else "of single runs on a CPU, estimated from `laptop`"
        )
        rows.append(
            (
                "paper",
                " -p profile paper -p data DIR",
                spoken(found["paper"]),
                f"{known}; `adaptact plan` measures it on your machine",
            )
        )
    lines = [f"| `papermill notebooks/{page}.ipynb out.ipynb{given}` | {time} | {note} |" for _, given, time, note in rows]
    return "\n".join(
        [
            ":::{dropdown} Run this page",
            ":class-container: run-box",
            "| in the repository's folder | takes | |",
            "|---|---|---|",
            *lines,
            "",
            f"Measured on {times['machine']}, {times['jobs']} pages at a time. The parameters stand in the first code cell; "
            "[what the profiles are, and where the data goes](../book/re-run.md). "
            f"{{download}}`This page as a notebook <{page}.ipynb>`. The launch buttons above, for Binder and Colab, install the "
            "book first; they have not been tried live.",
            ":::",
        ]
    )


def _read(app, docname, source):
    folder, _, page = docname.rpartition("/")
    times = json.loads(TIMES.read_text())
    if folder == "notebooks" and page in times["pages"]:
        notebook = json.loads(source[0])
        cell = {"cell_type": "markdown", "metadata": {}, "source": box(page, times), "id": "run-box"}
        notebook["cells"].insert(1, cell)
        source[0] = json.dumps(notebook)


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", _read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
