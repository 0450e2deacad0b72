"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RECIPES = dict(re.findall(r"^## Add (?:an|a) (\w+)\n(.*?)(?=^## )", TEXT, flags=re.MULTILINE | re.DOTALL))
SAID = {"activation": "14 ok, 0 failed", "paper": "4 recorded", "claim": "softsign-elu: undecided"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with all recipes applied, in their order."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "adaptact", folder / "adaptact", ignore=shutil.ignore_patterns("__pycache__"))
    for recipe in RECIPES.values():
        for diff in re.findall(r"^```diff\n(.*?)^```", recipe, flags=re.MULTILINE | re.DOTALL):
            subprocess.run(["git", "apply", "-"], input=diff, text=True, check=True, cwd=folder)
    return folder


def test_there_are_three_recipes():
    assert RECIPES.keys() == SAID.keys()
    assert all("```diff" in recipe and "```bash" in recipe for recipe in RECIPES.values())


@pytest.mark.parametrize("name", SAID)
def test_a_recipes_commands_do_what_it_says(name, copy):
    said = ""
    for line in "".join(re.findall(r"^```bash\n(.*?)^```", RECIPES[name], flags=re.MULTILINE | re.DOTALL)).splitlines():
        words = line.split()
        assert words[0] == "python"
        environment = {**os.environ, "PYTHONPATH": str(copy)}
        found = subprocess.run([sys.executable, *words[1:]], cwd=copy, env=environment, check=True, capture_output=True, text=True)
        said += found.stdout
    assert SAID[name] in said
