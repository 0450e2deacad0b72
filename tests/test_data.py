"""Data sets and their faults; augmentation against torchvision's own, image by image."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
import torchvision.transforms.functional as TF

from adaptact import UserError, data
from adaptact.data import sets


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
    for name, length in sets._IDX_LENGTH.items():
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

    monkeypatch.setitem(data.SOURCES, "mnist", replace(data.SOURCES["mnist"], torchvision=download))
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


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_real_sets(name, real_data):
    source, loaded = data.SOURCES[name], data.load(name, real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert loaded.train_images.dtype == torch.uint8
    assert torch.bincount(loaded.test_labels).tolist() == (
        [1000] * 10 if name != "mnist" else [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
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
