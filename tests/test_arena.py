"""The arena's two stages: rates chosen by held-out images, and a user's own activation that enters by one command."""

from dataclasses import replace

import pytest
from conftest import ROOT
from test_records import record_of

from adaptact import Store, UserError, arena
from adaptact.__main__ import main
from adaptact.experiments import SEEDS, get
from adaptact.experiments.arena import (
    CONTROLS,
    CORE,
    RATES,
    SETTINGS,
    TUNING_SEED,
    WIDER,
    entries,
    found_rates,
    rates,
    run,
    scores,
    tuning_seeds,
)
from adaptact.training import build_model

MLP, LENET = "MLP, MNIST", "LeNet-5, Fashion-MNIST"
MINE = """
import torch
from adaptact import register

@register("arena_square")
def square(x):
    return x * torch.relu(x)
"""


def recorded(store, setting, row, rate, accuracies, status="done", seed=TUNING_SEED):
    """A made-up tuning record; the test images say the opposite of the held-out ones."""
    (cell,) = [c for c in rates([setting], rows=[row]).cells if c.run.lr == rate]
    record = record_of(rates([setting]).run(cell, "laptop", seed))
    curves = {**record.curves, "validation_accuracy": accuracies, "test_accuracy": [100 - (a or 0) for a in accuracies]}
    store.put(replace(record, curves=curves, status=status))


def test_the_rate_is_that_of_the_highest_accuracy_on_held_out_images(tmp_path):
    store = Store(tmp_path)
    assert tuning_seeds(LENET) == (TUNING_SEED,)
    for rate, accuracies in zip(RATES, ([50.0, 60.0], [70.0, 65.0], [40.0, 69.0]), strict=True):
        recorded(store, LENET, "ReLU", rate, accuracies)
    for rate, accuracies in zip(RATES, ([50.0], [50.0], [40.0]), strict=True):
        recorded(store, LENET, "tanh", rate, accuracies)
    recorded(store, LENET, "SiLU", RATES[0], [99.0, None], "diverged")
    recorded(store, LENET, "SiLU", RATES[1], [30.0])
    recorded(store, LENET, "SiLU", RATES[2], [20.0])
    recorded(store, LENET, "ELU", RATES[0], [30.0])
    expected = {"ReLU": RATES[1], "tanh": RATES[0], "SiLU": RATES[1]}
    assert arena.chosen("laptop", store)[LENET] == expected, "ELU lacks two trainings"
    experiment = scores([LENET], found={"laptop": arena.chosen("laptop", store)})
    at = {cell.row: experiment.run(cell, "laptop", 1).lr for cell in experiment.cells}
    assert (at["ReLU"], at["SiLU"], at["tanh"]) == (RATES[1], RATES[1], RATES[0])
    assert at["ELU"] == RATES[1], "a row without a choice has the middle rate"


def test_in_an_mlp_the_average_over_three_seeds_decides(tmp_path):
    store = Store(tmp_path)
    for seed, accuracies in zip(tuning_seeds(MLP), ((70.0, 60.0, 0.0), (10.0, 50.0, 0.0), (60.0, 50.0, 0.0)), strict=True):
        assert arena.chosen("laptop", store) == {setting: {} for setting in SETTINGS}, "one seed of three is not enough"
        for rate, accuracy in zip(RATES, accuracies, strict=True):
            recorded(store, MLP, "ReLU", rate, [accuracy], seed=seed)
    assert arena.chosen("laptop", store)[MLP] == {"ReLU": RATES[1]}, "140 of 300 is below 160, though best with two seeds"
    assert tuning_seeds(MLP, "smoke") == (TUNING_SEED,)
    assert not set(tuning_seeds(MLP)) & set(SEEDS)


def test_scores_are_at_the_rates_that_were_found():
    found = {"laptop": {MLP: {"ReLU": 0.008}}, "paper": {MLP: {"ReLU": 0.0005}}}
    experiment = scores([MLP], found=found)
    cells = {cell.row: cell for cell in experiment.cells}
    assert [experiment.run(cells["ReLU"], profile, 1).lr for profile in ("smoke", "laptop", "paper")] == [0.002, 0.008, 0.0005]
    assert experiment.run(cells["tanh"], "laptop", 1).lr == 0.002
    runs = [experiment.run(cell, "laptop", 1) for cell in experiment.cells]
    assert all(made.activation_lr == made.lr and made.shuffle and not made.augment for made in runs)
    assert {(made.train_images, made.validation_images, made.test_images, made.epochs) for made in runs} == {(4000, 1000, 2000, 3)}
    assert TUNING_SEED not in SEEDS == experiment.seeds


def test_the_committed_rates_are_those_that_the_committed_records_choose():
    assert arena.chosen("laptop", Store(ROOT / "results")) == found_rates()["laptop"]


def test_wider_networks_have_the_numbers_of_a_leaf_a_neuron():
    def numbers(of):
        return sum(parameter.numel() for parameter in build_model(of).parameters())

    assert WIDER.keys() == {setting for setting, row in entries() if row in CONTROLS}
    for setting in WIDER:
        wider, leaf = run("SiLU, wider", setting), run("LEAF as SiLU", setting)
        a_unit_more = numbers(replace(wider, fc_width=wider.fc_width + 1)) - numbers(wider)
        assert abs(numbers(wider) - numbers(leaf)) <= a_unit_more / 2
        assert numbers(run("SiLU", setting)) < numbers(leaf) - a_unit_more


def test_the_core_is_in_every_setting():
    for setting in SETTINGS:
        assert set(CORE) <= {row for _, row in entries([setting])}
    assert list(entries([MLP], ["alrelu"], ["tanh", "alrelu"])) == [(MLP, "tanh"), (MLP, "alrelu")]
    with pytest.raises(UserError, match="unknown setting 'MLP, MNISt'"):
        list(entries(["MLP, MNISt"]))
    assert {cell.column.split(",")[0] for cell in get("arena/rates-mlp").cells} == {"MLP"}
    assert len(get("arena/rates").cells) == 3 * len(get("arena/scores").cells)


def test_ones_own_activation_enters_by_one_command(tmp_path, capsys):
    (tmp_path / "own_square.py").write_text(MINE)
    command = ["arena", str(tmp_path / "own_square.py"), "--profile", "smoke", "--settings", "mlp, mnist"]
    assert main([*command, "--results", str(tmp_path / "r")]) == 0
    text = capsys.readouterr().out
    assert f"{MLP}: rates arena_square 0.00" in text
    records = Store(tmp_path / "r").records()
    assert {record.run.activation for record in records} == {"arena_square"}, "the arena's own rows are left as they are"
    assert sorted(record.run.seed for record in records) == sorted([TUNING_SEED] * 3 + list(SEEDS[:2]))
    (rate,) = arena.chosen("smoke", Store(tmp_path / "r"), [MLP], ["arena_square"])[MLP].values()
    assert {record.run.lr for record in records if record.run.seed != TUNING_SEED} == {rate}
    assert main([*command, "--results", str(tmp_path / "r")]) == 0
    assert "0 trained, 5 recorded before" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--profile is missing. Choose from: smoke, laptop, paper."),
        (["--profile", "smoke", "--settings", "vgg"], "no setting has 'vgg' in its name. Choose from: MLP, MNIST; "),
        (["rely", "--profile", "smoke"], "Did you mean 'relu'"),
    ],
)
def test_bad_input_gets_one_line(arguments, words, capsys):
    assert main(["arena", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
