"""What surrounds the LEAF paper's tables: its figures 6 and 9, its seed study, and the choices that its text leaves out.

Bodyanskiy and Kostiuk (2023), doi 10.47839/ijc.22.3.3225, sections V.A to V.C. Settings as in the released code, unless a
row names what it changes.
"""

from dataclasses import replace

from .base import SEEDS, Experiment, Rows
from .leaf import tables

NETWORKS = {"KerasNet": (3, 5), "LeNet-5": (2, 4)}  # by title, the tables with linear units and with bounded functions
# RMSprop's rate in the paper, and its code's for rho2 and rho4: a tenth of it, where the text has 1e-4 for all parameters.
_RMSPROP = {"optimizer": "rmsprop", "lr": 1e-4, "activation_lr": 1e-4}
# With so many units in the hidden dense layer a Tanh network on CIFAR-10 has the trained numbers of LEAF as Tanh a neuron.
MATCHED_WIDTH = {"KerasNet": 663, "LeNet-5": 567}
HELD_OUT = 5000  # of CIFAR-10's 50,000 training images


def _cells(network, kind):
    """By row, a network's cells on CIFAR-10: of its table with linear units (0) or with bounded functions (1)."""
    number = NETWORKS[network][kind]
    (table,) = (table for table in tables() if table.name == f"leaf/table-{number}")
    return {cell.row: cell for cell in table.cells if cell.column == "CIFAR-10"}


def _changed(cell, row, base, **fields):
    return replace(cell, row=row, base=base, run=replace(cell.run, **fields), published=None, published_epoch=None)


def figure_6():
    """Tanh-like units over the epochs: Table 5's on CIFAR-10, and LEAF as Tanh with one rate for all its parameters."""
    cells = _cells("KerasNet", 1)
    one_rate = _changed(cells["LEAF as Tanh, P24SI"], "LEAF as Tanh", "Tanh", slow_rho24=None)
    rows = [cells["Tanh"], one_rate, cells["LEAF as Tanh, P24SI"], cells["LEAF as Tanh, DSPT + P24SI"]]
    return Experiment("leaf/figure-6", "LEAF paper, Fig. 6: KerasNet with Tanh-like units", tuple(rows))


def forms():
    """What figures 5, 7 and 8 show: KerasNet on CIFAR-10 with LEAF as SiLU, Tanh and Sigmoid, by DSPT and P24SI."""
    cells = [_cells("KerasNet", init != "SiLU")[f"LEAF as {init}, DSPT + P24SI"] for init in ("SiLU", "Tanh", "Sigmoid")]
    cells = [replace(cell, base=None) for cell in cells]
    return Experiment("leaf/forms", "LEAF paper, Figs 5, 7, 8: learned forms in KerasNet on CIFAR-10", tuple(cells))


def figure_9():
    """Optimisers and rates for LEAF as ReLU. The figure is of KerasNet; LeNet-5 is ours, since it affords more seeds."""
    found = []
    for network in NETWORKS:
        cells = _cells(network, 0)
        leaf, ahaf = (replace(cells[row], column=network) for row in ("LEAF as ReLU, P24SI", "AHAF as ReLU"))
        found += [
            _changed(leaf, "LEAF, ADAM", None, slow_rho24=None),
            _changed(leaf, "LEAF, ADAM, P24SI", "LEAF, ADAM"),
            _changed(ahaf, "AHAF, RMSprop", None, **_RMSPROP),
            _changed(leaf, "LEAF, RMSprop", "AHAF, RMSprop", slow_rho24=None, **_RMSPROP),
            _changed(leaf, "LEAF, RMSprop, P24SI", "LEAF, RMSprop", slow_rho24=1e-5, **_RMSPROP),
        ]
    title = "LEAF paper, Fig. 9: training procedures for LEAF as ReLU on CIFAR-10"
    return Experiment("leaf/figure-9", title, tuple(found))


def seed_study():
    """All variants of linear units on CIFAR-10 over five seeds; the paper prints the winners, and no accuracy."""
    cells = [
        replace(cell, column=network, published=None, published_epoch=None)
        for network in NETWORKS
        for cell in _cells(network, 0).values()
    ]
    return Experiment("leaf/seeds", "LEAF paper, section V.A: linear units on CIFAR-10 over five seeds", tuple(cells), seeds=SEEDS)


def choices(network):
    """One unsaid choice of the released code switched at a time, for Tanh and LEAF as Tanh (P24SI) on CIFAR-10.

    Parameters
    ----------
    network : str
        A key of `NETWORKS`. LeNet-5 has no dropout to switch.

    Returns
    -------
    Experiment
        A row with LEAF is compared with the Tanh network that has made the same choice, except that the wider Tanh
        network, and LEAF with shared parameters, are compared with Tanh as released.
    """
    cells = _cells(network, 1)
    tanh, leaf = cells["Tanh"], cells["LEAF as Tanh, P24SI"]
    switches: Rows = {
        "": {},
        ", shuffled": {"shuffle": True},
        ", batches of 64": {"batch_size": 64},
        ", a tenth held out": {"validation_images": HELD_OUT},
        ", a tenth held out, rate 0.0003": {"validation_images": HELD_OUT, "lr": 3e-4, "activation_lr": 3e-4},
        ", a tenth held out, rate 0.003": {"validation_images": HELD_OUT, "lr": 3e-3, "activation_lr": 3e-3},
    }
    if network == "KerasNet":
        switches |= {", last dropout 0.5": {"fc_dropout": 0.5}, ", dropout by element": {"conv_dropout": "element"}}
    found = []
    for suffix, fields in switches.items():
        found += [
            _changed(tanh, f"Tanh{suffix}", None, **fields),
            _changed(leaf, f"LEAF as Tanh{suffix}", f"Tanh{suffix}", **fields),
        ]
    found[2:2] = [
        _changed(leaf, "LEAF as Tanh, by channel", "Tanh", granularity="channel"),
        _changed(leaf, "LEAF as Tanh, by layer", "Tanh", granularity="layer"),
        _changed(tanh, "Tanh, wider", "Tanh", fc_width=MATCHED_WIDTH[network]),
    ]
    name = {"KerasNet": "leaf/choices", "LeNet-5": "leaf/choices-lenet5"}[network]
    title = f"LEAF as Tanh in {network} on CIFAR-10, with one choice of the released code switched"
    return Experiment(name, title, tuple(found), seeds=SEEDS[:3])


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
    """
    return [forms(), figure_6(), figure_9(), seed_study(), *map(choices, NETWORKS)]
