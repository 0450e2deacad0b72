"""The arena: all activations in the same networks on the same sets, each with a learning rate tuned for it.

Scientific: the activation. Nuisance: the learning rate, one of `RATES` for each activation and setting, by images held out of
training. Fixed: all else. Every setting here is our choice; no paper prints such a comparison.
"""

import json
from dataclasses import replace
from pathlib import Path

from .. import activations
from ..data import SOURCES
from ..errors import choose
from ..run import Run
from .base import PROFILES, SEEDS, Cell, Experiment, Rows

RATES = (5e-4, 2e-3, 8e-3)
TUNING_SEED, MORE_SEEDS = 7, (8, 9)  # none of those that are compared; the more only where they cost little
BASE = "ReLU"
EPOCHS, IMAGES, TEST_IMAGES, HELD_OUT = 3, 4_000, 2_000, 4  # of the profile laptop; one image of four is held out
FULL_EPOCHS = 30  # at full scale, which is not recorded
FIXED: Rows = {
    "ReLU": {"activation": "relu"},
    "Leaky ReLU": {"activation": "leaky_relu"},
    "ELU": {"activation": "elu"},
    "GELU": {"activation": "gelu"},
    "SiLU": {"activation": "silu"},
    "Mish": {"activation": "mish"},
    "softplus": {"activation": "softplus"},
    "tanh": {"activation": "tanh"},
    "sigmoid": {"activation": "sigmoid"},
    "sine": {"activation": "sin"},
    "PLTanh": {"activation": "pltanh"},
    "ALReLU": {"activation": "alrelu"},
    "SigmoReLU": {"activation": "sigmorelu"},
}
ADAPTIVE: Rows = {
    "PReLU": {"activation": "prelu", "granularity": "channel"},
    "LEAF as ReLU": {"activation": "leaf", "init": "relu", "granularity": "neuron"},
    "LEAF as SiLU": {"activation": "leaf", "init": "silu", "granularity": "neuron"},
    "LEAF as tanh": {"activation": "leaf", "init": "tanh", "granularity": "neuron"},
    "LEAF as SiLU, by layer": {"activation": "leaf", "init": "silu", "granularity": "layer"},
    "AHAF as SiLU": {"activation": "ahaf", "init": "silu", "granularity": "neuron"},
    "trainable Swish": {"activation": "trainable_swish", "granularity": "layer"},
    "trainable PLTanh": {"activation": "trainable_pltanh", "granularity": "layer"},
    "APALU": {"activation": "apalu", "granularity": "layer"},
    "weighted sum": {"activation": "weighted_sum", "granularity": "layer"},
}
CONTROLS = {"SiLU, wider": "LEAF as SiLU", "tanh, wider": "LEAF as tanh"}  # fixed functions with the numbers of a LEAF a neuron
ROWS = (*FIXED, *ADAPTIVE)
# What the costly networks are tried with; the others are cut there, before any seed is.
CORE = ("ReLU", "SiLU", "tanh", "PLTanh", "LEAF as SiLU", "APALU", "weighted sum")
MORE = ("Leaky ReLU", "ELU", "GELU", "sigmoid")
NETWORKS: Rows = {
    "MLP": {"model": "mlp", "depth": 3, "fc_width": 128},
    "LeNet-5": {"model": "lenet5"},
    "KerasNet": {"model": "kerasnet"},
    "ResNet-10": {"model": "resnet10", "batch_size": 64},  # batches of 32 took half as long again
}
SETTINGS = {  # network, data set, rows
    "MLP, MNIST": ("MLP", "mnist", ROWS),
    "MLP, Fashion-MNIST": ("MLP", "fashion_mnist", ROWS),
    "MLP, KMNIST": ("MLP", "kmnist_split", ROWS),  # its 10,000 test images, split: all that was at hand
    "MLP, CIFAR-10": ("MLP", "cifar10", ROWS),
    "LeNet-5, Fashion-MNIST": ("LeNet-5", "fashion_mnist", (*dict.fromkeys((*CORE, *MORE, *ADAPTIVE, *CONTROLS)),)),
    "KerasNet, Fashion-MNIST": ("KerasNet", "fashion_mnist", CORE),
    "ResNet-10, CIFAR-10": ("ResNet-10", "cifar10", CORE),
}
MLPS = tuple(setting for setting, (network, *_) in SETTINGS.items() if network == "MLP")  # seconds a training
# Units of the hidden dense layers with which a network of a fixed function has as many trained numbers as one of LEAF a neuron,
# as nearly as whole units allow; a test counts them. In the MLP that is one unit, or none, and no control.
WIDER = {"LeNet-5, Fashion-MNIST": 575}
RATES_FILE = Path(__file__).parent / "arena_rates.json"


def fields_of(name):
    """The fields of a Run with a further activation: at the first of its granularities, where it has any."""
    allowed = activations.granularities(name)
    return {"activation": name, "granularity": allowed[0] if allowed else None}


def run(row, setting, rate=RATES[1]):
    """The Run of a row in a setting at full scale.

    Parameters
    ----------
    row : str
        One of `ROWS` or `CONTROLS`, or any registered activation.
    setting : str
        A key of `SETTINGS`.
    rate : float
        Of the weights and of the activation's parameters alike.
    """
    network, dataset, _ = SETTINGS[choose("setting", setting, SETTINGS)]
    fields = dict(NETWORKS[network])
    if row in CONTROLS:
        fields |= {**FIXED[row.removesuffix(", wider")], "fc_width": WIDER[setting]}
    else:
        fields |= (FIXED | ADAPTIVE).get(row) or fields_of(row)
    images = SOURCES[dataset].train_size
    return Run(
        dataset=dataset,
        train_images=images,
        validation_images=images // HELD_OUT,
        test_images=SOURCES[dataset].test_size,
        epochs=FULL_EPOCHS,
        seed=SEEDS[0],
        shuffle=True,
        augment=False,
        lr=rate,
        activation_lr=rate,
        **{"batch_size": 32, **fields},
    )


def at_laptop(rate):
    """What the profile laptop sets here, being this study's own: fewer images than usual, so that many can compete."""
    size = {"train_images": IMAGES, "validation_images": IMAGES // HELD_OUT, "test_images": TEST_IMAGES, "epochs": EPOCHS}
    return {**size, "lr": rate, "activation_lr": rate}


def rate_column(setting, rate):
    """The label of a setting at a learning rate.

    Parameters
    ----------
    setting : str
    rate : float

    Returns
    -------
    str
    """
    return f"{setting}, rate {rate:g}"


def entries(settings=SETTINGS, names=(), rows=None):
    """Pairs of a setting and a row that competes in it.

    Parameters
    ----------
    settings : iterable of str
    names : iterable of str
        Further registered activations, each in all these settings.
    rows : iterable of str, optional
        Only these, where they compete.

    Raises
    ------
    UserError
        If a setting is unknown.
    """
    for setting in settings:
        competing = dict.fromkeys((*SETTINGS[choose("setting", setting, SETTINGS)][2], *names))
        yield from ((setting, row) for row in competing if rows is None or row in rows)


def tuning_seeds(setting, profile="laptop"):
    """The seeds that the rates of a setting are chosen by: three with an MLP, and one with a network that costs more."""
    return (TUNING_SEED, *MORE_SEEDS) if SETTINGS[setting][0] == "MLP" and profile != "smoke" else (TUNING_SEED,)


def rates(settings=SETTINGS, names=(), rows=None):
    """Every row in every setting at every rate, with seeds of its own: what the rates are chosen by; as for `entries`.

    Returns
    -------
    Experiment
        With the seed that all settings share; see `tuning_seeds`.
    """
    cells = [
        Cell(row, rate_column(setting, rate), run(row, setting, rate), at={"laptop": at_laptop(rate)})
        for setting, row in entries(settings, names, rows)
        for rate in RATES
    ]
    return Experiment("arena/rates", "Arena: three learning rates for each activation and setting", tuple(cells), (TUNING_SEED,))


def found_rates():
    """The rates that the committed records of `rates` chose: by profile, setting and row; see `adaptact.arena.chosen`."""
    return json.loads(RATES_FILE.read_text(encoding="utf-8"))


def scores(settings=SETTINGS, names=(), rows=None, *, found=None):
    """Every row in every setting at its own rate, over the seeds that are compared.

    Parameters
    ----------
    settings, names, rows
        As for `entries`.
    found : dict, optional
        Rates as `found_rates` gives them, its own by default. A row without one has the middle one of `RATES`.
    """
    found, cells = found_rates() if found is None else found, []
    for setting, row in entries(settings, names, rows):
        rate = {profile: found.get(profile, {}).get(setting, {}).get(row, RATES[1]) for profile in PROFILES}
        at = {"laptop": at_laptop(rate["laptop"]), "smoke": {"lr": rate["smoke"], "activation_lr": rate["smoke"]}}
        cells.append(Cell(row, setting, run(row, setting, rate["paper"]), None if row == BASE else BASE, at=at))
    return Experiment("arena/scores", "Arena: all activations at their own rates", tuple(cells), SEEDS)


def one_rate(settings=MLPS, names=(), rows=None):
    """Every row at the middle rate over the seeds that are compared, to see what a rate of its own is worth; as for `entries`."""
    title = "Arena: all activations of the MLPs at one rate"
    return replace(scores(settings, names, rows, found={}), name="arena/one-rate", title=title)


def studies():
    """The rates, those of the MLPs with their further seeds, the scores, and those at one rate.

    Returns
    -------
    list of Experiment
        Without published numbers.
    """
    cheap = [setting for setting in SETTINGS if len(tuning_seeds(setting)) > 1]
    title = "Arena: three learning rates for each activation in an MLP, with more seeds"
    again = replace(rates(cheap), name="arena/rates-mlp", title=title, seeds=MORE_SEEDS)
    return [rates(), again, scores(), one_rate()]
