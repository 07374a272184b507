"""Image sets by name, from folders and from .npz files."""

import json
import time
from dataclasses import asdict

import numpy as np
import pytest
import torchvision
from PIL import Image

from kernelviz.data.images import SETS, Preprocess, data_folder, download, is_local, load


@pytest.fixture(autouse=True)
def empty_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "sets"))


def arrays(shape: tuple[int, ...] = (8, 8), dtype: type = np.uint8, n: int = 12) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    made = {}
    for part, count in (("train", n), ("test", n // 2)):
        values = rng.integers(0, 255, (count, *shape))
        made[f"{part}_images"] = (values / 255).astype(dtype) if np.dtype(dtype).kind == "f" else values.astype(dtype)
        made[f"{part}_labels"] = np.arange(count) % 3
    return made


def save_picture(path, colour=(10, 20, 30), size=(12, 9)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def test_the_embedded_digits_are_always_there():
    digits = load("digits", allow_download=False)
    assert is_local("digits") and digits.classes == tuple("0123456789")
    assert digits.train_images.shape == (1500, 8, 8) and digits.test_images.shape == (297, 8, 8)
    assert digits.train_images.max() == 255 and digits.image_shape == (1, 8, 8)
    assert (load("digits").train_labels == digits.train_labels).all()
    assert set(digits.test_labels) == set(range(10))


def test_splits_are_disjoint_and_the_last_sixth_validates():
    digits = load("digits")
    assert [len(digits.split(name)[0]) for name in ("train", "validation", "test")] == [1250, 250, 297]
    assert (digits.split("validation")[0] == digits.train_images[-250:]).all()
    assert (digits.split("validation")[1] == digits.train_labels[-250:]).all()
    with pytest.raises(ValueError, match="unknown split 'all'; choose one of train, validation, test"):
        digits.split("all")


@pytest.mark.parametrize("name", SETS)
def test_preprocess_is_plain_values(name):
    preprocess = SETS[name].preprocess
    assert Preprocess(**json.loads(json.dumps(asdict(preprocess)))) == preprocess


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_an_absent_set_says_how_to_put_it_there_or_to_download_it(name):
    assert not is_local(name)
    with pytest.raises(FileNotFoundError, match=f"train_images.*at {data_folder()}/{name}.npz, or connect"):
        load(name, allow_download=False)


def fake_source(n: int, shape: tuple[int, ...]):
    def source(root, train, download):
        (root / "archive.gz").write_bytes(bytes(100))
        return type("Fetched", (), {"data": np.zeros((n, *shape), np.uint8), "targets": list(range(n))})

    return source


def test_a_download_is_stored_and_leaves_nothing_else(monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", fake_source(10, (32, 32, 3)))
    cifar = load("cifar10")
    assert cifar.image_shape == (3, 32, 32) and cifar.classes[1] == "automobile" and cifar.preprocess.name == "crop"
    assert [path.name for path in data_folder().iterdir()] == ["cifar10.npz"]
    monkeypatch.delattr(torchvision.datasets, "CIFAR10")
    assert (load("cifar10").train_labels == cifar.train_labels).all()


def test_a_download_reports_its_progress(monkeypatch):
    def slow(root, train, download):
        (root / "archive.gz").write_bytes(bytes(SETS["mnist"].download_bytes // 2))
        time.sleep(0.5)
        return type("Fetched", (), {"data": np.zeros((2, 28, 28), np.uint8), "targets": [0, 1]})

    monkeypatch.setattr(torchvision.datasets, "MNIST", slow)
    seen = []
    download("mnist", lambda fraction, text: seen.append((round(fraction, 2), text)))
    assert (0.5, "downloading mnist: 50 % of 12 MB") in seen


@pytest.mark.parametrize("error", [OSError("no network"), RuntimeError("Error downloading")])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(monkeypatch, error):
    def fails(*args, **kwargs):
        raise error

    monkeypatch.setattr(torchvision.datasets, "MNIST", fails)
    with pytest.raises(FileNotFoundError, match="or connect to the internet"):
        load("mnist")
    assert list(data_folder().iterdir()) == []


def test_only_named_sets_are_downloaded():
    with pytest.raises(ValueError, match="'digits' cannot be downloaded; choose one of mnist, fashion_mnist, cifar10"):
        download("digits")


def test_a_named_file_of_another_shape_is_an_error():
    data_folder().mkdir()
    np.savez(data_folder() / "mnist.npz", **arrays((8, 8)))
    with pytest.raises(ValueError, match=r"\(12, 8, 8\) uint8 .* in place of \('n', 28, 28\)"):
        load("mnist")


def test_an_unknown_source_lists_what_is_allowed():
    assert not is_local("nothing")
    with pytest.raises(FileNotFoundError, match="digits, mnist, fashion_mnist, cifar10, a folder.*or a .npz file"):
        load("nothing")


@pytest.mark.parametrize(("shape", "channels"), [((8, 6), 1), ((8, 6, 1), 1), ((8, 6, 3), 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_an_npz_file_gives_its_arrays(tmp_path, shape, channels, dtype):
    made = arrays(shape, dtype)
    np.savez(tmp_path / "mine.npz", **made)
    images = load(str(tmp_path / "mine.npz"), validation=0.0)
    assert images.name == "mine" and images.classes == ("0", "1", "2") and images.image_shape == (channels, 8, 6)
    scale = 1 if dtype == np.uint8 else 255
    assert np.allclose(images.train_images.reshape(12, -1), made["train_images"].reshape(12, -1) * scale, atol=0.01)
    assert (images.test_labels == made["test_labels"]).all()


def test_an_npz_file_of_vectors_is_not_for_pixels(tmp_path):
    np.savez(tmp_path / "mine.npz", vectors=np.zeros((12, 8), np.float32))
    with pytest.raises(ValueError, match="vectors and no pictures"):
        load(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 broken"])
def test_a_broken_npz_file_is_an_error(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(ValueError, match="mine.npz"):
        load(str(tmp_path / "mine.npz"))


def test_class_folders_give_labels_in_sorted_order(tmp_path):
    for i in range(20):
        save_picture(tmp_path / "cats" / f"{i}.png", (200, 0, i))
        save_picture(tmp_path / "ants" / "deeper" / f"{i}.png", (0, i, 200))
    save_picture(tmp_path / ".thumbnails" / "x.png")
    images = load(str(tmp_path))
    assert images.classes == ("ants", "cats") and images.name == tmp_path.name
    assert images.preprocess == Preprocess("resize", 9, 12, 3)
    assert len(images.train_images) + len(images.test_images) == 40
    assert (images.train_images[images.train_labels == 1][:, 0, 0, 0] == 200).all()
    assert (load(str(tmp_path)).train_images == images.train_images).all()


def test_a_flat_folder_has_no_labels(tmp_path):
    for i in range(7):
        save_picture(tmp_path / f"{i}.jpg", (i * 30,) * 3, (20 + i, 100))
    images = load(str(tmp_path), test=0.0)
    assert images.classes == () and set(images.train_labels) == {-1}
    assert images.preprocess == Preprocess("crop", 64, 64, 1) and images.train_images.shape == (7, 64, 64)


def test_train_and_test_folders_stay_apart(tmp_path):
    for part, grey in (("train", 50), ("test", 150)):
        for i in range(3):
            save_picture(tmp_path / part / "one" / f"{i}.png", (grey,) * 3)
    save_picture(tmp_path / "train" / "two" / "0.png", (50, 50, 50))
    images = load(str(tmp_path))
    assert images.classes == ("one", "two") and images.image_shape == (1, 9, 12)
    assert (images.train_images == 50).all() and (images.test_images == 150).all()
    assert sorted(images.train_labels) == [0, 0, 0, 1]


def test_every_class_is_in_the_validation_part_of_a_sorted_folder(tmp_path):
    for label in "abc":
        for i in range(60):
            save_picture(tmp_path / "train" / label / f"{i}.png", (ord(label), i, 0))
        save_picture(tmp_path / "test" / label / "0.png", (ord(label), 200, 0))
    images = load(str(tmp_path))
    assert 15 < images.n_validation < 50 and images.n_validation == len(images.split("validation")[0])
    assert set(images.split("validation")[1]) == set(images.split("train")[1]) == {0, 1, 2}


def test_no_picture_changes_sides_when_others_come(tmp_path):
    def sides(images):
        return {image.tobytes(): part for part in ("train", "validation", "test") for image in images.split(part)[0]}

    for i in range(40):
        save_picture(tmp_path / "a" / f"{i}.png", (i, 0, 0))
    before = sides(load(str(tmp_path)))
    for i in range(40, 60):
        save_picture(tmp_path / "a" / f"{i}.png", (i, 0, 0))
    assert before.items() <= sides(load(str(tmp_path))).items()


def test_bad_files_are_left_out_with_one_warning_for_a_reason(tmp_path):
    for i in range(3):
        save_picture(tmp_path / f"{i}.png", (i, 0, 0))
    for name in ("notes.png", "other.png"):
        (tmp_path / name).write_text("no picture")
    with pytest.warns(UserWarning, match="notes.png and 1 more are left out: the file is not a picture") as told:
        assert len(load(str(tmp_path), test=0.0).train_images) == 3
    assert len(told) == 1


def test_a_folder_with_one_picture_is_an_error(tmp_path):
    save_picture(tmp_path / "a" / "only.png")
    with pytest.raises(ValueError, match="1 pictures that can be read; put at least two"):
        load(str(tmp_path))


def save_all(folder, numbers):
    for number in numbers:
        save_picture(folder / ("odd" if number % 2 else "even") / f"{number}.png", (number % 256, number // 256, 0))


def test_a_level_of_folders_may_be_the_class(tmp_path):
    save_all(tmp_path / "all", range(20))
    assert load(str(tmp_path)).classes == ("all",)
    images = load(str(tmp_path), column="path:2")
    assert images.classes == ("even", "odd")
    assert (images.train_images[:, 0, 0, 0] % 2 == images.train_labels).all()


def test_a_validation_folder_is_the_validation_part(tmp_path):
    for part, numbers in (("train", range(20)), ("val", range(20, 27)), ("test", range(27, 32))):
        save_all(tmp_path / part, numbers)
    images = load(str(tmp_path), validation=0.5, test=0.5)
    assert [len(images.split(split)[0]) for split in ("train", "validation", "test")] == [20, 7, 5]


def test_arrays_with_channels_keep_them_and_files_without_colour_do_not(tmp_path):
    grey = np.repeat(arrays()["train_images"][..., None], 3, -1)
    np.savez(tmp_path / "mine.npz", images=grey)
    assert load(str(tmp_path / "mine.npz")).image_shape == (3, 8, 8)
    (tmp_path / "some.files").mkdir()
    for number, pixels in enumerate(grey):
        Image.fromarray(pixels).save(tmp_path / "some.files" / f"{number}.png")
    images = load(str(tmp_path / "some.files"))
    assert images.image_shape == (1, 8, 8) and images.name == "some.files"


def test_arrays_of_two_sizes_are_cropped_to_one(tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays() | {"test_images": np.zeros((6, 9, 9), np.uint8)})
    assert load(str(tmp_path / "mine.npz")).image_shape == (1, 64, 64)


def test_a_given_preprocessing_is_used(tmp_path):
    save_all(tmp_path, range(12))
    images = load(str(tmp_path), preprocess=Preprocess("crop", 16, 20, 1))
    assert images.image_shape == (1, 16, 20) and images.train_images.shape[1:] == (16, 20)


def test_the_reading_reports_its_progress(tmp_path):
    seen = []
    save_all(tmp_path, range(300))
    load(str(tmp_path), lambda share, note: seen.append((round(share, 2), note)))
    assert seen == [(0.85, "reading pictures: 256 of 300"), (1.0, "reading pictures: 300 of 300")]
