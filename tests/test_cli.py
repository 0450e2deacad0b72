"""The command line, as a user meets it."""

import subprocess
import sys

import pytest
from test_records import record_of

from adaptact import Store
from adaptact.__main__ import main
from adaptact.experiments import EXPERIMENTS, PROFILES


def test_help_teaches(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    for words in (
        "list",
        "run",
        "status",
        "data",
        "check",
        "bench",
        "import",
        "leaf/table-4 --profile smoke",
        "goes on from its last epoch",
    ):
        assert words in text
    with pytest.raises(SystemExit) as stop:
        main(["run", "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert all(f"--{option}" in text for option in ("profile", "seeds", "jobs", "device", "data", "results", "add"))


def test_list_names_everything(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*EXPERIMENTS, *PROFILES, "fashion_mnist"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rum"], "Did you mean 'run'? Choose from: list, run, status, data, check, bench, import."),
        (["run", "leaf/table-9", "--profile", "smoke"], "Choose from: leaf/table-2, leaf/table-3"),
        (["run", "leaf/table-4", "--profile", "small"], "Choose from: smoke, laptop, paper."),
        (["run", "leaf/table-4", "--profile", "recorded"], "Choose from: smoke, laptop, paper."),
        (["run", "leaf/table-4"], "--profile"),
        (["run", "leaf/table-4", "--profile", "smoke", "--device", "tpu"], "Choose from: auto, cpu, cuda."),
        (["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42,x"], "such as 42,100"),
        (["run", "leaf/table-4", "--profile", "smoke", "--seeds", "-3"], "such as 42,100"),
        (["run", "leaf/table-4", "--profile", "smoke", "--jobs", "0"], "at least 1, or auto"),
        (
            ["run", "leaf/table-4", "--profile", "laptop", "--data", "/nowhere"],
            "python -m adaptact data fashion_mnist --data /nowhere",
        ),
        (["data", "cifar100"], "Choose from: digits, mnist, fashion_mnist, kmnist, cifar10."),
        (["import", "/nowhere"], "/nowhere is no folder"),
        (["status", "--verbose"], "--verbose"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("adaptact: ")
    assert words in captured.err


def test_run_status_import(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    command = ["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42", "--jobs", "1"]
    assert main(command) == 0
    assert "6 trained, 0 recorded before, 0 diverged, 0 failed" in capsys.readouterr().out
    assert main(command) == 0
    assert "0 trained, 6 recorded before" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "leaf/table-4     smoke    42: 6/6" in capsys.readouterr().out
    assert not list((tmp_path / "results").iterdir())
    run = EXPERIMENTS["leaf/table-4"].runs("laptop")[0]
    Store(tmp_path / "_runs").put(record_of(run))
    assert main(["import"]) == 0
    assert "1 records imported" in capsys.readouterr().out
    assert Store(tmp_path / "results").records() == [record_of(run)], "smoke records are no evidence"
    next((tmp_path / "_runs").glob("*/*.json")).write_text("{")
    assert main(["status"]) == 0
    assert "damaged, and so not counted" in capsys.readouterr().out


def test_the_module_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "adaptact", "data", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
