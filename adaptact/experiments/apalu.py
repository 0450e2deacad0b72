"""The APALU paper (Subramanian et al. 2024, arXiv 2402.08244): image classification, One-Class Deep SVDD, starts of a and b.

Of its settings only the starts a = 0.55 and b = 0.065 and the rivals of Fig. 1 are in the text available to us. All else is the
public default of the method or network, and our choice where there is none: ADAM at a rate of 0.001, batches of 128 in a new order
each epoch, no augmentation, one a and one b a layer at the rate of the weights.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import Run
from .base import SEEDS, Cell, Experiment

APALU = {"activation": "apalu", "granularity": "layer"}
RIVALS = {
    "ReLU": {"activation": "relu"},
    "Leaky ReLU": {"activation": "leaky_relu", "options": {"negative_slope": 0.1}},
    "ELU": {"activation": "elu"},
    "GELU": {"activation": "gelu"},
}
FIVE = {"APALU": APALU, **RIVALS}
NETWORKS = {"mobilenet": "MobileNet", "googlenet": "GoogLeNet"}
IMAGE_SETS = ("mnist", "cifar10")
# Starts of a and b: the paper's, smaller and larger tails, without a kink (b = 1.5 a), near ELU, and a third party's constructor.
STARTS = {
    "0.55, 0.065": (0.55, 0.065),
    "0.55, 0.01": (0.55, 0.01),
    "0.55, 0.3": (0.55, 0.3),
    "0.55, 0.825": (0.55, 0.825),
    "0.25, 0.065": (0.25, 0.065),
    "1, 0.065": (1.0, 0.065),
    "1.01, 1": (1.01, 1.0),
}
GAINS = {"mobilenet": 0.37, "googlenet": 0.04, "svdd": 0.8}  # of the abstract, in points; the rival is not in the text


def base_run(dataset, model, **fields):
    """A classification with ReLU at full scale."""
    settings = {"train_images": SOURCES[dataset].train_size, "activation": "relu", "epochs": 30, "seed": SEEDS[0]}
    settings |= {"shuffle": True, "augment": False}
    return Run(dataset=dataset, model=model, **settings | fields)


def images():
    """Both networks on both sets, small enough at `laptop` for a CPU."""
    laptop = {"train_images": 2_000, "epochs": 3, "test_images": 2_000}
    cells = [
        Cell(row, column(model, dataset), replace(base_run(dataset, model), **fields), _base(row), at={"laptop": laptop})
        for model in NETWORKS
        for dataset in IMAGE_SETS
        for row, fields in FIVE.items()
    ]
    return Experiment("apalu/images", "APALU paper: MobileNet and GoogLeNet on MNIST and CIFAR-10", tuple(cells), SEEDS[:3])


def column(model, dataset):
    """The label of a network on a data set."""
    return f"{NETWORKS[model]}, {SOURCES[dataset].title}"


def starts():
    """LeNet-5 on both sets from several a and b: fixed, and trained with one pair a layer, a channel or a neuron."""
    rows = {"ReLU": RIVALS["ReLU"]}
    for label, (a, b) in STARTS.items():
        for how, options in (("trained", {}), ("fixed", {"held": ("a", "b")})):
            rows[f"APALU {label}, {how}"] = {**APALU, "options": {"a": a, "b": b, **options}}
    rows["APALU 0.55, 0.065, a channel"] = {**APALU, "granularity": "channel"}
    rows["APALU 0.55, 0.065, a neuron"] = {**APALU, "granularity": "neuron"}
    rows["APALU 0.55, 0.065, ten times the rate"] = {**APALU, "activation_lr": 1e-2}
    cells = [
        Cell(row, SOURCES[dataset].title, replace(base_run(dataset, "lenet5"), **fields), None if row == "ReLU" else "ReLU")
        for dataset in IMAGE_SETS
        for row, fields in rows.items()
    ]
    return Experiment("apalu/starts", "APALU's a and b: starts, fixed or trained, LeNet-5", tuple(cells), SEEDS[:3])


def svdd_run(digit, **fields):
    """One-Class Deep SVDD of a digit as its authors' code has it: 150 epochs of pretraining and 150 of the task."""
    settings = {"train_images": 60_000, "epochs": 300, "seed": SEEDS[0], "lr": 1e-4, "activation_lr": 1e-4, "batch_size": 200}
    settings |= {"shuffle": True, "augment": False, "task": "deep_svdd", "settings": {"normal_class": digit}}
    return Run(dataset="mnist", **{"model": "svdd_lenet", "activation": "relu"} | settings | fields)


_SVDD_SCALES = {"smoke": {"epochs": 2}, "laptop": {"epochs": 50}}


def svdd():
    """Ten one-class tasks; at `laptop` on the first 10,000 training images, with 25 epochs of each stage."""
    cells = [
        Cell(row, f"digit {digit}", svdd_run(digit, **fields), _base(row), at=_SVDD_SCALES)
        for digit in range(10)
        for row, fields in FIVE.items()
    ]
    return Experiment("apalu/svdd", "APALU paper: One-Class Deep SVDD on MNIST", tuple(cells), SEEDS)


def svdd_choices():
    """What the paper does not say, each thing changed once, on three digits; and the network with biases, which may collapse."""
    changes = {
        "as the method has it": {},
        "no pretraining": {"settings": {"pretraining": 0.0}, "epochs": 150},
        "a and b at ten times the rate": {"activation_lr": 1e-3},
        "with biases": {"model": "svdd_lenet_biased"},
    }
    cells = []
    for digit in (1, 3, 8):
        for what, change in changes.items():
            for name in ("ReLU", "APALU"):
                if name == "ReLU" and "activation_lr" in change:
                    continue
                settings = {"normal_class": digit, **change.get("settings", {})}
                run = svdd_run(digit, **FIVE[name] | change | {"settings": settings})
                row = name if what == "as the method has it" else f"{name}, {what}"
                scales = {profile: {"epochs": of["epochs"] * run.epochs // 300} for profile, of in _SVDD_SCALES.items()}
                base = None if row == "ReLU" else "ReLU" if name == "ReLU" or "activation_lr" in change else f"ReLU, {what}"
                base = "ReLU" if row == "APALU" else base
                cells.append(Cell(row, f"digit {digit}", run, base, at=scales))
    return Experiment("apalu/svdd-choices", "Deep SVDD with one unsaid choice changed", tuple(cells), SEEDS[:3])


def _base(row):
    return None if row == "APALU" else "APALU"


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: only gains are in the text available to us, see `GAINS`.
    """
    return [images(), starts(), svdd(), svdd_choices()]
