"""Run: everything that decides a training's numbers, and the name that follows from it."""

import hashlib
import json
import math
from dataclasses import MISSING, dataclass, fields

import torch

from . import activations, tasks
from .data import SOURCES
from .errors import UserError, choose
from .models import MODELS
from .tasks import TASKS

OPTIMIZERS = ("adam", "rmsprop")
WITH_WIDTH = ("lenet5", "kerasnet", "strided_cnn", "deep_cnn", "mlp")
WITH_DEPTH = ("mlp",)
FOR_TABLES = ("mlp",)
FOR_SEQUENCES = ("gru", "lstm", "gru_gates", "lstm_gates", "mopgru", "mopgru_logits", "mlp")
FOLDS = 5
CONV_DROPOUTS = ("channel", "element")
CYCLES = ("weights", "activations", "both")
NO_OPTIONS = ("init", "granularity", "num_parameters", "device", "dtype", "name", "shape")  # said otherwise, or not at all


def digest(value):
    """sha256 of a value that JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, allow_nan=False).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that decides a training's numbers, and nothing else. The defaults are the LEAF paper's released code.

    A Run's identity is its fields. A field that is added later gets a default that means "as before"; fields at their
    default do not enter the hash, so records made before it keep their names. A default, once published, never changes.

    Parameters
    ----------
    dataset : str
        A key of `adaptact.data.SOURCES`.
    train_images : int
        The first so many training images are used.
    model : str
        A key of `adaptact.models.MODELS`.
    activation : str
        A registered activation.
    init : str or tuple of float, optional
        What a trainable activation starts as: a function's name, or numbers where its class takes such as `init`.
    granularity : {"layer", "channel", "neuron"}, optional
        What has activation parameters of its own; None for a fixed function.
    epochs : int
    seed : int
        Decides initial weights, batch order, augmentation, and dropout.
    dspt : bool
        Double-stage parameter tuning: for each mini-batch, update the activation parameters, then the weights.
    slow_rho24 : float, optional
        P24SI: a learning rate of their own for LEAF's rho2 and rho4. None: as the other activation parameters.
    optimizer : {"adam", "rmsprop"}
        RMSprop has alpha 0.9 and eps 1e-7.
    lr, activation_lr : float
        Learning rates of the weights and of the activation parameters.
    batch_size : int
    shuffle : bool
        Whether each epoch draws a new order. The LEAF code does not shuffle.
    augment : bool
        Horizontal flips and integer shifts; see `adaptact.data.augment`. Not for tables.
    conv_dropout : {"channel", "element"}
        KerasNet's dropout after its convolutions. The other networks have none and ignore it.
    fc_dropout : float
        KerasNet's dropout before its last layer. The other networks have none and ignore it.
    fc_width : int, optional
        Units of the hidden dense layer; None for the network's own: 500 (LeNet-5), 512 (KerasNet), 64 (StridedCNN, each layer
        of an MLP), 128 (DeepCNN). Other networks have none.
    depth : int, optional
        Hidden layers of an MLP; None for its own number, 2.
    test_images : int, optional
        Only the first so many of the set's test images are tested on; not with a `fold`.
    task : {"supervised", "imbalanced", "deep_svdd", "padim", "distillation", "differnet"}
        What is trained for: the labels, be they classes or numbers, or classes some of which are rare; one class without any
        label; or to find defects by what sound images look like. Each has a file of its name in `adaptact.training`.
    settings : dict, optional
        Numbers of the task, by name; those left out have the defaults of `TASKS`. Kept as pairs, sorted by name.
    options : dict, optional
        What the activation is made with besides, such as ``{"normalisation": "square"}``: texts, numbers, lists of such. Kept
        as pairs, sorted by name.
    cycles : tuple of str
        Training in cycles of equal length, each with a new optimiser: of the ``weights``, of the ``activations``, what is not
        named standing still, or of ``both``. Empty: one cycle of both. `epochs` is that of all cycles together.
    validation_images : int
        So many of `train_images` are held out, by class, and the best epoch on them is recorded. The LEAF code holds
        out none.
    fold : int, optional
        From 1 to 5: cross-validation. So much of `train_images` is tested on, the rest trained on; see
        `adaptact.training.parts`.
    part : int, optional
        Only the first so many of the images that a fold leaves for training are used; the fold's test images stay the same.

    Raises
    ------
    UserError
        If a value makes no sense, naming the valid ones.
    """

    dataset: str
    train_images: int
    model: str
    activation: str
    epochs: int
    seed: int
    init: str | tuple | None = None
    granularity: str | None = None
    dspt: bool = False
    slow_rho24: float | None = None
    optimizer: str = "adam"
    lr: float = 1e-3
    activation_lr: float = 1e-3
    batch_size: int = 128
    shuffle: bool = False
    augment: bool = True
    conv_dropout: str = "channel"
    fc_dropout: float = 0.2
    validation_images: int = 0
    fc_width: int | None = None
    options: tuple = ()
    cycles: tuple = ()
    fold: int | None = None
    part: int | None = None
    depth: int | None = None
    test_images: int | None = None
    task: str = "supervised"
    settings: tuple = ()

    def __post_init__(self):
        choose("data set", self.dataset, SOURCES)
        choose("model", self.model, MODELS)
        choose("task", self.task, TASKS)
        if SOURCES[self.dataset].tabular:
            self._be_for_a_table()
        if self.fc_width is not None and self.model not in WITH_WIDTH:
            raise UserError(
                f"{self.model} has no hidden dense layer: leave fc_width None, or choose from: {', '.join(WITH_WIDTH)}."
            )
        if self.depth is not None and self.model not in WITH_DEPTH:
            raise UserError(f"{self.model} has a depth of its own: leave depth None, or choose from: {', '.join(WITH_DEPTH)}.")
        if self.part is not None and self.fold is None:
            raise UserError("part is of the images that a fold leaves for training: give a fold too, or fewer train_images.")
        if self.test_images is not None and self.fold is not None:
            raise UserError("a fold is tested on as a whole: leave test_images None, or fold.")
        trainable = activations.is_trainable(self.activation)
        choose("optimizer", self.optimizer, OPTIMIZERS)
        choose("conv_dropout", self.conv_dropout, CONV_DROPOUTS)
        for name, low, high in self._ranges():
            value = getattr(self, name)
            if name in ("fold", "part", "fc_width", "depth", "test_images") and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise UserError(f"{name} is {value!r}: give a whole number from {low} to {high}.")
        for name in ("lr", "activation_lr", "slow_rho24"):
            value = getattr(self, name)
            if value is not None:
                self._be_number(name, math.inf)
        self._be_number("fc_dropout", 1)
        self._be_options()
        self._be_cycles(trainable)
        self._be_settings()
        if trainable:
            choose("granularity", self.granularity, activations.granularities(self.activation))
        elif self.init or self.granularity or self.dspt:
            raise UserError(f"{self.activation} has no parameters: leave init, granularity and dspt at their defaults.")
        if self.options or isinstance(self.init, tuple):
            self._try_options()
        if self.slow_rho24 is not None and self.activation != "leaf":
            raise UserError(f"slow_rho24 is a rate for LEAF's rho2 and rho4; {self.activation} has none. Leave it None.")

    def _be_for_a_table(self):
        source = SOURCES[self.dataset]
        models, kind = (FOR_SEQUENCES, "has sequences") if source.sequence else (FOR_TABLES, "is a table")
        if self.model not in models:
            raise UserError(f"{self.model} takes other samples, and {self.dataset} {kind}. Choose from: {', '.join(models)}.")
        if self.augment:
            raise UserError(f"{self.dataset} {kind}, and nothing of it can be flipped or shifted: set augment to False.")
        if source.numeric and self.validation_images:
            raise UserError(f"{self.dataset} has no classes to hold samples out by: leave validation_images 0.")

    def _be_settings(self):
        settings = self._pairs("settings")
        for name, value in settings.items():
            choose(f"setting of {self.task}", name, TASKS[self.task])
            if not isinstance(value, float) or value < 0:
                raise UserError(f"setting {name} is {value!r}: give a number of at least 0.")
        object.__setattr__(self, "settings", tuple(sorted(settings.items())))
        tasks.check(self)

    def setting(self, name):
        """A number of the task: as given, else its default.

        Parameters
        ----------
        name : str
            A key of the task's settings, such as ``ratio``.

        Returns
        -------
        float
        """
        return dict(self.settings).get(name, TASKS[self.task][name])

    def _pairs(self, field):
        """A field of named values, given as a dictionary or as pairs, as a dictionary of what JSON can hold."""
        given = getattr(self, field)
        try:
            return {str(name): _plain(value) for name, value in (given.items() if isinstance(given, dict) else given)}
        except (TypeError, ValueError) as error:
            raise UserError(f"{field} is {given!r}: give names with texts, numbers or lists of such ({error}).") from error

    def _be_options(self):
        options = self._pairs("options")
        if not isinstance(self.init, (str, type(None))):
            try:
                init = tuple(float(value) for value in self.init)
            except (TypeError, ValueError):
                init = ()
            if not init or not all(map(math.isfinite, init)):
                raise UserError(f"init is {self.init!r}: give a function's name, or a list of numbers.")
            object.__setattr__(self, "init", init)
        for name in NO_OPTIONS:
            if name in options:
                raise UserError(f"{name!r} is no option of a Run's activation; init and granularity are fields of their own.")
        object.__setattr__(self, "options", tuple(sorted(options.items())))

    def _try_options(self):
        """Make the activation once and look at a sample: better here than in the middle of a sweep."""
        made = dict(self.options) | ({"granularity": self.granularity} if self.granularity else {})
        made |= {"init": self.init} if self.init else {}
        try:
            with torch.random.fork_rng(devices=[]), torch.no_grad():  # one that starts at random must not move the caller's
                module = activations.make(self.activation, (4, 4, 4), **made)
                module(torch.zeros(1, 4, 4, 4))
        except UserError:
            raise
        except Exception as error:  # whatever a class says of a value that it cannot take
            reason = " ".join(str(error).split())[:200]
            raise UserError(f"{self.activation} cannot be made with {made}: {reason}") from error
        if (self.dspt or "activations" in self.cycles) and not list(module.parameters()):
            raise UserError(f"{self.activation} with {made} has no parameters that dspt or a cycle of activations could train.")

    def _be_cycles(self, trainable):
        if not isinstance(self.cycles, (list, tuple)) or not all(isinstance(cycle, str) for cycle in self.cycles):
            raise UserError(f"cycles is {self.cycles!r}: give a list such as ('weights', 'activations', 'weights').")
        object.__setattr__(self, "cycles", tuple(choose("cycle", cycle, CYCLES) for cycle in self.cycles))
        if self.cycles and self.epochs % len(self.cycles):
            raise UserError(f"epochs is {self.epochs}: give a multiple of the {len(self.cycles)} cycles, which are equally long.")
        if self.cycles and self.dspt:
            raise UserError("dspt and cycles are two training procedures: choose one.")
        if "activations" in self.cycles and not trainable:
            raise UserError(f"{self.activation} has no parameters that a cycle of activations could train: use both or weights.")

    def _ranges(self):
        """The whole numbers among the fields with what they may be; in an order in which each knows that those before are sound."""
        yield "train_images", 1, SOURCES[self.dataset].train_size
        yield "epochs", 1, 10**6
        yield "seed", 0, 2**63 - 1
        yield "batch_size", 1, 10**6
        yield "fold", 1, FOLDS
        left = self.train_images * (FOLDS - 1) // FOLDS if self.fold else self.train_images
        yield "part", 1, left
        yield "validation_images", 0, (self.part or left) - 1
        yield "fc_width", 1, 10**6
        yield "depth", 1, 10**3
        yield "test_images", 1, SOURCES[self.dataset].test_size

    def _be_number(self, name, high):
        value = getattr(self, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < high:
            raise UserError(f"{name} is {value!r}: give a number from 0 to below {high}.")
        object.__setattr__(self, name, float(value))  # 1 and 1.0 are the same Run and must have the same key

    @property
    def key(self):
        """Eight hexadecimal digits made from every field that is not at its default."""
        values = {f: getattr(self, f.name) for f in fields(self)}
        identity = {f.name: value for f, value in values.items() if f.default is MISSING or value != f.default}
        return digest(identity)[:8]

    @property
    def name(self):
        """A readable name ending in `key`, such as ``cifar10-kerasnet-leaf_as_tanh-dspt-p24-s42-1f0c9a2e``."""
        start = "_".join(f"{value:g}" for value in self.init) if isinstance(self.init, tuple) else self.init
        activation = f"{self.activation}_as_{start}" if start else self.activation
        procedure = ["dspt"] * self.dspt + ["p24"] * (self.slow_rho24 is not None)
        procedure += ["".join(cycle[0] for cycle in self.cycles)] if self.cycles else []
        procedure += [f"f{self.fold}"] if self.fold else []
        procedure += [f"r{self.setting('ratio'):g}"] if self.task == "imbalanced" else []
        procedure += [f"n{self.setting('normal_class'):g}"] if self.task == "deep_svdd" else []
        return "-".join([self.dataset, self.model, activation, *procedure, f"s{self.seed}", self.key])


def _plain(value):
    """A value that JSON can hold, of which no part can be changed; numbers are floats, so that 1 and 1.0 have the same key."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    if isinstance(value, (str, bool)) or value is None:
        return value
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise TypeError(f"{value!r} is none of these")
