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


def test_what_is_lacking_is_estimated_from_the_nearest_record(tmp_path):
    store, table = Store(tmp_path), get("leaf/table-4")
    assert effort.lacking(store).loc["leaf/table-4"].tolist() == [12, 0, 0.0, 12], "nothing is known"
    small, whole = table.runs("laptop", [42]), table.runs("paper")
    store.put(record_of(small[0], seconds=36))  # 5 epochs on 10,000 images; at full scale 100 epochs on 60,000
    found = effort.lacking(store).loc["leaf/table-4"]
    alike = sum((run.dataset, run.model) == (small[0].dataset, small[0].model) for run in whole)
    assert found[["recorded", "unknown"]].tolist() == [0, 12 - alike]
    assert found["hours"] == pytest.approx(alike * 36 * 20 * 6 / 3600)
    store.put(record_of(whole[0], seconds=360))
    found = effort.lacking(store).loc["leaf/table-4"]
    assert found["recorded"] == 1
    assert found["hours"] == pytest.approx((alike - 1) * 360 / 3600), "a record at full scale says it better"
    short = [run for run in get("pltanh/choices").runs("paper") if (run.dataset, run.model) == (whole[0].dataset, whole[0].model)]
    shares = [run.epochs * run.train_images / (whole[0].epochs * whole[0].train_images) for run in short]
    assert max(shares) < 0.1, "another experiment's rows of the same network are shorter"
    assert effort.lacking(store).loc["pltanh/choices", "hours"] == pytest.approx(360 * sum(shares) / 3600)
    assert "apalu/approximation" in effort.lacking(store).index
    for run in get("apalu/approximation").runs("paper"):
        store.put(record_of(run, seconds=1))
    assert "apalu/approximation" not in effort.lacking(store).index, "what lacks nothing has no row"
