"""The APALU paper (Subramanian et al. 2024, arXiv 2402.08244): image classification, One-Class Deep SVDD, starts of a and b.

Of its settings only the starts a = 0.55 and b = 0.065 and the rivals of Fig. 1 are in the text available to us. All else is the
public default of the method or network, and our choice where there is none: ADAM at a rate of 0.001, batches of 128 in a new order
each epoch, no augmentation, one a and one b a layer at the rate of the weights.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import Run
from .base import SEEDS, Cell, Experiment, Fields, Rows

APALU: Fields = {"activation": "apalu", "granularity": "layer"}
RIVALS: Rows = {
    "ReLU": {"activation": "relu"},
    "Leaky ReLU": {"activation": "leaky_relu", "options": {"negative_slope": 0.1}},
    "ELU": {"activation": "elu"},
    "GELU": {"activation": "gelu"},
}
FIVE: Rows = {"APALU": APALU, **RIVALS}
NETWORKS = {"mobilenet": "MobileNet", "googlenet": "GoogLeNet"}
IMAGE_SETS = ("mnist", "cifar10")
# Starts of a and b: the paper's, a larger slope, without a kink (b = 1.5 a), and those of a third party's class.
STARTS = {"0.55, 0.065": (0.55, 0.065), "1, 0.065": (1.0, 0.065), "0.55, 0.825": (0.55, 0.825), "1.01, 1": (1.01, 1.0)}
GAINS = {"mobilenet": 0.37, "googlenet": 0.04, "svdd": 0.8}  # of the abstract, in points; the rival is not in the text


def base_run(dataset, model, **fields):
    """A classification with ReLU at full scale."""
    settings: Fields = {"train_images": SOURCES[dataset].train_size, "activation": "relu", "epochs": 30, "seed": SEEDS[0]}
    settings |= {"shuffle": True, "augment": False}
    return Run(dataset=dataset, model=model, **settings | fields)


def images():
    """Both networks on both sets, small enough at `laptop` for a CPU."""
    laptop = {"train_images": 2_000, "epochs": 3, "test_images": 2_000, "batch_size": 32}
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
    """LeNet-5 on MNIST from several a and b: fixed, and trained with one pair a layer; from the paper's, a channel or a neuron."""
    rows = {"ReLU": RIVALS["ReLU"]}
    for label, (a, b) in STARTS.items():
        for how, options in (("trained", {}), ("fixed", {"held": ("a", "b")})):
            rows[f"APALU {label}, {how}"] = {**APALU, "options": {"a": a, "b": b, **options}}
    first = f"APALU {next(iter(STARTS))}"
    rows[f"{first}, trained, a channel"] = {**APALU, "granularity": "channel"}
    rows[f"{first}, trained, a neuron"] = {**APALU, "granularity": "neuron"}
    rows[f"{first}, trained, ten times the rate"] = {**APALU, "activation_lr": 1e-2}
    base, title, laptop = f"{first}, trained", SOURCES["mnist"].title, {"train_images": 5_000, "test_images": 5_000}
    cells = []
    for row, fields in rows.items():
        run = replace(base_run("mnist", "lenet5"), **fields)
        cells.append(Cell(row, title, run, None if row == base else base, at={"laptop": laptop}))
    return Experiment("apalu/starts", "APALU's a and b: starts, fixed or trained, LeNet-5", tuple(cells), SEEDS[:3])


def svdd_run(digit, **fields):
    """One-Class Deep SVDD of a digit as its authors' code has it: 150 epochs of pretraining and 150 of the task."""
    settings: Fields = {"train_images": 60_000, "epochs": 300, "seed": SEEDS[0], "lr": 1e-4, "activation_lr": 1e-4}
    settings |= {"batch_size": 200, "shuffle": True, "augment": False, "task": "deep_svdd", "settings": {"normal_class": digit}}
    return Run(dataset="mnist", **{"model": "svdd_lenet", "activation": "relu"} | settings | fields)


# At `laptop` a stage has 250 steps where it has 4,500 at full scale; the rate is ten times as high.
_SVDD_SCALES: Rows = {
    "smoke": {"epochs": 2},
    "laptop": {"epochs": 50, "train_images": 5_000, "test_images": 5_000, "batch_size": 50, "lr": 1e-3, "activation_lr": 1e-3},
}


def svdd():
    """Ten one-class tasks; at `laptop` on the first 5,000 images, 25 epochs of each stage, batches of 50, ten times the rate."""
    cells = [
        Cell(row, f"digit {digit}", svdd_run(digit, **fields), _base(row), at=_SVDD_SCALES)
        for digit in range(10)
        for row, fields in FIVE.items()
    ]
    return Experiment("apalu/svdd", "APALU paper: One-Class Deep SVDD on MNIST", tuple(cells), SEEDS)


def svdd_choices():
    """What the paper does not say, each thing changed once, on three digits; and the network with biases, which may collapse."""
    changes: Rows = {
        "": {},
        ", no pretraining": {"settings": {"pretraining": 0.0}, "epochs": 150},
        ", a and b at ten times the rate": {"activation_lr": 1e-3},
        ", with biases": {"model": "svdd_lenet_biased"},
    }
    cells = []
    for digit in (1, 3, 8):
        for suffix, change in changes.items():
            for name in ("APALU", "ReLU") if "activation_lr" not in change else ("APALU",):
                settings = {"normal_class": digit, **change.get("settings", {})}
                run = svdd_run(digit, **FIVE[name] | change | {"settings": settings})
                scales = {profile: {**of, "epochs": of["epochs"] * run.epochs // 300} for profile, of in _SVDD_SCALES.items()}
                scales["laptop"]["activation_lr"] = 10 * run.activation_lr
                base = None if not suffix else name
                cells.append(Cell(f"{name}{suffix}", f"digit {digit}", run, base, at=scales))
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
