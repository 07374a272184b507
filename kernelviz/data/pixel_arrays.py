"""The pictures of a listing as arrays of one small size, for networks that learn from pixels."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image, ImageOps

from kernelviz.data.splits import content_hash, split_by_content
from kernelviz.errors import UserError
from kernelviz.ingest.files import Content, RejectedFile, on_all_cores, warn_of_rejected
from kernelviz.ingest.image_file import ALLOWED, UnreadableImage, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image
from kernelviz.sources.listing import Listing

LARGEST = 64  # pixels: pictures of one size keep it up to this side; all others are cropped to a square of this side
REPORTED = 256  # pictures between two calls of `progress`


class PixelArrays(NamedTuple):
    """Pictures of one size with their labels, those of a split beside each other: training, validation, test."""

    preprocess: Preprocess
    images: UInt8[np.ndarray, "n h w *c"]
    labels: Int64[np.ndarray, " n"]
    splits: Int64[np.ndarray, " n"]


class _Example(NamedTuple):
    """A picture, cropped already if it is larger than the images of the set."""

    digest: bytes
    image: Image.Image
    size: tuple[int, int]  # width and height in the file
    grey: bool


def pixel_arrays(
    listing: Listing,
    preprocess: Preprocess | None,
    validation: float,
    test: float,
    progress: Callable[[float, str], None] | None = None,
) -> PixelArrays:
    """The pictures of a listing; a file that cannot be read is left out with a warning.

    Raises a UserError where fewer than two pictures are left, or where the listing has vectors in place of pictures.

    Args:
        preprocess: how a picture becomes an image of the set; None: pictures of one size keep it, others are cropped.
        validation, test: shares of the splits that the source does not name (`split_by_content`).
        progress: called with the share of the pictures that is read, and one line for a person.
    """
    if not listing.has_pictures:
        raise UserError(f"{listing.name} has vectors and no pictures; this recipe learns from the pixels of pictures")
    most = max(preprocess.height, preprocess.width) if preprocess else LARGEST
    rows, examples, rejected = [], [], list(listing.rejected)
    for row, one in enumerate(_examples(listing, most)):
        if isinstance(one, RejectedFile):
            rejected.append(one)
        else:
            rows.append(row)
            examples.append(one)
        if progress and ((row + 1) % REPORTED == 0 or row + 1 == len(listing)):
            progress((row + 1) / len(listing), f"reading pictures: {row + 1:,} of {len(listing):,}")
    warn_of_rejected(rejected)
    if len(examples) < 2:
        raise UserError(
            f"{listing.name} has {len(examples)} pictures that can be read; put at least two {', '.join(ALLOWED)} "
            "files there, in one folder for each class if they have classes"
        )
    preprocess = preprocess or _preprocess(examples)
    labels = listing.labels[rows]
    splits = split_by_content([one.digest for one in examples], labels, listing.splits[rows], validation, test)
    order = np.argsort(splits, kind="stable")
    images = np.stack([preprocess_image(examples[at].image, preprocess) for at in order])
    return PixelArrays(preprocess, images, labels[order], splits[order])


def _examples(listing: Listing, most: int) -> Iterator[_Example | RejectedFile]:
    def example(named: tuple[str, Content]) -> _Example | RejectedFile:
        name, content = named
        try:
            if isinstance(content, UnreadableImage):
                raise content
            if isinstance(content, np.ndarray):  # the images of an array keep their size
                image = Image.fromarray(content)
                return _Example(content_hash(content), image, image.size, image.mode == "L")
            image = open_image(content)
            small = _small(image, most)
            return _Example(content_hash(content), small, image.size, _is_grey(small))
        except UnreadableImage as error:
            return RejectedFile(name, str(error))

    return on_all_cores(example, listing.contents())


def _small(image: Image.Image, most: int) -> Image.Image:
    """The picture, cropped to a square of `most` pixels if it is larger, so that a large folder fits into memory."""
    if max(image.size) <= most:
        return image
    return ImageOps.fit(image, (most, most), Image.Resampling.LANCZOS)


def _preprocess(examples: list[_Example]) -> Preprocess:
    channels = 1 if all(one.grey for one in examples) else 3
    (width, height), sizes = examples[0].size, {one.size for one in examples}
    if len(sizes) > 1 or examples[0].image.size != examples[0].size:  # of several sizes, or cropped
        return Preprocess("crop", LARGEST, LARGEST, channels)
    return Preprocess("resize" if max(width, height) <= LARGEST else "crop", height, width, channels)


def _is_grey(image: Image.Image) -> bool:
    pixels = np.asarray(image)
    return pixels.ndim == 2 or bool((pixels == pixels[..., :1]).all())
