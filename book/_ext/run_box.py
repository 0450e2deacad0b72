"""A Sphinx extension for notebook pages: a folded box under the head says how to run the page, and how long that takes.

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
    laptop, paper = (found["took"][profile] for profile in ("laptop", "paper"))
    kept = f"; its {found['records']:,} records took {spoken(laptop + paper)} of single runs" if found["records"] else ""
    small = "256 digits, one epoch, which only shows that the path works" if found["trains"] else "less of everything"
    steps = [
        ("recorded", "", spoken(found["recorded"]) + kept),
        ("smoke", " -p profile smoke", f"{spoken(found['smoke'])}; {small}" if "smoke" in found else small),  # not measured yet
    ]
    if found["trains"] and laptop:
        steps.append(
            ("laptop", " -p profile laptop -p data DIR", f"what is recorded took {spoken(laptop)} of single runs; {AGAIN}")
        )
    if found["trains"] and found["paper"]:
        whole = paper and abs(found["paper"] / paper - 1) < 0.1
        how = "as recorded" if whole else "estimated for the recorded rows; `python -m adaptact plan` measures it where you are"
        steps.append(("paper", " -p profile paper -p data DIR", f"{spoken(found['paper'])} of single runs on a CPU, {how}"))
    lines = [f"# {profile}: {note}\npapermill notebooks/{page}.ipynb out.ipynb{given}" for profile, given, note in steps]
    return "\n".join(
        [
            "::::{dropdown} Run this page",
            ":class-container: run-box",
            "```bash",
            "\n\n".join(lines),
            "```",
            "",
            f"In the repository's folder; times on {found['machine']}, {times['jobs']} pages at a time. The parameters stand in "
            "the first code cell; [what the profiles are, and where the data goes](../book/re-run.md). "
            f"{{download}}`This page as a notebook <{page}.ipynb>`. The launch buttons at the top, for Binder and Colab, "
            "install the book first; they have not been tried live.",
            "::::",
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
