"""The head of each page: what it asks, what came out, how long it takes, and what one should know first."""

import re

import nbformat
import pytest
from conftest import ROOT

PAGES = sorted((ROOT / "notebooks").glob("*.ipynb")) + [
    ROOT / "book" / f"{name}.md" for name in ("own-activation", "re-run", "teaching")
]
EXERCISES = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
TIMES = re.compile(r"^\*Reading: (\d+) minutes.*\. Running: .+\.\* (.+)", flags=re.MULTILINE)
A_MINUTE = 200  # words
A_FIGURE = 1 / 3  # minutes
OF_A_TABLE = 0.3  # the share of its words that are read


def read(path):
    return nbformat.read(path, as_version=4).cells if path.suffix == ".ipynb" else [nbformat.v4.new_markdown_cell(path.read_text())]


def minutes(path):
    """How long a page takes to read: its prose, a part of what it prints, and its figures."""
    cells = read(path)
    words = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    outputs = [output for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    shown = [output.get("text") or output.data.get("text/markdown") or output.data["text/plain"] for output in outputs]
    return (words + OF_A_TABLE * sum(len(text.split()) for text in shown)) / A_MINUTE + figures * A_FIGURE


@pytest.mark.parametrize("path", PAGES, ids=[path.stem for path in PAGES])
def test_head(path):
    head = read(path)[0].source
    form = r"# .+\n\n\*\*Question\.\*\* (.+)\n\n\*\*Answer(?: so far)?\.\*\* (.+)\n\n"
    question, answer = re.match(form, head).groups()
    assert len(re.findall(r"[.?!](?= |$)", question)) <= 2
    assert re.findall(r"[.?!](?=[*)\"]* |[*)\"]*$)", answer) == ["."], "one sentence"
    assert len(answer.split()) <= 50
    stated, known = TIMES.search(head).groups()
    assert known.startswith(("You should know ", "You should have read "))
    assert abs(int(stated) - minutes(path)) <= max(1.5, 0.25 * minutes(path)), f"about {minutes(path):.0f}"


@pytest.mark.parametrize("path", EXERCISES, ids=[path.stem for path in EXERCISES])
def test_head_of_exercises(path):
    head = read(path)[0].source
    form = r"# Exercises: .+\n\n\*\*Afterwards\*\* you can .+\.\n\n\*Working: \d+ minutes in all, .+\. Running: .+\.\* "
    assert re.match(form, head)
    assert f"You should have read [the chapter](../{path.name})." in head


def test_titles():
    titles = [re.match("# (.+)", read(path)[0].source)[1] for path in PAGES + EXERCISES]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 60


@pytest.mark.parametrize("path", PAGES + EXERCISES, ids=[path.stem for path in PAGES + EXERCISES])
def test_every_figure_has_a_caption(path):
    """But for the cards of the atlas, which stand under a heading each."""
    for cell in read(path):
        drawn = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        if drawn and "= card(" not in cell.source:
            assert cell.metadata["mystnb"]["figure"]["caption"].endswith("."), cell.id
