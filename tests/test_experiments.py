"""The LEAF tables as Runs, and the tables made from their records."""

from collections import Counter
from dataclasses import fields, replace

import pandas as pd
import pytest
from test_records import record_of

from adaptact import Store, UserError, tables
from adaptact.experiments import EXPERIMENTS, PROFILES, get
from adaptact.training import build_model

TABLES = [get(f"leaf/table-{number}") for number in (2, 3, 4, 5)]


def test_there_are_64_runs_at_the_settings_of_the_released_code():
    cells = [cell for experiment in TABLES for cell in experiment.cells]
    runs = [run for experiment in TABLES for run in experiment.runs("paper")]
    assert len(cells) == len(set(runs)) == 64
    for run in runs:
        assert (run.epochs, run.batch_size, run.optimizer, run.lr, run.activation_lr) == (100, 128, "adam", 1e-3, 1e-3)
        assert (run.seed, run.shuffle, run.augment, run.validation_images) == (42, False, True, 0)
        assert (run.conv_dropout, run.fc_dropout) == ("channel", 0.2)
        assert run.train_images == {"fashion_mnist": 60_000, "cifar10": 50_000}[run.dataset]
        assert run.granularity == (None if run.init is None else "neuron")
        assert run.slow_rho24 == (1e-6 if run.activation == "leaf" else None)
    assert Counter(run.activation for run in runs) == {"leaf": 32, "ahaf": 16, "relu": 4, "silu_manual": 4, "tanh": 4, "sigmoid": 4}
    assert sum(run.dspt for run in runs) == 24


@pytest.mark.parametrize(
    ("table", "row", "column", "published", "epoch"),
    [  # typed from the paper, not from the file that the package reads
        (2, "ReLU", "CIFAR-10", 79.09, 93),
        (2, "LEAF as SiLU, DSPT + P24SI", "Fashion-MNIST", 92.56, 98),
        (3, "AHAF as SiLU, DSPT", "CIFAR-10", 86.55, 99),
        (4, "LEAF as Sigmoid, P24SI", "CIFAR-10", 71.51, 98),
        (5, "Tanh", "CIFAR-10", 77.77, 99),
        (5, "LEAF as Tanh, DSPT + P24SI", "CIFAR-10", 84.46, 100),
    ],
)
def test_published_numbers_stand_beside_their_runs(table, row, column, published, epoch):
    (cell,) = [cell for cell in get(f"leaf/table-{table}").cells if (cell.row, cell.column) == (row, column)]
    assert (cell.published, cell.published_epoch) == (published, epoch)
    assert cell.run.dspt == ("DSPT" in row)
    assert cell.base == (row.split(" as ")[1].split(",")[0] if " as " in row else None)


def test_profiles_scale_runs_and_change_nothing_else():
    (run,) = {cell.run for cell in get("leaf/table-5").cells if cell.row == "Tanh" and cell.column == "CIFAR-10"}
    assert PROFILES["paper"].scale(run) == run
    assert PROFILES["laptop"].scale(run) == replace(run, train_images=10_000, epochs=5)
    assert PROFILES["smoke"].scale(run) == replace(run, dataset="digits", train_images=256, epochs=1)
    assert PROFILES["laptop"].scale(replace(run, dataset="digits", train_images=500, epochs=2)).train_images == 500
    seeds = {run.seed for run in get("leaf/table-4").runs("laptop")}
    assert seeds == {42, 100, 128, 1999, 7823}
    assert {run.seed for run in get("leaf/table-4").runs("laptop", [7])} == {7}


def test_recurrent_use_is_an_experiment_of_our_own():
    cells = get("leaf/recurrent").cells
    assert len({cell.run for cell in cells}) == len(cells) == 8
    for cell in cells:
        assert cell.published is None
        assert cell.base == (None if cell.row == "tanh" else "tanh")
        assert cell.run.model == {"GRU": "gru", "LSTM": "lstm"}[cell.column] + ("_gates" if "gates" in cell.row else "")
        assert (cell.run.train_images, cell.run.epochs, cell.run.shuffle, cell.run.augment) == (60_000, 20, True, False)
        assert cell.run.dspt == ("DSPT" in cell.row)
        assert cell.run.slow_rho24 == (1e-6 if "P24SI" in cell.row else None)


def test_an_experiment_without_published_numbers_has_tables_too(tmp_path):
    experiment, store = get("leaf/recurrent"), Store(tmp_path)
    for cell in experiment.cells:
        if cell.row in ("tanh", "LEAF in the gates too, P24SI"):
            scores = {"best_test": {"epoch": 20, "test_accuracy": 88.0 + ("gates" in cell.row)}}
            store.put(record_of(cell.run, scores=scores))
    line = tables.scores(experiment, "paper", store).loc["LEAF in the gates too, P24SI", "GRU"]
    assert line.to_dict() == {"best epoch": "89.00", "last epoch": "–"}
    line = tables.differences(experiment, "paper", store).loc["LEAF in the gates too, P24SI less tanh", "GRU"]
    assert line.to_dict() == {"ours [95 % interval]": "+1.00", "p (Holm)": "–"}


def test_unknown_names():
    with pytest.raises(UserError, match=r"Did you mean 'leaf/table-4'\? Choose from: leaf/table-2"):
        get("leaf/table4")
    with pytest.raises(UserError, match="smoke, laptop, paper"):
        get("leaf/table-4").runs("laptops")


@pytest.fixture
def store(tmp_path):
    """Made-up records of Table 4's Tanh rows: LEAF is better by 1, 2, 3 points, DSPT by nothing; one run diverged."""
    store = Store(tmp_path)
    for cell in get("leaf/table-4").cells:
        if "Tanh" not in cell.row or cell.column != "CIFAR-10":
            continue
        for gain, seed in [(1, 42), (2, 100), (3, 128)]:
            accuracy = 50.0 + seed / 10 + (gain if cell.row == "LEAF as Tanh, P24SI" else 0)
            scores = {"best_test": {"epoch": 5, "test_accuracy": accuracy}, "last": {"epoch": 5, "test_accuracy": accuracy - 1}}
            run = get("leaf/table-4").run(cell, "laptop", seed)
            gone = seed == 128 and "DSPT" in cell.row
            store.put(record_of(run, scores={} if gone else scores, status="diverged" if gone else "done"))
    return store


def test_scores_and_differences_are_those_of_the_records(store):
    experiment = get("leaf/table-4")
    seeds = [42, 100, 128]
    shown = tables.scores(experiment, "laptop", store, seeds)
    mean, half = 50 + (4.2 + 10 + 12.8) / 3, 4.302653 * pd.Series([4.2, 10, 12.8]).std() / 3**0.5
    assert shown.loc["Tanh", ("CIFAR-10", "best epoch")] == f"{mean:.2f} ± {half:.2f}"
    assert shown.loc["Tanh", ("CIFAR-10", "last epoch")] == f"{mean - 1:.2f} ± {half:.2f}"
    assert shown.loc["Tanh", ("Fashion-MNIST", "last epoch")] == "–"
    assert shown.loc["LEAF as Tanh, DSPT + P24SI", ("CIFAR-10", "last epoch")].endswith("(n = 2) (1 diverged)")
    assert list(shown.columns.get_level_values(1)) == ["best epoch", "last epoch"] * 2, "no published number at laptop"

    paper = tables.scores(experiment, "paper", store)
    assert list(paper.columns.get_level_values(1)) == ["published (epoch)", "best epoch"] * 2

    gains = tables.differences(experiment, "laptop", store, seeds)
    half = 4.302653 / 3**0.5  # the differences are 1, 2, 3
    column = ("CIFAR-10", "ours [95 % interval]")
    assert gains.loc["LEAF as Tanh, P24SI", column] == f"+2.00 [−{half - 2:.2f}, +{2 + half:.2f}]"
    assert gains.loc["LEAF as Tanh, P24SI", ("CIFAR-10", "p (Holm)")] == "0.074"
    assert gains.loc["LEAF as Tanh, P24SI", ("CIFAR-10", "published")] == "+1.76"
    assert gains.loc["LEAF as Tanh, DSPT + P24SI", column] == "+0.00 [+0.00, +0.00]"
    assert gains.loc["LEAF as Sigmoid, P24SI", column] == "–"

    expected = {"comparisons": 2, "above": 1, "interval above": 0, "interval below": 0, "significant": 0}
    assert tables.tally(experiment, "laptop", store, seeds) == expected

    line = tables.coverage(experiment, "laptop", store, seeds)
    assert "9 of 36 cells recorded" in line
    assert "seeds 42, 100, 128 (n = 3)" in line


def test_an_empty_paper_table_shows_the_published_numbers_alone(tmp_path):
    for experiment in EXPERIMENTS.values():
        shown = tables.scores(experiment, "paper", Store(tmp_path))
        for cell in experiment.cells:
            line = shown.loc[cell.row]
            if tables.is_printed(experiment):
                printed = "–" if cell.published is None else f"{cell.published:.2f} ({cell.published_epoch})"
                assert line[cell.column, "published (epoch)"] == printed
            assert line[cell.column, "best epoch"] == "–"


def test_a_paper_table_with_records_shows_the_gap(tmp_path):
    experiment, store = get("leaf/table-5"), Store(tmp_path)
    (cell,) = [cell for cell in experiment.cells if (cell.row, cell.column) == ("Tanh", "CIFAR-10")]
    scores = {"best_test": {"epoch": 90, "test_accuracy": 78.0}, "last": {"epoch": 100, "test_accuracy": 77.5}}
    store.put(record_of(cell.run, scores=scores))
    line = tables.scores(experiment, "paper", store).loc["Tanh"]["CIFAR-10"]
    assert line.to_dict() == {
        "published (epoch)": "77.77 (99)",
        "best epoch": "78.00",
        "last epoch": "77.50",
        "gap": "+0.23",
    }


def test_one_seed_has_no_interval(store):
    shown = tables.scores(get("leaf/table-4"), "laptop", store, [42])
    assert shown.loc["Tanh", ("CIFAR-10", "best epoch")] == "54.20"
    gains = tables.differences(get("leaf/table-4"), "laptop", store, [42])
    assert gains.loc["LEAF as Tanh, P24SI", ("CIFAR-10", "ours [95 % interval]")] == "+1.00"
    assert gains.loc["LEAF as Tanh, P24SI", ("CIFAR-10", "p (Holm)")] == "–"


def test_the_studies_around_the_tables():
    assert len(get("leaf/seeds").runs("paper")) == 5 * 20, "all five seeds, at the paper's scale too"
    assert len(get("leaf/seeds").runs("smoke")) == 2 * 20
    table = set(get("leaf/table-3").runs("laptop"))
    assert {run for run in get("leaf/seeds").runs("laptop") if run.model == "kerasnet"} <= table, "they are the tables' runs"
    assert {cell.run.init for cell in get("leaf/forms").cells} == {"silu", "tanh", "sigmoid"}
    assert {(run.optimizer, run.lr, run.slow_rho24) for run in get("leaf/figure-9").runs("paper", [42])} == {
        ("adam", 1e-3, None),
        ("adam", 1e-3, 1e-6),
        ("rmsprop", 1e-4, None),
        ("rmsprop", 1e-4, 1e-5),
    }


def test_each_unsaid_choice_is_switched_alone():
    for name, rows in (("leaf/choices", 19), ("leaf/choices-lenet5", 15)):
        cells = {cell.row: cell for cell in get(name).cells}
        assert len(cells) == rows
        tanh, leaf = cells["Tanh"].run, cells["LEAF as Tanh"].run
        for row, cell in cells.items():
            base = leaf if row.startswith("LEAF") else tanh
            changed = {f.name for f in fields(base) if getattr(base, f.name) != getattr(cell.run, f.name)}
            assert len(changed - {"activation_lr", "validation_images"}) <= 1, row
            assert cell.base is None or cell.base in cells
        counts = [sum(p.numel() for p in build_model(cells[row].run).parameters()) for row in ("Tanh, wider", "LEAF as Tanh")]
        assert counts[0] == pytest.approx(counts[1], rel=0.001), "the wider network has LEAF's number of parameters"
    held_out = get("leaf/choices-lenet5").runs("laptop", [42])[-1]
    assert (held_out.train_images, held_out.validation_images) == (10_000, 1000), "the same part at every scale"


def test_a_width_is_for_networks_that_have_one():
    run = get("leaf/table-4").cells[0].run
    assert build_model(replace(run, fc_width=7)).fc1.out_features == 7
    with pytest.raises(UserError, match="gru has no hidden dense layer: leave fc_width None"):
        replace(run, model="gru", fc_width=7)
    with pytest.raises(UserError, match="fc_width is 0"):
        replace(run, fc_width=0)


def test_a_profile_gives_each_cycle_as_many_epochs_as_a_training_without():
    experiment = get("weighted_sum/table-1")
    for profile, epochs in (("smoke", 3), ("laptop", 15), ("paper", 30)):
        runs = experiment.runs(profile, [42])
        assert {(run.epochs, len(run.cycles)) for run in runs} == {(epochs, 3)}, "fixed functions are given as many in all"
    run = replace(experiment.cells[0].run, epochs=6)
    assert PROFILES["laptop"].scale(run).epochs == 6, "a profile only ever scales down"


def test_each_unsaid_choice_of_the_weighted_sum_is_switched_alone():
    cells = {cell.row: cell for cell in get("weighted_sum/choices").cells}
    base = cells["weighted sum"].run
    assert base.cycles == ("weights", "activations", "weights")
    for row, cell in cells.items():
        changed = [f.name for f in fields(base) if getattr(base, f.name) != getattr(cell.run, f.name)]
        assert len(changed) == (row != "weighted sum"), row
    assert len({cell.run for cell in cells.values()}) == len(cells)


def test_any_measure_of_the_records_can_be_tabled(tmp_path):
    experiment, store = get("imbalance/functions"), Store(tmp_path)
    cells = {cell.row: cell for cell in experiment.cells}
    for seed, value in ((1, 10.0), (2, 20.0)):
        store.put(record_of(experiment.run(cells["ReLU"], "laptop", seed), scores={"last": {"pr_auc": value}}))
    store.put(record_of(experiment.run(cells["ELU"], "laptop", 1), scores={"last": {"pr_auc": -5.0}}))
    store.put(record_of(experiment.run(cells["tanh"], "laptop", 1), status="diverged", scores={}))
    found = tables.collect(experiment, "laptop", store, [1, 2])
    shown = tables.measured(found, lambda record: record.scores["last"]["pr_auc"])
    half = 5 * 12.706  # Student's t with one degree of freedom, times the standard error
    assert list(shown["1:50"]) == [f"15.0 ± {half:.1f}", "−5.0", "–"]
    assert list(shown.index) == ["ReLU", "ELU", "tanh"]
