"""Tables 2 to 5 of the LEAF paper (Bodyanskiy and Kostiuk 2023, doi 10.47839/ijc.22.3.3225), 64 runs.

Where text and released code differ the Runs follow the code, which made the printed numbers: batches of 128 in the file's
order, dropout 0.2 before KerasNet's last layer and 0.25 by channel after its convolutions, base/1000 for P24SI with ADAM.
"""

import csv
from importlib.resources import files

from ..data import SOURCES
from ..run import Run
from .base import SEEDS, Cell, Experiment, Fields

TITLES = {
    2: "LeNet-5 with linear units",
    3: "KerasNet with linear units",
    4: "LeNet-5 with bounded functions",
    5: "KerasNet with bounded functions",
}
_SETS = {source.title: name for name, source in SOURCES.items()}
_MODELS = {"LeNet-5": "lenet5", "KerasNet": "kerasnet"}
# The base SiLU is written out as in the code; Fig. 4 of the paper is about the difference to torch's own.
_FIXED = {"ReLU": "relu", "SiLU": "silu_manual", "Tanh": "tanh", "Sigmoid": "sigmoid"}
_PROCEDURES: dict[str, tuple[str, Fields]] = {
    "classic": ("", {}),
    "dspt": (", DSPT", {"dspt": True}),
    "p24si": (", P24SI", {"slow_rho24": 1e-6}),
    "dspt+p24si": (", DSPT + P24SI", {"dspt": True, "slow_rho24": 1e-6}),
}


def _cell(line):
    suffix, procedure = _PROCEDURES[line["procedure"]]
    if line["init"]:
        activation = {"activation": line["activation"].lower(), "init": line["init"].lower(), "granularity": "neuron"}
        row = f"{line['activation']} as {line['init']}{suffix}"
    else:
        activation, row = {"activation": _FIXED[line["activation"]]}, line["activation"]
    dataset = _SETS[line["dataset"]]
    return Cell(
        row=row,
        column=line["dataset"],
        run=Run(
            dataset=dataset,
            train_images=SOURCES[dataset].train_size,
            model=_MODELS[line["model"]],
            epochs=100,
            seed=SEEDS[0],
            **activation,
            **procedure,
        ),
        base=line["init"] or None,
        published=float(line["best_test_accuracy_percent"]),
        published_epoch=int(line["best_epoch"]),
    )


def tables():
    """The four tables as Experiments.

    Returns
    -------
    list of Experiment
        ``leaf/table-2`` to ``leaf/table-5``.
    """
    with (files(__package__) / "published" / "leaf_tables_2_to_5.csv").open() as lines:
        printed = list(csv.DictReader(lines))
    return [
        Experiment(
            f"leaf/table-{number}",
            f"LEAF paper, Table {number}: {title}",
            tuple(_cell(line) for line in printed if int(line["table"]) == number),
        )
        for number, title in TITLES.items()
    ]
