"""What a Run may train for: the settings of each task, and what a Run of it must be."""

from .data import SOURCES
from .errors import UserError
from .models import MODELS
from .models.resnet import WIDTHS

FEATURES = sum(WIDTHS)  # channels that padim draws from
_EXTRACTOR = {"imagenet": 1.0, "extractor_images": 50_000.0, "extractor_epochs": 30.0, "levelled": 0.0}
# What a Run may train for, each with its own settings and their defaults: those of each method's released code. Where that has a
# pretrained network to make features, ours is a residual one; see `adaptact.training.extractor`.
TASKS = {
    "supervised": {},
    "imbalanced": {
        "ratio": 50.0,
        "long_tailed": 0.0,
        "minority": 8.0,
        "weighted": 0.0,
        "oversampled": 0.0,
        "noise": 0.0,
        "assumed_ratio": 0.0,
    },
    "deep_svdd": {
        "normal_class": 0.0,
        "pretraining": 0.5,
        "weight_decay": 0.5e-6,
        "pretraining_weight_decay": 0.5e-3,
        "drop": 1 / 3,
    },
    "padim": {**_EXTRACTOR, "swapped": 0.0, "features": 100.0, "smoothing": 4.0},
    "distillation": {**_EXTRACTOR, "size": 224.0, "value_weight": 0.5},
    "differnet": {**_EXTRACTOR, "size": 448.0, "turns": 4.0, "test_turns": 64.0, "blocks": 8.0, "width": 2048.0, "clamp": 3.0},
}
FOR_TASK = {  # the networks of a task; all others, and residual ones, are for supervised training
    "deep_svdd": ("svdd_lenet", "svdd_lenet_biased"),
    "padim": ("resnet10", "resnet18"),
    "distillation": ("student",),
    "differnet": ("flow",),
}
FOR_DEFECTS = ("padim", "distillation", "differnet")
_WHOLE = ("extractor_images", "extractor_epochs", "features", "size", "turns", "test_turns", "blocks", "width")


def check(run):
    """Look whether a Run's other fields and its settings make sense for its task.

    Parameters
    ----------
    run : adaptact.Run
        Whose settings are numbers, and known ones.

    Raises
    ------
    UserError
        If they do not, naming the valid ones.
    """
    _of_task(run)
    if run.task == "supervised":
        return
    if run.task == "imbalanced":
        _imbalanced(run)
        return
    if run.task == "deep_svdd":
        _deep_svdd(run)
    if run.task in FOR_DEFECTS:
        _for_defects(run)
    supervised = {"augment": False, "dspt": False, "cycles": (), "fold": None, "validation_images": 0}
    for name, value in supervised.items():
        if getattr(run, name) != value:
            raise UserError(f"{run.task} trains on one class, without labels: set {name} to {value!r}.")


def _of_task(run):
    """The network and the set must be for the task."""
    own = next((task for task, models in FOR_TASK.items() if run.model in models and task != "padim"), run.task)
    if own != run.task or run.model not in FOR_TASK.get(own, MODELS):
        raise UserError(f"{run.model} is not for the task {run.task}: {own} goes with {' or '.join(FOR_TASK[own])}.")
    if (run.task in FOR_DEFECTS) != SOURCES[run.dataset].defects:
        fitting = ", ".join(name for name, source in SOURCES.items() if source.defects)
        raise UserError(f"{run.dataset} is not for the task {run.task}: {', '.join(FOR_DEFECTS)} go with {fitting}.")


def _imbalanced(run):
    source = SOURCES[run.dataset]
    if source.tabular:
        fitting = ", ".join(name for name, of in SOURCES.items() if not of.tabular and not of.defects)
        raise UserError(f"{run.dataset} is not for the task imbalanced, which takes images with classes. Choose from: {fitting}.")
    if run.setting("minority") not in range(source.num_classes):
        found = run.setting("minority")
        raise UserError(f"setting minority is {found:g}: give a whole number from 0 to {source.num_classes - 1}.")
    if run.setting("ratio") < 1:
        raise UserError(f"setting ratio is {run.setting('ratio'):g}: give a number of at least 1, such as 50 for 1:50.")
    if 0 < run.setting("assumed_ratio") < 1:
        raise UserError(f"setting assumed_ratio is {run.setting('assumed_ratio'):g}: give a number of at least 1, or 0 for none.")
    if run.setting("noise") > 1:
        raise UserError(f"setting noise is {run.setting('noise'):g}: give a share of the images, from 0 to 1.")
    for name in ("long_tailed", "weighted", "oversampled"):
        if run.setting(name) not in (0, 1):
            raise UserError(f"setting {name} is {run.setting(name):g}: give 1 for yes or 0 for no.")
    if run.fold is not None or run.validation_images:
        raise UserError("the images of the task imbalanced are divided by class already: leave fold None and validation_images 0.")


def _deep_svdd(run):
    classes = SOURCES[run.dataset].num_classes
    if run.setting("normal_class") not in range(classes):
        raise UserError(f"setting normal_class is {run.setting('normal_class'):g}: give a whole number from 0 to {classes - 1}.")
    for name in ("pretraining", "drop"):
        if not run.setting(name) <= 1:
            raise UserError(f"setting {name} is {run.setting(name):g}: give a share of the epochs, from 0 to 1.")
    if run.setting("pretraining") == 1:
        raise UserError("setting pretraining is 1: leave some of the epochs for the task itself.")


def _for_defects(run):
    for name in TASKS[run.task]:
        value = run.setting(name)
        if name in _WHOLE and (value < 1 or value != int(value)):
            raise UserError(f"setting {name} is {value:g}: give a whole number of at least 1.")
        if name in ("imagenet", "levelled", "swapped") and value not in (0, 1):
            raise UserError(f"setting {name} is {value:g}: give 1 for yes or 0 for no.")
    if run.setting("imagenet") and SOURCES[run.dataset].in_shape[0] != 3:
        raise UserError(f"{run.dataset} is grey, and networks trained on ImageNet take colours: set imagenet to 0.")
    halvings = 64 if run.task == "differnet" else 16  # a quarter of the image is halved four times too
    if "size" in TASKS[run.task] and run.setting("size") % halvings:
        raise UserError(f"setting size is {run.setting('size'):g}: give a multiple of {halvings} pixels.")
    if run.task == "padim":
        _padim(run)


def _padim(run):
    if run.setting("imagenet") and run.model != "resnet18":
        raise UserError(f"{run.model} has no weights trained on ImageNet: choose resnet18, or set imagenet to 0.")
    if run.epochs != 1:
        raise UserError(f"epochs is {run.epochs}: padim has nothing to repeat, give 1; extractor_epochs is a setting.")
    if run.granularity == "neuron":
        raise UserError("padim's network sees images of two sizes, so it has no fixed neurons: choose layer or channel.")
    if run.setting("features") > FEATURES:
        raise UserError(f"setting features is {run.setting('features'):g}: give at most {FEATURES}.")
