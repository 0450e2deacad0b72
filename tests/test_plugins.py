"""A user's own activations, from a file, a notebook cell or a script, wherever a name is taken."""

import os
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT
from matplotlib import pyplot as plt
from test_records import record_of

from adaptact import Store, UserError, activations, plotting, plugins, register, tables
from adaptact.__main__ import main
from adaptact.activations import registry
from adaptact.experiments import get
from adaptact.notebook import settings

MINE = """
import torch
from adaptact import register
from adaptact.activations import Adaptive

SCALE = 1.5

@register("mine_square")
def square(x):
    return SCALE * x * torch.relu(x)

@register("mine_slope")
class Slope(Adaptive):
    starts = {"one": {"a": 1.0}}

    def __init__(self, num_parameters=1, *, init="one", device=None, dtype=None):
        super().__init__(num_parameters, init=init, device=device, dtype=dtype)

    def forward(self, x):
        return torch.tanh(self.expanded(x)[0] * x)
"""
NAMES = ("mine_square", "mine_slope")

SCRIPT = """
import torch
from adaptact import Run, Store, UserError, plugins, register
from adaptact.sweep import sweep

def losses(name, folder):
    run = dict(dataset="digits", train_images=64, model="lenet5", activation=name, epochs=1)
    runs, store = [Run(**run, seed=seed) for seed in (1, 2)], Store(folder)
    assert len(sweep(runs, store, jobs=2).done) == 2
    return [store.get(run).curves["train_loss"] for run in runs]

@register("in_main")
class InMain(torch.nn.Module):
    def forward(self, x):
        return 0 * x

zero = losses("in_main", "a")

@register("in_main")
class InMain(torch.nn.Module):
    def forward(self, x):
        return super().forward(x) if x is None else torch.tanh(x)

tanh = losses("in_main", "b")
assert tanh != zero, "the workers, which live on, take the new definition"
plugins.add("elsewhere/late.py")
assert losses("late", "b") == tanh, "they find a file that was added after they started"

lock = __import__("threading").Lock()
register("stuck")(lambda x: x if lock else x)
try:
    losses("stuck", "b")
except UserError as error:
    assert "stuck cannot be sent to worker processes" in str(error) and "\\n" not in str(error)
    print("as it should be")
"""


@pytest.fixture(autouse=True)
def isolated(tmp_path, monkeypatch):
    """A folder with mine.py in it to work in, and a process that forgets what a test registers and imports."""
    modules = set(sys.modules)
    monkeypatch.setattr(registry, "_REGISTRY", {**registry._REGISTRY})
    monkeypatch.setattr(plugins, "_FILES", {})
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    yield
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def python(arguments, folder):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments.split()], cwd=folder, env=environment, capture_output=True, text=True)


def test_add_takes_names_and_files(tmp_path):
    assert plugins.add("") == plugins.add(" , ") == ()
    assert plugins.add("tanh, mine.py,tanh") == ("tanh", *NAMES)
    assert plugins.add(f"{tmp_path / 'mine.py'},tanh") == (*NAMES, "tanh")
    assert plugins.add("mine_slope") == ("mine_slope",)
    plugins._FILES.clear()
    assert plugins.add("mine.py") == NAMES, "imported by something else"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("mine_slop", None, "unknown activation (a file must end in .py) 'mine_slop'. Did you mean 'mine_slope'?"),
        ("mime.py", None, "no file "),
        ("empty.py", "x = 1\n", "empty.py registers no activation"),
        ("broken.py", "x = 1\ny = x / 0\n", "broken.py, line 2, raised ZeroDivisionError: division by zero"),
        ("broken.py", "x = 1\ny = (\n", "broken.py, line 2, raised SyntaxError"),
        ("quits.py", "import sys\nsys.exit('many\\nlines')\n", "quits.py, line 2, raised SystemExit: many lines"),
        (
            "clash.py",
            "from adaptact import register\nregister('tanh')(abs)\n",
            "line 2, raised UserError: an activation named 'tanh'",
        ),
        ("torch.py", MINE, "torch.py cannot be imported as 'torch': that is the name of "),
        ("elsewhere/mine.py", MINE, "mine.py. Give the file another one."),
        ("mine.v2.py", MINE, "cannot be imported as 'mine.v2': no module can have that name"),
    ],
)
def test_what_add_cannot_take_is_said_in_one_line(tmp_path, name, content, words):
    plugins.add("mine.py")
    if content:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError) as error:
        plugins.add(name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_experiment_including_activations():
    experiment = get("leaf/table-4")
    assert experiment.including(()) == experiment
    assert experiment.including(["tanh"]) == experiment, "it has a row of that function"
    larger = experiment.including(plugins.add("mine.py,relu"))
    assert larger.including([*NAMES, "relu"]) == larger
    assert larger.name == experiment.name
    assert larger.cells[: len(experiment.cells)] == experiment.cells
    new = larger.cells[len(experiment.cells) :]
    rows = ["mine_square", "mine_slope", "mine_slope, DSPT", "relu"]
    assert [(cell.row, cell.column) for cell in new] == [(row, column) for row in rows for column in ("Fashion-MNIST", "CIFAR-10")]
    for cell in new:
        (base,) = [other for other in experiment.cells if (other.row, other.column) == (cell.base, cell.column)]
        assert (cell.base, cell.published, cell.run.dspt) == ("Tanh", None, "DSPT" in cell.row)
        assert cell.run.granularity == ("neuron" if "slope" in cell.row else None)
        fields = {"activation", "granularity", "dspt"}
        assert {field for field, value in vars(cell.run).items() if value != getattr(base.run, field)} <= fields


def test_in_a_table_of_cycles_they_are_trained_in_its_cycles():
    experiment = get("weighted_sum/table-1")
    new = experiment.including(plugins.add("mine.py")).cells[len(experiment.cells) :]
    own, together = ("weights", "activations", "weights"), ("both",) * 3
    found = {(cell.row, cell.run.granularity, cell.run.cycles, cell.run.dspt, cell.base) for cell in new}
    assert found == {
        ("mine_square", None, together, False, "ReLU"),
        ("mine_slope", "layer", own, False, "ReLU"),
        ("mine_slope, all together", "layer", together, False, "ReLU"),
    }
    for name in ("choices", "beyond"):
        for cell in get(f"weighted_sum/{name}").including(NAMES).cells[-6:]:
            assert (cell.run.options, len(cell.run.cycles)) == ((), 3) or cell.run.activation not in NAMES


def test_granularity_is_one_that_the_function_allows(monkeypatch):
    monkeypatch.setattr(activations, "granularities", lambda name: ("channel", "layer"))
    assert {cell.run.granularity for cell in get("leaf/table-2").including(plugins.add("mine.py")).cells[-4:]} == {"channel"}


def test_tables_and_figures_of_rows_that_no_paper_printed(tmp_path):
    experiment, store = get("leaf/table-4").including(plugins.add("mine.py")), Store(tmp_path / "store")
    for cell in experiment.cells:
        if cell.column == "CIFAR-10" and cell.row in ("Tanh", "mine_square", "mine_slope"):
            for seed in (42, 100):
                accuracy = 50.0 + seed / 100 + len(cell.row)
                scores = {"best_test": {"epoch": 9, "test_accuracy": accuracy}, "last": {"epoch": 100, "test_accuracy": accuracy}}
                store.put(record_of(experiment.run(cell, "paper", seed), scores=scores))
    shown = tables.scores(experiment, "paper", store, [42, 100])
    ours = shown.loc["mine_square", "CIFAR-10"]
    assert (ours["published (epoch)"], ours["gap"]) == ("–", "–")
    assert ours["best epoch"].startswith("61.71 ±")
    assert set(shown.loc["mine_slope, DSPT"]) == {"–"}
    assert "nan" not in shown.to_string()
    gains = tables.differences(experiment, "paper", store, [42, 100])
    assert gains.loc["mine_square less Tanh", ("CIFAR-10", "published")] == "–"
    assert gains.loc["mine_square less Tanh", ("CIFAR-10", "ours [95 % interval]")] == "+7.00 [+7.00, +7.00]"
    assert tables.tally(experiment, "paper", store, [42, 100])["comparisons"] == 2
    found = tables.collect(experiment, "paper", store, [42, 100])
    plotting.draw_differences(experiment, found)
    plotting.draw_differences(experiment, found.query("row != 'Tanh'"))  # the base is not recorded, or not with their seeds
    plotting.draw_differences(experiment, found.query("row != 'Tanh' and seed == 42 or row == 'Tanh' and seed == 100"))
    plt.close("all")


def test_records_of_activations_that_are_not_known_here(tmp_path, monkeypatch, capsys):
    (tmp_path / "results").mkdir()
    run = get("leaf/table-4").including(plugins.add("mine.py")).cells[-1].run
    store, record = Store(tmp_path / "_runs"), record_of(run)
    store.put(record)
    assert store.unknown() == []
    known = registry._REGISTRY
    monkeypatch.setattr(registry, "_REGISTRY", {name: entry for name, entry in known.items() if name not in NAMES})
    assert (store.damaged(), store.records()) == ([], [])
    assert store.unknown() == [(store.path(run), "mine_slope")]
    assert main(["import"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "of activations not known here: mine_slope. Give --add FILE too." in error
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "not known here" in line or "damaged" in line] == [
        "of activations not known here, and so not counted: 1 (mine_slope); --add FILE makes them known"
    ]
    monkeypatch.setattr(registry, "_REGISTRY", known)
    assert main(["import", "--add", "mine.py"]) == 0
    assert Store(tmp_path / "results").records() == [record]


def test_the_command_line_trains_and_counts_them(tmp_path, capsys):
    done = python("-m adaptact run leaf/table-4 --profile smoke --seeds 42 --jobs 2 --add mine.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "9 trained, 0 recorded before, 0 diverged, 0 failed" in done.stdout
    assert main(["status", "--add", "mine.py"]) == 0
    assert "leaf/table-4         smoke    42: 9/9" in capsys.readouterr().out
    found = {record.run.activation for record in Store(tmp_path / "_runs").records()}
    assert found == {"tanh", "sigmoid", "leaf", *NAMES}
    assert main(["run", "leaf/table-4", "--profile", "smoke", "--add", "mime.py"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_workers_know_what_a_script_defines(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    late = "import adaptact\n@adaptact.register('late')\ndef late(x):\n    return x.tanh()\n"
    (tmp_path / "elsewhere" / "late.py").write_text(late)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = python("script.py", folder=tmp_path)
    assert done.stdout == "as it should be\n", done.stderr


def test_a_notebook_shows_what_a_file_and_a_cell_register(tmp_path):
    experiments = [get(f"leaf/table-{number}") for number in (2, 3, 4, 5)]
    register("in_cell")(abs)
    experiments[1::2] = [experiment.including(plugins.add("mine.py,in_cell")) for experiment in experiments[1::2]]
    store = Store(tmp_path / "results")
    # It has to train only the new rows of LeNet-5.
    for run in {run for experiment in experiments for run in experiment.runs("smoke", [42])}:
        store.put(record_of(run, scores={name: {"epoch": 1, "test_accuracy": 50.0} for name in ("best_test", "last")}))
    notebook = nbformat.read(ROOT / "notebooks" / "11-leaf-tables.ipynb", as_version=4)
    place = next(index for index, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
    cell = "import adaptact\n@adaptact.register('in_cell')\ndef in_cell(x):\n    return x.sin()"
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(cell))
    nbformat.write(notebook, tmp_path / "in.ipynb")
    options = "--cwd . -k python3 -p profile smoke -p seeds 42 -p results results -p add mine.py,in_cell"
    done = python(f"-m papermill in.ipynb out.ipynb {options}", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = (tmp_path / "out.ipynb").read_text()
    for row in (*NAMES, "mine_slope, DSPT", "in_cell"):
        assert shown.count(f"<th>{row}</th>") == 4, "scores in each table"
        assert [shown.count(f"<th>{row} less {base}</th>") for base in ("ReLU", "Tanh")] == [2, 2], "and differences"
    assert "--profile smoke --add mine.py,in_cell" in shown


def test_the_notebook_parameter_is_checked_at_once():
    assert settings({"add": ""}).added == settings({}).added == ()
    assert settings({"add": "mine.py"}).added == settings({"add": ["mine.py"]}).added == NAMES
    with pytest.raises(UserError, match=r"unknown activation \(a file must end in \.py\) 'mime'"):
        settings({"add": "mime"})
