"""The exercises: each solution passes its checks (nbval runs them), and the notebook to work in lacks it until it is written."""

import re
import sys

import matplotlib
import nbformat
import pytest
from conftest import ROOT

matplotlib.use("Agg")
sys.path.insert(0, str(ROOT / "book"))
import exercises

CHAPTERS = sorted((ROOT / "notebooks").glob("5?-*.ipynb"))
NAMES = [path.stem for path in exercises.SOLUTIONS]


def read(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(cell):
    return "solution" in cell.metadata.get("tags", [])


def test_each_chapter_has_its_exercises():
    assert [path.stem for path in CHAPTERS] == NAMES


@pytest.mark.parametrize("path", exercises.SOLUTIONS, ids=NAMES)
def test_form(path):
    solved = read(path)
    text = "\n".join(cell.source for cell in solved.cells if cell.cell_type == "markdown")
    titles = re.findall(r"^## Exercise (\d+): .+$", text, flags=re.MULTILINE)
    assert titles == [str(number) for number in range(1, len(titles) + 1)]
    assert len(titles) >= 3
    assert f"exercises/{path.name}" in solved.cells[0].source, "the page must lead to the notebook to work in"
    parts = text.split("\n## Exercise ")[1:]
    assert all("{admonition} Hint" in part for part in parts), "each has a hint"
    number, solutions = 0, set()
    for cell in solved.cells:
        if cell.cell_type == "markdown":
            number += len(re.findall(r"^## Exercise ", cell.source, flags=re.MULTILINE))
            solutions |= {number} if "{admonition} Solution" in cell.source else set()
            continue
        assert cell.execution_count is not None, "make notebooks"
        assert not any(output.output_type == "error" for output in cell.outputs)
        drawn = any("image/png" in output.get("data", {}) for output in cell.outputs)
        told = cell.metadata.get("mystnb", {}).get("image", {}).get("alt")
        assert drawn == bool(told), "a picture needs a text for those who do not see it, and a text its picture"
        if tagged(cell):
            assert "hide-input" in cell.metadata["tags"], "the page shows a solution on request only"
            solutions.add(number)
    assert solutions == set(map(int, titles)), "each is solved"


@pytest.mark.parametrize("path", exercises.SOLUTIONS, ids=NAMES)
def test_what_one_works_in(path):
    solved, blank = read(path), exercises.stripped(read(path))
    nbformat.validate(blank)
    given = "\n".join(cell.source for cell in blank.cells)
    for cell in filter(tagged, code(solved)):
        hidden = [mark[0] for mark in exercises.MARKED.finditer(cell.source)] or [cell.source]
        lines = [line.strip() for part in hidden for line in part.splitlines()]
        assert not [line for line in lines if len(line) > 25 and line in given], "a solution is left in the notebook to work in"
    assert ":::" not in given
    assert "{admonition}" not in given
    assert not any(cell.get("outputs") for cell in blank.cells)
    pictures = sum("image/png" in output.get("data", {}) for cell in code(solved) if tagged(cell) for output in cell.outputs)
    assert sum("attachments" in cell for cell in blank.cells) == pictures, "each expected picture is there"
    assert given.count(exercises.STOP) >= sum(map(tagged, code(solved)))


@pytest.mark.parametrize("path", exercises.SOLUTIONS, ids=NAMES)
def test_a_check_fails_as_long_as_nothing_is_written(path):
    """Each check, in a notebook where nothing has been solved, stops with an error."""
    blank = code(exercises.stripped(read(path)))
    namespace, begun, passed = {"display": lambda *_: None}, False, []
    for cell, solved in zip(blank, code(read(path)), strict=True):
        begun |= tagged(solved)
        try:
            exec(compile(cell.source, path.name, "exec"), namespace)
        except Exception:
            assert begun, f"what comes before the first exercise fails: {cell.source[:80]}"
        else:
            if begun and not tagged(solved) and "assert" in cell.source:
                passed.append(cell.source[:80])
    assert not passed, "these checks pass before anything is written"


def test_a_box_and_a_mark():
    solved = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("Task.\n\n:::{admonition} Hint\n:class: dropdown\nLook *left*.\n:::"),
            nbformat.v4.new_markdown_cell(":::{admonition} Solution in words\n:class: dropdown\nIt is seven.\n:::"),
            nbformat.v4.new_code_cell(
                "def seven():\n    ### BEGIN SOLUTION\n    return 7\n    ### END SOLUTION\n\nseven()",
                metadata={"tags": ["solution", "hide-input"]},
                outputs=[nbformat.v4.new_output("display_data", data={"image/png": "aGk="})],
            ),
            nbformat.v4.new_code_cell("print(7)", metadata={"tags": ["solution"]}),
        ]
    )
    hint, marked, expected, whole = exercises.stripped(solved).cells
    assert hint.source == "Task.\n\n<details><summary>Hint</summary>\n\nLook *left*.\n\n</details>"
    assert marked.source == f"def seven():\n    {exercises.STOP}\n\nseven()"
    assert expected.attachments["expected.png"]["image/png"] == "aGk="
    assert whole.source == exercises.STOP
    assert solved.cells[2].outputs, "the solution itself stays as it is"


def test_written_to_a_folder(tmp_path):
    assert [path.name for path in exercises.write(tmp_path / "new")] == [path.name for path in exercises.SOLUTIONS]
    assert all(path.is_file() for path in (tmp_path / "new").iterdir())


def test_the_teachers_page_gives_the_times_of_the_chapters():
    page = (ROOT / "book" / "teaching.md").read_text()
    for path in CHAPTERS:
        (minutes,) = re.findall(r"\*Reading: (\d+) minutes", read(path).cells[0].source)
        (work,) = re.findall(r"(\d+) minutes in all", read(ROOT / "notebooks" / "solutions" / path.name).cells[0].source)
        row = (
            rf"\| \[\]\(\.\./notebooks/{path.name}\) \| {minutes} min \| \[{work} min\]\(\.\./notebooks/solutions/{path.name}\) \|"
        )
        assert re.search(row, page), f"{path.name}: {minutes} and {work} minutes"
