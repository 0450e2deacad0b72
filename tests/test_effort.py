"""What the evidence cost, summed over records whose seconds are known."""

from dataclasses import replace

import pytest
from test_records import record_of

from adaptact import Store, effort
from adaptact.experiments import get


def test_each_record_counts_once_with_the_first_experiment_that_lists_it(tmp_path):
    store, table = Store(tmp_path), get("leaf/table-4")
    runs = table.runs("laptop", [42, 100])[:2] + get("pltanh/folds").runs("laptop", [42])[:1]
    for seconds, run in zip((3600, 1800, 900), runs, strict=True):
        store.put(record_of(run, seconds=seconds, hardware={"cpu": "made up", "threads": 1}))
    own = replace(runs[0], epochs=3)
    store.put(record_of(own, seconds=360, status="diverged", hardware={"gpu": "another"}))
    store.put(record_of(replace(runs[0], seed=7), seconds=360, protocol=0))
    found = effort.records_of(store)
    assert len(found) == 4, "that of another protocol is no evidence"
    by = effort.summed(found, ["source", "profile"])
    assert by.loc[("leaf", "laptop"), "hours"] == pytest.approx(1.5)
    assert by.loc[("leaf", "laptop"), "records"] == 2
    assert by.loc[("pltanh", "laptop"), "hours"] == pytest.approx(0.25)
    assert by.loc[(effort.REST, ""), ["records", "diverged"]].tolist() == [1, 1]
    assert set(effort.summed(found, ["hardware"]).index) == {"made up, 1 thread a run", "another"}


def test_an_empty_store_costs_nothing(tmp_path):
    assert effort.summed(effort.records_of(Store(tmp_path)), ["source"]).empty
