"""Image sets as arrays: by name, from a folder of pictures, or from a .npz file."""

import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from kernelviz.data.folders import read_folder
from kernelviz.data.named import SETS, NamedSet, Progress, absent, data_folder, download, file_of, is_local
from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.preprocessing import Preprocess

__all__ = ["SETS", "ImageSet", "Preprocess", "data_folder", "download", "is_local", "load"]

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
MAX_CLASSES = 1000
Images = UInt8[np.ndarray, "n h w *c"]
Labels = Int64[np.ndarray, "n"]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Training and test images with their labels.

    Args:
        name, classes: name of the set and names of its classes; no classes where there are no labels.
        preprocess: how any picture becomes an image of this set.
        train_images, test_images: uint8 pixels, grey [n, h, w] or RGB [n, h, w, 3].
        train_labels, test_labels: numbers of the classes; -1 is "no label".
        validation: share of the training images, counted from the end, that is the validation part.
    """

    name: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    train_images: UInt8[np.ndarray, "n_train h w *c"]
    train_labels: Int64[np.ndarray, "n_train"]
    test_images: UInt8[np.ndarray, "n_test h w *c"]
    test_labels: Int64[np.ndarray, "n_test"]
    validation: float = 1 / 6

    features = None  # such a set has none of its own, other than a `PictureSet`

    @property
    def unit(self) -> str:
        """What the set consists of, in the plural."""
        return "images"

    def __len__(self) -> int:
        return len(self.train_images) + len(self.test_images)

    @property
    def facts(self) -> dict:
        """What run.json records of the set."""
        return {"name": self.name, "classes": list(self.classes), "preprocess": asdict(self.preprocess)}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return self.preprocess.channels, self.preprocess.height, self.preprocess.width

    @property
    def n_validation(self) -> int:
        """How many of the training images are the validation part."""
        return int(len(self.train_images) * self.validation + 1e-6)

    def split(self, name: str) -> tuple[Images, Labels]:
        """Images and labels of "train" (without the validation part), "validation" or "test"; else a UserError."""
        n = len(self.train_images) - self.n_validation
        splits = {
            "train": (self.train_images[:n], self.train_labels[:n]),
            "validation": (self.train_images[n:], self.train_labels[n:]),
            "test": (self.test_images, self.test_labels),
        }
        if name not in splits:
            raise UserError(f"unknown split {name!r}; choose one of {', '.join(splits)}")
        return splits[name]


def load(
    source: str,
    progress: Progress | None = None,
    allow_download: bool = True,
    preprocess: Preprocess | None = None,
) -> ImageSet:
    """The image set of that name, in that folder of pictures, or in that .npz file.

    Raises NotFound where there is no such set, folder or file, and a UserError where it holds no image set.

    Args:
        source: name of a set, else a path.
        progress: called with the share of a download that is done, and one line for a person.
        preprocess: how the pictures of a folder become images; None: their own sizes decide (`read_folder`).
    """
    path = Path(source).expanduser()
    if source in SETS:
        return _named(source, SETS[source], progress, allow_download)
    if path.is_dir():
        return ImageSet(path.resolve().name, *read_folder(path, preprocess))
    if path.suffix == ".npz":
        return _from_file(path)
    raise NotFound(
        f"no image set {source!r}; give one of {', '.join(SETS)}, a folder of pictures, "
        f"or a .npz file with {', '.join(ARRAYS)}"
    )


def _named(name: str, named: NamedSet, progress: Progress | None, allow_download: bool) -> ImageSet:
    if not named.source:
        return _digits(name, named)
    if not is_local(name):
        if not allow_download:
            raise absent(name)
        download(name, progress)
    return _from_file(file_of(name), name, named)


def _digits(name: str, named: NamedSet) -> ImageSet:
    """scikit-learn's 1797 handwritten digits of 8 x 8 pixels, shuffled; the last 297 are the test part."""
    from sklearn.datasets import load_digits  # slow to import, and needed only here

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = np.round(digits.images[order] * (255 / 16)).astype(np.uint8)
    labels = digits.target[order].astype(np.int64)
    return ImageSet(name, named.classes, named.preprocess, images[:1500], labels[:1500], images[1500:], labels[1500:])


def _from_file(path: Path, name: str = "", named: NamedSet | None = None) -> ImageSet:
    """The set in an .npz file; `named` is what is known of it beforehand: a file that contradicts it is an error."""
    arrays = _read(path)
    train, test = (_images(arrays[f"{part}_images"], f"{part}_images in {path}") for part in ("train", "test"))
    if train.shape[1:] != test.shape[1:]:
        raise UserError(
            f"{path}: training images are {train.shape[1:]}, test images {test.shape[1:]}; give both one size and kind"
        )
    train_labels = _labels(arrays["train_labels"], len(train), f"train_labels in {path}")
    test_labels = _labels(arrays["test_labels"], len(test), f"test_labels in {path}")
    preprocess = Preprocess("crop", *train.shape[1:3], channels=3 if train.ndim == 4 else 1)
    classes = tuple(str(label) for label in range(max(train_labels.max(), test_labels.max()) + 1))
    if named:
        _check_against(named, preprocess, len(classes), path)
        preprocess, classes = named.preprocess, named.classes
    return ImageSet(name or path.stem, classes, preprocess, train, train_labels, test, test_labels)


def _check_against(named: NamedSet, found: Preprocess, n_classes: int, path: Path) -> None:
    expected = named.preprocess
    wanted = (expected.height, expected.width, expected.channels, len(named.classes))
    got = (found.height, found.width, found.channels, n_classes)
    if got[:3] != wanted[:3] or n_classes > len(named.classes):
        raise UserError(
            f"{path} has (height, width, channels, classes) {got} in place of {wanted}; "
            "delete it and run again, or give it another name"
        )


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise NotFound(f"no file {path}; give a .npz file with {', '.join(ARRAYS)}")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in ARRAYS if name not in file]
            arrays = {name: file[name] for name in ARRAYS if name in file}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no .npz file of plain arrays ({error}); write it with numpy.savez") from error
    if missing:
        raise UserError(f"{path} has no {', '.join(missing)}; an image set needs {', '.join(ARRAYS)}")
    return arrays


def _images(images: np.ndarray, what: str) -> Images:
    """Images as uint8 [n, h, w] or [n, h, w, 3], from uint8 or floats in [0, 1], [n, h, w] or [n, h, w, 1 or 3]."""
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.size == 0 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[-1] != 3):
        raise UserError(
            f"{what} has shape {images.shape}; allowed are [n, h, w], [n, h, w, 1] and [n, h, w, 3], not empty"
        )
    if np.issubdtype(images.dtype, np.floating):
        if not (images.min() >= 0 and images.max() <= 1):  # a NaN fails too
            raise UserError(
                f"{what} has floats from {images.min():g} to {images.max():g}; scale them to [0, 1], or give uint8"
            )
        return np.round(images * 255).astype(np.uint8)
    if images.dtype != np.uint8:
        raise UserError(f"{what} has dtype {images.dtype}; allowed are uint8 and floats in [0, 1]")
    return images


def _labels(labels: np.ndarray, n: int, what: str) -> Labels:
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise UserError(
            f"{what} has dtype {labels.dtype}, shape {labels.shape}; give one integer for each of the {n} images"
        )
    if labels.min() < -1 or labels.max() >= MAX_CLASSES:
        raise UserError(
            f"{what} runs from {labels.min()} to {labels.max()}; allowed are -1 (no label) and 0 to {MAX_CLASSES - 1}"
        )
    return labels.astype(np.int64)
