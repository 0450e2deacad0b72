"""Sets of photos, one folder a class, as square colour images of one size."""

import contextlib
import hashlib
import io
import json
from dataclasses import dataclass

import numpy as np
import PIL
import torch
from PIL import Image, ImageOps

from ..errors import UserError
from .dataset import Fault, parted
from .download import download_url, extract_archive

SIZE = 96  # pixels, each way


@dataclass(frozen=True)
class Photos:
    """A folder of photos, with one folder a class in it.

    Photos of any size have the middle square cut out, which is reduced to `SIZE` pixels. This takes long, so the images are
    kept in a file in the same folder, and made anew once a photo has come, gone or changed.

    Parameters
    ----------
    folder : str
        Its name in the data folder.
    classes : dict of str to int
        How many photos are in each class; labels count from 0 in this order.
    test_size : int
        So many are for testing; see `parted`.
    url, sha256 : str, optional
        The published archive. Without one, the photos must have their size already.
    mending : str, optional
        What a user can do where there is no archive to download.
    """

    folder: str
    classes: dict
    test_size: int
    url: str | None = None
    sha256: str | None = None
    mending: str | None = None

    def check(self, folder):
        """Read the photos, or what is kept of them.

        Raises
        ------
        Fault
            If a class is missing, has another number of photos, or has a file that is no photo.
        """
        self._images(folder)

    def read(self, folder):
        """The set as a DataSet, from its data folder; raises as `check` does."""
        labels = torch.repeat_interleave(torch.tensor(list(self.classes.values())))
        return parted(self._images(folder), labels, self.test_size)

    def download(self, folder):
        """Download the archive, unless it lies in the data folder, and unpack it.

        Raises
        ------
        OSError, RuntimeError
            If that fails, or what comes is not the published file.
        """
        archive = folder / f"{self.folder}.tgz"
        if not self._is_published(archive):
            archive.unlink(missing_ok=True)
            download_url(self.url, folder, archive.name)
            if not self._is_published(archive):
                raise RuntimeError(f"{archive.name} is damaged: its sha256 is not the published one")
        extract_archive(archive, folder)

    def _is_published(self, archive):
        if not archive.is_file():
            return False
        with open(archive, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256

    def _files(self, folder):
        """The photos' paths, class by class, sorted by name, for file systems list them in any order."""
        files = []
        for name, expected in self.classes.items():
            of_class = folder / self.folder / name
            if not of_class.is_dir():
                raise Fault(of_class, "is missing", self.mending)
            found = sorted((path for path in of_class.iterdir() if path.suffix == ".jpg"), key=lambda path: path.name)
            if len(found) != expected:
                raise Fault(of_class, f"has {len(found)} photos, {expected} expected", self.mending)
            files += found
        return files

    def _images(self, folder):
        files = self._files(folder)
        if self.url is None:  # small ones: reading them all takes a second or two
            return torch.from_numpy(np.stack([self._image(path) for path in files]))
        kept, mark = folder / self.folder / f"{SIZE}x{SIZE}.npz", _fingerprint(files)
        with contextlib.suppress(Exception), np.load(kept) as arrays:  # there is none, or whatever is met in damaged bytes
            if str(arrays["fingerprint"]) == mark:
                return torch.from_numpy(arrays["images"])
        images = np.stack([self._image(path) for path in files])
        _keep(kept, images, mark)
        return torch.from_numpy(images)

    def _image(self, path):
        """One photo as uint8, ``(3, SIZE, SIZE)``."""
        try:
            with Image.open(path) as photo:
                image = photo.convert("RGB")
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on bytes that are no image
            raise Fault(path, "is damaged: no photo can be read from it", self.mending) from error
        if self.url is None and image.size != (SIZE, SIZE):
            columns, rows = image.size
            raise Fault(path, f"has {columns} x {rows} pixels, {SIZE} x {SIZE} expected", self.mending)
        # Pillow's bicubic filter takes in all pixels that a smaller one covers. A photo of this size stays as it is.
        return np.asarray(ImageOps.fit(image, (SIZE, SIZE), Image.Resampling.BICUBIC)).transpose(2, 0, 1)


def _fingerprint(files):
    """What changes when a photo comes, goes or changes, or another Pillow decodes them, perhaps with other last digits."""
    seen = [(path.parent.name, path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(json.dumps([PIL.__version__, SIZE, seen]).encode()).hexdigest()


def _keep(path, images, mark):
    from ..records import write_atomically  # here, since records know the data sets

    buffer = io.BytesIO()
    np.savez(buffer, images=images, fingerprint=mark)
    with contextlib.suppress(UserError):  # where the folder cannot be written, the photos are reduced each time
        write_atomically(path, buffer.getbuffer())


# The checksum is TensorFlow Datasets', in tensorflow_datasets/datasets/tf_flowers/checksums.tsv, for 228,813,984 bytes.
FLOWERS = Photos(
    folder="flower_photos",
    classes={"daisy": 633, "dandelion": 898, "roses": 641, "sunflowers": 699, "tulips": 799},
    test_size=734,
    url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
    sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
)

# Kaggle's "flowers recognition", reduced, has many of the same photos. Six of its images are there twice, four of them as two
# classes. Nobody publishes a checksum.
FLOWERS_96 = Photos(
    folder="flowers",
    classes={"daisy": 742, "dandelion": 1016, "rose": 759, "sunflower": 694, "tulip": 853},
    test_size=813,
    mending="There is no download: copy data/flowers of github.com/JoelOscarsson/dl-assignment there, or use the set flowers.",
)
