"""Run, Record and Store: identity, round trips, damage, import."""

import dataclasses
import json
import multiprocessing
from dataclasses import replace

import pytest

from adaptact import Record, Run, Store, UserError, records

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


def test_every_field_is_part_of_the_identity():
    other = dict(
        dataset="mnist", train_images=9, model="lenet5", activation="leaf", epochs=3, seed=1, init="silu", granularity="layer",
        dspt=False, slow_rho24=None, optimizer="rmsprop", lr=0.1, activation_lr=0.1, batch_size=64, shuffle=True, augment=False,
        conv_dropout="element", fc_dropout=0.5, validation_images=5,
    )  # fmt: skip
    assert set(other) == {field.name for field in dataclasses.fields(Run)}
    changed = {replace(RUN, **{name: value}).key for name, value in other.items() if getattr(RUN, name) != value}
    assert len(changed) == len(other) - 1  # the activation is leaf in both
    assert RUN.key not in changed
    assert replace(RUN, lr=1).key == replace(RUN, lr=1.0).key


def test_a_field_added_later_keeps_the_names_of_earlier_runs():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Later(Run):
        label_smoothing: float = 0.0

    fields = dataclasses.asdict(RUN)
    assert Later(**fields).key == RUN.key
    assert Later(**fields, label_smoothing=0.1).key != RUN.key


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
    with pytest.raises(UserError, match="is of protocol"):
        records.import_records(tmp_path / "a", tmp_path / "b")


def test_committed_evidence_is_read_first_and_never_written(tmp_path):
    evidence, runs = tmp_path / "results", tmp_path / "_runs"
    Store(evidence).put(record_of(RUN, seconds=1.0))
    store = Store(evidence, runs)
    store.put(record_of(RUN, seconds=2.0))
    store.put(record_of(replace(RUN, seed=1)))
    assert store.get(RUN).seconds == 1.0
    assert len(list(evidence.glob("*/*.json"))) == 1
    imported, kept = records.import_records(runs, evidence)
    assert (imported, kept) == ([replace(RUN, seed=1)], [RUN])
    assert Store(evidence).get(RUN).seconds == 1.0
    assert records.import_records(runs, evidence)[0] == []


def test_import_refuses_what_is_damaged_or_absent_before_it_copies(tmp_path):
    store = Store(tmp_path / "a")
    store.put(record_of(RUN))
    store.put(record_of(replace(RUN, seed=1))).write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        records.import_records(tmp_path / "a", tmp_path / "b")
    assert not (tmp_path / "b").exists()
    with pytest.raises(UserError, match="is no folder"):
        records.import_records(tmp_path / "none", tmp_path / "b")


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
