"""The APALU paper's three methods on MVTec AD: PaDiM, knowledge distillation, and DifferNet, on the category "screw".

The paper's settings are not in the text available to us; these are the public defaults of each method.
There the features come from a ResNet-18 with ImageNet's weights in all three methods, where the released codes have an AlexNet
(DifferNet) and a VGG-16 (distillation). At `laptop` a ResNet-10 that was trained on CIFAR-10 stands in for it.
"""

from dataclasses import replace

from ..data import SOURCES
from ..run import Run
from .apalu import FIVE
from .base import SEEDS, Cell, Experiment

SET = "mvtec_screw"
PADIM, DISTILLATION, DIFFERNET = "apalu/padim", "apalu/distillation", "apalu/differnet"
GAINS = {DIFFERNET: 1.81, DISTILLATION: 1.11}  # of the abstract, in percent; the rival is not in the text available to us
SWAPPED, AS_THEY_ARE = ", swapped in", ", photos as they are"  # end the name of a row
COLUMN = SOURCES[SET].title

# All photos are made equally light but in rows that say otherwise; see `adaptact.training.extractor.levelled`.
_LEVELLED = {"levelled": 1.0}
_TRAINED_HERE = {**_LEVELLED, "imagenet": 0.0, "extractor_images": 10_000.0, "extractor_epochs": 4.0}
_SMOKE = {**_TRAINED_HERE, "extractor_images": 64.0, "extractor_epochs": 1.0}


def _run(task, model, **fields):
    settings = {"train_images": SOURCES[SET].train_size, "activation": "relu", "epochs": 1, "seed": SEEDS[0]}
    return Run(dataset=SET, task=task, model=model, **{**settings, "shuffle": True, "augment": False} | fields)


def _experiment(name, title, run, scales, changes):
    """All functions, and for each of `changes`, a suffix with its settings and functions, some of them once more."""
    cells = []
    for suffix, (changed, names) in {"": ({}, tuple(FIVE)), **changes}.items():
        for row in names:
            of = {profile: {**fields, "settings": fields["settings"] | changed} for profile, fields in scales.items()}
            cell = replace(run, **FIVE[row], settings=dict(run.settings) | changed)
            base = row if suffix else None if row == "APALU" else "APALU"
            cells.append(Cell(row + suffix, COLUMN, cell, base, at=of))
    return Experiment(name, title, tuple(cells), SEEDS[:3])


def padim():
    """Features of a network that is trained with each function, and of one with ReLU in which the functions are swapped in.

    With ImageNet's weights, at full scale, the functions are always swapped in.
    """
    run = _run("padim", "resnet18", settings=_LEVELLED)
    scales = {
        "smoke": {"model": "resnet10", "settings": {**_SMOKE, "features": 16.0}},
        "laptop": {"model": "resnet10", "settings": _TRAINED_HERE},
    }
    rivals = tuple(name for name in FIVE if name != "ReLU")  # whose own network it is
    changes = {SWAPPED: ({"swapped": 1.0}, rivals), AS_THEY_ARE: ({"levelled": 0.0}, ("ReLU",))}
    return _experiment(PADIM, "APALU paper: PaDiM on MVTec AD", run, scales, changes)


def distillation():
    """The method's 601 epochs at 224 pixels; at `laptop` 20 epochs at 128 pixels, in batches of 32."""
    run = _run("distillation", "student", settings=_LEVELLED, epochs=601)
    scales = {
        "smoke": {"batch_size": 16, "settings": {**_SMOKE, "size": 64.0}},
        "laptop": {"epochs": 20, "batch_size": 32, "settings": {**_TRAINED_HERE, "size": 128.0}},
    }
    changes = {AS_THEY_ARE: ({"levelled": 0.0}, ("ReLU",))}
    return _experiment(DISTILLATION, "APALU paper: knowledge distillation on MVTec AD", run, scales, changes)


def differnet():
    """The method's 192 epochs at 448 pixels; at `laptop` 20 epochs at 256 pixels, with an eighth of the width and 4 test turns."""
    run = _run("differnet", "flow", settings=_LEVELLED, epochs=192, batch_size=24, lr=2e-4, activation_lr=2e-4)
    scales = {
        "smoke": {"batch_size": 16, "settings": {**_SMOKE, "size": 64.0, "test_turns": 2.0, "turns": 2.0, "width": 64.0}},
        "laptop": {"epochs": 20, "settings": {**_TRAINED_HERE, "size": 256.0, "test_turns": 4.0, "width": 256.0}},
    }
    return _experiment(DIFFERNET, "APALU paper: DifferNet on MVTec AD", run, scales, {})


def studies():
    """All of the above.

    Returns
    -------
    list of Experiment
        Without published numbers: only gains are in the text available to us, see `GAINS`.
    """
    return [padim(), distillation(), differnet()]
