"""Searches: the same trials through every kill, judged by images that no one trains or tests on."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import torch
from filelock import FileLock
from test_records import record_of

from adaptact import Run, Store, UserError
from adaptact import search as searching
from adaptact import sweep as sweeping
from adaptact.__main__ import main
from adaptact.data import SOURCES, DataSet
from adaptact.experiments import PROFILES, SEARCHES, Search, get_searches
from adaptact.experiments.pltanh import base_run
from adaptact.search import best, journal_of, load, search
from adaptact.training import parts

pytest.importorskip("optuna")

RUN = Run(
    dataset="digits",
    train_images=300,
    model="mlp",
    activation="pltanh",
    epochs=2,
    seed=42,
    augment=False,
    fold=1,
    part=200,
    validation_images=40,
)
TINY = Search("tiny/digits/pltanh", RUN, "alpha", 0.001, 1.0, trials=7)
OTHER = replace(TINY, name="tiny/digits/pltanh-fold-2", run=replace(RUN, fold=2))
DONE = ["number", "value", "validation_accuracy", "status", "run"]  # all but the seconds

CHILD = """
import sys
from test_search import OTHER, TINY
from adaptact import Store
from adaptact.search import search_all
for _ in search_all([TINY, OTHER], "paper", Store(sys.argv[1]), jobs=2):
    pass
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return folder, search(TINY, "paper", Store(folder))


@pytest.fixture
def epochs(monkeypatch):
    """How many epochs are trained, in a list of one."""
    count, train = [0], sweeping.train

    def counting(run, on_epoch, **options):
        def on_one(epoch, curves):
            count[0] += 1
            on_epoch(epoch, curves)

        return train(run, on_epoch=on_one, **options)

    monkeypatch.setattr(sweeping, "train", counting)
    return count


def test_trials_are_recorded_runs_judged_by_the_images_held_out(undisturbed, epochs):
    folder, trials = undisturbed
    assert list(trials["number"]) == list(range(7))
    assert trials["value"].nunique() == 7
    assert trials["value"].between(0.001, 1).all()
    for row in trials.itertuples():
        record = Store(folder).get(replace(RUN, options={"alpha": row.value}))
        assert (row.run, row.status, row.seconds) == (record.run.name, record.status, record.seconds)
        assert row.validation_accuracy == record.curves["validation_accuracy"][-1]
    assert best(trials)["validation_accuracy"] == trials["validation_accuracy"].max()
    assert search(TINY, "paper", Store(folder)).equals(trials)
    assert load(TINY, "paper", Store(folder)).equals(trials)
    assert epochs == [0], "a complete search is only read"
    assert load(TINY, "laptop", Store(folder)).empty
    with pytest.raises(UserError, match="no trials"):
        best(load(TINY, "laptop", Store(folder)))
    assert not list((folder / "searches").glob("*.lock*"))


@pytest.mark.parametrize("moment", ["in a training", "before a record", "before a line", "in a line"])
def test_a_stopped_search_goes_on_to_the_trials_of_an_undisturbed_one(moment, tmp_path, undisturbed, epochs, monkeypatch):
    store, journal = Store(tmp_path), journal_of(TINY, "paper", tmp_path)
    where = {
        "in a training": (sweeping, "mark"),
        "before a record": (Store, "put"),
        "before a line": (searching, "_trial"),
        "in a line": (searching, "_trial"),
    }[moment]
    calls, original = [], getattr(*where)

    def stop_at_the_sixth(*arguments):
        calls.append(arguments)
        if len(calls) == (17 if moment == "in a training" else 6):  # `mark`: three times a run
            raise KeyboardInterrupt
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(*where, stop_at_the_sixth)
        with pytest.raises(KeyboardInterrupt):
            search(TINY, "paper", store)
    if moment == "in a line":
        with journal.open("a") as file:
            file.write('{"op_code":4,"wor')
    assert load(TINY, "paper", store).empty, "a part of a search is none"
    trials = search(TINY, "paper", store)
    assert trials[DONE].equals(undisturbed[1][DONE])
    assert epochs == [14], "no epoch is trained twice"
    assert len(list(tmp_path.glob("digits/*.json"))) == 7


def test_kill_9_of_two_side_by_side_loses_no_trial(tmp_path, undisturbed):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    child = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    journals = [journal_of(space, "paper", tmp_path) for space in (TINY, OTHER)]

    def trials():
        return [journal.read_bytes().count(b"\n") - 2 if journal.exists() else 0 for journal in journals]

    deadline = time.monotonic() + 300  # on a busy machine; else seconds
    while child.poll() is None and time.monotonic() < deadline and max(trials()) < 2:
        time.sleep(0.01)
    assert child.poll() is None, child.stderr.read().decode()
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stderr.close()
    assert 2 <= max(trials()) < 7
    assert search(TINY, "paper", Store(tmp_path))[DONE].equals(undisturbed[1][DONE])
    other = search(OTHER, "paper", Store(tmp_path))
    assert list(other["value"][:5]) == list(undisturbed[1]["value"][:5]), "what is drawn at random is drawn alike"


def test_a_worker_ends_with_its_parent():
    read, write = os.pipe()
    if (parent := os.fork()) == 0:
        if os.fork() == 0:
            searching._end_with(os.getppid())
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(write)
    assert select.select([read], [], [], 20)[0], "the worker goes on"
    assert os.read(read, 1) == b""
    os.close(read)


def test_a_second_process_waits_and_takes_what_the_first_one_found(tmp_path, undisturbed, epochs, capsys):
    journal = journal_of(TINY, "paper", tmp_path)
    journal.parent.mkdir()
    held = threading.Event()

    def first():
        with FileLock(f"{journal}.lock"):
            held.set()
            time.sleep(0.5)
            journal.write_bytes(journal_of(TINY, "paper", undisturbed[0]).read_bytes())

    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    trials = search(TINY, "paper", Store(tmp_path))
    thread.join()
    assert trials.equals(undisturbed[1])
    assert epochs == [0]
    assert "another process is at it; waiting" in capsys.readouterr().err


def test_a_diverged_trial_counts_as_zero_and_a_failed_one_stops(tmp_path, undisturbed, monkeypatch):
    store = Store(tmp_path)
    run = replace(RUN, options={"alpha": undisturbed[1]["value"][0]})
    store.put(record_of(run, status="diverged", curves={"validation_accuracy": [95.0]}))

    def fail(run, **options):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "train", fail)
        with pytest.raises(UserError, match=r"tiny/digits/pltanh stopped: .* failed \(RuntimeError: out of memory\)"):
            search(TINY, "paper", store)
    short = replace(TINY, trials=1)
    journal_of(TINY, "paper", tmp_path).unlink()
    assert list(search(short, "paper", store)["validation_accuracy"]) == [0.0]


@pytest.mark.parametrize("profile", ["smoke", "paper"])
def test_no_test_image_is_trained_on_or_chosen_by(profile):
    """Sixty thousand numbers stand for the images: what is in which part can be read from them."""
    for space in [*get_searches("pltanh/mnist"), *get_searches("pltanh/flowers_96"), *get_searches("pltanh/pcam/pltanh")]:
        run = PROFILES[profile].scale(space.run)
        size = SOURCES[run.dataset].train_size
        numbers, labels = torch.arange(size), torch.arange(size) % SOURCES[run.dataset].num_classes
        found = parts(run, DataSet(numbers, labels, -1 - numbers, labels))
        trained, held, tested = (set(found[index].tolist()) for index in (0, 2, 4))
        assert trained.isdisjoint(held)
        assert tested.isdisjoint(trained | held)
        assert len(trained | held) == run.part
        assert len(held) == run.validation_images == run.part // 5
        compared = PROFILES[profile].scale(replace(base_run(space.run.dataset), fold=run.fold))
        assert tested == set(parts(compared, DataSet(numbers, labels, numbers, labels))[4].tolist())


def test_there_is_one_search_a_data_set_and_function():
    assert len(SEARCHES) == 7 * 3 + 4
    for space in SEARCHES.values():
        assert (space.low, space.high, space.trials, space.run.epochs) == (0.001, 1, 15, 2)
        assert space.run.part <= 10_000
        assert not space.run.options
    assert len(get_searches("pltanh")) == 25
    assert [space.name for space in get_searches("pltanh/mnist/pltanh")] == ["pltanh/mnist/pltanh"]
    with pytest.raises(UserError, match=r"Did you mean 'pltanh/mnist/alrelu'\? Choose from: pltanh/mnist/pltanh, "):
        get_searches("pltanh/mnist/alrel")
    with pytest.raises(UserError, match="give its run validation_images"):
        replace(TINY, run=replace(RUN, validation_images=0))
    with pytest.raises(UserError, match="give a low above 0"):
        replace(TINY, low=0.0)


def cut(text):
    return text[:700] + text[900:]


def edited(text):
    lines = text.splitlines()
    trial = json.loads(lines[3])
    trial["params"]["alpha"] *= 1.01
    return "\n".join([*lines[:3], json.dumps(trial), *lines[4:]]) + "\n"


@pytest.mark.parametrize(
    ("change", "space", "words"),
    [
        (cut, TINY, "is damaged or no search's journal"),
        (edited, TINY, "trial 1 does not fit its training"),
        (lambda text: "a note\n" + text, TINY, "is damaged or no search's journal"),
        (lambda text: "[1]\n", TINY, "is damaged or no search's journal"),
        (lambda text: text + text.splitlines()[-1] + "\n", TINY, "8 trials are too many"),
        (str, replace(TINY, high=2.0), "of another search: high 1.0, not 2.0"),
        (str, replace(TINY, trials=9), "of another search: trials 7, not 9"),
        (str, replace(TINY, run=replace(RUN, epochs=3)), "of another search: run "),
    ],
)
def test_a_damaged_or_foreign_journal_is_one_line(change, space, words, tmp_path, undisturbed, epochs):
    journal = journal_of(TINY, "paper", tmp_path)
    journal.parent.mkdir()
    journal.write_text(change(journal_of(TINY, "paper", undisturbed[0]).read_text()))
    before = journal.read_bytes()
    for function in (load, search):
        with pytest.raises(UserError) as caught:
            function(space, "paper", Store(tmp_path))
        assert words in str(caught.value)
        assert str(journal) in str(caught.value)
        assert "delete it and search again" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert journal.read_bytes() == before
    assert epochs == [0]


def test_without_optuna_there_is_one_line(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    for folder, function in [(undisturbed[0], load), (tmp_path, search)]:
        with pytest.raises(UserError, match=r'searches need Optuna: pip install "optuna>=4"'):
            function(TINY, "paper", Store(folder))


def test_search_import_and_status_at_the_command_line(tmp_path, undisturbed, epochs, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    monkeypatch.setitem(SEARCHES, TINY.name, TINY)
    done = ["search", "tiny", "--profile", "paper", "--jobs", "1"]
    assert main([*done, "--results", str(undisturbed[0])]) == 0
    row = best(undisturbed[1])
    words = f"alpha {row['value']:.4g}, validation accuracy {row['validation_accuracy']:.2f} %, best of 7 trials"
    assert capsys.readouterr().out == f"{TINY.name} at paper: {words}\n"

    name = journal_of(TINY, "paper", ".").name
    whole = (undisturbed[0] / "searches" / name).read_text()
    there = tmp_path / "results" / "searches" / name
    for source, text in {"half": "\n".join(whole.splitlines()[:5]) + "\n", "bad": cut(whole)}.items():
        (tmp_path / source / "searches").mkdir(parents=True)
        (tmp_path / source / "searches" / name).write_text(text)
    assert main(["import", "half"]) == 0
    assert f"not complete; search again, which goes on with them: 1 ({there.stem})" in capsys.readouterr().out
    assert main(["import", "bad"]) == 2
    assert "is damaged or no search's journal" in capsys.readouterr().err
    assert not there.exists()
    assert main(["import", str(undisturbed[0])]) == 0
    said = capsys.readouterr().out
    assert f"7 records imported into {tmp_path / 'results'}, 0 there already\nsearches imported: 1 ({there.stem})\n" == said
    assert there.read_text() == whole
    assert main(["import", str(undisturbed[0])]) == 0
    assert f"searches there already: 1 ({there.stem})" in capsys.readouterr().out
    there.write_text(whole + "\n")
    assert main(["import", str(undisturbed[0])]) == 0
    assert f"is kept: 1 ({there.stem})" in capsys.readouterr().out
    there.write_text(whole)

    assert main(done) == 0, "the evidence's search is used"
    assert epochs == [0]
    assert not (tmp_path / "_runs" / "searches").exists()
    capsys.readouterr()
    assert main(["status"]) == 0
    assert "damaged" not in capsys.readouterr().out
    assert Store().damaged() == []

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(searching, "sweep", stop)
    assert main([*done, "--results", "new"]) == 130
    assert capsys.readouterr().err == "stopped: 0 of 1 searches are complete; the same command goes on from here\n"
