"""Image sets as arrays of pixels: by name, or from what lies at a path."""

import struct
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from kernelviz.data.named import SETS, NamedSet, Progress, absent, data_folder, download, file_of, is_local
from kernelviz.data.pixel_arrays import pixel_arrays
from kernelviz.data.splits import TEST, VALIDATION
from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.sources.reading import read_source

__all__ = ["SETS", "ImageSet", "Preprocess", "data_folder", "download", "is_local", "load"]

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


def load(
    source: str,
    progress: Progress | None = None,
    allow_download: bool = True,
    preprocess: Preprocess | None = None,
    *,
    validation: float = 1 / 6,
    test: float = 0.2,
    column: str = "",
) -> ImageSet:
    """The image set of that name, or the pictures of whatever lies at a path (`read_source`).

    Raises NotFound where there is no such set, folder or file, and a UserError where it holds no image set.

    Args:
        source: name of a set, else a path.
        progress: called with the share of a download or of the pictures that is done, and one line for a person.
        preprocess: how the pictures of a path become images; None: their own sizes decide (`pixel_arrays`).
        validation: share of the training images that is the validation part.
        test: of a path, share that is the test part, unless it has one.
        column: of a path, where the class of a picture comes from: a column of its table, or path:N.
    """
    if source in SETS:
        return _named(source, SETS[source], validation, progress, allow_download)
    path = Path(source).expanduser()
    if not path.exists():
        raise NotFound(
            f"no image set {source!r}; give one of {', '.join(SETS)}, a folder of pictures, an archive, a table or "
            "a .npz file"
        )
    listing = read_source(path, column or None)
    arrays = pixel_arrays(listing, preprocess, validation, test, progress)
    tested = arrays.splits == TEST
    held = int((arrays.splits == VALIDATION).sum())
    return ImageSet(
        listing.name.removesuffix(".npz"),
        listing.classes,
        arrays.preprocess,
        arrays.images[~tested],
        arrays.labels[~tested],
        arrays.images[tested],
        arrays.labels[tested],
        held / max(1, int((~tested).sum())),
    )


def _named(name: str, named: NamedSet, validation: float, progress: Progress | None, allow_download: bool) -> ImageSet:
    if not named.source:
        return replace(_digits(name, named), validation=validation)
    if not is_local(name):
        if not allow_download:
            raise absent(name)
        download(name, progress)
    return replace(_from_file(file_of(name), name, named), validation=validation)


def _digits(name: str, named: NamedSet) -> ImageSet:
    """scikit-learn's 1797 handwritten digits of 8 x 8 pixels, shuffled; the last 297 are the test part."""
    from sklearn.datasets import load_digits  # slow to import, and needed only here

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = np.round(digits.images[order] * (255 / 16)).astype(np.uint8)
    labels = digits.target[order].astype(np.int64)
    return ImageSet(name, named.classes, named.preprocess, images[:1500], labels[:1500], images[1500:], labels[1500:])


def _from_file(path: Path, name: str, named: NamedSet) -> ImageSet:
    """The set of that name in its .npz file; a file that contradicts what is known of it is an error."""
    arrays = _read(path)
    for part in ("train", "test"):
        _check(named, arrays[f"{part}_images"], arrays[f"{part}_labels"], path)
    labels = (arrays[f"{part}_labels"].astype(np.int64) for part in ("train", "test"))
    train_labels, test_labels = labels
    return ImageSet(
        name,
        named.classes,
        named.preprocess,
        arrays["train_images"],
        train_labels,
        arrays["test_images"],
        test_labels,
    )


def _check(named: NamedSet, images: np.ndarray, labels: np.ndarray, path: Path) -> None:
    expected, known = named.preprocess, len(named.classes)
    wanted = (expected.height, expected.width, *((3,) if expected.channels == 3 else ()))
    fits = images.dtype == np.uint8 and images.shape[1:] == wanted and labels.shape == images.shape[:1]
    if not (fits and np.issubdtype(labels.dtype, np.integer) and -1 <= labels.min() <= labels.max() < known):
        raise UserError(
            f"{path} has images {images.shape} {images.dtype} and labels {labels.shape} {labels.dtype} in place of "
            f"{('n', *wanted)} uint8 and labels from 0 to {known - 1}; delete it and run again, or rename it"
        )


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        return {name: _mapped(path, f"{name}.npy") for name in ARRAYS}
    except (ValueError, OSError, EOFError, AttributeError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is no .npz file of {', '.join(ARRAYS)} ({error}); delete it and run again") from error


def _mapped(path: Path, name: str) -> np.ndarray:
    """An array of an .npz file, mapped into memory where it is not compressed.

    A part of it is read when it is looked at, and all who look at the file share it; what is written to it is not kept.
    """
    with zipfile.ZipFile(path) as archive, archive.open(name) as member:
        version, info = np.lib.format.read_magic(member), archive.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or version != (1, 0):
            member.seek(0)
            return np.lib.format.read_array(member, allow_pickle=False)
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(member)
        header = member.tell()
    with path.open("rb") as file:  # the zip archive's own header of a member ends with a name and what else it likes
        file.seek(info.header_offset + 26)
        lengths = struct.unpack("<HH", file.read(4))
        start = file.tell() + sum(lengths) + header
    return np.memmap(path, dtype, "c", start, shape, "F" if by_columns else "C")
