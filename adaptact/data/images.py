"""Sets of small images: scikit-learn's digits, and those that torchvision downloads."""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from .dataset import DataSet, Fault, parted


@dataclass(frozen=True)
class Digits:
    """scikit-learn's 1,797 digits, enlarged from 8x8 to MNIST's 28x28 so that the papers' networks take them."""

    def check(self, folder):
        """There are no files to look at."""

    def read(self, folder):
        """The set as a DataSet; the data folder is not used."""
        from sklearn.datasets import load_digits  # here, since it takes two seconds to import and few sets need it

        digits = load_digits()
        small = torch.from_numpy(digits.images[:, None].astype(np.float32) * (255 / 16))
        images = torch.nn.functional.interpolate(small, size=(28, 28), mode="bilinear").round().to(torch.uint8)
        return parted(images, torch.from_numpy(digits.target.astype(np.int64)), 360)


@dataclass(frozen=True)
class Torchvision:
    """A set of images that torchvision downloads and reads.

    Parameters
    ----------
    name : str
        Of its class in `torchvision.datasets`.
    files : dict of str to str
        By a path in the data folder, the md5 of the unpacked file; None where it is not known.
    """

    name: str
    files: dict

    @property
    def torchvision(self):
        """The class."""
        from torchvision import datasets  # here, since it takes three seconds to import and few processes need it

        return getattr(datasets, self.name)

    def check(self, folder):
        """Compare the files with the published ones.

        Raises
        ------
        Fault
            If one is missing, truncated, or altered.
        """
        for path, md5 in self.files.items():
            file = folder / path
            if not file.is_file():
                raise Fault(file, "is missing")
            length = IDX_LENGTH.get(file.name)
            if length is not None and file.stat().st_size != length:
                raise Fault(file, f"is damaged: {file.stat().st_size} bytes, {length} expected")
            if md5 is not None and hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest() != md5:
                raise Fault(file, "is damaged: its md5 is not the published one")

    def read(self, folder):
        """The set as a DataSet, from its data folder; raises as `check` does."""
        self.check(folder)
        tensors = []
        for train in (True, False):
            part = self.torchvision(folder, train=train)
            images = torch.as_tensor(part.data)
            images = images[:, None] if images.dim() == 3 else images.permute(0, 3, 1, 2)
            tensors += [images.contiguous(), torch.as_tensor(part.targets, dtype=torch.int64)]
        return DataSet(*tensors)

    def download(self, folder):
        """Download and unpack the files.

        Raises
        ------
        OSError, RuntimeError
            If that fails.
        """
        self.torchvision(folder, download=True)


@dataclass(frozen=True)
class SplitTestImages(Torchvision):
    """The test images of a set alone, parted by class into 8,000 to train on and 2,000 to test."""

    def read(self, folder):
        """The set as a DataSet, from its data folder; raises as `check` does."""
        from torchvision.datasets import mnist  # torchvision's own class asks for the training files too

        self.check(folder)
        images, labels = (str(folder / path) for path in self.files)
        return parted(mnist.read_image_file(images)[:, None], mnist.read_label_file(labels), 2_000)


# torchvision knows the md5 of the packed MNIST files only, and looks no more once they are unpacked. The md5 of
# KMNIST's training images is not at hand: None means that only the length is checked.
_IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IDX_LENGTH = dict(zip(_IDX, (47_040_016, 60_008, 7_840_016, 10_008), strict=True))


def _idx_files(folder, *md5s):
    return {f"{folder}/raw/{name}": md5 for name, md5 in zip(_IDX, md5s, strict=True)}


MNIST = Torchvision(
    "MNIST",
    _idx_files(
        "MNIST",
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
)
FASHION_MNIST = Torchvision(
    "FashionMNIST",
    _idx_files(
        "FashionMNIST",
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
)
KMNIST = Torchvision(
    "KMNIST",
    _idx_files(
        "KMNIST",
        None,
        "949e75301f8813e0dc5800dcc320fc52",
        "bf305b8cd328700fbc17f5acbc2856d2",
        "9f55f451c0988b028eccdf7d5cc265ab",
    ),
)
KMNIST_SPLIT = SplitTestImages("KMNIST", dict(list(KMNIST.files.items())[2:]))
CIFAR10 = Torchvision(
    "CIFAR10",
    {
        "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
        "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
        "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
        "cifar-10-batches-py/batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)
