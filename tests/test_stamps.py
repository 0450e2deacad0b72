"""Stamps: what a line says, and that a cell's outputs rest on the records that it, or the cells it builds on, have read."""

from dataclasses import replace

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from test_records import record_of

from adaptact import Store, effort, experiments, stamps
from adaptact.stamps import Follower, mark, stamp


@pytest.fixture
def store(tmp_path):
    """Three records of Table 4 at the scale of a laptop, of two seeds."""
    experiment = experiments.get("leaf/table-4")
    for cell, seed in ((0, 42), (0, 100), (1, 42)):
        run = experiment.run(experiment.cells[cell], "laptop", seed)
        Store(tmp_path).put(record_of(run, versions={"adaptact": "0.1.0", "torch": "2.15.0"}))
    return Store(tmp_path)


def runs():
    experiment = experiments.get("leaf/table-4")
    return [experiment.run(experiment.cells[cell], "laptop", seed) for cell, seed in ((0, 42), (0, 100), (1, 42))]


def test_a_stamp_names_what_its_records_have_in_common(store):
    records = [store.get(run) for run in runs()]
    line = stamp([*records, records[0]])
    assert line.startswith("3 records at laptop, 2 seeds (42, 100); ")
    assert records[0].machine in line
    assert "; adaptact 0.1.0, torch 2.15.0; " in line
    assert line.endswith(f"hash {mark(records)}")
    assert stamp([]) == ""
    own = replace(records[0], run=replace(records[0].run, epochs=4, fold=2), checksum="another")
    assert stamp([own]).startswith("1 record at a scale of its own, 1 seed (42), 1 fold; ")


def test_the_hash_changes_with_any_record_and_not_with_their_order(store):
    records = [store.get(run) for run in runs()]
    assert mark(records) == mark(records[::-1])
    assert mark(records) != mark(records[:2])
    store.put(replace(records[0], seconds=records[0].seconds + 1))
    assert mark([store.get(runs()[0]), *records[1:]]) != mark(records)


def test_records_are_followed_through_names(store):
    follower, (a, b, c) = Follower(store), runs()
    names = dict.fromkeys(("first", "second", "both", "table", "y", "rows"), object())

    def seeds_of(source, values=None, read=()):
        for run in read:
            store.get(run)
        return sorted(f"{record.run.activation} {record.run.seed}" for record in follower.cell(source, names | (values or {})))

    tanh, other, second = (f"{run.activation} {run.seed}" for run in (a, b, c))
    assert seeds_of("first = settings.found(x)\nscale = 'laptop'", {"scale": "laptop"}, [a]) == [tanh]
    assert seeds_of("second = load()", read=[b]) == [other]
    assert seeds_of("draw(first)") == [tanh]
    assert seeds_of("both = join(first, second)\n") == sorted([tanh, other])
    assert seeds_of("f(both)") == sorted([tanh, other])
    assert seeds_of("print(scale)") == [], "a word says nothing of records"
    assert seeds_of("first = 3\nprint(first)") == [], "assigned anew"
    assert seeds_of("print(first)") == []
    assert seeds_of("second = second + 1") == [other], "made of what it was"
    assert seeds_of("table['a'].b = load()", read=[c]) == [second]
    assert seeds_of("table") == [second]
    assert seeds_of("def draw(axis):\n    axis.plot(both)\ny = 1") == sorted([tanh, other])
    assert seeds_of("draw(1)") == sorted([tanh, other]), "a function that uses it"
    assert seeds_of("rows = [one.score for one in both]") == sorted([tanh, other])
    assert seeds_of("rows") == sorted([tanh, other])
    assert seeds_of("[one + 1 for one in (1, 2)]") == [], "a comprehension's name is its own"
    assert seeds_of("%magic") == []


def test_evidence_is_heard_too(store):
    from adaptact.claims import Evidence

    follower = Follower(store)
    cell = experiments.get("leaf/table-4").cells[0]
    assert set(Evidence(store).records("leaf/table-4", cell.column, cell.row, "laptop")) == {42, 100}
    assert {record.run.seed for record in follower.cell("", {})} == {42, 100}


def test_in_a_notebook_tables_and_figures_are_stamped_and_nothing_else(store, tmp_path):
    cells = [
        "import pandas as pd\nfrom IPython.display import Markdown, display\nfrom matplotlib import pyplot as plt\n"
        f"from adaptact import Store, experiments, stamps, tables\nstore = Store({str(store.target)!r})\nstamps.follow(store)",
        "found = tables.collect(experiments.get('leaf/table-4'), 'laptop', store)\nlen(found)",
        "pd.DataFrame({'n': [len(found)]})",
        "again = tables.collect(experiments.get('leaf/table-4'), 'laptop', store)\n_ = plt.plot(range(len(found) + len(again)))",
        "pd.DataFrame({'n': [1]})",
        "display(Markdown('**bold**')); found['seed'].max()",
        "display(Markdown('| a |\\n|---|\\n| 1 |')) or found.empty",
        "pd.DataFrame({'n': [len(found)]}).loc[5]",
        "stamps.follow(store)  # as when the first cell is run again",
        "pd.DataFrame(tables.collect(experiments.get('leaf/table-4'), 'laptop', store)['seed'])",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": ROOT}}).execute()
    outputs = [[output.get("data", {}).get("text/markdown", "") for output in cell.outputs] for cell in notebook.cells]
    lines = [[text for text in texts if 'class="stamp"' in text] for texts in outputs]
    assert [len(of) for of in lines] == [0, 0, 1, 1, 0, 0, 1, 0, 0, 1]
    assert "3 records at laptop, 2 seeds" in lines[2][0]
    assert lines[3] == [lines[2][0].split(">")[0] + f">3 records as stamped above; hash {mark(map(store.get, runs()))}</span>"]


def test_time_at_paper_scale_grows_with_images_and_epochs(store):
    records = [store.get(run) for run in runs()]
    table = experiments.get("leaf/table-4")
    first, other = (table.run(cell, "paper", 42) for cell in table.cells[:2])
    ratio = [full.epochs * full.train_images / (5 * 10_000) for full in (first, other)]
    expected = ratio[0] * (records[0].seconds + records[1].seconds) / 2 + ratio[1] * records[2].seconds
    assert effort.at_paper_scale(records) == pytest.approx(expected)
    recorded = replace(records[0], run=first, seconds=7.0)
    expected += 7 - ratio[0] * (records[0].seconds + records[1].seconds) / 2
    assert effort.at_paper_scale([*records, recorded]) == pytest.approx(expected), "recorded at both scales, it counts once"
    assert effort.at_paper_scale([replace(records[0], run=replace(records[0].run, epochs=4))]) == 0


def test_outside_of_a_notebook_nothing_is_followed(store):
    stamps.follow(store)
    assert store.listener is None
