"""LIBRAS Movement: hand movements of Brazilian sign language as sequences of points."""

import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .dataset import parted
from .download import download_url
from .tabular import Csv

URL = "https://archive.ics.uci.edu/static/public/181/libras+movement.zip"
IN_ZIP = "movement_libras.data"


@dataclass(frozen=True)
class Paths(Csv):
    """A file in which a row is the path of a hand in a video: x and y in turn at each step, both from 0 to 1, then the class.

    Some rows of LIBRAS Movement (doi 10.24432/C5GC82) are exact copies of others. Each path is taken once, where it comes
    first, so that none is both trained on and tested on.
    """

    folder: str = "sequences"

    def read(self, folder):
        """The set as a DataSet, ``(N, 1, steps, 2)``, from its data folder; faults as those of `Csv`."""
        values, labels = self.rows(folder)
        first = np.sort(np.unique(values, axis=0, return_index=True)[1])
        points = torch.from_numpy(values[first].astype(np.float32)).view(len(first), 1, -1, 2)
        return parted(points, torch.from_numpy(labels[first]), self.test_size)

    def download(self, folder):
        """Download the archive of the UCI repository and take the file out of it.

        Raises
        ------
        OSError, RuntimeError
            If that fails.
        """
        path = folder / self.folder / self.file
        with tempfile.TemporaryDirectory() as packed:
            download_url(URL, packed, "libras.zip")
            try:
                with zipfile.ZipFile(Path(packed) / "libras.zip") as archive:
                    (name,) = [name for name in archive.namelist() if name.rpartition("/")[2] == IN_ZIP]
                    content = archive.read(name)
            except (zipfile.BadZipFile, ValueError) as error:
                raise OSError(f"{URL} gives no archive with one {IN_ZIP}") from error
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


LIBRAS = Paths(
    "libras_movement.csv",
    90,
    {str(number): 24 for number in range(1, 16)},
    75,
    "f5632d747520251a0acc2740d8b5f4188c24c7ac3d9dbe478477ef6c2f444522",
)
DISTINCT = 330  # rows of LIBRAS without those that are copies
