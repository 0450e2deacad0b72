"""The box under a notebook page's head that says how to run it, and how long that takes."""

import json
import shlex

import nbformat
import pytest
from conftest import ROOT

TIMES = json.loads((ROOT / "book" / "times.json").read_text())
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def run_box(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "book" / "_ext")
    import run_box

    return run_box


def test_every_notebook_was_measured():
    assert [*TIMES["pages"]] == [path.stem for path in NOTEBOOKS], "python book/times.py NOTEBOOK measures one"
    for name, found in TIMES["pages"].items():
        assert 2 < found["recorded"] < 600, name
        assert 2 < found.get("smoke", 60) < 600, name
        assert " cores of " in found["machine"], name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_its_commands_name_parameters_of_the_notebook(path, run_box):
    commands = [line for line in run_box.box(path.stem, TIMES).splitlines() if line.startswith("papermill ")]
    (cell,) = [cell for cell in nbformat.read(path, as_version=4).cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(commands) >= 2
    for command in commands:
        words = shlex.split(command)
        assert words[:3] == ["papermill", f"notebooks/{path.name}", "out.ipynb"]
        for name in words[4::3]:
            assert f"\n{name} = " in f"\n{cell.source}", name


def test_it_says_what_a_scale_takes(run_box):
    took = {"laptop": 7200.0, "paper": 0.0}
    page = {
        "recorded": 12,
        "smoke": 130,
        "records": 50,
        "trains": True,
        "took": took,
        "paper": 720_000.0,
        "machine": "2 cores of X",
    }
    said = run_box.box("a", {"jobs": 2, "pages": {"a": page}})
    parts = (
        "# recorded: 12 seconds; its 50 records took 2.0 hours of single runs",
        "# smoke: 2 minutes; 256 digits",
        "# laptop: what is recorded took 2.0 hours of single runs",
        "# paper: 200 hours of single runs on a CPU, estimated",
    )
    for part in parts:
        assert part in said
    assert "times on 2 cores of X, 2 pages at a time" in said
    page |= {"took": {"laptop": 0.0, "paper": 700_000.0}}
    said = run_box.box("a", {"jobs": 2, "pages": {"a": page}})
    assert "laptop" not in said
    assert "# paper: 200 hours of single runs on a CPU, as recorded" in said
    said = run_box.box("a", {"jobs": 2, "pages": {"a": page | {"trains": False}}})
    assert said.count("papermill ") == 2, "a page that only reads records trains none at any profile"
    assert "its 50 records took 194 hours" in said
