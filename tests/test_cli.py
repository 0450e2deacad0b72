"""The command line, as a user meets it."""

import subprocess
import sys
from dataclasses import replace

import pytest
from test_records import record_of

from adaptact import Store, transfer
from adaptact.__main__ import main
from adaptact.experiments import EXPERIMENTS, PROFILES, get
from adaptact.records import PROTOCOL


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
        "plan",
        "search",
        "export",
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
    with pytest.raises(SystemExit):
        main(["import", "--help"])
    assert "another protocol are left out and counted" in " ".join(capsys.readouterr().out.split())


def test_list_names_everything(capsys):
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in (*EXPERIMENTS, *PROFILES, "fashion_mnist"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["rum"],
            "Did you mean 'run'? Choose from: list, run, plan, arena, search, status, claims, data, check, bench, export, import.",
        ),
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
        (
            ["run", "leaf/table-4", "--profile", "smoke", "--row", "LEAF as Tanh, P24"],
            "Did you mean 'LEAF as Tanh, P24SI'? Choose from: Tanh; LEAF as Tanh, P24SI; ",
        ),
        (["plan", "leaf/table-4", "--profile", "smoke", "--column", "MNIST"], "Choose from: Fashion-MNIST, CIFAR-10."),
        (
            ["run", "pltanh/folds", "--profile", "smoke", "--row", "PLTanh, searched", "--column", "CIFAR-10"],
            "no cell is in these rows and columns: PLTanh, searched; CIFAR-10.",
        ),
        (["data", "cifar100"], "Choose from: digits, mnist, fashion_mnist, kmnist, kmnist_split, cifar10, flowers, "),
        (["import", "/nowhere"], "/nowhere is no folder"),
        (["import", "file"], "file is no archive of records, or a damaged one (File is not a zip file)"),
        (["export", "leaf/table-9", "a.zip"], "leaf/recurrent, "),
        (["export", "all", "a.zip"], "there is no such record in "),
        (["export", "all", "a.zip", "--profile", "big"], "Choose from: smoke, laptop, paper."),
        (["export", "all"], "FILE"),
        (["plan", "leaf/table-4"], "--profile"),
        (["plan", "leaf/table-9", "--profile", "smoke"], "Choose from: leaf/table-2, leaf/table-3"),
        (["plan", "leaf/table-4", "--profile", "smoke", "--device", "tpu"], "Choose from: auto, cpu, cuda."),
        (["plan", "leaf/table-4", "--profile", "smoke", "--results", "file"], "file is no folder"),
        (["run", "leaf/table-4", "--profile", "smoke", "--results", "file"], "file is no folder"),
        (["search", "pltanh/mnis", "--profile", "smoke"], "Did you mean 'pltanh/mnist/pltanh'? Choose from: pltanh/mnist/pltanh, "),
        (["search", "pltanh/mnist"], "--profile is missing. Choose from: smoke, laptop, paper."),
        (["search", "pltanh/mnist", "--profile", "small"], "Choose from: smoke, laptop, paper."),
        (["search", "pltanh/mnist", "--profile", "smoke", "--results", "file"], "file is no folder"),
        (["status", "--verbose"], "--verbose"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("adaptact: ")
    assert words in captured.err


def test_a_part_of_a_table_is_run(tmp_path, capsys):
    part = ["--column", "Fashion-MNIST", "--row", "Tanh", "--row", "LEAF as Tanh, P24SI"]
    command = ["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42", "--jobs", "1", "--results", str(tmp_path)]
    assert main([*command, *part]) == 0
    assert "2 trained" in capsys.readouterr().out
    assert {record.run.activation for record in Store(tmp_path).records()} == {"tanh", "leaf"}
    assert get("leaf/table-4").only() == get("leaf/table-4")
    mine = [*command, "--add", "silu", "--row", "silu", "--column", "Fashion-MNIST"]
    assert main(mine) == 0, "rows that are added can be chosen"
    assert "1 trained" in capsys.readouterr().out


def test_run_status_import(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    command = ["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42", "--jobs", "1"]
    assert main(command) == 0
    assert "6 trained, 0 recorded before, 0 diverged, 0 failed" in capsys.readouterr().out
    assert main(command) == 0
    assert "0 trained, 6 recorded before" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "leaf/table-4         smoke    42: 6/6" in capsys.readouterr().out
    assert not list((tmp_path / "results").iterdir())
    run = EXPERIMENTS["leaf/table-4"].runs("laptop")[0]
    Store(tmp_path / "_runs").put(record_of(run))
    assert main(["import"]) == 0
    assert "1 records imported" in capsys.readouterr().out
    assert Store(tmp_path / "results").records() == [record_of(run)], "smoke records are no evidence"
    next((tmp_path / "_runs").glob("*/*.json")).write_text("{")
    assert main(["status"]) == 0
    assert "damaged, and so not counted" in capsys.readouterr().out


def test_export_and_import_move_records(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    experiment, runs = EXPERIMENTS["leaf/table-4"], Store(tmp_path / "_runs")
    laptop, paper = experiment.runs("laptop", [1, 2]), experiment.runs("paper", [1])
    own, smoke = replace(laptop[0], epochs=2), experiment.runs("smoke", [1])
    for run in (*laptop, *paper, own, *smoke, EXPERIMENTS["leaf/table-2"].runs("paper", [1])[0]):
        runs.put(record_of(run))
    exported = {
        "leaf/table-4": len(laptop) + len(paper),
        "leaf/table-4 --profile laptop": len(laptop),
        "leaf/table-4 --seeds 1": len(laptop) // 2 + len(paper),
        "leaf/table-4 --profile smoke": len(smoke),
        "all": len(laptop) + len(paper) + 2,
        "all --profile paper --seeds 1": len(paper) + 1,
    }
    for arguments, number in exported.items():
        name, *options = arguments.split()
        assert main(["export", name, "a.zip", *options]) == 0, arguments
        assert capsys.readouterr().out == f"{number} records exported to a.zip\n", arguments
        assert main(["import", "a.zip", "--results", f"out/{arguments}"]) == 0
        some = 0 if "smoke" in arguments else number
        assert f"{some} records imported" in (said := capsys.readouterr().out)
        assert ("left out: 6 of smoke runs, which are no evidence" in said) == (not some)
    runs.put(record_of(laptop[0], seconds=9.0))
    assert main(["export", "all", "b.zip", "--results", "out/all"]) == 0
    assert main(["import", "b.zip", "--results", "_runs"]) == 0
    assert f"another record of the same run is there, and is kept: 1 ({laptop[0].name})" in capsys.readouterr().out
    assert main(["import", "b.zip"]) == 0
    capsys.readouterr()
    assert main(["import", "b.zip"]) == 0
    assert capsys.readouterr().out == f"0 records imported into {tmp_path / 'results'}, {exported['all']} there already\n"


def test_what_is_damaged_or_of_another_protocol_is_said_and_stops_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = ["run", "leaf/table-4", "--profile", "smoke", "--seeds", "42", "--jobs", "1"]
    first, second, third, *others = EXPERIMENTS["leaf/table-4"].runs("smoke", [42])
    evidence, runs = Store(tmp_path / "results"), Store(tmp_path / "_runs")
    evidence.put(record_of(first)).write_text("{")
    runs.put(record_of(second)).write_text("")
    old = record_of(third, protocol=0)
    for run in others:
        runs.put(record_of(run))
    runs.put(replace(old, run=replace(third, epochs=2)))
    assert main(["status"]) == 0
    said = capsys.readouterr().out
    assert f"damaged, and so not counted: {evidence.path(first)} (Expecting property name" in said
    assert f"restore it (git restore {evidence.path(first)})" in said
    assert f"damaged, and so not counted: {runs.path(second)} (Expecting value" in said
    assert f"of protocol 0, not {PROTOCOL}, and so not counted: 1; run their experiments again" in said
    assert main(["export", "leaf/table-4", "a.zip", "--profile", "smoke"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{len(others)} records exported to a.zip\n"
    assert captured.err.count("damaged, and so not counted") == 2
    assert main(command) == 0
    captured = capsys.readouterr()
    assert f"3 trained, {len(others)} recorded before" in captured.out
    assert f"set aside as {second.name}.json.damaged, its run is trained again" in captured.err
    assert evidence.path(first).read_text() == "{", "the evidence is only named"
    assert main(["status"]) == 0
    assert "leaf/table-4         smoke    42: 6/6" in capsys.readouterr().out
    transfer.export_records([old, record_of(replace(first, epochs=9, train_images=999))], "b.zip")
    assert main(["import", "b.zip"]) == 0
    said = capsys.readouterr().out
    assert "1 records imported" in said
    assert "left out: 1 of smoke runs" in said


def test_records_of_another_protocol_are_left_out_and_counted(tmp_path, capsys):
    run = EXPERIMENTS["leaf/table-4"].runs("laptop")[0]
    transfer.export_records([record_of(run, protocol=PROTOCOL + 1)], tmp_path / "a.zip")
    assert main(["import", str(tmp_path / "a.zip"), "--results", str(tmp_path)]) == 0
    assert f"left out: 1 of protocol {PROTOCOL + 1}, not {PROTOCOL}; run their experiments again" in capsys.readouterr().out
    assert Store(tmp_path).records() == []


def test_the_module_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "adaptact", "data", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
