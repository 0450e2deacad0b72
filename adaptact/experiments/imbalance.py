"""Activations under class imbalance: an article's advice, put to the test one factor at a time around a centre.

The article (`imbalance` among the references) names no data, network or number, so that every setting is our choice. The centre:
Fashion-MNIST with one rare class, bags, at 1:50; five dense layers of 64 units; Adam at a rate of 0.001, batches of 64, 12 epochs.
"""

from dataclasses import replace

from ..run import Run
from ..tasks import TASKS
from .base import SEEDS, Cell, Experiment, Rows

TEN = (*SEEDS, 1, 2, 3, 4, 5)
BASE = "ReLU"
FUNCTIONS: Rows = {
    "ReLU": {"activation": "relu"},
    "Leaky ReLU": {"activation": "leaky_relu"},
    "PReLU": {"activation": "prelu", "granularity": "layer"},
    "PReLU from 0": {"activation": "prelu", "granularity": "layer", "init": (0.0,)},
    "PReLU a unit": {"activation": "prelu", "granularity": "channel"},
    "ELU": {"activation": "elu"},
    "Swish": {"activation": "silu"},
    "LEAF": {"activation": "leaf", "init": "silu", "granularity": "layer"},
    "AHAF": {"activation": "ahaf", "init": "silu", "granularity": "layer"},
    "APALU": {"activation": "apalu", "granularity": "layer"},
    "weighted sum": {"activation": "weighted_sum", "granularity": "layer"},
    "PLTanh": {"activation": "pltanh"},
    "tanh": {"activation": "tanh"},
    "sigmoid": {"activation": "sigmoid"},
}
ARTICLES = ("ReLU", "Leaky ReLU", "PReLU", "ELU", "Swish")  # those that the article names
RATIOS, DEPTHS, RATES = (1, 10, 50, 100), (2, 5, 10, 20), (3e-4, 1e-3, 3e-3)
HIGH_RATE, DEPTH, RATIO = 1e-2, 5, 50
NOISE = (0.0, 0.1, 0.2)
REMEDIES = {
    "nothing": {},
    "class weights": {"weighted": 1},
    "oversampling": {"oversampled": 1},
    "augmentation": {"augment": True},
    "class weights and augmentation": {"weighted": 1, "augment": True},
    "oversampling and augmentation": {"oversampled": 1, "augment": True},
}
SETS: Rows = {
    "Fashion-MNIST": {},
    "Fashion-MNIST, shirts rare": {"minority": 6},
    "Fashion-MNIST, long-tailed": {"long_tailed": 1},
    "CIFAR-10": {"dataset": "cifar10", "train_images": 50_000},
    "PneumoniaMNIST": {"dataset": "pneumonia", "train_images": 4_708, "test_images": 624, "minority": 1},
}
ASSUMED = f"biases for 1:{RATIO}"
NETWORKS: Rows = {"MLP": {}, "CNN": {"model": "strided_cnn", "depth": None}}
IMAGES, EPOCHS = 6_000, 12  # of the profile laptop, which cuts the classes to about 560 images each
FULL_EPOCHS = 30  # at full scale, which is not recorded


def centre():
    """The Run that everything is varied around, with ReLU, at full scale."""
    return Run(
        dataset="fashion_mnist",
        train_images=60_000,
        test_images=5_000,
        model="mlp",
        depth=DEPTH,
        activation="relu",
        epochs=FULL_EPOCHS,
        seed=TEN[0],
        batch_size=64,
        shuffle=True,
        augment=False,
        task="imbalanced",
    )


def ratio_column(ratio):
    """How a ratio of the minority's images to another class's is written."""
    return f"1:{ratio}"


def depth_column(layers, ratio=RATIO):
    """The label of a depth at a ratio."""
    return f"{layers} layers, {ratio_column(ratio)}"


def rate_column(rate, ratio=RATIO):
    """The label of a learning rate at a ratio."""
    return f"rate {rate:g}, {ratio_column(ratio)}"


def noise_column(noise, ratio=RATIO):
    """The label of a share of noisy labels at a ratio."""
    return f"{100 * noise:.0f} % noise, {ratio_column(ratio)}"


def network_column(network, ratio=RATIO):
    """The label of a network at a ratio."""
    return f"{network}, {ratio_column(ratio)}"


def _run(row, **changes):
    """The centre with a function of `FUNCTIONS` and changed fields, or settings of the task, of which defaults are left out."""
    known = TASKS["imbalanced"]
    settings = {name: value for name, value in changes.items() if name in known and value != known[name]}
    fields = {name: value for name, value in changes.items() if name not in known}
    return replace(centre(), **FUNCTIONS[row], **fields, settings=settings)


def _experiment(name, title, cells, seeds=SEEDS):
    """From triples of row, column and changes; each row is compared with ReLU in its column."""
    made = []
    for row, column, changes in cells:
        run = _run(row, **changes)
        at = {"laptop": {"train_images": min(IMAGES, run.train_images), "epochs": EPOCHS}}
        made.append(Cell(row, column, run, None if row == BASE else BASE, at=at))
    return Experiment(f"imbalance/{name}", title, tuple(made), seeds)


def functions():
    """All functions at the centre."""
    cells = [(row, ratio_column(RATIO), {}) for row in FUNCTIONS]
    return _experiment("functions", "Class imbalance: functions, one rare class at 1:50", cells, TEN)


def ratios():
    """How rare the class is."""
    rows = (*ARTICLES, "PReLU from 0", "LEAF", "tanh")
    cells = [(row, ratio_column(ratio), {"ratio": ratio}) for row in rows for ratio in RATIOS]
    return _experiment("ratios", "Class imbalance: ratios", cells, TEN)


def depths():
    """How deep the network is; three functions on balanced classes too."""
    cells = [(row, depth_column(layers), {"depth": layers}) for row in (*ARTICLES, "tanh") for layers in DEPTHS]
    balanced = [(row, layers) for row in ("ReLU", "Swish", "tanh") for layers in DEPTHS]
    cells += [(row, depth_column(layers, 1), {"depth": layers, "ratio": 1}) for row, layers in balanced]
    return _experiment("depths", "Class imbalance: depths", cells)


def remedies():
    """What is done against imbalance: class weights or oversampling, with and without augmentation."""
    cells = [(row, name, of) for row in ("ReLU", "Swish", "ELU") for name, of in REMEDIES.items()]
    return _experiment("remedies", "Class imbalance: remedies", cells, TEN)


def noise():
    """Labels dealt out anew, on rare and on balanced classes."""
    each = [(row, share, ratio) for row in ("ReLU", "ELU") for share in NOISE for ratio in (RATIO, 1)]
    cells = [(row, noise_column(share, ratio), {"noise": share, "ratio": ratio}) for row, share, ratio in each]
    return _experiment("noise", "Class imbalance: noisy labels", cells, TEN)


def networks():
    """Dense layers or convolutions."""
    each = [(row, network, ratio) for row in ARTICLES for network in NETWORKS for ratio in (1, RATIO)]
    cells = [(row, network_column(network, ratio), {"ratio": ratio, **NETWORKS[network]}) for row, network, ratio in each]
    return _experiment("networks", "Class imbalance: networks", cells)


def sets():
    """Other images and another class to be rare; and class weights there, with ReLU."""
    rows = (*ARTICLES, "LEAF", "APALU")
    cells = [(row, name, of) for row in rows for name, of in SETS.items()]
    cells += [(BASE, f"{name}, class weights", {**of, "weighted": 1}) for name, of in SETS.items()]
    return _experiment("sets", "Class imbalance: sets of images", cells)


def rates():
    """The learning rate, a nuisance: three for the functions that are ranked, and a high one at which units die."""
    cells = [(row, rate_column(rate), {"lr": rate, "activation_lr": rate}) for row in (*ARTICLES, "LEAF") for rate in RATES]
    high = [(row, HIGH_RATE, RATIO) for row in ("ReLU", "Leaky ReLU", "ELU")]
    high += [("ReLU", rate, 1) for rate in (*RATES[1:], HIGH_RATE)]
    cells += [(row, rate_column(rate, ratio), {"lr": rate, "activation_lr": rate, "ratio": ratio}) for row, rate, ratio in high]
    return _experiment("rates", "Class imbalance: learning rates", cells)


def starts():
    """What lets a deep plain network start: output biases at the classes' shares, or at those of another ratio."""
    columns = {
        depth_column(layers, ratio): {"depth": layers, "ratio": ratio} for layers, ratio in ((20, 1), (20, RATIO), (DEPTH, RATIO))
    }
    columns |= {f"{column}, {ASSUMED}": {**of, "assumed_ratio": RATIO} for column, of in columns.items()}
    cells = [(row, column, of) for row in ("ReLU", "Swish") for column, of in columns.items()]
    return _experiment("starts", "Class imbalance: output biases at the start", cells)


def studies():
    """All of the above, the first ones the core.

    Returns
    -------
    list of Experiment
        Without published numbers: the article has none.
    """
    return [functions(), ratios(), remedies(), rates(), depths(), networks(), noise(), sets(), starts()]
