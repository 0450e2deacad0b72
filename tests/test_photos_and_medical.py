"""The sets that torchvision does not hold as images: flowers, PatchCamelyon, PneumoniaMNIST, and their faults."""

import hashlib
import io
import sys
import tarfile
import types
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from adaptact import Run, UserError, data
from adaptact.data import medical, photos, sets

RANDOM = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _forget_loaded_sets():
    sets._load.cache_clear()


def use(monkeypatch, name, **changes):
    """Make a set small enough for a test: give its source another reader."""
    reader = replace(data.SOURCES[name].reader, **changes)
    monkeypatch.setitem(data.SOURCES, name, replace(data.SOURCES[name], reader=reader))
    return reader


def message(name, folder, act=data.load):
    """The one line that a fault ends in."""
    sets._load.cache_clear()
    with pytest.raises(UserError) as error:
        act(name, folder)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{data.SOURCES[name].title}: ")
    return str(error.value)


def picture(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RANDOM.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path, quality=95)


@pytest.fixture
def flowers(tmp_path, monkeypatch):
    """Ten photos of two classes, wide, high and square, in a folder of their own."""
    use(monkeypatch, "flowers", classes={"daisy": 4, "roses": 6}, test_size=2)
    for number in range(10):
        name = f"flower_photos/{'daisy' if number < 4 else 'roses'}/{9 - number}.jpg"
        picture(tmp_path / name, [(150, 120), (100, 230), (96, 96)][number % 3])
    return tmp_path


def test_photos_are_reduced_once_and_parted_by_class(flowers, monkeypatch):
    loaded = data.load("flowers", flowers)
    assert loaded.train_images.shape == (8, 3, 96, 96)
    assert loaded.train_images.dtype == torch.uint8
    assert torch.bincount(loaded.train_labels).tolist() == [3, 5]
    assert torch.bincount(loaded.test_labels).tolist() == [1, 1]
    sets._load.cache_clear()
    monkeypatch.setattr(photos.Photos, "_image", None)  # what is kept serves now
    again = data.load("flowers", flowers)
    assert torch.equal(again.train_images, loaded.train_images)
    assert torch.equal(again.test_labels, loaded.test_labels)


def test_of_a_photo_the_middle_is_taken_and_pixels_are_averaged():
    wide = np.zeros((192, 400, 3), dtype=np.uint8)
    wide[:, 104:296, 0] = 200  # the middle square
    wide[::2, :, 1] = 100  # rows that a filter without averaging would keep or drop as a whole
    middle = photos.FLOWERS._image(saved(wide))
    assert middle.shape == (3, 96, 96)
    assert np.abs(middle[0, 5:-5, 5:-5].astype(int) - 200).max() <= 2
    assert np.abs(middle[1, 5:-5, 5:-5].astype(int) - 50).max() <= 2
    exact = RANDOM.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    assert (photos.FLOWERS._image(saved(exact)) == exact.transpose(2, 0, 1)).all()


def saved(array):
    Image.fromarray(array).save(file := io.BytesIO(), "png")
    file.seek(0)
    return file


def test_what_is_kept_of_photos_is_made_anew_when_it_or_a_photo_has_changed(flowers):
    before, kept = data.load("flowers", flowers), flowers / "flower_photos" / "96x96.npz"
    whole = kept.read_bytes()
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 1
    for content in (bytes(altered), whole[:-100], b"", b"no archive"):
        kept.write_bytes(content)
        sets._load.cache_clear()
        assert torch.equal(data.load("flowers", flowers).train_images, before.train_images)
        assert np.load(kept)["fingerprint"] == np.load(io.BytesIO(whole))["fingerprint"]
    for number in range(6):
        picture(flowers / "flower_photos" / "roses" / f"{number}.jpg", (97, 96))
    sets._load.cache_clear()
    assert not torch.equal(data.load("flowers", flowers).train_images, before.train_images)


def test_faults_of_photos_are_one_line_with_the_mending_command(flowers):
    roses = flowers / "flower_photos" / "roses"
    mending = f". Fetch it with: python -m adaptact data flowers --data {flowers}"
    (roses / "3.jpg").write_bytes((roses / "3.jpg").read_bytes()[:900])
    assert f"{roses / '3.jpg'} is damaged: no photo can be read from it{mending}" in message("flowers", flowers)
    (roses / "3.jpg").write_text("no image")
    assert "is damaged: no photo can be read" in message("flowers", flowers)
    (roses / "3.jpg").unlink()
    assert f"{roses} has 5 photos, 6 expected{mending}" in message("flowers", flowers)
    roses.rename(flowers / "elsewhere")
    assert f"{roses} is missing{mending}" in message("flowers", flowers)


def test_photos_are_fetched_from_an_archive_with_the_published_checksum(flowers, monkeypatch):
    archive, published = flowers / "flower_photos.tgz", flowers / "published.tgz"
    with tarfile.open(published, "w:gz") as tar:
        tar.add(flowers / "flower_photos", "flower_photos")
    before = data.load("flowers", flowers)
    monkeypatch.setattr(photos, "download_url", lambda url, root, name: (root / name).write_bytes(b"an error page"))
    (flowers / "flower_photos" / "roses" / "3.jpg").write_text("no image")
    assert "(flower_photos.tgz is damaged: its sha256 is not the published one)" in message("flowers", flowers, data.fetch)
    use(monkeypatch, "flowers", sha256=hashlib.sha256(published.read_bytes()).hexdigest())
    monkeypatch.setattr(photos, "download_url", lambda url, root, name: (root / name).write_bytes(published.read_bytes()))
    assert data.fetch("flowers", flowers).startswith("TensorFlow flowers: ready in")
    assert archive.exists()
    assert (flowers / "flower_photos" / "roses.damaged").is_dir()
    sets._load.cache_clear()
    assert torch.equal(data.load("flowers", flowers).train_images, before.train_images)


def test_copies_must_have_their_size_and_have_no_download(tmp_path, monkeypatch):
    use(monkeypatch, "flowers_96", classes={"daisy": 2, "rose": 2}, test_size=2)
    for name in ("daisy/1", "daisy/2", "rose/1", "rose/2"):
        picture(tmp_path / "flowers" / f"{name}.jpg", (96, 96))
    assert data.load("flowers_96", tmp_path).test_labels.tolist() in ([0, 1], [1, 0])
    odd = tmp_path / "flowers" / "rose" / "2.jpg"
    picture(odd, (80, 96))
    for act in (data.load, data.fetch):
        assert f"{odd} has 80 x 96 pixels, 96 x 96 expected. There is no download: " in message("flowers_96", tmp_path, act)
    assert odd.exists()


def pneumonia(folder, **changes):
    arrays = {}
    for part, labels in [("train", [0, 1, 1]), ("val", [1]), ("test", [1, 0])]:
        arrays[f"{part}_images"] = RANDOM.integers(0, 256, (len(labels), 28, 28), dtype=np.uint8)
        arrays[f"{part}_labels"] = np.array(labels, dtype=np.uint8)[:, None]
    (folder / "medmnist").mkdir(exist_ok=True)
    arrays = {name: array for name, array in (arrays | changes).items() if array is not None}
    np.savez(folder / "medmnist" / "pneumoniamnist.npz", **arrays)
    return arrays


def test_pneumonia_and_its_faults(tmp_path, monkeypatch):
    use(monkeypatch, "pneumonia", train=(1, 2), test=(1, 1))
    path = tmp_path / "medmnist" / "pneumoniamnist.npz"
    mending = f"Fetch it with: python -m adaptact data pneumonia --data {tmp_path}"
    assert f"{path} is missing. {mending}" in message("pneumonia", tmp_path)
    arrays, loaded = pneumonia(tmp_path), data.load("pneumonia", tmp_path)
    assert loaded.train_labels.tolist() == [0, 1, 1]
    assert torch.equal(loaded.test_images[:, 0], torch.from_numpy(arrays["test_images"]))
    pneumonia(tmp_path, train_images=arrays["train_images"][:2])
    assert f"is damaged: train_images is uint8 of shape (2, 28, 28). {mending}" in message("pneumonia", tmp_path)
    pneumonia(tmp_path, test_labels=np.array([[1], [2]]))
    assert "is damaged: test_labels has (0, 1) images of the two classes, (1, 1) expected" in message("pneumonia", tmp_path)
    pneumonia(tmp_path, test_images=None)
    assert "is damaged: numpy cannot read test_images from it" in message("pneumonia", tmp_path)
    path.write_bytes(path.read_bytes()[:-50])
    assert "is damaged: numpy cannot read train_images from it" in message("pneumonia", tmp_path)
    monkeypatch.setattr(medical, "download_url", lambda url, root, name, md5: pneumonia(root.parent))
    assert data.fetch("pneumonia", tmp_path).startswith("PneumoniaMNIST: ready in")
    assert path.with_name(path.name + ".damaged").exists()


@pytest.fixture
def pcam(tmp_path, monkeypatch):
    """Seven training and five test patches in files that numpy can read, and an h5py that asks numpy."""

    def read(path, mode):
        try:
            return nullcontext(np.load(path))
        except ValueError as error:
            raise OSError(f"Unable to open file\n{error}") from error

    monkeypatch.setitem(sys.modules, "h5py", types.SimpleNamespace(File=read))
    monkeypatch.setattr(medical, "BLOCK", 2)
    monkeypatch.setattr(medical.PCam, "published", {"train": 7, "test": 5})
    use(monkeypatch, "pcam", train_size=5, test_size=3)
    (tmp_path / "pcam").mkdir()
    for part, count in [("train", 7), ("test", 5)]:
        for key, shape in [("x", (count, 96, 96, 3)), ("y", (count, 1, 1, 1))]:
            with open(tmp_path / "pcam" / f"camelyonpatch_level_2_split_{part}_{key}.h5", "wb") as file:
                np.savez(file, **{key: RANDOM.integers(0, 256 if key == "x" else 2, shape, dtype=np.uint8)})
    return tmp_path


def test_of_patches_the_first_are_taken(pcam):
    loaded = data.load("pcam", pcam)
    for part, count in [("train", 5), ("test", 3)]:
        patches, labels = (np.load(pcam / "pcam" / f"camelyonpatch_level_2_split_{part}_{key}.h5")[key][:count] for key in "xy")
        assert torch.equal(getattr(loaded, f"{part}_images"), torch.from_numpy(patches).permute(0, 3, 1, 2))
        assert getattr(loaded, f"{part}_labels").tolist() == labels.reshape(-1).tolist()
    assert data.fetch("pcam", pcam).startswith("PatchCamelyon, first 50,000: ready in")


def test_faults_of_patches_and_a_missing_h5py(pcam, monkeypatch):
    mending = f"Fetch it with: python -m adaptact data pcam --data {pcam}"
    path = pcam / "pcam" / "camelyonpatch_level_2_split_test_y.h5"
    with open(path, "wb") as file:
        np.savez(file, y=np.zeros((4, 1, 1, 1)))
    assert f"{path} is damaged: y is of shape (4, 1, 1, 1), (5, 1, 1, 1) expected. {mending}" in message("pcam", pcam)
    path.write_text("half a file")
    assert f"{path} is damaged: h5py cannot read y from it. {mending}" in message("pcam", pcam)

    def download(root, split, download):
        raise RuntimeError("To download files from GDrive, 'gdown' is required.")

    monkeypatch.setattr("torchvision.datasets.PCAM", download)
    assert "'gdown' is required." in message("pcam", pcam, data.fetch)
    assert f"{path} is missing. {mending}" in message("pcam", pcam)
    monkeypatch.setitem(sys.modules, "h5py", None)
    for act in (data.load, data.fetch):
        assert message("pcam", pcam, act).endswith("cannot be read without h5py. Install it with: python -m pip install h5py gdown")


def test_stand_ins_serve_where_the_sets_are_missing(flowers, pcam):
    flower, copy, patch, chest = (
        Run(dataset=name, train_images=1, model="lenet5", activation="relu", epochs=1, seed=42)
        for name in ("flowers", "flowers_96", "pcam", "pneumonia")
    )
    assert data.to_be_had([flower, copy, patch, chest], flowers) == [flower, patch]
    assert data.to_be_had([flower, copy, patch, chest], flowers / "nowhere") == [copy, chest]
    assert data.to_be_had([copy, chest], flowers) == [copy, chest]


@pytest.mark.parametrize(
    ("name", "folder", "classes"),
    [
        ("flowers", "flower_photos", [127, 179, 128, 140, 160]),
        ("flowers_96", "flowers", [148, 203, 152, 139, 171]),
        ("pneumonia", "medmnist", [234, 390]),
        ("pcam", "pcam", None),
    ],
)
def test_real_sets(name, folder, classes, real_data):
    if not (real_data / folder).is_dir():
        pytest.skip(f"ADAPTACT_DATA holds no {folder}")
    source, loaded = data.SOURCES[name], data.load(name, real_data)
    assert loaded.train_images.shape == (source.train_size, *source.in_shape)
    assert loaded.test_images.shape == (source.test_size, *source.in_shape)
    assert loaded.train_images.dtype == torch.uint8
    assert set(loaded.train_labels.tolist()) == set(range(source.num_classes))
    assert classes is None or torch.bincount(loaded.test_labels).tolist() == classes
    assert data.fetch(name, real_data).endswith("test images.")
