"""Data sets by name, as tensors: found in a folder, checked against their published files, or downloaded on request."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError, choose
from .anomalies import MADE_UP, SCREW, SIZE
from .curves import POINTS, RUNGE, SINE, STEP
from .dataset import Fault
from .images import CIFAR10, FASHION_MNIST, KMNIST, KMNIST_SPLIT, MNIST, Digits
from .medical import PCam, Pneumonia
from .photos import FLOWERS, FLOWERS_96
from .prices import CHANGE, PRICE, TEST, TRAIN, WALK, WINDOW
from .regression import ABALONE, AUTO_MPG, BOSTON, CALIFORNIA, WINE_QUALITY
from .sequences import DISTINCT, LIBRAS
from .tabular import BANKNOTE, IONOSPHERE, SONAR, WHEAT, Shipped


@dataclass(frozen=True)
class Source:
    """What is known of a set before its files are read: its title, shapes, sizes, and who reads it.

    Parameters
    ----------
    title : str
        How it is written in a text.
    in_shape : tuple of int
        ``(channels, rows, columns)`` of a sample; ``(1, 1, features)`` of a table's row, ``(1, steps, features)`` of a sequence.
    train_size, test_size : int
    reader : object
        With ``check(folder)`` and ``read(folder)`` and, where it can be downloaded, ``download(folder)``.
    num_classes : int, default 10
    stands_in_for : str, optional
        A set that is asked for in its place wherever that one is to be had.
    shipped : bool, default False
        Whether it is part of scikit-learn or computed: there are no files.
    tabular : bool, default False
        Whether its samples are rows of a table, float32.
    numeric : bool, default False
        Whether its labels are numbers to be predicted, float32, and not classes.
    target : str, optional
        Of measured labels, what they are, with the unit; they are standardised for training, and errors are in that unit.
    sequence : bool, default False
        Whether its samples are steps of features, scaled alike at all steps.
    series : bool, default False
        Whether its samples follow each other in time: a fold is trained on what comes before it alone.
    defects : bool, default False
        Whether it is for finding defects: labels are kinds of defect, 0 for none, and the test images have masks.
    smoke : str, default "digits"
        The set that stands in for it at the profile smoke.
    """

    title: str
    in_shape: tuple
    train_size: int
    test_size: int
    reader: object  # its check(folder) and read(folder) raise a Fault, its download(folder) fetches
    num_classes: int = 10
    stands_in_for: str | None = None  # a set that is asked for in its place wherever that one is to be had
    shipped: bool = False  # inside scikit-learn, or computed: there are no files
    tabular: bool = False  # float32 rows of features as images of one line, (1, 1, features); see `adaptact.training.parts`
    numeric: bool = False  # labels are float32 numbers to be predicted, and not classes
    target: str | None = None  # what such a label is, with its unit; it is standardised for training, and errors are in that unit
    sequence: bool = False  # a table whose samples are steps of features, (1, steps, features), scaled alike at all steps
    series: bool = False  # samples follow each other in time: a `fold` is trained on what comes before it alone; see `prices`
    defects: bool = False  # trained on without any: labels are kinds of defect, 0 for none, and test images have masks
    smoke: str = "digits"  # the set that stands in for it at the profile smoke

    @property
    def outputs(self):
        """How many a network has."""
        return 1 if self.numeric else self.num_classes

    @property
    def samples(self):
        """What it has many of, in words."""
        return "sequences" if self.sequence else "rows" if self.tabular else "images"


def _shipped_table(title, features, train_size, test_size, num_classes, loader):
    of = {"num_classes": num_classes, "reader": Shipped(loader, test_size)}
    return Source(title, (1, 1, features), train_size, test_size, **of, shipped=True, tabular=True)


def _table(title, reader):
    train_size = sum(reader.classes.values()) - reader.test_size
    of = {"num_classes": len(reader.classes), "reader": reader}
    return Source(title, (1, 1, reader.features), train_size, reader.test_size, **of, tabular=True)


def _curve(name, formula, reader):
    of = {"num_classes": 1, "reader": reader, "shipped": True, "tabular": True, "numeric": True, "smoke": name}
    return Source(formula, (1, 1, 1), POINTS, POINTS, **of)


def _defects(title, in_shape, test_size, reader, **of):
    return Source(title, in_shape, reader.train_size, test_size, reader=reader, defects=True, smoke="made_up_defects", **of)


def _numbers(title, target, reader):
    of = {"num_classes": 1, "reader": reader, "tabular": True, "numeric": True, "target": target, "smoke": "diabetes"}
    return Source(title, (1, 1, reader.features), reader.rows - reader.test_size, reader.test_size, **of)


def _series(title, target, reader, **of):
    of |= {"num_classes": 1, "reader": reader, "tabular": True, "numeric": True, "target": target, "smoke": "random_walk"}
    return Source(title, (1, WINDOW, 1), TRAIN, TEST, **of, sequence=True, series=True)


SOURCES = {
    "digits": Source("digits", (1, 28, 28), 1_437, 360, Digits(), shipped=True),
    "mnist": Source("MNIST", (1, 28, 28), 60_000, 10_000, MNIST),
    "fashion_mnist": Source("Fashion-MNIST", (1, 28, 28), 60_000, 10_000, FASHION_MNIST),
    "kmnist": Source("KMNIST", (1, 28, 28), 60_000, 10_000, KMNIST),
    "kmnist_split": Source("KMNIST, test images split", (1, 28, 28), 8_000, 2_000, KMNIST_SPLIT, stands_in_for="kmnist"),
    "cifar10": Source("CIFAR-10", (3, 32, 32), 50_000, 10_000, CIFAR10),
    "flowers": Source("TensorFlow flowers", (3, 96, 96), 2_936, 734, num_classes=5, reader=FLOWERS),
    "flowers_96": Source(
        "flowers, 96×96 copies", (3, 96, 96), 3_251, 813, num_classes=5, stands_in_for="flowers", reader=FLOWERS_96
    ),
    "pcam": Source("PatchCamelyon, first 50,000", (3, 96, 96), 50_000, 10_000, num_classes=2, reader=PCam(50_000, 10_000)),
    "pneumonia": Source("PneumoniaMNIST", (1, 28, 28), 4_708, 624, num_classes=2, stands_in_for="pcam", reader=Pneumonia()),
    "mvtec_screw": _defects("MVTec AD, screw", (3, SIZE, SIZE), sum(SCREW.tested.values()), SCREW, num_classes=len(SCREW.tested)),
    "made_up_defects": _defects(
        "made-up defects", (1, MADE_UP.size, MADE_UP.size), MADE_UP.test_size, MADE_UP, num_classes=3, shipped=True
    ),
    "iris": _shipped_table("iris", 4, 120, 30, 3, "load_iris"),
    "wine": _shipped_table("wine", 13, 142, 36, 3, "load_wine"),
    "breast_cancer": _shipped_table("breast cancer", 30, 455, 114, 2, "load_breast_cancer"),
    "banknote": _table("banknotes", BANKNOTE),
    "sonar": _table("sonar", SONAR),
    "ionosphere": _table("ionosphere", IONOSPHERE),
    "wheat_seeds": _table("wheat seeds", WHEAT),
    "libras": Source(
        "LIBRAS Movement",
        (1, LIBRAS.features // 2, 2),
        DISTINCT - LIBRAS.test_size,
        LIBRAS.test_size,
        num_classes=len(LIBRAS.classes),
        reader=LIBRAS,
        tabular=True,
        sequence=True,
    ),
    "curve_sine": _curve("curve_sine", "sin(3πx)", SINE),
    "curve_runge": _curve("curve_runge", "1/(1 + 25x²)", RUNGE),
    "curve_step": _curve("curve_step", "sign(x)", STEP),
    "california": _numbers("California", "median house value, US dollars", CALIFORNIA),
    "boston": _numbers("Boston", "median house value, 1,000 US dollars", BOSTON),
    "auto_mpg": _numbers("auto-mpg", "miles per gallon", AUTO_MPG),
    "wine_quality": _numbers("wine quality", "quality, marks", WINE_QUALITY),
    "abalone": _numbers("abalone", "rings", ABALONE),
    "diabetes": Source(
        "diabetes",
        (1, 1, 10),
        354,
        88,
        num_classes=1,
        reader=Shipped("load_diabetes", 88, numeric=True),
        shipped=True,
        tabular=True,
        numeric=True,
        target="progression after a year",
        smoke="diabetes",
    ),
    "stock_price": _series("Apple, price", "next day's closing price, US dollars", PRICE),
    "stock_change": _series("Apple, change", "change of the closing price to the next day, US dollars", CHANGE),
    "random_walk": _series("random walk", "next value, made up", WALK, shipped=True),
}


def data_folder(folder=None):
    """The folder that holds the sets: `folder`, else the environment variable ADAPTACT_DATA, else ``data``.

    Parameters
    ----------
    folder : path, optional

    Returns
    -------
    pathlib.Path
        Whether or not it exists.
    """
    return Path(folder or os.environ.get("ADAPTACT_DATA") or "data").expanduser()


def _fault(name, folder):
    """What is wrong with the files of a set, or None if all is well."""
    try:
        SOURCES[name].reader.check(folder)
    except Fault as fault:
        return fault
    return None


@functools.lru_cache(maxsize=4)
def _load(name, folder, device):
    try:
        return SOURCES[name].reader.read(folder).to(device)
    except Fault as fault:
        mending = fault.mending or f"Fetch it with: python -m adaptact data {name} --data {folder}"
        raise UserError(f"{SOURCES[name].title}: {fault}. {mending}") from None


def load(name, folder=None, device="cpu"):
    """A data set as tensors on a device. Loaded once a process.

    Parameters
    ----------
    name : str
        A key of `SOURCES`. Those that are `shipped`, such as ``digits``, need no files. Of ``pcam`` only the first patches are
        taken; see `adaptact.data.medical`.
    folder : path, optional
        Where the files are, as `fetch` leaves them; see `data_folder`.
    device : str or torch.device, default "cpu"

    Returns
    -------
    DataSet

    Raises
    ------
    UserError
        If the name is unknown, or a file is missing, truncated, or altered. The message names the set, the file, and
        the command that fetches it.

    Examples
    --------
    >>> load("digits").train_images.shape
    torch.Size([1437, 1, 28, 28])
    """
    return _load(choose("data set", name, SOURCES), data_folder(folder), str(device))


def fetch(name, folder=None):
    """Download a set unless its files are all there and sound.

    Parameters
    ----------
    name : str
        A key of `SOURCES`.
    folder : path, optional
        See `data_folder`.

    Returns
    -------
    str
        One line that says where the set is.

    Raises
    ------
    UserError
        If the name is unknown, or the download fails.
    """
    source = SOURCES[choose("data set", name, SOURCES)]
    folder = data_folder(folder)
    if source.shipped:
        return f"{source.title}: needs no files, nothing to fetch."
    fault = _fault(name, folder)
    if fault and fault.mending:
        raise UserError(f"{source.title}: {fault}. {fault.mending}")
    try:
        # Whoever downloads takes any file that is there for a good one, so each damaged one is moved out of the way.
        while fault and fault.path.exists():
            fault.path.replace(fault.path.with_name(fault.path.name + ".damaged"))
            fault = _fault(name, folder)
        if fault:
            source.reader.download(folder)
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors, torchvision's RuntimeErrors
        reason = str(error).splitlines()[0]
        raise UserError(f"{source.title}: no download into {folder} ({reason}). Copy its files there by hand.") from error
    if fault := _fault(name, folder):
        raise UserError(f"{source.title}: {fault}, even after the download.")
    return f"{source.title}: ready in {folder}, {source.train_size} training and {source.test_size} test {source.samples}."


def to_be_had(runs, folder=None):
    """Runs without those on a set that is missing where another stands in for it, and without its stand-in where it is there.

    Parameters
    ----------
    runs : list of Run
    folder : path, optional
        See `data_folder`.

    Returns
    -------
    list of Run
    """
    folder, asked, left_out = data_folder(folder), {run.dataset for run in runs}, set()
    for name in asked:
        wanted = SOURCES[name].stands_in_for
        if wanted in asked:
            left_out.add(wanted if _fault(wanted, folder) else name)
    return [run for run in runs if run.dataset not in left_out]
