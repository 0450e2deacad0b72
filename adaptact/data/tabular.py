"""Tables of measurements with a class for each row: three that scikit-learn ships, and CSV files; what all tables share."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from .dataset import Fault, parted
from .download import download_url

# Jason Brownlee's copies of four tables of the UCI Machine Learning Repository: no header, the class last.
URL = "https://raw.githubusercontent.com/jbrownlee/Datasets/master"


@dataclass(frozen=True)
class Shipped:
    """A table that scikit-learn ships.

    Parameters
    ----------
    loader : str
        The function of `sklearn.datasets` that gives it.
    test_size : int
        So many rows are for testing; see `parted`.
    numeric : bool, default False
        Whether its labels are numbers and not classes.
    """

    loader: str
    test_size: int
    numeric: bool = False

    def check(self, folder):
        """There are no files to look at."""

    def read(self, folder):
        """The set as a DataSet; the data folder is not used."""
        from sklearn import datasets

        features, labels = getattr(datasets, self.loader)(return_X_y=True)
        return table(features, labels, self.test_size, np.float32 if self.numeric else np.int64)


@dataclass(frozen=True)
class Csv:
    """A table in a file.

    Parameters
    ----------
    file : str
        Its name.
    features : int
        Columns before the class.
    classes : dict of str to int
        How many rows are of each class, by what the last column says; labels count from 0 in this order.
    test_size : int
        So many rows are for testing; see `parted`.
    sha256 : str
        Of the file with a line feed at the end of each line: git may have put others there.
    folder : str, default "tabular"
        The folder that it is in, inside the data folder.
    """

    file: str
    features: int
    classes: dict
    test_size: int
    sha256: str
    folder: str = "tabular"

    def check(self, folder):
        """Read the file; raises as `read` does."""
        self.read(folder)

    def read(self, folder):
        """The set as a DataSet, from its data folder.

        Raises
        ------
        Fault
            If the file is missing, truncated, or altered.
        """
        features, labels = self.rows(folder)
        return table(features, labels, self.test_size)

    def rows(self, folder):
        """Features, ``(rows, features)``, and labels of all rows as arrays; raises as `read` does."""
        import pandas as pd  # here, since it takes a second to import and few sets need it

        path = folder / self.folder / self.file
        frame = read_frame(path, (sum(self.classes.values()), self.features + 1), header=None, dtype={self.features: str})
        values = frame.iloc[:, :-1].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values).all(axis=1))) + 1
            raise Fault(path, f"is damaged: row {row} has something else than finite numbers")
        found = {name: int((frame[self.features] == name).sum()) for name in self.classes}
        if found != self.classes:
            raise Fault(path, f"is damaged: its rows of each class are {_words(found)}; {_words(self.classes)} expected")
        be_published(path, self.sha256)
        return values, frame[self.features].map(list(self.classes).index).to_numpy(np.int64)

    def download(self, folder):
        """Download the file; whether it is as published is seen when it is read.

        Raises
        ------
        OSError, RuntimeError
            If that fails.
        """
        download_url(f"{URL}/{self.file}", folder / self.folder, self.file)


BANKNOTE = Csv(
    "banknote_authentication.csv",
    4,
    {"0": 762, "1": 610},
    274,
    "564ac22b61d87388b1662adee2867e5d382aae78afb0bf5d6745c1a843174b8e",
)
SONAR = Csv("sonar.csv", 60, {"R": 97, "M": 111}, 42, "3079c09b5d2789a0f96aff82c28e5164fafe2495c5f8da96c6c256c1bd25763f")
IONOSPHERE = Csv("ionosphere.csv", 34, {"b": 126, "g": 225}, 70, "fd6dd7864b55d56dac0a1e6e24af9ccc35bf2555ac79af8ab9f3d1daa065ab83")
WHEAT = Csv(
    "wheat-seeds.csv",
    7,
    {"1": 70, "2": 70, "3": 70},
    42,
    "8dbd1853a4439afc113cfe07f290422c7ce3fe48745d71f3f7eaa027cd38fd6e",
)


def read_frame(path, shape, **options):
    """A file as a pandas.DataFrame.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Its rows and columns.
    **options
        Of `pandas.read_csv`.

    Raises
    ------
    Fault
        If it is missing, cannot be read, or is of another shape.
    """
    import pandas as pd  # here, since it takes a second to import and few sets need it

    if not path.is_file():
        raise Fault(path, "is missing")
    try:
        frame = pd.read_csv(path, **options)
    except Exception as error:  # whatever pandas may meet in damaged bytes
        raise Fault(path, "is damaged: pandas cannot read a table from it") from error
    if frame.shape != shape:
        raise Fault(path, "is damaged: it has {} rows of {} columns, {} of {} expected".format(*frame.shape, *shape))
    return frame


def be_published(path, sha256):
    """Raise a Fault unless a file has the sha256 of the published one, with a line feed at the end of each line."""
    if hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() != sha256:
        raise Fault(path, "is damaged: its sha256 is not the published one")


def table(features, labels, test_size, kind=np.int64):
    """Rows as images of one line, since networks and loop take ``(N, channels, rows, columns)``."""
    rows = torch.from_numpy(np.array(features, dtype=np.float32))[:, None, None]
    return parted(rows, torch.from_numpy(np.array(labels, dtype=kind)), test_size)


def _words(counts):
    return ", ".join(f"{count} of {name}" for name, count in counts.items())
