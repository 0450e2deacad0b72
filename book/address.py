"""The repository's address, which stands once, in ``_config.yml``: ``python book/address.py`` carries it wherever it is needed.

That is the first code cell of each notebook, by which Colab, or any kernel without the book, fetches and installs it, and the
entries of ``pyproject.toml`` and ``CITATION.cff``. A test holds all of them to it.
"""

import re
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
ENTRIES = {"pyproject.toml": r'^Repository = "(.*)"$', "CITATION.cff": r'^repository-code: "(.*)"$'}
CELL = """# On Colab, or wherever adaptact is not installed, this fetches the book and installs it. Elsewhere it does nothing.
import importlib.util

if importlib.util.find_spec("adaptact") is None:
    import os
    import subprocess
    import sys

    subprocess.run(["git", "clone", "--depth", "1", "{address}", "adaptact"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--editable", "adaptact[book]"], check=True)
    os.chdir("adaptact")
    sys.path.insert(0, os.getcwd())"""


def address():
    """The repository's address as ``_config.yml`` has it."""
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"]


def with_install_cell(notebook, of):
    """A notebook with the install cell for an address, in its place after the head.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    of : str

    Returns
    -------
    nbformat.NotebookNode
    """
    made = nbformat.from_dict(notebook)
    made.cells = [cell for cell in made.cells if cell.id != "install"]
    cell = nbformat.v4.new_code_cell(CELL.format(address=of), id="install", metadata={"tags": ["remove-cell"]})
    made.cells.insert(1, cell)
    return made


if __name__ == "__main__":
    for path in NOTEBOOKS:
        nbformat.write(with_install_cell(nbformat.read(path, as_version=4), address()), path)
    for name, pattern in ENTRIES.items():
        text = (ROOT / name).read_text()
        begin, end = re.search(pattern, text, flags=re.MULTILINE).span(1)
        (ROOT / name).write_text(text[:begin] + address() + text[end:])
