"""Data sets and their faults; augmentation against torchvision's own, image by image."""

import struct
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as TF
from torchvision import datasets

from adaptact import UserError, data
from adaptact.data import sets
from adaptact.data.images import IDX_LENGTH
from adaptact.experiments import get


def test_digits_need_no_files_and_have_the_announced_sizes():
    source, digits = data.SOURCES["digits"], data.load("digits")
    assert digits.train_images.shape == (source.train_size, *source.in_shape)
    assert digits.test_images.shape == (source.test_size, *source.in_shape)
    assert digits.train_images.dtype == torch.uint8
    assert digits.train_images.max() == 255
    assert set(digits.test_labels.tolist()) == set(range(10))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 96, 96)])
def test_augmentation_is_torchvisions_flip_and_affine_shift(shape):
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (64, *shape), dtype=torch.uint8, generator=generator)
    flips, shifts = data.draw(64, shape, generator)
    assert flips.any()
    assert not flips.all()
    assert (shifts != 0).any()
    ours = data.apply(images, flips, shifts)
    for image, flip, (down, right), got in zip(images, flips, shifts.tolist(), ours, strict=True):
        plain = TF.hflip(image) if flip else image
        plain = TF.affine(plain, angle=0.0, translate=[right, down], scale=1.0, shear=[0.0, 0.0])
        assert torch.equal(got, plain)


def test_shifts_are_rounded_uniform_not_uniform_over_the_integers():
    _, shifts = data.draw(200_000, (1, 28, 28), torch.Generator().manual_seed(0))
    shares = {shift: count / shifts.numel() for shift, count in Counter(shifts.flatten().tolist()).items()}
    assert set(shares) == {-3, -2, -1, 0, 1, 2, 3}
    for shift, share in shares.items():
        assert share == pytest.approx(0.0536 if abs(shift) == 3 else 1 / 5.6, abs=0.003)


def _fake_mnist(folder):
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, length in IDX_LENGTH.items():
        (raw / name).write_bytes(bytes(length))
    return raw


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()


def test_missing_truncated_and_altered_files_end_in_one_line_with_the_mending_command(tmp_path):
    def message():
        with pytest.raises(UserError) as error:
            data.load("mnist", tmp_path)
        assert "\n" not in str(error.value)
        assert str(error.value).startswith(f"MNIST: {tmp_path}")
        assert f"python -m adaptact data mnist --data {tmp_path}" in str(error.value)
        return str(error.value)

    assert "is missing" in message()
    raw = _fake_mnist(tmp_path)
    assert "md5" in message()
    (raw / "train-images-idx3-ubyte").write_bytes(b"short")
    assert "5 bytes, 47040016 expected" in message()


def test_fetch_moves_damaged_files_aside_and_downloads(tmp_path, monkeypatch):
    raw = _fake_mnist(tmp_path)
    asked = []

    def download(root, download):
        asked.append(root)
        raise RuntimeError("Error downloading\nsecond line")

    monkeypatch.setattr(datasets, "MNIST", download)
    with pytest.raises(UserError) as error:
        data.fetch("mnist", tmp_path)
    assert asked == [tmp_path]
    assert "\n" not in str(error.value)
    assert "Error downloading" in str(error.value)
    assert (raw / "train-images-idx3-ubyte.damaged").exists()


def test_unknown_set_and_default_folder(monkeypatch):
    with pytest.raises(UserError, match=r"Did you mean 'mnist'\? Choose from: digits, mnist"):
        data.load("mnists")
    monkeypatch.setenv("ADAPTACT_DATA", "/some/where")
    assert str(data.data_folder()) == "/some/where"
    assert str(data.data_folder("here")) == "here"
    monkeypatch.delenv("ADAPTACT_DATA")
    assert str(data.data_folder()) == "data"


@pytest.fixture
def kmnist(tmp_path, monkeypatch):
    """A folder with made-up test files of KMNIST and nothing else: image i says i in its first two pixels, its class is i % 10."""
    source = data.SOURCES["kmnist_split"]
    unknown = replace(source.reader, files=dict.fromkeys(source.reader.files))  # of no known md5
    monkeypatch.setitem(data.SOURCES, "kmnist_split", replace(source, reader=unknown))
    raw, numbers = tmp_path / "KMNIST" / "raw", np.arange(10_000)
    raw.mkdir(parents=True)
    images = np.zeros((10_000, 28 * 28), np.uint8)
    images[:, 0], images[:, 1] = numbers // 256, numbers % 256
    (raw / "t10k-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 10_000, 28, 28) + images.tobytes())
    (raw / "t10k-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 10_000) + (numbers % 10).astype(np.uint8).tobytes())
    return tmp_path


def test_the_split_of_kmnist_parts_its_test_images_by_class_always_alike(kmnist):
    split, source = data.load("kmnist_split", kmnist), data.SOURCES["kmnist_split"]
    assert split.train_images.shape == (source.train_size, *source.in_shape) == (8_000, 1, 28, 28)
    assert split.test_images.shape == (source.test_size, *source.in_shape) == (2_000, 1, 28, 28)
    assert (split.train_images.dtype, split.train_labels.dtype) == (torch.uint8, torch.int64)
    numbers = []
    for images, labels, size in ((split.train_images, split.train_labels, 800), (split.test_images, split.test_labels, 200)):
        numbers.append((images[:, 0, 0, 0].int() * 256 + images[:, 0, 0, 1]).tolist())
        assert [number % 10 for number in numbers[-1]] == labels.tolist(), "an image keeps its label"
        assert torch.bincount(labels).tolist() == [size] * 10
    assert sorted(numbers[0] + numbers[1]) == list(range(10_000))
    assert (numbers[0][:4], numbers[1][:4]) == ([5200, 3418, 767, 3526], [5722, 7281, 940, 4896]), "records rest on this split"
    sets._load.cache_clear()
    assert torch.equal(data.load("kmnist_split", kmnist).test_images, split.test_images)


def test_a_split_without_its_files_says_how_to_get_them(kmnist):
    (kmnist / "KMNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        UserError, match=r"^KMNIST, test images split: .*t10k-labels-idx1-ubyte is missing\. Fetch it with: "
    ) as error:
        data.load("kmnist_split", kmnist)
    assert str(error.value).endswith(f" Fetch it with: python -m adaptact data kmnist_split --data {kmnist}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("missing", "left_out"), [(["kmnist"], "kmnist"), ([], "kmnist_split"), (["mnist"], "kmnist_split")])
def test_a_set_and_what_stands_in_for_it_are_not_both_run(missing, left_out, monkeypatch):
    monkeypatch.setattr(sets, "_fault", lambda name, folder: ("a file", "is missing") if name in missing else None)
    runs = get("weighted_sum/table-1").runs("laptop", [42, 100])
    assert data.to_be_had(runs) == [run for run in runs if run.dataset != left_out]
    alone = [[run for run in runs if run.dataset != name] for name in ("kmnist", "kmnist_split")]
    for unpaired in (*alone, get("leaf/table-4").runs("laptop"), get("weighted_sum/table-1").runs("smoke"), []):
        assert data.to_be_had(unpaired) == unpaired


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist_split", "cifar10"])
def test_real_sets(name, real_data):
    source, loaded = data.SOURCES[name], data.load(name, real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert loaded.train_images.dtype == torch.uint8
    mnist = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert torch.bincount(loaded.test_labels).tolist() == (mnist if name == "mnist" else [source.test_size // 10] * 10)
    assert data.fetch(name, real_data).endswith("test images.")


def test_real_truncated_cifar(tmp_path, real_data):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for path in (real_data / "cifar-10-batches-py").iterdir():
        (folder / path.name).symlink_to(path)
    assert data.load("cifar10", tmp_path).train_images.shape == (50_000, 3, 32, 32)
    sets._load.cache_clear()
    batch = folder / "data_batch_3"
    whole = batch.read_bytes()
    batch.unlink()
    batch.write_bytes(whole[:-1])
    with pytest.raises(UserError, match=r"CIFAR-10: .*data_batch_3 is damaged.*adaptact data cifar10"):
        data.load("cifar10", tmp_path)
