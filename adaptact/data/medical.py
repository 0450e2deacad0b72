"""Two medical sets with two classes: PatchCamelyon's tissue and PneumoniaMNIST's chest X-rays."""

import contextlib
from dataclasses import dataclass

import numpy as np
import torch

from .dataset import DataSet, Fault
from .download import download_url

BLOCK = 1_000  # patches read at a time, so that the whole set is in memory once only


@dataclass(frozen=True)
class PCam:
    """PatchCamelyon: 96 x 96 patches of lymph node sections, with tumour tissue in the middle or without.

    All 294,912 training and test patches are 8.2 GB, in each process of a sweep. Only the first ones in the files' order
    are read, as many as CIFAR-10 has images: they are 1.7 GB, and 10,000 test patches tell an accuracy to half a point.

    Parameters
    ----------
    train_size, test_size : int
        So many patches are taken.
    """

    train_size: int
    test_size: int

    published = {"train": 262_144, "test": 32_768}

    def check(self, folder):
        """Open the files and look at their shapes. Only the packed files have published checksums.

        Raises
        ------
        Fault
            If h5py is not installed, or a file is missing, truncated, or not of its published shape.
        """
        for part in self.published:
            with self._open(folder, part):
                pass

    def read(self, folder):
        """The set as a DataSet, from its data folder; raises as `check` does."""
        tensors = []
        for part, count in [("train", self.train_size), ("test", self.test_size)]:
            with self._open(folder, part) as (patches, labels):
                images = torch.empty((count, 3, 96, 96), dtype=torch.uint8)
                for first in range(0, count, BLOCK):
                    block = slice(first, min(first + BLOCK, count))
                    images[block] = torch.from_numpy(patches[block]).permute(0, 3, 1, 2)
                tensors += [images, torch.from_numpy(labels[:count].reshape(-1).astype(np.int64))]
        return DataSet(*tensors)

    def download(self, folder):
        """Download and unpack the files by torchvision, which needs gdown for it and 8 GB of memory.

        Raises
        ------
        OSError, RuntimeError
            If that fails.
        """
        from torchvision.datasets import PCAM  # here, since it takes three seconds to import and few processes need it

        for part in self.published:
            PCAM(folder, split=part, download=True)

    @contextlib.contextmanager
    def _open(self, folder, part):
        """Patches and labels of a part as they lie in their files, not yet read."""
        try:
            import h5py
        except ImportError as error:
            install = "Install it with: python -m pip install h5py gdown"
            raise Fault(folder / "pcam", "cannot be read without h5py", install) from error
        count = self.published[part]
        with contextlib.ExitStack() as opened:
            held = []
            for key, shape in [("x", (count, 96, 96, 3)), ("y", (count, 1, 1, 1))]:
                path = folder / "pcam" / f"camelyonpatch_level_2_split_{part}_{key}.h5"
                if not path.is_file():
                    raise Fault(path, "is missing")
                try:
                    held.append(opened.enter_context(h5py.File(path, "r"))[key])
                except (OSError, KeyError) as error:
                    raise Fault(path, f"is damaged: h5py cannot read {key} from it") from error
                if held[-1].shape != shape:
                    raise Fault(path, f"is damaged: {key} is of shape {held[-1].shape}, {shape} expected")
            yield held


@dataclass(frozen=True)
class Pneumonia:
    """PneumoniaMNIST: chest X-rays of children, 28 x 28, normal or with pneumonia. Its 524 validation images are not used.

    A copy with the published numbers of images and labels is accepted in whatever order; a training that uses all of it without
    drawing a new order each epoch then gives slightly other numbers.

    Parameters
    ----------
    train, test : tuple of int
        How many images are of each class.
    """

    train: tuple = (1_214, 3_494)
    test: tuple = (234, 390)

    file = "medmnist/pneumoniamnist.npz"
    # Both from INFO of the medmnist package, medmnist/info.py, version 3.0.2.
    url = "https://zenodo.org/records/10519652/files/pneumoniamnist.npz?download=1"
    md5 = "28209eda62fecd6e6a2d98b1501bb15f"

    def check(self, folder):
        """Read the file; raises as `read` does."""
        self.read(folder)

    def read(self, folder):
        """The set as a DataSet, from its data folder.

        Raises
        ------
        Fault
            If the file is missing, truncated, or has other numbers of images.
        """
        path, tensors = folder / self.file, []
        if not path.is_file():
            raise Fault(path, "is missing")
        for part, expected in [("train", self.train), ("test", self.test)]:
            try:
                with np.load(path) as arrays:
                    images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"].reshape(-1).astype(np.int64)
            except Exception as error:  # whatever numpy and zipfile may meet in damaged bytes
                raise Fault(path, f"is damaged: numpy cannot read {part}_images from it") from error
            if images.shape != (sum(expected), 28, 28) or images.dtype != np.uint8:
                raise Fault(path, f"is damaged: {part}_images is {images.dtype} of shape {images.shape}")
            found = tuple(int((labels == label).sum()) for label in range(len(expected)))
            if found != expected or len(labels) != len(images):
                raise Fault(path, f"is damaged: {part}_labels has {found} images of the two classes, {expected} expected")
            tensors += [torch.from_numpy(images[:, None]), torch.from_numpy(labels)]
        return DataSet(*tensors)

    def download(self, folder):
        """Download the file.

        Raises
        ------
        OSError, RuntimeError
            If that fails, or what comes is not the published file.
        """
        path = folder / self.file
        download_url(self.url, path.parent, path.name, self.md5)
