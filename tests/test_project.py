"""The repository around the package: README commands, pins, citation, checks that nothing is hidden."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
import yaml
from conftest import ROOT

README = (ROOT / "README.md").read_text()


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return dict(re.match(r"([^=\s]+)==([^\s;]+)", line).groups() for line in lines if line and not line.startswith("#"))


def test_environment_yml_has_the_locks_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert "-r requirements.lock" in pip
    pins = dict(entry.split("==") for entry in pip if "==" in entry)
    assert pins.keys() >= {"jupyter", "jupyter-book", "torch", "torchvision", "matplotlib", "papermill", "nbval"}
    assert {name: locked()[name] for name in pins} == pins


def test_the_container_is_as_binder_wants_it():
    """Binder sets the two arguments, starts jupyter itself, and opens a page by its path from the home folder."""
    steps = [line.split() for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    of = {what: [words for first, *words in steps if first == what] for what in {first for first, *_ in steps}}
    assert [words[0] for words in of["ARG"]] == ["NB_USER=jovyan", "NB_UID=1000"]
    assert "HOME=/home/${NB_USER}" in of["ENV"][0]
    assert of["ENV"][1] == ["PATH=${HOME}/.venv/bin:${PATH}"]
    assert (of["WORKDIR"], of["USER"]) == ([["${HOME}"]], [["${NB_USER}"]])
    assert "ENTRYPOINT" not in of
    assert all((ROOT / name).exists() for _, *names, _ in of["COPY"] for name in names)


def test_the_lock_fits_pyproject_and_this_environment():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [line for group in (project["dependencies"], *project["optional-dependencies"].values()) for line in group]
    names = {re.match(r"[\w-]+", line).group() for line in wanted} - {"adaptact"}
    assert names <= locked().keys()
    assert locked()["jupyter-book"].startswith("1."), "version 2 is another program"
    assert subprocess.run([sys.executable, "-m", "pip", "check"], check=False, capture_output=True).returncode == 0


def test_versions_agree():
    import adaptact

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert adaptact.__version__ == citation["version"] == metadata.version("adaptact")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_readme_python(code, tmp_path):
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


@pytest.mark.parametrize("commands", blocks("bash"))
def test_readme_commands(commands, tmp_path):
    """Each line as written, in a copy of the project's folder, so that what it writes is thrown away."""
    for name in ("notebooks", "results"):
        (tmp_path / name).symlink_to(ROOT / name)
    commands = commands.replace("source .venv/bin/activate\n", "")  # instead of it:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-euo", "pipefail", "-c", commands], check=True, cwd=tmp_path, env=environment)


def test_readme_other_commands_exist():
    """The commands that need data files are not run; their words must still be ones that the command line knows."""
    from adaptact.__main__ import FUNCTIONS
    from adaptact.command_line import build

    parser, _ = build(FUNCTIONS)
    lines = re.findall(r"^    python -m adaptact (.*)$", README, flags=re.MULTILINE)
    assert len(lines) >= 3
    for line in lines:
        parser.parse_args(line.partition("#")[0].split())
    targets = set(re.findall(r"^    make (\w+)", README, flags=re.MULTILINE))
    rules = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"book", "test", "notebooks"} <= targets <= rules


def test_ci_calls_make_test():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)


def test_workflows_do_what_make_does():
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    asked = set()
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        steps = [step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]]
        asked |= {step["run"].split()[1] for step in steps if step.get("run", "").startswith("make ")}
        assert all("@v" in step["uses"] for step in steps if "uses" in step), "an action without a version changes by itself"
    assert asked == {"test", "book"}
    assert asked <= set(targets)


def test_the_commit_hooks_have_the_locks_ruff():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["rev"] for repo in hooks if "ruff" in repo["repo"]] == [f"v{locked()['ruff']}"]


def test_the_changelog_names_this_version_or_what_will_be_in_it():
    import adaptact

    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0] == adaptact.__version__


def test_the_repositorys_address_stands_in_one_place(monkeypatch):
    """What `python book/address.py` writes is written; the notebooks' install cell does nothing here."""
    monkeypatch.syspath_prepend(ROOT / "book")
    import address

    for path in address.NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        assert address.with_install_cell(notebook, address.address()).cells[1].source == notebook.cells[1].source, path.name
    exec(notebook.cells[1].source, {})
    for name, pattern in address.ENTRIES.items():
        assert re.search(pattern, (ROOT / name).read_text(), flags=re.MULTILINE)[1] == address.address()
    moved = address.with_install_cell(notebook, "https://example.org/moved").cells
    assert "https://example.org/moved" in moved[1].source
    assert len(moved) == len(notebook.cells)
