"""Run, Record and Store: identity, round trips, damage, import."""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from adaptact import Record, Run, Store, UserError, records, transfer
from adaptact.run import digest

RUN = Run(
    dataset="cifar10",
    train_images=50_000,
    model="kerasnet",
    activation="leaf",
    init="tanh",
    granularity="neuron",
    dspt=True,
    slow_rho24=1e-6,
    epochs=100,
    seed=42,
)
MIXED = Run(
    dataset="fashion_mnist",
    train_images=10_000,
    model="strided_cnn",
    activation="weighted_sum",
    init=[0.5, 0.3, 0.2],
    granularity="layer",
    epochs=15,
    seed=42,
    options={"normalisation": "square", "functions": ["relu", "tanh", "relu*sin"]},
    cycles=["weights", "activations", "both"],
)


def record_of(run, **fields):
    plain = dict(
        status="done",
        curves={"train_loss": [0.1 + 0.2, None]},
        scores={"last": {"epoch": 2, "test_accuracy": 50.0}},
        shapes={},
        seconds=1.5,
        hardware={"device": "cpu"},
        versions={},
    )
    return Record(run=run, **{**plain, **fields})


def test_names_are_readable_and_never_change():
    # Committed records are found by these names: a change here orphans them all.
    assert RUN.name == "cifar10-kerasnet-leaf_as_tanh-dspt-p24-s42-7bef1256"
    assert (
        replace(RUN, activation="tanh", init=None, granularity=None, dspt=False, slow_rho24=None).name
        == "cifar10-kerasnet-tanh-s42-f20720d3"
    )
    assert MIXED.name == "fashion_mnist-strided_cnn-weighted_sum_as_0.5_0.3_0.2-wab-s42-b9b219af"


def test_every_field_is_part_of_the_identity():
    other = dict(
        dataset="mnist", train_images=9, model="lenet5", activation="leaf", epochs=3, seed=1, init="silu", granularity="layer",
        dspt=True, slow_rho24=None, optimizer="rmsprop", lr=0.1, activation_lr=0.1, batch_size=64, shuffle=True, augment=False,
        conv_dropout="element", fc_dropout=0.5, fc_width=100, validation_images=5, options={"held": ["rho4"]}, fold=3,
        cycles=("weights",), part=8, depth=3,
    )  # fmt: skip
    apart = {"test_images", "task", "settings"}  # these do not go with a fold, or with this network
    assert set(other) | apart == {field.name for field in dataclasses.fields(Run)}
    run = replace(RUN, dspt=False, model="mlp", fold=1)  # no DSPT, which does not go with cycles
    changed = {replace(run, **{name: value}).key for name, value in other.items() if getattr(run, name) != value}
    assert len(changed) == len(other) - 1  # the activation is leaf in both
    assert run.key not in changed
    assert replace(RUN, lr=1).key == replace(RUN, lr=1.0).key
    assert replace(RUN, test_images=9).key != RUN.key
    one_class = {"dataset": "mnist", "model": "svdd_lenet", "task": "deep_svdd", "dspt": False, "augment": False}
    digits = [replace(RUN, **one_class, settings=settings) for settings in ((), {"normal_class": 1}, {"normal_class": 2})]
    assert len({RUN.key, *(digit.key for digit in digits)}) == 4


def test_options_as_a_dict_as_pairs_and_from_a_record_are_the_same_run():
    pairs = [["normalisation", "square"], ["functions", ("relu", "tanh", "relu*sin")]]
    for run in (
        replace(MIXED, options=pairs),
        replace(MIXED, options=reversed(pairs)),
        Record.from_json(record_of(MIXED).to_json()).run,
    ):
        assert run == MIXED
        assert hash(run) == hash(MIXED)
        assert run.name == MIXED.name
    whole, broken = (replace(MIXED, init=[one, 0, 0], options={"normalisation": "sum"}) for one in (1, 1.0))
    assert whole.key == broken.key
    elus = [replace(MIXED, activation="elu", init=None, granularity=None, cycles=(), options={"alpha": a}) for a in (1, 1.0, 2)]
    assert elus[0].key == elus[1].key != elus[2].key


def test_a_field_added_later_keeps_the_names_of_earlier_runs():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Later(Run):
        label_smoothing: float = 0.0

    fields = dataclasses.asdict(RUN)
    assert Later(**fields).key == RUN.key
    assert Later(**fields, label_smoothing=0.1).key != RUN.key


PLAIN = {"dspt": False, "slow_rho24": None}
FIXED = {**PLAIN, "init": None, "granularity": None}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "cifar"}, "Did you mean 'cifar10'"),
        ({"model": "vgg"}, "lenet5, kerasnet"),
        ({"activation": "leafy"}, "Did you mean 'leaf'"),
        ({"train_images": 50_001}, "from 1 to 50000"),
        ({"epochs": 0}, "epochs is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": "a"}, "seed is 'a'"),
        ({"optimizer": "sgd"}, "adam, rmsprop"),
        ({"lr": -1.0}, "lr is -1.0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"fc_dropout": 1.0}, "below 1"),
        ({"validation_images": 50_000}, "from 0 to 49999"),
        ({"granularity": None}, "neuron, channel, layer"),
        ({"activation": "ahaf", "init": "relu"}, "slow_rho24"),
        ({"activation": "tanh"}, "tanh has no parameters"),
        ({"init": []}, "init is []: give a function's name, or a list of numbers"),
        ({"init": [0.5, float("nan")]}, "init is [0.5, nan]"),
        ({"init": [0.5, 0.5]}, "relu, silu, tanh, sigmoid"),
        ({"options": ["held"]}, "give names with texts, numbers or lists of such"),
        ({"options": {"held": {"rho1": 1}}}, "give names with texts, numbers or lists of such"),
        ({"options": {"held": float("inf")}}, "inf is none of these"),
        ({"options": {"hold": ["rho1"]}}, "option of activation 'leaf' 'hold'. Did you mean 'held'"),
        ({"options": {"held": ["rho5"]}}, "rho1, rho2, rho3, rho4"),
        ({"options": {"held": 3}}, "leaf cannot be made with {'held': 3.0"),
        ({"options": {"held": ["rho1", "rho2", "rho3", "rho4"]}}, "has no parameters that dspt"),
        ({"options": {"init": "relu"}}, "'init' is no option"),
        ({"options": {"granularity": "layer"}}, "'granularity' is no option"),
        ({"options": {"num_parameters": 3}}, "'num_parameters' is no option"),
        ({"options": {"device": "cpu"}}, "'device' is no option"),
        ({"options": {"shape": [3]}}, "'shape' is no option"),
        ({**FIXED, "activation": "sin", "options": {"alpha": 1}}, "takes no options"),
        ({**FIXED, "activation": "elu", "options": {"alpha": "steep"}}, "elu cannot be made with {'alpha': 'steep'}"),
        ({**PLAIN, "cycles": ["weight"]}, "Did you mean 'weights'"),
        ({**PLAIN, "cycles": "weights"}, "cycles is 'weights': give a list"),
        ({**PLAIN, "cycles": None}, "cycles is None: give a list"),
        ({**PLAIN, "cycles": ["weights"] * 3}, "epochs is 100: give a multiple of the 3 cycles"),
        ({"cycles": ["weights"]}, "dspt and cycles are two training procedures: choose one"),
        ({**FIXED, "activation": "tanh", "cycles": ["activations"]}, "tanh has no parameters that a cycle"),
    ],
)
def test_senseless_runs_are_refused_with_the_valid_choices(change, words):
    with pytest.raises(UserError) as error:
        replace(RUN, **change)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_round_trip_is_exact(tmp_path):
    store, record = Store(tmp_path), record_of(RUN)
    path = store.put(record)
    assert path == tmp_path / "cifar10" / f"{RUN.name}.json"
    assert store.get(RUN) == record
    assert store.get(replace(RUN, seed=1)) is None
    assert store.records() == [record]


def test_truncated_edited_and_foreign_files_do_not_count_and_are_named(tmp_path):
    store = Store(tmp_path)
    path = store.put(record_of(RUN))
    text = path.read_text()
    for damaged in (text[: len(text) // 2], text.replace("50.0", "99.0"), "", "[]", text.replace('"status"', '"state"')):
        path.write_text(damaged)
        assert store.get(RUN) is None
        assert store.records() == []
        assert [bad for bad, _ in store.damaged()] == [path]
    store.put(record_of(RUN))  # trained again, it takes the damaged one's place
    assert store.damaged() == []


def test_a_record_of_another_protocol_is_not_mixed_in(tmp_path):
    store = Store(tmp_path / "a")
    store.put(record_of(RUN, protocol=records.PROTOCOL + 1))
    assert store.get(RUN) is None
    assert len(store.records()) == 1
    store.put(record_of(replace(RUN, seed=1)))
    result = transfer.import_records(tmp_path / "a", tmp_path / "b")
    assert result.imported == [replace(RUN, seed=1).name]
    assert result.other_protocol == {records.PROTOCOL + 1: 1}
    assert len(list((tmp_path / "b").glob("*/*.json"))) == 1


def test_an_import_replaces_an_older_protocols_record_and_no_newer_one(tmp_path, monkeypatch):
    Store(tmp_path / "a").put(record_of(RUN))
    target = Store(tmp_path / "b")
    for protocol, state in [(records.PROTOCOL - 1, "replaced"), (records.PROTOCOL + 1, "kept")]:
        target.put(there := record_of(RUN, protocol=protocol))
        assert getattr(transfer.import_records(tmp_path / "a", tmp_path / "b"), state) == [RUN.name]
        assert (target.records() == [there]) == (state == "kept")


def test_committed_evidence_is_read_first_and_never_written(tmp_path):
    evidence, runs = tmp_path / "results", tmp_path / "_runs"
    Store(evidence).put(record_of(RUN, seconds=1.0))
    store = Store(evidence, runs)
    store.put(record_of(RUN, seconds=2.0))
    store.put(record_of(replace(RUN, seed=1)))
    assert store.get(RUN).seconds == 1.0
    assert len(list(evidence.glob("*/*.json"))) == 1
    result = transfer.import_records(runs, evidence)
    assert (result.imported, result.kept) == ([replace(RUN, seed=1).name], [RUN.name])
    assert Store(evidence).get(RUN).seconds == 1.0
    again = transfer.import_records(runs, evidence)
    assert (again.imported, again.present, again.kept) == ([], result.imported, result.kept)


def test_import_refuses_what_is_damaged_or_absent_before_it_copies(tmp_path):
    store = Store(tmp_path / "a")
    store.put(record_of(RUN))
    store.put(record_of(replace(RUN, seed=1))).write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        transfer.import_records(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(UserError, match="is no folder and no file"):
        transfer.import_records(tmp_path / "none", tmp_path / "b")


MANY = [record_of(replace(RUN, seed=seed)) for seed in range(6)]


def test_two_machines_halves_merge_into_the_same_folder_whatever_the_order(tmp_path):
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    transfer.export_records(MANY[:4], first)
    transfer.export_records([*MANY[4:], replace(MANY[0], seconds=9.0), MANY[1]], second)
    target = Store(tmp_path / "target")
    result = transfer.import_records(first, target.target)
    assert (len(result.imported), result.present, result.kept) == (4, [], [])
    result = transfer.import_records(second, target.target)
    assert (len(result.imported), result.present, result.kept) == (2, [MANY[1].run.name], [MANY[0].run.name])
    assert {record.run: record for record in target.records()} == {record.run: record for record in MANY}
    again = transfer.import_records(first, target.target)
    assert (again.imported, len(again.present), again.kept) == ([], 4, [])
    result = transfer.import_records(target.target, tmp_path / "copy")
    assert len(result.imported) == 6


def test_an_archive_has_the_same_bytes_for_the_same_records(tmp_path):
    transfer.export_records(MANY, tmp_path / "a.zip")
    transfer.export_records(reversed(MANY), tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == [f"cifar10/{record.run.name}.json" for record in MANY]
        archive.extractall(tmp_path / "unpacked")
    assert Store(tmp_path / "unpacked").records() == MANY, "unpacked by hand it is a folder of records"
    with pytest.raises(UserError, match=r"ends in \.zip"):
        transfer.export_records(MANY, tmp_path / "a.tar.gz")
    (tmp_path / "folder.zip").mkdir()
    with pytest.raises(UserError, match=r"cannot write .*folder\.zip: Is a directory"):
        transfer.export_records(MANY, tmp_path / "folder.zip")
    assert not list(tmp_path.glob(".*"))


def test_an_altered_or_truncated_archive_is_one_line_or_does_no_harm(tmp_path):
    transfer.export_records(MANY, tmp_path / "a.zip")
    whole, draw = (tmp_path / "a.zip").read_bytes(), random.Random(0)
    wanted, refused = {record.run: record for record in MANY}, 0
    altered = [whole[:length] for length in (0, 1, 100, len(whole) // 2, len(whole) - 1)]
    for _ in range(150):
        place = draw.randrange(len(whole))
        altered.append(whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :])
    for number, content in enumerate(altered):
        (tmp_path / "b.zip").write_bytes(content)
        target, said = tmp_path / str(number), ""
        try:
            transfer.import_records(tmp_path / "b.zip", target)
        except UserError as error:
            said = str(error)
        refused += bool(said)
        if said:
            assert "\n" not in said
            assert "b.zip" in said
            assert not target.exists()
        else:  # it hit a date, a name, or the like
            assert all(wanted[record.run] == record for record in Store(target).records())
            assert Store(target).damaged() == []
    assert refused > 100


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("README.md", "hello", "'README.md' is damaged or no record"),
        ("../../outside.json", "{}", "no record"),
        ("cifar10/x.json", "[" * 100_000, "no record"),
        ("cifar10/x.json", "1" * 10_000, "no record"),
        ("cifar10/x.json", b"\xff\xfe", "no record"),
        ("cifar10/x.json", " " * (transfer.LARGEST + 1), "bytes are too many"),
    ],
)
def test_an_archive_with_anything_else_is_refused(tmp_path, name, content, words):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cifar10/sound.json", MANY[0].to_json())
        archive.writestr(name, content)
    with pytest.raises(UserError, match=words) as error:
        transfer.import_records(tmp_path / "a.zip", tmp_path / "deep" / "target")
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.rglob("*")] == ["a.zip"]


def test_members_are_placed_by_what_they_hold_not_by_their_names(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("some")
        archive.writestr("../../outside.json", MANY[0].to_json())
        archive.writestr("/etc/outside.json", MANY[1].to_json())
    transfer.import_records(tmp_path / "a.zip", tmp_path / "deep" / "target")
    store = Store(tmp_path / "deep" / "target")
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.json")} == {
        store.path(record.run).relative_to(tmp_path) for record in MANY[:2]
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"run": {"init": "/../../../outside"}},
        {"run": {"init": ["tanh"]}},
        {"run": {"activation": ["leaf"]}},
        {"run": {"activation": "x\ny"}},
        {"run": {"options": [["held", [1]]]}},
        {"run": {**FIXED, "activation": "weighted_sum", "granularity": "layer", "options": [["functions", [1]]]}},
        {"status": "fine"},
        {"curves": []},
        {"protocol": "1"},
    ],
)
def test_a_text_with_a_fitting_checksum_may_still_be_no_record(fields):
    body = dataclasses.asdict(record_of(RUN))
    body |= {name: {**body[name], **value} if name == "run" else value for name, value in fields.items()}
    body["sha256"] = digest(body)
    with pytest.raises(ValueError, match=r"its|file.s name|init is|unknown (parameter|base function)"):
        Record.from_json(json.dumps(body))


def _damages(text):
    return {
        "truncated": lambda path: path.write_text(text[: len(text) // 2]),
        "edited": lambda path: path.write_text(text.replace("50.0", "99.0")),
        "empty": lambda path: path.write_text(""),
        "not text": lambda path: path.write_bytes(b"\xff" * 100),
        "another's": lambda path: path.write_text(record_of(replace(RUN, seed=7)).to_json()),
        "a folder": lambda path: (path.unlink(), path.mkdir(), (path / "x").write_text("")),
        "unreadable": lambda path: path.chmod(0),
    }


@pytest.mark.parametrize("name", _damages(""))
def test_damage_is_named_and_set_aside_where_it_is_written_and_only_there(tmp_path, name, monkeypatch):
    evidence, runs = tmp_path / "results", tmp_path / "_runs"
    store, damage = Store(evidence, runs), _damages(record_of(RUN).to_json())[name]
    places = [Store(folder).put(record_of(RUN)) for folder in (evidence, runs)]
    for path in places:
        damage(path)
    if name == "unreadable" and os.geteuid() == 0:  # root may read everything
        monkeypatch.setattr(Path, "read_bytes", lambda path: (path / "no folder").read_text())
    assert [path for path, _ in store.damaged()] == places
    assert all(reason and "\n" not in reason and str(tmp_path) not in reason for _, reason in store.damaged())
    assert (store.get(RUN), store.records(), store.unknown()) == (None, [], [])
    with pytest.raises(UserError, match="is damaged or no record") if name != "another's" else _nothing():
        transfer.import_records(runs, tmp_path / "b")
    first, second = store.set_aside([RUN, replace(RUN, seed=8)])
    assert "git restore" in first
    assert f"set aside as {places[1].name}.damaged" in second
    assert places[0].exists()
    assert not places[1].exists()
    assert places[1].with_name(f"{places[1].name}.damaged").exists()
    monkeypatch.undo()
    store.put(record_of(RUN))
    damage(places[1])
    if not (name == "unreadable" and os.geteuid() == 0):
        store.set_aside([RUN])
        assert places[1].with_name(f"{places[1].name}.damaged1").exists(), "the first one is still there"
    if name != "unreadable":
        Store(tmp_path / "b").put(record_of(RUN))
        assert transfer.import_records(tmp_path / "b", evidence).replaced == [RUN.name], "an import mends the evidence"
        assert store.get(RUN) == record_of(RUN)


@contextlib.contextmanager
def _nothing():
    yield


def test_a_sound_file_is_not_set_aside(tmp_path):
    store = Store(tmp_path)
    path = store.put(record_of(RUN))
    assert store.set_aside([RUN, replace(RUN, seed=1)]) == []
    assert path.exists()


def _put_many(folder, first):
    for seed in range(first, first + 40):
        Store(folder).put(record_of(replace(RUN, seed=seed)))


def test_two_processes_writing_one_folder_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_put_many, args=(tmp_path, first)) for first in (0, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {record.run.seed for record in Store(tmp_path).records()} == set(range(60))
    assert Store(tmp_path).damaged() == []
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*: Not a directory\. .*--results"):
        Store(tmp_path / "file").put(record_of(RUN))


def test_committed_records_are_sound_and_of_this_protocol():
    store = Store(records.project_folder() / "results")
    assert store.damaged() == []
    found = store.records()
    assert found, "results/ holds the book's evidence"
    for record in found:
        assert record.protocol == records.PROTOCOL
        assert store.path(record.run).is_file()
        assert json.loads(store.path(record.run).read_text())["run"]["seed"] == record.run.seed
