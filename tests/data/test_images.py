"""Image sets as arrays: by name, and from sources of pictures, which are brought to one size."""

import json
import time
from dataclasses import asdict

import numpy as np
import pytest
import torchvision
from PIL import Image

from kernelviz.data import images as images_module
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
    assert (0.5, "downloading mnist: 50% of 12 MB") in seen


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"train_images": np.zeros((12, 8, 8), np.uint8)},
            r"train_images .*\(12, 8, 8\).* in place of \('n', 28, 28\)",
        ),
        ({"test_images": np.zeros((6, 28, 28, 3), np.uint8)}, "test_images .* in place of"),
        ({"train_images": np.zeros((12, 28, 28), np.int64)}, "dtype int64 in place of"),
        ({"train_images": np.full((12, 28, 28), np.nan)}, "dtype float64 in place of"),
        ({"train_labels": np.arange(11)}, "one integer for each image"),
        ({"train_labels": np.zeros(12)}, "dtype float64 in place of one integer"),
        ({"test_labels": np.full(6, 10)}, "from 10 to 10 in place of 0 to 9"),
        ({"test_labels": np.full(6, -2)}, "from -2 to -2 in place of"),
        ({"test_labels": np.array([object()] * 6)}, "Python objects"),
    ],
)
def test_a_named_file_of_anything_else_is_an_error(change, message):
    data_folder().mkdir()
    np.savez(data_folder() / "mnist.npz", **(arrays((28, 28)) | change))
    with pytest.raises(ValueError, match=message):
        load("mnist")


def test_a_named_file_without_an_array_is_an_error():
    data_folder().mkdir()
    np.savez(data_folder() / "mnist.npz", train_images=np.zeros((3, 28, 28), np.uint8), train_labels=np.arange(3))
    with pytest.raises(ValueError, match="has no test_images, test_labels; an image set needs train_images"):
        load("mnist")


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_named_file_may_hold_floats_and_an_axis_of_one_channel(shape, dtype):
    data_folder().mkdir()
    made = arrays(shape, dtype)
    np.savez(data_folder() / "mnist.npz", **made)
    mnist, scale = load("mnist", validation=0.5), 1 if dtype == np.uint8 else 255
    assert np.allclose(mnist.train_images, made["train_images"].reshape(12, 28, 28) * scale, atol=0.5)
    assert (mnist.train_labels == made["train_labels"]).all() and len(mnist.classes) == 10
    assert mnist.n_validation == 6


def test_an_unknown_source_lists_what_is_allowed():
    assert not is_local("nothing")
    with pytest.raises(FileNotFoundError, match="a folder of pictures.*.npz.*digits, mnist, fashion_mnist, cifar10"):
        load("nothing")


@pytest.mark.parametrize(("shape", "channels"), [((8, 6), 1), ((8, 6, 1), 1), ((8, 6, 3), 3), ((80, 70), 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_npz_file_gives_its_arrays(tmp_path, shape, channels, dtype):
    made = arrays(shape, dtype)
    np.savez(tmp_path / "mine.npz", **made)
    images = load(str(tmp_path / "mine.npz"))
    assert images.name == "mine" and images.classes == ("0", "1", "2")
    assert images.image_shape == (channels, *shape[:2])
    pixels = np.round(made["test_images"] * (1 if dtype == np.uint8 else 255)).astype(np.uint8)
    assert (images.test_images.reshape(6, -1) == pixels.reshape(6, -1)).all()
    assert (images.test_labels == made["test_labels"]).all()
    assert sorted(images.train_labels) == sorted(made["train_labels"])


def test_arrays_with_channels_keep_them_and_files_without_colour_do_not(tmp_path):
    grey = np.repeat(arrays()["train_images"][..., None], 3, -1)
    np.savez(tmp_path / "mine.npz", images=grey)
    assert load(str(tmp_path / "mine.npz")).image_shape == (3, 8, 8)
    (tmp_path / "files").mkdir()
    for number, pixels in enumerate(grey):
        Image.fromarray(pixels).save(tmp_path / "files" / f"{number}.png")
    assert load(str(tmp_path / "files")).image_shape == (1, 8, 8)


def test_arrays_of_two_sizes_are_cropped_to_one(tmp_path):
    made = arrays() | {"test_images": np.zeros((6, 9, 9), np.uint8)}
    np.savez(tmp_path / "mine.npz", **made)
    assert load(str(tmp_path / "mine.npz")).image_shape == (1, 64, 64)


def test_vectors_are_no_pictures(tmp_path):
    np.save(tmp_path / "mine.npy", np.zeros((20, 5), np.float32))
    with pytest.raises(ValueError, match="mine.npy holds vectors, and pictures are needed.*kernelviz map"):
        load(str(tmp_path / "mine.npy"))


def save_classes(folder, n, first=0):
    """Pictures of three classes, each of its own colour."""
    for label, kind in enumerate(("ants", "bees", "cats")):
        for number in range(first, first + n):
            colour = [number % 256, number // 256, 0]
            colour[2] = 100 * label
            save_picture(folder / kind / f"{number:03}.png", tuple(colour))


def test_class_folders_are_the_classes(tmp_path):
    save_classes(tmp_path, 30)
    save_picture(tmp_path / ".thumbnails" / "x.png")
    images = load(str(tmp_path))
    assert images.classes == ("ants", "bees", "cats") and images.name == tmp_path.name and len(images) == 90
    assert images.preprocess == Preprocess("resize", 9, 12, 3)
    for split in ("train", "validation", "test"):
        pictures, labels = images.split(split)
        assert set(labels) == {0, 1, 2} and (pictures[:, 0, 0, 2] == 100 * labels).all()
    assert (load(str(tmp_path)).train_images == images.train_images).all()


def test_a_column_or_a_level_of_folders_may_be_the_class(tmp_path):
    for number in range(20):
        save_picture(tmp_path / "all" / ("odd" if number % 2 else "even") / f"{number}.png", (number, 0, 0))
    assert load(str(tmp_path)).classes == ("all",)
    images = load(str(tmp_path), column="path:2")
    assert images.classes == ("even", "odd")
    assert (images.train_images[:, 0, 0, 0] % 2 == images.train_labels).all()


@pytest.mark.parametrize("validation", [0.0, 0.1, 1 / 6, 0.5])
def test_the_validation_part_of_train_and_test_folders_has_every_class(tmp_path, validation):
    save_classes(tmp_path / "train", 60)
    save_classes(tmp_path / "test", 5, first=100)
    images = load(str(tmp_path), validation=validation)
    assert len(images.train_images) == 180 and len(images.test_images) == 15
    assert images.n_validation == len(images.split("validation")[1])
    assert abs(images.n_validation - 180 * validation) < 30
    if validation:
        shares = np.bincount(images.split("validation")[1], minlength=3) / 60
        assert (abs(shares - validation) < 0.2).all() and shares.min() > 0


def test_a_validation_folder_is_the_validation_part(tmp_path):
    for part, n in (("train", 20), ("val", 7), ("test", 5)):
        save_classes(tmp_path / part, n, first=len(part) * 40)
    images = load(str(tmp_path), validation=0.5, test=0.5)
    assert [len(images.split(split)[0]) for split in ("train", "validation", "test")] == [60, 21, 15]


def test_pictures_stay_in_their_split_when_others_come(tmp_path):
    def splits():
        images = load(str(tmp_path), test=0.3)
        pictures = {split: images.split(split)[0] for split in ("train", "validation", "test")}
        return {picture.tobytes(): split for split, part in pictures.items() for picture in part}

    save_classes(tmp_path, 20)
    before = splits()
    save_classes(tmp_path, 10, first=20)
    after = splits()
    assert len(before) == 60 and len(after) == 90 and before.items() <= after.items()


def test_a_flat_folder_has_no_labels(tmp_path):
    for number in range(40):
        save_picture(tmp_path / f"{number}.jpg", (number * 6,) * 3, (20 + number, 100))
    images = load(str(tmp_path))
    assert images.classes == () and set(images.train_labels) == set(images.test_labels) == {-1}
    assert images.preprocess == Preprocess("crop", 64, 64, 1) and images.train_images.shape[1:] == (64, 64)
    assert load(str(tmp_path), test=0.0).test_images.shape == (0, 64, 64)


def test_pictures_of_several_small_sizes_are_cropped(tmp_path):
    for number in range(10):
        save_picture(tmp_path / f"{number}.png", size=(12, 9 + number // 8))
    assert load(str(tmp_path)).preprocess == Preprocess("crop", 64, 64, 3)


def test_a_given_preprocessing_is_used(tmp_path):
    save_classes(tmp_path, 4)
    images = load(str(tmp_path), preprocess=Preprocess("crop", 16, 20, 1))
    assert images.image_shape == (1, 16, 20) and images.train_images.shape[1:] == (16, 20)


def test_the_reading_reports_its_progress(tmp_path):
    seen = []
    save_classes(tmp_path, 100)
    load(str(tmp_path), lambda share, note: seen.append((round(share, 2), note)))
    assert seen == [(0.85, "reading pictures: 256 of 300"), (1.0, "reading pictures: 300 of 300")]


def test_bad_files_are_left_out_with_a_warning_for_each_reason(tmp_path):
    save_classes(tmp_path, 3)
    for number in range(5):
        (tmp_path / f"torn-{number}.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.warns(UserWarning) as warned:
        assert len(load(str(tmp_path))) == 9
    torn, empty = [str(one.message) for one in warned]
    assert torn.startswith("5 files are left out (torn-0.png, torn-1.png, torn-2.png and 2 more): the file is not a")
    assert empty.startswith("1 file is left out (empty.png): the file is empty")


def test_many_reasons_are_not_as_many_warnings(tmp_path, monkeypatch):
    save_classes(tmp_path, 3)
    monkeypatch.setattr(images_module, "WARNED", 1)
    (tmp_path / "torn.png").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("text")
    with pytest.warns(UserWarning) as warned:
        load(str(tmp_path))
    assert len(warned) == 2 and str(warned[1].message) == "files are left out for 2 more reasons"


def test_one_picture_is_not_enough(tmp_path):
    save_picture(tmp_path / "a" / "only.png")
    (tmp_path / "a" / "torn.png").write_text("no picture")
    with pytest.raises(ValueError, match="1 readable picture, it takes at least 2; 1 file is left out .*torn.png"):
        load(str(tmp_path))
