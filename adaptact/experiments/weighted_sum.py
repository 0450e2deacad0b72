"""The weighted-sum paper (Bansal 2022, arXiv 2202.12065): its Table 1, what it does not say, and what it proposes to try.

The paper says: two convolutions and two dense layers, a weighted sum at each of three sites, ADAM, and three cycles of ten
epochs. All else is our choice: the network `adaptact.models.StridedCNN`, batches of 128 in a new order each epoch, no
augmentation, a rate of 0.001 in every cycle, softmax from equal coefficients.
"""

import csv
from importlib.resources import files

from ..data import SOURCES
from ..run import Run
from .base import SEEDS, Cell, Experiment, Fields, Rows

PAPER_CYCLES = ("weights", "activations", "weights")
TOGETHER = ("both",) * 3
WEIGHTED: Fields = {"activation": "weighted_sum", "granularity": "layer", "cycles": PAPER_CYCLES}
FIXED: Rows = {name: {"activation": name.lower(), "cycles": TOGETHER} for name in ("ReLU", "tanh", "sin")}
MANY = ("relu", "tanh", "sin", "sigmoid", "elu", "gelu")
PRODUCTS = ("relu*tanh", "relu*sin", "tanh*sin")
SHARES = {"mostly ReLU": (0.8, 0.1, 0.1), "mostly tanh": (0.1, 0.8, 0.1), "mostly sin": (0.1, 0.1, 0.8)}


def published():
    """The paper's Table 1: by data set and layer, from 1, the coefficient of each function.

    The heads of its columns are not in the text available to us; the order ReLU, tanh, sin is that of the text.
    """
    with (files(__package__) / "published" / "weighted_sum_table_1.csv").open() as lines:
        return {
            (line["dataset"], int(line["layer"])): {name: float(line[name]) for name in ("relu", "tanh", "sin")}
            for line in csv.DictReader(lines)
        }


def published_name(column):
    """The data set of the published table that a column is compared with: a part of KMNIST stands in for KMNIST."""
    return column.partition(",")[0]


def _cells(sets, rows, base):
    return tuple(
        Cell(
            row=row,
            column=SOURCES[dataset].title,
            run=Run(
                dataset=dataset,
                train_images=SOURCES[dataset].train_size,
                epochs=30,
                seed=SEEDS[0],
                shuffle=True,
                augment=False,
                **{"model": "strided_cnn", **fields},
            ),
            base=None if row == base else base,
        )
        for row, fields in rows.items()
        for dataset in sets
    )


def table_1():
    """The learned coefficients, from equal and from random starts, and the accuracy, which the paper does not print."""
    rows = {**FIXED, "weighted sum": WEIGHTED, "weighted sum, random start": {**WEIGHTED, "init": "random"}}
    sets = ("mnist", "fashion_mnist", "kmnist", "kmnist_split")
    title = "Weighted-sum paper, Table 1: coefficients of ReLU, tanh and sin"
    return Experiment("weighted_sum/table-1", title, _cells(sets, rows, "ReLU"), seeds=SEEDS)


def choices():
    """What the paper does not say, each thing changed once, on Fashion-MNIST."""
    changes: Rows = {
        **{f"normalised by {name}": {"options": {"normalisation": name}} for name in ("sum", "square", "absolute")},
        "random start": {"init": "random"},
        **{f"start {name}": {"init": start} for name, start in SHARES.items()},
        **{f"coefficients at rate {rate}": {"activation_lr": rate} for rate in (0.0001, 0.01, 0.1)},
        "coefficients first": {"cycles": ("activations", "weights", "weights")},
        "all together": {"cycles": TOGETHER},
        "coefficients left equal": {"cycles": ("weights",) * 3},
        "LeNet-5, with pooling": {"model": "lenet5"},
    }
    rows = {"weighted sum": WEIGHTED, **{f"weighted sum, {name}": {**WEIGHTED, **change} for name, change in changes.items()}}
    title = "Weighted sums on Fashion-MNIST, with one unsaid choice changed"
    return Experiment("weighted_sum/choices", title, _cells(["fashion_mnist"], rows, "weighted sum"), seeds=SEEDS)


def beyond():
    """The paper's outlook: more base functions, products of them, another data set."""
    pools = {"six functions": MANY, "products of two": PRODUCTS, "sums and products": MANY[:3] + PRODUCTS}
    rows: Rows = {"weighted sum": WEIGHTED}
    rows |= {f"weighted sum, {name}": {**WEIGHTED, "options": {"functions": pool}} for name, pool in pools.items()}
    title = "Weighted sums beyond the paper: more functions, products, CIFAR-10"
    plain = {"weighted sum": WEIGHTED, **FIXED}
    cells = _cells(["fashion_mnist"], {**rows, **FIXED}, "weighted sum") + _cells(["cifar10"], plain, "weighted sum")
    return Experiment("weighted_sum/beyond", title, cells, seeds=SEEDS)


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
        Without published accuracies: the paper prints coefficients only, see `published`.
    """
    return [table_1(), choices(), beyond()]
