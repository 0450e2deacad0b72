"""The notebooks to work in, made from those with the solutions: ``python book/exercises.py DIR``.

A solution notebook, in ``notebooks/solutions``, is a page of the book. What becomes of its cells for whoever works on it:

- code tagged ``solution``: what stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, nbgrader's marks, is replaced by
  a line that stops; without marks the whole cell is. The pictures it made follow, as those to be expected.
- a box whose title begins with "Solution" is left out; any other box that is closed, such as a hint, becomes HTML that
  JupyterLab can open and close.
- all else stays, checks among them, which pass once the exercise is solved.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

ROOT = Path(__file__).resolve().parents[1]
SOLUTIONS = sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
STOP = 'raise NotImplementedError("your code goes here")'
MARKED = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", flags=re.MULTILINE | re.DOTALL)
BOX = re.compile(r"^:::\{admonition\} (.*?)\n:class: .*?dropdown\n(.*?)^:::$", flags=re.MULTILINE | re.DOTALL)


def stripped(solved):
    """The notebook to work in.

    Parameters
    ----------
    solved : nbformat.NotebookNode
        With solutions, executed.

    Returns
    -------
    nbformat.NotebookNode
    """
    cells = []
    for cell in nbformat.from_dict(solved).cells:
        if cell.cell_type == "markdown":
            cell.source = BOX.sub(_opened, cell.source).strip()
            if cell.source:
                cells.append(cell)
            continue
        pictures = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
        solution = "solution" in cell.metadata.get("tags", [])
        cell.update(outputs=[], execution_count=None, metadata={})
        cells.append(cell)
        if solution:
            cell.source = MARKED.sub(lambda mark: f"{mark[1]}{STOP}", cell.source) if MARKED.search(cell.source) else STOP
            cells += [_expected(f"{cell.id}-{number}", picture) for number, picture in enumerate(pictures)]
    made = nbformat.v4.new_notebook(cells=cells, metadata=solved.metadata)
    nbformat.validate(made)
    return made


def _opened(box):
    title, text = box.groups()
    return "" if title.startswith("Solution") else f"<details><summary>{title}</summary>\n\n{text.strip()}\n\n</details>"


def _expected(name, picture):
    cell = new_markdown_cell("**What to expect:**\n\n![the figure of the solution](attachment:expected.png)", id=name)
    cell.attachments = {"expected.png": {"image/png": picture}}
    return cell


def write(folder):
    """Write all notebooks to work in to a folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in SOLUTIONS:
        nbformat.write(stripped(nbformat.read(path, as_version=4)), folder / path.name)
    return [folder / path.name for path in SOLUTIONS]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for path in write(sys.argv[1]):
        print(path)
