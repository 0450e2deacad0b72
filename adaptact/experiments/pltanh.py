"""The PLTanh paper (Mastromichalakis 2023, arXiv 2310.07720): its comparison by cross-validation, alpha, and its open questions.

The text available to us says: five data sets, a simple network for the grey ones and a deeper one for the colour ones, ADAM, five
folds, and an alpha for each set by Bayesian optimisation. All else is our choice: the networks `adaptact.models.SimpleCNN` and
`DeepCNN`, batches of 128 in a new order each epoch, a rate of 0.001, no augmentation, 5 epochs for grey images and 20 for colour.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import FOLDS, Run
from .base import SEEDS, Cell, Experiment, Fields, Rows, Search

GREY = ("mnist", "fashion_mnist", "pneumonia")
COLOUR = ("cifar10", "flowers", "flowers_96", "pcam")
SETS = ("mnist", "fashion_mnist", "flowers", "flowers_96", "cifar10", "pcam", "pneumonia")
TABLES = ("iris", "wine", "breast_cancer", "banknote", "sonar", "ionosphere", "wheat_seeds")
RIVALS = ("ReLU", "Leaky ReLU", "ALReLU")
SLOPES = {"PLTanh": "alpha", "ALReLU": "alpha", "Leaky ReLU": "negative_slope"}  # what can be searched for
ALPHAS = (0.001, 0.01, 0.03, 0.1, 0.3, 0.4, 1.0)  # a grid; 0.01 is the author's snippet, 0.4 what is reported for CIFAR-10
DEFAULT = 0.01
DEPTHS, DEEP_ALPHAS, DEEP_BASE = (4, 16), (0.001, 0.01, 0.1, 1.0, 2.0, 5.0), "PLTanh, 0.01"
REPORTED = {"cifar10": 85.87, "pcam": 86.68}  # accuracy of PLTanh in percent, by a third-party summary
HYBRIDS: Rows = {
    "SigmoReLU": {"activation": "sigmorelu"},
    "SiLU": {"activation": "silu"},
    "Mish": {"activation": "mish"},
    "tanh": {"activation": "tanh"},
    "LEAF as SiLU": {"activation": "leaf", "init": "silu", "granularity": "channel"},
    "APALU": {"activation": "apalu", "granularity": "layer"},
    "weighted sum": {"activation": "weighted_sum", "granularity": "layer"},
    "PLTanh, alpha learned": {"activation": "trainable_pltanh", "granularity": "layer"},
}
SEARCH_IMAGES, HELD_OUT = 10_000, 2_000  # a search's part of fold 1's training images, and what it is judged by

# What the searches of `searches` found, of 15 trials of two epochs each, by profile, data set and function. A test holds these
# numbers to the recorded searches. Where a scale has none, the other's stand in.
FOUND = {
    "laptop": {
        "mnist": {"PLTanh": 0.00123, "ALReLU": 0.00123, "Leaky ReLU": 0.00123},
        "fashion_mnist": {"PLTanh": 0.00123, "ALReLU": 0.00888, "Leaky ReLU": 0.00125},
        "pneumonia": {"PLTanh": 0.0576, "ALReLU": 0.0203, "Leaky ReLU": 0.106},
    },
}


def fixed(name, slope=DEFAULT):
    """The fields of a Run that make it one of the four functions, with a slope where it has one."""
    options = {SLOPES[name]: slope} if name in SLOPES and slope != DEFAULT else {}
    return {"activation": name.lower().replace(" ", "_"), "options": options}


def base_run(dataset):
    """Fold 1 of a data set at full scale, with ReLU."""
    grey = dataset in GREY
    return Run(
        dataset=dataset,
        train_images=SOURCES[dataset].train_size,
        model="simple_cnn" if grey else "deep_cnn",
        activation="relu",
        epochs=5 if grey else 20,
        seed=SEEDS[0],
        shuffle=True,
        augment=False,
        fold=1,
    )


def _cells(rows, sets, base):
    return tuple(
        Cell(row, SOURCES[dataset].title, replace(base_run(dataset), **fields), None if row == base else base)
        for row, fields in rows.items()
        for dataset in sets
    )


def _experiment(name, title, cells, seeds):
    return Experiment(f"pltanh/{name}", title, tuple(cells), seeds=seeds, folds=tuple(range(1, FOLDS + 1)))


def folds():
    """The paper's comparison, with the slopes of all three functions that have one at 0.01 and as searched."""
    cells = list(_cells({name: fixed(name) for name in ("PLTanh", *RIVALS)}, SETS, "PLTanh"))
    for name in SLOPES:
        for dataset in SETS:
            at = {profile: found[dataset][name] for profile, found in FOUND.items() if name in found.get(dataset, {})}
            if not at:
                continue
            usual = at.get("paper", next(iter(at.values())))
            run = replace(base_run(dataset), **fixed(name, usual))
            others = {profile: {"options": fixed(name, slope)["options"]} for profile, slope in at.items() if slope != usual}
            cells.append(Cell(f"{name}, searched", SOURCES[dataset].title, run, base=name, at=others))
    return _experiment("folds", "PLTanh paper: four functions on five data sets, five folds", cells, SEEDS[:1])


def alpha():
    """PLTanh over a grid of alphas, and with an alpha that each layer learns."""
    rows = {f"PLTanh, {slope:g}": fixed("PLTanh", slope) for slope in ALPHAS}
    rows |= {"PLTanh, alpha learned": HYBRIDS["PLTanh, alpha learned"]}
    return _experiment("alpha", "PLTanh: one alpha for all data sets, or one each?", _cells(rows, SETS, "PLTanh, 0.01"), SEEDS[:1])


def hybrids():
    """PLTanh beside other functions that join two or more, on the same folds."""
    rows = {"PLTanh": fixed("PLTanh"), "ReLU": fixed("ReLU"), **HYBRIDS}
    return _experiment("hybrids", "PLTanh beside other hybrid functions", _cells(rows, SETS, "PLTanh"), SEEDS[:1])


def choices():
    """What the paper does not say, each thing changed once, on Fashion-MNIST."""
    changes: Rows = {
        "": {},
        ", DeepCNN": {"model": "deep_cnn"},
        ", LeNet-5": {"model": "lenet5"},
        ", batches of 32": {"batch_size": 32},
        ", rate 0.0003": {"lr": 3e-4},
        ", augmented": {"augment": True},
    }
    cells = []
    for suffix, change in changes.items():
        for name in ("ReLU", "PLTanh"):
            base = None if name == "ReLU" else f"ReLU{suffix}"
            run = replace(base_run("fashion_mnist"), **fixed(name), **change)
            cells.append(Cell(f"{name}{suffix}", SOURCES["fashion_mnist"].title, run, base))
    return _experiment("choices", "PLTanh on Fashion-MNIST, with one unsaid choice changed", cells, SEEDS[:1])


def variance():
    """Five seeds in each of five folds, to tell what varies more."""
    cells = _cells({name: fixed(name) for name in ("PLTanh", "ReLU")}, ("mnist", "fashion_mnist"), "ReLU")
    return _experiment("variance", "Seeds or folds: what varies more", cells, SEEDS)


def depth():
    """A plain stack of dense layers on Fashion-MNIST: what depth and alpha do to training, with no batch norm to help."""
    rows = {name: fixed(name) for name in ("ReLU", "Leaky ReLU")} | {"tanh": HYBRIDS["tanh"]}
    rows |= {f"PLTanh, {slope:g}": fixed("PLTanh", slope) for slope in DEEP_ALPHAS}
    plain = replace(base_run("fashion_mnist"), model="mlp", fold=None)
    cells = [
        Cell(row, f"{layers} hidden layers", replace(plain, depth=layers, **fields), None if row == DEEP_BASE else DEEP_BASE)
        for row, fields in rows.items()
        for layers in DEPTHS
    ]
    return Experiment("pltanh/depth", "PLTanh in deep plain networks on Fashion-MNIST", tuple(cells), seeds=SEEDS)


def tabular():
    """Whether PLTanh does better on tables, which the paper does not try."""
    rows = {"PLTanh": fixed("PLTanh"), "PLTanh, 0.1": fixed("PLTanh", 0.1), **{name: fixed(name) for name in RIVALS}}
    rows["tanh"] = HYBRIDS["tanh"]
    cells = []
    for dataset in TABLES:
        source = SOURCES[dataset]
        settings: Fields = {"epochs": 40, "batch_size": 32, "shuffle": True, "augment": False, "fold": 1, "seed": SEEDS[0]}
        for row, fields in rows.items():
            run = Run(dataset=dataset, train_images=source.train_size, model="mlp", **fields, **settings)
            cells.append(Cell(row, source.title, run, None if row == "PLTanh" else "PLTanh"))
    return _experiment("tabular", "PLTanh on tables, with a plain MLP", cells, SEEDS[:3])


def searches():
    """The search for each data set's slope of each function that has one, on a part of fold 1; on MNIST PLTanh's on all folds.

    Returns
    -------
    list of Search
        A fifth of the part is held out of training and judges a trial. The fold's test images judge none.
    """
    found = []
    for dataset in SETS:
        base = base_run(dataset)
        part = min(SEARCH_IMAGES, base.train_images * (FOLDS - 1) // FOLDS)
        base = replace(base, epochs=2, part=part, validation_images=part * HELD_OUT // SEARCH_IMAGES)
        for name, option in SLOPES.items():
            run = replace(base, **fixed(name))
            for fold in range(1, 1 + (FOLDS if (dataset, name) == ("mnist", "PLTanh") else 1)):
                suffix = f"-fold-{fold}" if fold > 1 else ""
                title = f"pltanh/{dataset}/{run.activation}{suffix}"
                found.append(Search(title, replace(run, fold=fold), option, low=0.001, high=1.0, trials=15))
    return found


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: of the paper's table two are reported by a third party, see `REPORTED`.
    """
    return [folds(), alpha(), hybrids(), choices(), variance(), depth(), tabular()]
