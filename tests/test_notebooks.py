"""The notebooks as papermill runs them, and as they are committed."""

import ast
import re
import subprocess
import sys

import nbformat
import papermill
import pytest
from conftest import ROOT

from adaptact import UserError
from adaptact.notebook import settings

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]


def execute(path, out, **parameters):
    papermill.execute_notebook(path, out, parameters=parameters, kernel_name="python3", progress_bar=False, cwd=ROOT)


LEFT = {
    "02-atlas": [],
    "03-cost": ["bench.json"],
    "04-speed": ["bench-sharing.json", "bench-training.json"],
}  # what notebooks leave that train nothing
LEFT |= {name: [] for name in ("10-leaf-function", "12-leaf-networks", "13-leaf-silu", "18-leaf-errata", "19-leaf-claims")}
LEFT |= {"24-weighted-sum-claims": [], "25-pltanh-function": [], "29-pltanh-cost": ["bench-depth.json"]}
LEFT |= {name: [] for name in ("05-playground", "33-pltanh-claims", "34-apalu-function", "38-apalu-claims", "46-imbalance-claims")}
LEFT |= {"60-ledger": [], "63-report": []}

LEFT |= {name: [] for name in NAMES if name.startswith("5")}  # the chapters of the part Learn keep nothing of what they train


ONE_SEED = ("11-leaf-tables", "14-leaf-procedures", "15-leaf-shapes", "20-leaf-seeds", "35-apalu-images")  # the slowest


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_smoke_from_an_empty_results_folder(path, tmp_path):
    seeds = "42" if path.stem in ONE_SEED else ""
    execute(path, tmp_path / "out.ipynb", profile="smoke", seeds=seeds, results=str(tmp_path / "results"))
    left = sorted(file.relative_to(tmp_path / "results").as_posix() for file in (tmp_path / "results").rglob("*.json"))
    if path.stem in LEFT:
        assert left == LEFT[path.stem]
    else:
        assert any(name.startswith(("digits/", "diabetes/", "made_up_defects/")) for name in left), (
            "what it trains is kept where it was told to"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_parameters_are_checked_before_anything_is_computed(path):
    install, first, second = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"][:3]
    assert install.id == "install"
    assert "parameters" in first.metadata["tags"]
    statements = ast.parse(second.source).body
    (check,) = [number for number, of in enumerate(statements) if "settings(globals()" in ast.unparse(of)]
    assert all(isinstance(of, (ast.Import, ast.ImportFrom)) for of in statements[:check]), "only imports come before it"


@pytest.mark.parametrize("path", [NOTEBOOKS[0], NOTEBOOKS[-1]], ids=[NAMES[0], NAMES[-1]])
def test_a_senseless_parameter_stops_it_at_once(path, tmp_path):
    with pytest.raises(papermill.PapermillExecutionError, match=r"unknown profile 'labtop'\. Did you mean 'laptop'\?"):
        execute(path, tmp_path / "out.ipynb", profile="labtop")
    cells = nbformat.read(tmp_path / "out.ipynb", as_version=4).cells
    executed = [cell for cell in cells if cell.cell_type == "code" and cell.execution_count]
    assert len(executed) <= 5, "parameters, papermill's own cells, and the check; nothing after it"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"profile": "big"}, "recorded, smoke, laptop, paper"),
        ({"device": "gpu"}, "auto, cpu, cuda"),
        ({"seeds": "42,many"}, "such as 42,100"),
        ({"seeds": 4.5}, "such as 42,100"),
        ({"dataset": "cifar"}, "Did you mean 'cifar10'"),
        ({"profle": "smoke"}, "unknown parameter 'profle'. Did you mean 'profile'"),
    ],
)
def test_every_parameter_is_checked(parameters, words):
    with pytest.raises(UserError) as error:
        settings(parameters)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_seeds_may_come_as_yaml_gives_them():
    assert settings({"seeds": 42}).seeds == (42,)
    assert settings({"seeds": "42, 100"}).seeds == (42, 100)
    assert settings({"seeds": [42, 100]}).seeds == (42, 100)
    assert settings({"seeds": ""}).seeds is None


def test_recorded_pages_read_committed_records_only():
    assert settings({}).store.folders == (ROOT / "results",)
    assert settings({"profile": "laptop"}).store.folders == (ROOT / "results", ROOT / "_runs")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_committed_form(path):
    notebook = nbformat.read(path, as_version=4)
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    names = re.findall(r"^(\w+) = ", tagged[0].source, flags=re.MULTILINE)
    assert set(names) >= {"profile", "seeds", "device", "results"}
    assert 'profile = "recorded"' in tagged[0].source
    checked = 0
    for cell in notebook.cells:
        assert not re.search(r"\b(TODO|FIXME|ANSWER|XXX)\b", cell.source), "something is still to be written"
        if cell.cell_type != "code":
            assert not re.search(r"\\\\[a-zA-Z]", cell.source), "a doubled backslash: the formula would be shown as text"
            continue
        assert cell.execution_count is not None, f"not executed: {cell.source[:60]}; make notebooks"
        assert not any(output.output_type == "error" for output in cell.outputs)
        assert "execution" not in cell.metadata, "timings change with every run; make notebooks leaves them out"
        checked += "NBVAL_CHECK_OUTPUT" in cell.source
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            assert cell.metadata["mystnb"]["image"]["alt"], "a picture needs a text for those who do not see it"
    assert checked, "no cell is compared with its records"


def test_importing_the_package_needs_no_jupyter():
    missing = "import sys; sys.modules.update(dict.fromkeys(['IPython', 'papermill', 'nbformat', 'optuna']))"
    code = f"{missing}; import adaptact.__main__, adaptact.sweep, adaptact.tables"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
