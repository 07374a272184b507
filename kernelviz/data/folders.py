"""An image set from a folder of pictures, with or without a folder for each class."""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image, ImageOps

from kernelviz.errors import UserError
from kernelviz.ingest.files import files_in, read_file
from kernelviz.ingest.image_file import ALLOWED, UnreadableImage, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image

LARGEST = 64  # pixels: pictures of one size keep it up to this side; all others are cropped to a square of this side


class Example(NamedTuple):
    """A picture that was read, already cropped if it is larger than the images of the set."""

    image: Image.Image
    label: int  # -1 = no label
    size: tuple[int, int]  # width and height in the file


def read_folder(
    folder: Path, preprocess: Preprocess | None = None
) -> tuple[tuple[str, ...], Preprocess, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Classes, preprocess, and images and labels for training and test, as `images.ImageSet` takes them.

    The folder holds class folders, or pictures without labels, or `train` and `test` with class folders. Without these
    two, a fixed shuffle makes a fifth of the pictures test images. A file that cannot be read is left out with a
    warning. Raises a UserError where no training or no test picture is left.

    Args:
        preprocess: how a picture becomes an image of the set; None: pictures of one size keep it, others are cropped.
    """
    if {path.name for path in _subfolders(folder)} == {"train", "test"}:
        classes = _classes(folder / "train", folder / "test")
        train, test = (_read(_labelled(folder / part, classes), preprocess) for part in ("train", "test"))
    else:
        classes = _classes(folder)
        train, test = _divided(_read(_labelled(folder, classes), preprocess))
    if not train or not test:
        raise UserError(
            f"{folder} has {len(train)} training and {len(test)} test pictures that can be read; "
            f"put at least two {', '.join(ALLOWED)} files there, in one folder for each class if they have classes"
        )
    preprocess = preprocess or _preprocess(train + test)
    return classes, preprocess, *_arrays(train, preprocess), *_arrays(test, preprocess)


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _classes(*folders: Path) -> tuple[str, ...]:
    return tuple(sorted({path.name for folder in folders for path in _subfolders(folder)}))


def _labelled(folder: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    """Every file below a class folder with its label; all files with -1 where there are no classes."""
    if not classes:
        return [(path, -1) for path in files_in(folder)]
    present = [name for name in classes if (folder / name).is_dir()]
    return [(path, classes.index(name)) for name in present for path in files_in(folder / name)]


def _read(found: list[tuple[Path, int]], preprocess: Preprocess | None) -> list[Example]:
    most = max(preprocess.height, preprocess.width) if preprocess else LARGEST
    examples = []
    for path, label in found:
        try:
            image = open_image(read_file(path))
            examples.append(Example(_small(image, most), label, image.size))
        except UnreadableImage as error:
            warnings.warn(f"{path} is left out: {error}", stacklevel=2)
    return examples


def _small(image: Image.Image, most: int) -> Image.Image:
    """The picture, cropped to a square of `most` pixels if it is larger, so that a large folder fits into memory."""
    if max(image.size) <= most:
        return image
    return ImageOps.fit(image, (most, most), Image.Resampling.LANCZOS)


def _divided(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """All but the last fifth, and the last fifth, after a shuffle with a fixed seed."""
    shuffled = [examples[index] for index in np.random.default_rng(0).permutation(len(examples))]
    n_train = len(examples) * 4 // 5
    return shuffled[:n_train], shuffled[n_train:]


def _preprocess(examples: list[Example]) -> Preprocess:
    channels = 1 if all(_is_grey(example.image) for example in examples) else 3
    width, height = examples[0].size
    if max(width, height) <= LARGEST and all(example.size == (width, height) for example in examples):
        return Preprocess("resize", height, width, channels)
    return Preprocess("crop", LARGEST, LARGEST, channels)


def _is_grey(image: Image.Image) -> bool:
    pixels = np.asarray(image)
    return pixels.ndim == 2 or bool((pixels == pixels[..., :1]).all())


def _arrays(examples: list[Example], preprocess: Preprocess) -> tuple[UInt8[np.ndarray, "..."], Int64[np.ndarray, "n"]]:
    pixels = np.stack([preprocess_image(example.image, preprocess) for example in examples])
    return pixels, np.array([example.label for example in examples], np.int64)
