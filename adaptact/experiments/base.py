"""What an experiment is: a paper's table as a list of Runs at the paper's scale, and profiles that scale them down."""

from dataclasses import dataclass, field, replace
from typing import Any

from .. import activations
from ..data import SOURCES
from ..errors import UserError, choose
from ..run import FOLDS, Run

SEEDS = (42, 100, 128, 1999, 7823)  # the LEAF paper's: 42 for its tables, all five for its seed study


Fields = dict[str, Any]  # of a Run: those that a row, a column, or a scale sets
Rows = dict[str, Fields]  # by the name of such a one


@dataclass(frozen=True)
class Profile:
    """A scale to run an experiment at.

    Parameters
    ----------
    name, summary, cost : str
    fields : dict
        Fields of a Run that this scale sets.
    seeds : tuple of int
        What is run unless other seeds are asked for.
    """

    name: str
    summary: str
    cost: str
    fields: dict
    seeds: tuple

    def scale(self, run, **others):
        """A paper-scale Run at this scale, with other fields that are as given.

        Parameters
        ----------
        run : Run
            At the paper's scale.
        **others
            Fields of a Run, such as `seed`.

        Returns
        -------
        Run
        """
        fields = dict(self.fields)
        if "dataset" in fields:
            fields["dataset"] = SOURCES[run.dataset].smoke  # numbers stay numbers: a set of classes would be another task
        size = SOURCES[fields.get("dataset", run.dataset)].train_size
        # A profile only ever scales down.
        fields["train_images"] = min(fields.get("train_images", size), run.train_images, size)
        # Each cycle is as long as another training, and a fixed function is given as many epochs in all.
        fields["epochs"] = min(fields.get("epochs", run.epochs) * max(1, len(run.cycles)), run.epochs)
        fields["validation_images"] = run.validation_images * fields["train_images"] // run.train_images  # the same part
        if run.test_images is not None:
            fields["test_images"] = min(run.test_images, SOURCES[fields.get("dataset", run.dataset)].test_size)
        if run.part is not None:
            whole = fields["train_images"] * (FOLDS - 1) // FOLDS
            fields["part"] = min(run.part, whole)
            fields["validation_images"] = run.validation_images * fields["part"] // run.part
        return replace(run, **fields | others)  # at once: a step between need not make sense


PROFILES = {
    profile.name: profile
    for profile in [
        Profile(
            "smoke",
            "256 handwritten digits, 1 epoch",
            "seconds; shows that the path works, the numbers mean nothing",
            {"dataset": "digits", "train_images": 256, "epochs": 1},
            seeds=SEEDS[:2],
        ),
        Profile(
            "laptop",
            "the first 10,000 training images, 5 epochs, the whole test set",
            "minutes a table and seed on two cores",
            {"train_images": 10_000, "epochs": 5},
            seeds=SEEDS,
        ),
        Profile(
            "paper",
            "the paper's data and epochs",
            "hours on a GPU, days on a CPU",
            {},
            seeds=SEEDS[:1],
        ),
    ]
}


@dataclass(frozen=True)
class Cell:
    """One place in a paper's table.

    Parameters
    ----------
    row, column : str
        Its labels in the table.
    run : Run
        What gives its number, at the paper's scale and with its first seed.
    base : str, optional
        The row that this one is compared with: the fixed function that an adaptive one starts as.
    published : float, optional
        The printed number: best test accuracy in percent. None for a row that is not the paper's.
    published_epoch : int, optional
    at : dict, optional
        By a profile's name, fields of the Run that are others there: what was searched for at that scale.
    """

    row: str
    column: str
    run: Run
    base: str | None = None
    published: float | None = None
    published_epoch: int | None = None
    at: dict = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Search:
    """A number to be found for each data set: an option of an activation, by images held out of training.

    Parameters
    ----------
    name : str
        Such as ``pltanh/mnist/pltanh``.
    run : Run
        A trial without the option, at the paper's scale; with `validation_images`.
    option : str
    low, high : float
        What is tried lies between them, evenly by its logarithm.
    trials : int

    Raises
    ------
    UserError
        If no images are held out, or the range or the number of trials makes no sense.
    """

    name: str
    run: Run
    option: str
    low: float
    high: float
    trials: int

    def __post_init__(self):
        if not self.run.validation_images:
            raise UserError(f"{self.name}: trials are judged by images held out of training; give its run validation_images.")
        if not 0 < self.low < self.high or self.trials < 1:
            raise UserError(f"{self.name}: give a low above 0, a high above it, and at least 1 trial.")


@dataclass(frozen=True)
class Experiment:
    """A named list of cells.

    Parameters
    ----------
    name : str
        Such as ``leaf/table-4``.
    title : str
    cells : tuple of Cell
    seeds : tuple of int, optional
        For an experiment that is about seeds, what is run at all profiles but smoke unless others are asked for.
    folds : tuple of int, default (None,)
        For one with cross-validation the folds that each seed is run with; two of them at smoke.
    """

    name: str
    title: str
    cells: tuple
    seeds: tuple = ()
    folds: tuple = (None,)

    def default_seeds(self, profile):
        """What is run at a profile unless other seeds are asked for.

        Parameters
        ----------
        profile : str
            A key of `PROFILES`.

        Returns
        -------
        tuple of int
        """
        usual = PROFILES[choose("profile", profile, PROFILES)].seeds
        if profile == "smoke":
            return usual if self.folds == (None,) else usual[:1]  # folds are repeats enough to see that the path works
        return self.seeds or usual

    def run(self, cell, profile, seed, fold=None):
        """The Run of one cell at a profile, seed and fold.

        Parameters
        ----------
        cell : Cell
        profile : str
            A key of `PROFILES`.
        seed : int
        fold : int, optional

        Returns
        -------
        Run
        """
        scale = PROFILES[choose("profile", profile, PROFILES)].scale
        return scale(cell.run, **{"seed": seed, "fold": fold, **cell.at.get(profile, {})})

    @property
    def overlap(self):
        """A fold's test images over its training images, for `adaptact.stats.estimate`; 0 without folds.

        Of a series, where a fold is trained on the blocks before it, that is 1, 1/2, ... 1/5: the mean of these. Nadeau and Bengio
        derive their correction for random folds; for blocks in time it is our choice, wide rather than narrow.
        """
        if self.folds == (None,):
            return 0.0
        if any(SOURCES[cell.run.dataset].series for cell in self.cells):
            return sum(1 / blocks for blocks in range(1, FOLDS + 1)) / FOLDS
        return 1 / (FOLDS - 1)

    def repeats(self, profile, seeds=None):
        """The seeds and folds that a cell is run with at a profile.

        Parameters
        ----------
        profile : str
            A key of `PROFILES`.
        seeds : iterable of int, optional
            By default `default_seeds`.

        Returns
        -------
        list of (int, int or None)
            Pairs of a seed and a fold, None without folds.
        """
        folds = self.folds[:2] if profile == "smoke" else self.folds
        return [(seed, fold) for seed in seeds or self.default_seeds(profile) for fold in folds]

    def including(self, names):
        """This experiment with rows for further activations; rows that it has already are not added twice.

        Parameters
        ----------
        names : iterable of str
            Registered activations. A fixed one gets a row of its name. A trainable one gets two, trained classically and
            with DSPT, at the granularity of the table's own adaptive rows if it allows that. In a table of trainings in cycles
            the two are trained in the cycles of its first adaptive row, and all together.

        Returns
        -------
        Experiment
            Of the same name. The new cells are compared with the first fixed function of their column.

        Raises
        ------
        UserError
            If a name is unknown.
        """
        held = {cell.run.activation for cell in self.cells if cell.row == cell.run.activation or not cell.run.granularity}
        adaptive = next((cell.run for cell in self.cells if cell.run.granularity), None)
        usual = adaptive.granularity if adaptive else "neuron"
        first, fixed = {}, {}
        for cell in self.cells:
            first.setdefault(cell.column, cell)
            if not cell.run.granularity:
                fixed.setdefault(cell.column, cell.row)
        added = []
        for name in dict.fromkeys(name for name in names if name not in held):
            trainable = activations.is_trainable(name)
            allowed = activations.granularities(name) if trainable else [None]
            granularity = usual if usual in allowed else allowed[0]
            plain: Fields = {"activation": name, "init": None, "granularity": granularity, "slow_rho24": None, "options": ()}
            procedures: Rows = {name: {"dspt": False}, f"{name}, DSPT": {"dspt": True}}
            if adaptive and adaptive.cycles:
                together = {"cycles": ("both",) * len(adaptive.cycles)}
                own = {"cycles": adaptive.cycles} if trainable else together
                procedures = {name: own, f"{name}, all together": together}
            for row, procedure in list(procedures.items())[: 1 + trainable]:
                for column, cell in first.items():
                    if procedure.get("dspt") and cell.run.task != "supervised":
                        continue  # DSPT is a procedure of supervised training
                    # The scale of the column, but not what was searched for with its own activation.
                    at = {profile: {k: v for k, v in of.items() if k not in plain} for profile, of in cell.at.items()}
                    added.append(Cell(row, column, replace(cell.run, **plain, **procedure), base=fixed.get(column), at=at))
        return replace(self, cells=(*self.cells, *added))

    def only(self, rows=(), columns=()):
        """This experiment with some of its cells.

        Parameters
        ----------
        rows, columns : iterable of str, optional
            The labels to keep; by default all.

        Returns
        -------
        Experiment
            Of the same name.

        Raises
        ------
        UserError
            If a label is none of this table's, or no cell has both.
        """
        asked, cells = {"row": tuple(rows), "column": tuple(columns)}, self.cells
        for what, labels in asked.items():
            for label in labels:
                choose(what, label, list(dict.fromkeys(getattr(cell, what) for cell in self.cells)))
            cells = tuple(cell for cell in cells if not labels or getattr(cell, what) in labels)
        if not cells:
            raise UserError(f"{self.name}: no cell is in these rows and columns: {'; '.join(sum(asked.values(), ()))}.")
        return replace(self, cells=cells)

    def runs(self, profile, seeds=None):
        """All Runs at a profile, without repeats, one seed after the other.

        Parameters
        ----------
        profile : str
            A key of `PROFILES`.
        seeds : iterable of int, optional
            By default `default_seeds`.

        Returns
        -------
        list of Run
        """
        repeats = self.repeats(profile, seeds)
        return list(dict.fromkeys(self.run(cell, profile, seed, fold) for seed, fold in repeats for cell in self.cells))
