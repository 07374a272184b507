"""Training and test images as arrays, and the sets of them that are known by name."""

from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from kernelviz.data.named import SETS, NamedSet, Progress, absent, download, file_of, is_local
from kernelviz.errors import UserError
from kernelviz.ingest.array_file import array_files
from kernelviz.ingest.preprocessing import Preprocess

ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
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


def named_set(name: str, progress: Progress | None = None, allow_download: bool = True) -> ImageSet:
    """The image set of a name in SETS; NotFound where it is not on this machine and cannot be downloaded.

    Args:
        progress: called with the share of a download that is done, and one line for a person.
    """
    named = SETS[name]
    if not named.source:
        return _digits(name, named)
    if not is_local(name):
        if not allow_download:
            raise absent(name)
        download(name, progress)
    return _in_file(name, named)


def _digits(name: str, named: NamedSet) -> ImageSet:
    """scikit-learn's 1797 handwritten digits of 8 x 8 pixels, shuffled; the last 297 are the test part."""
    from sklearn.datasets import load_digits  # slow to import, and needed only here

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = np.round(digits.images[order] * (255 / 16)).astype(np.uint8)
    labels = digits.target[order].astype(np.int64)
    return ImageSet(name, named.classes, named.preprocess, images[:1500], labels[:1500], images[1500:], labels[1500:])


def _in_file(name: str, named: NamedSet) -> ImageSet:
    """The set in the file of its name; a UserError where the file holds anything else."""
    path = file_of(name)
    files = array_files(path)
    missing = [array for array in ARRAYS if array not in files]
    if missing:
        raise UserError(f"{path} has no {', '.join(missing)}; an image set needs {', '.join(ARRAYS)}")
    arrays = {array: files[array].whole() for array in ARRAYS}
    for part in ("train", "test"):
        arrays[f"{part}_images"] = _eight_bits(arrays[f"{part}_images"])
        _check(named, arrays[f"{part}_images"], arrays[f"{part}_labels"], f"{part}_images in {path}")
    train_labels, test_labels = (arrays[f"{part}_labels"].astype(np.int64) for part in ("train", "test"))
    return ImageSet(
        name,
        named.classes,
        named.preprocess,
        arrays["train_images"],
        train_labels,
        arrays["test_images"],
        test_labels,
    )


def _eight_bits(images: np.ndarray) -> np.ndarray:
    """The images as uint8 where they are floats in [0, 1], and without an axis of one channel."""
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if np.issubdtype(images.dtype, np.floating) and images.size and images.min() >= 0 and images.max() <= 1:
        return np.round(images * 255).astype(np.uint8)
    return images


def _check(named: NamedSet, images: np.ndarray, labels: np.ndarray, what: str) -> None:
    """Raise a UserError for images or labels that are not those of the set."""
    expected, most = named.preprocess, len(named.classes) - 1
    shape = (expected.height, expected.width) + ((3,) if expected.channels == 3 else ())
    if len(images) == 0 or images.shape[1:] != shape or images.dtype != np.uint8:
        told = f"{what}: shape {images.shape} and dtype {images.dtype} in place of {('n', *shape)} and uint8"
    elif labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        told = f"{what}: labels of shape {labels.shape} and dtype {labels.dtype} in place of one integer for each image"
    elif labels.min() < -1 or labels.max() > most:
        told = f"{what}: labels from {labels.min()} to {labels.max()} in place of 0 to {most} (or -1, no label)"
    else:
        return
    raise UserError(f"{told}; delete the file and run again, or give it another name")
