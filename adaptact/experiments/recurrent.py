"""LEAF in a GRU and in an LSTM: an experiment of our own.

The LEAF paper (Bodyanskiy and Kostiuk 2023, doi 10.47839/ijc.22.3.3225) says in its abstract that LEAF can directly replace
Sigmoid and Tanh, among others, in recurrent networks, and in its conclusions that it operates successfully in them. It has no
such experiment, so nothing here is printed there: data, networks, and the scale named ``paper`` are our choice. The rates are
those of its tables.
"""

from ..data import SOURCES
from ..run import Run
from .base import SEEDS, Cell, Experiment, Fields

_BASE = "tanh"
_NETWORKS = {"GRU": "gru", "LSTM": "lstm"}
_LEAF = {"activation": "leaf", "init": "tanh", "granularity": "neuron", "slow_rho24": 1e-6}
_ROWS: dict[str, tuple[str, Fields]] = {  # row -> the model's suffix, and fields of its Run
    _BASE: ("", {"activation": "tanh"}),
    "LEAF as Tanh, P24SI": ("", _LEAF),
    "LEAF as Tanh, DSPT + P24SI": ("", {**_LEAF, "dspt": True}),
    "LEAF in the gates too, P24SI": ("_gates", _LEAF),
}


def experiment():
    """``leaf/recurrent``: rows of Fashion-MNIST images as sequences of 28 steps.

    Returns
    -------
    Experiment
        Without published numbers. All 60,000 images in a new order each epoch, not augmented, for 20 epochs.
    """
    return Experiment(
        "leaf/recurrent",
        "LEAF in recurrent networks, which the paper does not test",
        tuple(
            Cell(
                row=row,
                column=column,
                run=Run(
                    dataset="fashion_mnist",
                    train_images=SOURCES["fashion_mnist"].train_size,
                    model=model + suffix,
                    epochs=20,
                    seed=SEEDS[0],
                    shuffle=True,
                    augment=False,
                    **fields,
                ),
                base=None if row == _BASE else _BASE,
            )
            for row, (suffix, fields) in _ROWS.items()
            for column, model in _NETWORKS.items()
        ),
    )
