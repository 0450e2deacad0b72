"""What the APALU paper says of theory, as trainings: known functions learned by wide networks, and deep plain networks.

How the paper argues is not in the text available to us; networks, functions and settings are our choices.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import Run
from .apalu import FIVE
from .base import SEEDS, Cell, Experiment, Fields
from .pltanh import DEPTHS
from .pltanh import base_run as deep_run

CURVES = ("curve_sine", "curve_runge", "curve_step")
WIDTHS = (4, 16, 64)
EPOCHS, RATE, LOWER_RATE = 200, 1e-2, 3e-3  # the lower rate at the largest width alone
LOWER = f", rate {LOWER_RATE:g}"  # ends the name of a row


def width_column(dataset, width):
    """The label of a function learned by a network of a width."""
    return f"{SOURCES[dataset].title}, {width} units"


def depth_column(layers):
    """The label of a deep network, as in `adaptact.experiments.pltanh.depth`."""
    return f"{layers} hidden layers"


def approximation():
    """One hidden layer of a growing width learns three known functions; `laptop` and `paper` are the same scale."""
    cells = []
    for dataset in CURVES:
        settings: Fields = {"epochs": EPOCHS, "seed": SEEDS[0], "shuffle": True, "augment": False, "model": "mlp", "depth": 1}
        settings |= {"dataset": dataset, "train_images": SOURCES[dataset].train_size}
        for width in WIDTHS:
            for rate, suffix in [(RATE, "")] + [(LOWER_RATE, LOWER)] * (width == WIDTHS[-1]):
                for name, fields in FIVE.items():
                    run = Run(**settings, **fields, fc_width=width, lr=rate, activation_lr=rate)
                    base = None if name == "APALU" else f"APALU{suffix}"
                    at = {"laptop": {"epochs": EPOCHS}}
                    cells.append(Cell(f"{name}{suffix}", width_column(dataset, width), run, base, at=at))
    return Experiment("apalu/approximation", "APALU: known functions learned by wider and wider networks", tuple(cells), SEEDS)


def depth():
    """Plain stacks of dense layers on Fashion-MNIST, the same as those of PLTanh."""
    plain = replace(deep_run("fashion_mnist"), model="mlp", fold=None)
    cells = [
        Cell(row, depth_column(layers), replace(plain, depth=layers, **fields), None if row == "APALU" else "APALU")
        for layers in DEPTHS
        for row, fields in FIVE.items()
    ]
    return Experiment("apalu/depth", "APALU in deep plain networks on Fashion-MNIST", tuple(cells), SEEDS)


def studies():
    """Both of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: none are in the text available to us.
    """
    return [approximation(), depth()]
