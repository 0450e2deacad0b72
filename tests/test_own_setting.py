"""The page on a setting of one's own: what its parameters become, and what is said of those that make no sense."""

import nbformat
import pytest
from conftest import ROOT

from adaptact import UserError, own_setting
from adaptact.notebook import settings
from adaptact.own_setting import FULL


def asked(**parameters):
    return own_setting.setting(settings({"dataset": "digits", **parameters}, own_setting.PARAMETERS))


def rows(experiment):
    return {cell.row: cell.run for cell in experiment.cells}


def test_the_defaults_grow_with_the_profile_and_given_values_win():
    sizes = {}
    for profile in ("recorded", "smoke", "laptop", "paper"):
        run = asked(profile=profile).runs(FULL)[0]
        sizes[profile] = (run.train_images, run.epochs, len(asked(profile=profile).default_seeds(FULL)))
    assert sizes == {"recorded": (600, 6, 5), "smoke": (256, 1, 2), "laptop": (1437, 5, 5), "paper": (1437, 100, 5)}
    own = asked(profile="smoke", dataset="mnist", train_images=300, epochs=2, seeds="5", lr=0.01)
    assert {(run.dataset, run.train_images, run.epochs, run.seed, run.lr, run.activation_lr) for run in own.runs(FULL)} == {
        ("mnist", 300, 2, 5, 0.01, 0.01)
    }


def test_a_procedure_trains_the_functions_that_it_applies_to():
    found = rows(asked(activations="tanh, LEAF as Tanh, ahaf", procedures="classic, dspt + p24si", activation_lr=0.01))
    assert list(found) == ["tanh", "leaf as tanh", "leaf as tanh, dspt + p24si", "ahaf", "ahaf, dspt"]
    assert {row: (run.dspt, run.slow_rho24) for row, run in found.items() if run.dspt} == {
        "leaf as tanh, dspt + p24si": (True, 1e-5),
        "ahaf, dspt": (True, None),
    }


def test_a_granularity_that_a_function_lacks_leaves_it_its_own():
    found = rows(asked(activations=["relu", "prelu", "leaf"], granularity="neuron"))
    assert [run.granularity for run in found.values()] == [None, "channel", "neuron"]


def test_every_row_is_compared_with_the_base():
    assert [cell.base for cell in asked(activations="relu, silu, tanh", base="SiLU").cells] == ["silu", None, "silu"]
    assert [cell.base for cell in asked(activations="relu, silu", add="gelu").cells] == [None, "relu", "relu"]


def test_numbers_are_counted():
    table = own_setting.numbers(asked(activations="relu, leaf as silu, apalu", granularity="layer"))
    network = 784 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10
    assert table["trained numbers"].tolist() == [network, network + 8, network + 4]
    assert table["of the function"].tolist() == [0, 8, 4]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"dataset": "diabetes"}, "diabetes has no classes for an accuracy. Choose from: digits, mnist"),
        ({"model": "lenet"}, "unknown model 'lenet'. Did you mean 'lenet5'?"),
        ({"model": "lenet5", "dataset": "iris"}, "Choose from: mlp"),
        ({"activations": "relu, leef"}, "unknown activation 'leef'. Did you mean 'leaf'?"),
        ({"activations": "relu, leaf as gelu"}, "leaf as gelu: unknown start of LEAF 'gelu'. Did you mean 'relu'?"),
        ({"activations": "relu as silu, tanh"}, "relu has no parameters"),
        ({"activations": "relu, prelu as relu"}, "prelu as relu: prelu cannot start"),
        ({"activations": "relu"}, "give two at least"),
        ({"activations": "relu,,tanh"}, "give names with commas"),
        ({"base": "elu"}, "unknown base 'elu'"),
        ({"granularity": "image"}, "Choose from: neuron, channel, layer"),
        ({"procedures": "dpst"}, "Did you mean 'dspt'?"),
        ({"activations": "relu, tanh", "procedures": "dspt"}, "no activation here has any"),
        ({"activations": "relu, ahaf", "procedures": "p24si"}, "no activation here is LEAF"),
        ({"optimizer": "sgd"}, "adam, rmsprop"),
        ({"lr": "fast"}, "lr is 'fast': give a number"),
        ({"activation_lr": -1}, "activation_lr is -1: give a number"),
        ({"batch_size": 0}, "batch_size is 0: give a whole number"),
        ({"epochs": 2.5}, "epochs is 2.5: give a whole number"),
        ({"train_images": 5000}, "train_images is 5000: give a whole number from 1 to 1437"),
        ({"seeds": "many"}, "such as 42,100"),
        ({"network": "mlp"}, "unknown parameter 'network'"),
    ],
)
def test_a_senseless_value_gets_one_line(parameters, words):
    with pytest.raises(UserError) as error:
        asked(**parameters)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_the_page_begins_with_the_defaults():
    cells = nbformat.read(ROOT / "notebooks" / "06-your-setting.ipynb", as_version=4).cells
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    exec(cell.source, values := {})
    empty = dict.fromkeys(("activation_lr", "epochs", "train_images"), "")
    assert {name: values[name] for name in own_setting.PARAMETERS} == own_setting.DEFAULTS | empty
