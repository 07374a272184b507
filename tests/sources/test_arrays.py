"""Arrays of pictures or vectors: ours, MedMNIST's and others' names, channels first or last, floats, no pickle."""

import io
import zipfile

import numpy as np
import pytest
from test_folders import splits_by_name

from kernelviz.errors import UserError
from kernelviz.ingest import array_file
from kernelviz.sources.reading import read_source


def save(tmp_path, save_as=np.savez, **arrays):
    save_as(tmp_path / "set.npz", **arrays)
    return tmp_path / "set.npz"


def pixels(n, *shape, kind=np.uint8):
    return np.random.default_rng(n).integers(0, 256, (n, *shape)).astype(kind)


def same(listing, images):
    read = [content for _, content in listing.contents()]
    return len(read) == len(images) and all(np.array_equal(*pair) for pair in zip(read, images, strict=True))


@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
def test_ours(tmp_path, save_as):
    train, test = pixels(5, 4, 6), pixels(3, 4, 6)
    labels = {"train_labels": np.array([0, 1, 10, 2, -1]), "test_labels": np.array([1, 1, 2])}
    listing = read_source(save(tmp_path, save_as, train_images=train, test_images=test, **labels))
    assert listing.classes == ("0", "1", "2", "10") and listing.labels.tolist() == [0, 1, 3, 2, -1, 1, 1, 2]
    assert listing.splits.tolist() == [0] * 5 + [2] * 3 and listing.names[4:6] == ["train/4", "test/0"]
    assert same(listing, [*train, *test]) and listing.files == [None] * 8 and len(set(listing.stamps)) == 8
    assert [
        np.array_equal(image, right)
        for (_, image), right in zip(listing.contents([1, 4, 6]), [train[1], train[4], test[1]], strict=True)
    ] == [True] * 3


def test_medmnist(tmp_path):
    parts = {name: pixels(n, 5, 5, 3) for n, name in enumerate(["train", "val", "test"], 2)}
    images = {f"{name}_images": part for name, part in parts.items()}
    labels = {f"{name}_labels": np.arange(len(part), dtype=np.uint8)[:, None] for name, part in parts.items()}
    listing = read_source(save(tmp_path, **images, **labels))
    assert listing.splits.tolist() == [0] * 2 + [1] * 3 + [2] * 4 and listing.classes == ("0", "1", "2", "3")
    assert splits_by_name(listing)["validation/0"] == "validation" and list(listing.table) == []
    several = {name: np.zeros((len(part), 14), np.uint8) for name, part in labels.items()}
    listing = read_source(save(tmp_path, **images, **several))
    assert listing.classes == () and "several labels" in listing.notes[0]


@pytest.mark.parametrize(
    "name, labels", [("images", "labels"), ("train_images", "train_labels"), ("X", "y"), ("x_train", "y_train")]
)
def test_one_part_with_and_without_labels(tmp_path, name, labels):
    images = pixels(3, 4, 4)
    listing = read_source(save(tmp_path, **{name: images}))
    assert same(listing, images) and listing.classes == () and listing.labels.tolist() == [-1] * 3
    for given in (["b", "a", "b"], [b"b", b"a", b"b"]):
        listing = read_source(save(tmp_path, **{name: images, labels: np.array(given)}))
        assert listing.classes == ("a", "b") and listing.labels.tolist() == [1, 0, 1]
    listing = read_source(save(tmp_path, **{name: images, "site": np.array(["x", "y", "x"])}), "site")
    assert listing.classes == ("x", "y")


def test_labels_of_one_part_alone(tmp_path):
    listing = read_source(
        save(tmp_path, train_images=pixels(2, 4, 4), test_images=pixels(1, 4, 4), train_labels=[1, 2])
    )
    assert listing.labels.tolist() == [0, 1, -1]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, np.uint16])
def test_numbers_of_0_to_255(tmp_path, kind):
    images = pixels(3, 4, 4)
    assert same(read_source(save(tmp_path, images=images.astype(kind))), images)


def test_floats_of_0_to_1(tmp_path):
    images = pixels(3, 4, 4)
    assert same(read_source(save(tmp_path, images=(images / 255).astype(np.float32))), images)
    assert same(read_source(save(tmp_path, images=images > 99)), np.where(images > 99, 255, 0))


def test_channels_first_and_last(tmp_path):
    for channels in (1, 3, 4):
        images = pixels(2, 6, 7, channels)
        right = images[..., 0] if channels == 1 else images[..., :3]
        assert same(read_source(save(tmp_path, images=images)), right)
        assert same(read_source(save(tmp_path, images=np.moveaxis(images, 3, 1).copy())), right)


def test_columns_that_follow_each_other(tmp_path):
    images = pixels(4, 5, 6)
    assert same(read_source(save(tmp_path, images=np.asfortranarray(images))), images)


def test_a_large_set_is_read_a_row_at_a_time(tmp_path, monkeypatch):
    path = save(tmp_path, np.savez_compressed, images=np.zeros((5000, 64, 64), np.uint8))
    monkeypatch.setattr(array_file, "MAX_UNPACKED", 1000)
    ((name, image),) = read_source(path).contents([4321])
    assert name == "4321" and image.shape == (64, 64)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int32])
def test_vectors_in_npy(tmp_path, kind):
    values = np.arange(12).reshape(4, 3).astype(kind)
    np.save(tmp_path / "v.npy", values)
    listing = read_source(tmp_path / "v.npy")
    assert listing.vectors.dtype == np.float32 and listing.vectors.tolist() == values.tolist()
    assert not listing.has_pictures and listing.names == ["0", "1", "2", "3"] and len(set(listing.stamps)) == 4


@pytest.mark.parametrize("name", ["vectors", "embeddings", "features", "X", "any"])
def test_vectors_in_npz(tmp_path, name):
    values = np.ones((3, 2))
    listing = read_source(
        save(tmp_path, **{name: values}, labels=["b", "a", "b"], age=[1, 2, 3], counts=[[1], [2], [3]])
    )
    assert listing.vectors.tolist() == values.tolist() and listing.classes == ("a", "b")
    assert listing.table["age"].tolist() == [1, 2, 3] and not listing.has_pictures
    assert read_source(save(tmp_path, **{name: values})).classes == ()


def test_pictures_in_npy(tmp_path):
    np.save(tmp_path / "p.npy", pixels(2, 4, 4))
    assert same(read_source(tmp_path / "p.npy"), pixels(2, 4, 4))


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"images": np.zeros((3, 4, 4), np.uint8), "labels": np.zeros(2, int)}, "one number or text for each of the 3"),
        ({"images": np.zeros((3, 5, 5, 2), np.uint8)}, "1, 3 or 4 channels"),
        ({"images": np.zeros((3, 0, 4), np.uint8)}, "not empty"),
        ({"images": np.zeros((0, 4, 4), np.uint8)}, "neither"),
        ({"images": np.full((3, 4, 4), 300)}, "from 300 to 300"),
        ({"images": np.full((3, 4, 4), -0.5)}, "from -0.5"),
        ({"images": np.full((3, 4, 4), np.nan)}, "nan"),
        ({"images": np.array([["a"]])}, "neither pictures nor vectors"),
        ({"images": np.array([{}])}, "Python objects"),
        ({"images": np.zeros((3, 4, 4), np.uint8), "labels": np.array(["a", None, "b"])}, "Python objects"),
        ({"a": np.zeros(3)}, r"it holds a \[3\] float64"),
        ({"a": np.zeros((3, 2)), "b": np.zeros((3, 2))}, "neither"),
        ({"vectors": np.full((3, 2), np.inf)}, "finite"),
        ({"images": np.zeros((3, 4, 4), [("r", "u1")])}, "allowed are numbers"),
        ({"vectors": np.zeros((3, 0))}, "no numbers"),
        ({}, "it holds nothing"),
    ],
)
def test_what_is_no_source(tmp_path, arrays, said):
    with pytest.raises(UserError, match=said):
        read_source(save(tmp_path, **arrays))


@pytest.mark.parametrize("data", [b"", b"no array", b"PK\x03\x04 cut", b"\x93NUMPY\x01\x00", b"\x80\x04K\x01."])
@pytest.mark.parametrize("ending", [".npz", ".npy"])
def test_what_is_damaged(tmp_path, data, ending):
    (tmp_path / f"a{ending}").write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        read_source(tmp_path / f"a{ending}")


def test_arrays_cut_short(tmp_path):
    path = save(tmp_path, np.savez_compressed, images=pixels(30, 8, 8))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="damaged"):
        read_source(path)
    np.save(tmp_path / "a.npy", np.ones((9, 9)))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(UserError, match="damaged"):
        read_source(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", ["(10000000000000, 8, 8)", "(-1, -8, 8)", "(1, 8, '8')", "(1e9,)", "9"])
def test_headers_that_lie(tmp_path, shape):
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(64)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("images.npy", data)
    (tmp_path / "a.npz").write_bytes(out.getvalue())
    (tmp_path / "a.npy").write_bytes(data)
    for name in ("a.npz", "a.npy"):
        with pytest.raises(UserError, match="damaged"):
            read_source(tmp_path / name)


def test_a_row_damaged_later(tmp_path):
    listing = read_source(save(tmp_path, images=pixels(3, 4, 4)))
    (tmp_path / "set.npz").write_bytes(b"gone")
    with pytest.raises(UserError, match="damaged"):
        list(listing.contents())
