"""Sets for finding defects: sound images to train on, sound and faulty ones to test on, and masks of where the faults are."""

import re
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from .dataset import DataSet, Fault

SIZE = 256  # pixels, each way: the size that PaDiM and others reduce MVTec AD's photos to
WHERE = "Get it from mvtec.com/company/research/datasets/mvtec-ad and unpack it as {folder}."


@dataclass(frozen=True)
class MVTec:
    """One category of MVTec AD, as its authors' archive has it, or a reduced copy with all defects in one folder.

    Photos of any size are reduced to `SIZE` pixels each way. There is no download without the authors' form.

    Parameters
    ----------
    category : str
    train_size : int
        Sound photos to train on.
    tested : dict of str to int
        How many photos to test on are of each kind, ``good`` first; labels count from 0 in this order.
    merged : str, optional
        For a copy whose folder ``test/defect`` has the defects of all kinds, such as ``012.png`` and ``012(3).png``: by number a
        word, whose letters are the kinds of the photos without and with (1) to (4), by the initials of their last words.

    References
    ----------
    Bergmann et al. (2021), The MVTec Anomaly Detection Dataset, doi 10.1007/s11263-020-01400-4.
    """

    category: str
    train_size: int
    tested: dict
    merged: str = ""

    def check(self, folder):
        """Look whether all photos and masks are there; raises as `read` does but for damaged ones."""
        for _ in self._files(folder / "mvtec" / self.category):
            pass

    def read(self, folder):
        """The set as a DataSet with masks, from its data folder.

        Raises
        ------
        Fault
            If a folder is missing, has another number of photos, or has a file that is no photo.
        """
        train, tested, masks, labels = [], [], [], []
        for part, label, path, mask in self._files(folder / "mvtec" / self.category):
            (train if part == "train" else tested).append(self._photo(path, "RGB"))
            if part == "test":
                labels.append(label)
                masks.append(self._photo(mask, "L") > 127 if mask else np.zeros((1, SIZE, SIZE), dtype=bool))
        return DataSet(
            torch.from_numpy(np.stack(train)),
            torch.zeros(len(train), dtype=torch.int64),
            torch.from_numpy(np.stack(tested)),
            torch.tensor(labels),
            torch.from_numpy(np.concatenate(masks)),
        )

    def _files(self, top):
        """Each photo: its part, its label, its path, and that of its mask; sorted by name, for file systems list in any order."""
        parts = [("train", 0, "good", self.train_size)]
        parts += [("test", label, kind, count) for label, (kind, count) in enumerate(self.tested.items())]
        for part, label, kind, count in parts:
            one_folder = label > 0 and self.merged and (top / "test" / "defect").is_dir()
            of_kind = top / part / ("defect" if one_folder else kind)
            if not of_kind.is_dir():
                raise Fault(of_kind, "is missing", WHERE.format(folder=top))
            found = sorted((path for path in of_kind.iterdir() if path.suffix == ".png"), key=lambda path: path.name)
            if one_folder:
                found = [path for path in found if self._initial(path) == kind.rpartition("_")[2][0]]
            if len(found) != count:
                raise Fault(of_kind, f"has {len(found)} photos, {count} expected", WHERE.format(folder=top))
            for path in found:
                mask = top / "ground_truth" / kind / f"{path.stem[:3]}_mask.png" if label else None
                if mask and not mask.is_file():
                    raise Fault(mask, "is missing", WHERE.format(folder=top))
                yield part, label, path, mask

    def _initial(self, path):
        """The kind of a defect in the copy that has them all in one folder; empty where the name is none of its names."""
        name = re.fullmatch(r"(\d{3})(?:\(([1-4])\))?", path.stem)
        words = self.merged.split()
        if name is None or int(name[1]) >= len(words):
            return ""
        return words[int(name[1])][int(name[2] or 0) :][:1]

    def _photo(self, path, mode):
        """One photo as uint8, ``(channels, SIZE, SIZE)``."""
        try:
            with Image.open(path) as photo:
                image = photo.convert(mode)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on bytes that are no image
            raise Fault(path, "is damaged: no photo can be read from it", WHERE.format(folder=path.parents[2])) from error
        if image.size != (SIZE, SIZE):
            image = image.resize((SIZE, SIZE), Image.Resampling.BICUBIC if mode == "RGB" else Image.Resampling.BOX)
        values = np.asarray(image)
        return values[None] if mode == "L" else values.transpose(2, 0, 1)


SCREW = MVTec(
    "screw",
    320,
    {"good": 41, "manipulated_front": 24, "scratch_head": 24, "scratch_neck": 25, "thread_side": 23, "thread_top": 23},
    # Told from the photos and the masks, in the copy of 256 pixels of github.com/dungdao1995/SkipGanomaly-MVTECAD.
    merged="tsfnh tshfn nstfh nstfh sntfh stnhf nsthf stnfh nstfh snthf snthf tnshf nstfh ntsfh tnsfh stnfh tsnhf tsnfh nstfh "
    "ntshf tnsfh ntshf tnsfh nhf n",
)


@dataclass(frozen=True)
class MadeUp:
    """Computed grey images of a wavy texture, some of them with a scratch or a spot: no photos, to see that a path works.

    Parameters
    ----------
    train_size, test_size : int
        Of the images to test on half are sound, a quarter have a scratch, a quarter a spot.
    size : int
        Pixels each way.
    """

    train_size: int
    test_size: int
    size: int

    def check(self, folder):
        """There are no files to look at."""

    def read(self, folder):
        """The set as a DataSet with masks; the data folder is not used."""
        draw = np.random.RandomState(0)  # whose numbers are promised never to change
        row, column = np.mgrid[: self.size, : self.size]

        def texture():
            phase, tilt = draw.uniform(0, 2 * np.pi), draw.uniform(-0.2, 0.2)
            waves = np.sin(0.8 * (column + tilt * row) + phase)
            return 128 + 60 * waves + draw.normal(0, 12, waves.shape)

        def fault(label):
            at_row, at_column = draw.uniform(0.25 * self.size, 0.75 * self.size, 2)
            if label == 1:  # a scratch, two pixels wide
                slope = draw.uniform(-1, 1)
                return (abs(row - at_row - slope * (column - at_column)) < 1.5) & (abs(column - at_column) < self.size / 5)
            return (row - at_row) ** 2 + (column - at_column) ** 2 < (self.size / 12) ** 2

        train = [texture() for _ in range(self.train_size)]
        labels = [0] * (self.test_size // 2) + [1] * (self.test_size // 4) + [2] * (self.test_size // 4)
        masks = [fault(label) if label else np.zeros_like(row, dtype=bool) for label in labels]
        tested = [np.where(mask, 235.0 if label == 1 else 20.0, texture()) for label, mask in zip(labels, masks, strict=True)]
        train, tested = (torch.from_numpy(np.clip(np.stack(of)[:, None], 0, 255).astype(np.uint8)) for of in (train, tested))
        none = torch.zeros(self.train_size, dtype=torch.int64)
        return DataSet(train, none, tested, torch.tensor(labels), torch.from_numpy(np.stack(masks)))


MADE_UP = MadeUp(48, 24, 64)
