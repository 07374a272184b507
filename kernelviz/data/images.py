"""Image sets as arrays: by name, or from any source of pictures, which are brought to one size while they are read."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import UInt8

from kernelviz.data.image_set import ARRAYS, SETS, ImageSet, named_set
from kernelviz.data.listings import listing_of
from kernelviz.data.named import Progress, data_folder, download, is_local
from kernelviz.data.splits import TEST, VALIDATION, content_hash, split_by_content
from kernelviz.errors import UserError
from kernelviz.ingest.files import Content, RejectedFile, ingest
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.sources.listing import Listing
from kernelviz.sources.names import counted, left_out

__all__ = ["ARRAYS", "SETS", "ImageSet", "Preprocess", "data_folder", "download", "is_local", "load"]

LARGEST = 64  # pixels: files of one size keep it up to this side; all others are cropped to a square of this side
REPORTED = 256  # pictures between two calls of `progress`
WARNED = 5  # reasons why files are left out that get a warning of their own


def load(
    source: str,
    progress: Progress | None = None,
    allow_download: bool = True,
    preprocess: Preprocess | None = None,
    *,
    column: str = "",
    validation: float = 1 / 6,
    test: float = 0.2,
) -> ImageSet:
    """The image set of that name, or the pictures of any source (`read_source`) in one size.

    A file that cannot be read is left out with a warning. Raises NotFound where there is no such set, folder or file,
    and a UserError where it holds no two pictures.

    Args:
        source: name of a set, else a path.
        progress: called with the share of a download or of the pictures that is done, and one line for a person.
        preprocess: how the pictures of a source become images; None: their own sizes decide.
        column: where a picture's class comes from, a column of the source's table or path:N; "": found by itself.
        validation, test: shares of the splits that the source does not name (`split_by_content`); a set that has a name
            has its own test part.
    """
    if source in SETS:
        return replace(named_set(source, progress, allow_download), validation=validation)
    listing = listing_of(source, column)
    if not listing.has_pictures:
        raise UserError(
            f"{listing.name} holds vectors, and pictures are needed to learn from their pixels; give pictures, or make "
            "a map of the vectors with `kernelviz map`"
        )
    found = _read(listing, preprocess, progress or (lambda share, note: None))
    rejected = left_out([*listing.rejected, *found.rejected])
    if len(found.rows) < 2:
        n = counted(len(found.rows), "readable picture", "readable pictures")
        raise UserError("; ".join([f"{listing.name} has {n}, it takes at least 2", *rejected[:WARNED]]))
    _warn(rejected)
    return _divided(listing, found, validation, test)


@dataclass(eq=False)
class _Found:
    """The pictures of a listing that can be read, as they are read one after the other.

    Args:
        preprocess: how they become images.
        images: of all rows of the listing, of which the first are filled.
        rows, hashes: row in the listing and hash of the content of each picture.
        rejected: the others.
        grey: whether all are grey: files whose channels are equal, and arrays without channels.
    """

    preprocess: Preprocess
    images: UInt8[np.ndarray, "n h w *c"]
    rows: list[int] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    rejected: list[RejectedFile] = field(default_factory=list)
    grey: bool = True

    def add(self, row: int, digest: bytes, image: UInt8[np.ndarray, "h w *c"], with_channels: bool) -> None:
        """Append a picture; `with_channels` says whether it was an array that has some."""
        self.images[len(self.rows)] = image
        self.rows.append(row)
        self.hashes.append(digest)
        self.grey = self.grey and not with_channels and (image.ndim == 2 or bool((image == image[..., :1]).all()))

    def without_colour(self) -> "_Found":
        """The pictures with one channel if all are grey."""
        if not self.grey or self.images.ndim == 3:
            return self
        images = np.ascontiguousarray(self.images[..., 0])
        return replace(self, images=images, preprocess=replace(self.preprocess, channels=1))


def _divided(listing: Listing, found: _Found, validation: float, test: float) -> ImageSet:
    """The image set of the pictures, with the validation part at the end of the training images."""
    labels = listing.labels[found.rows]
    splits = split_by_content(found.hashes, labels, listing.splits[found.rows], validation, test)
    order = np.argsort(splits, kind="stable")
    learned, tested = order[splits[order] < TEST], order[splits[order] == TEST]
    return ImageSet(
        listing.name.removesuffix(".npz"),
        listing.classes,
        found.preprocess,
        found.images[learned],
        labels[learned],
        found.images[tested],
        labels[tested],
        float((splits == VALIDATION).sum() / len(learned)),
    )


def _read(listing: Listing, preprocess: Preprocess | None, progress: Progress) -> _Found:
    """The pictures as images of a given preprocessing.

    Without one, pictures of one size keep it, if they are arrays or no larger than LARGEST, and others are cropped to a
    square of LARGEST pixels; they are grey if all are.
    """
    if preprocess:
        return _in_one_size(listing, preprocess, progress)
    own = _own_size(listing)
    found = own and _in_one_size(listing, own, progress, (own.width, own.height))
    return (found or _in_one_size(listing, Preprocess("crop", LARGEST, LARGEST, 3), progress)).without_colour()


def _own_size(listing: Listing) -> Preprocess | None:
    """What keeps the first picture that can be read as it is; None where this is a file of more than LARGEST pixels."""
    for _, content in listing.contents():
        try:
            if isinstance(content, np.ndarray):
                return Preprocess("crop", *content.shape[:2], 3)
            if isinstance(content, bytes):
                width, height = open_image(content).size
                return Preprocess("resize", height, width, 3) if max(width, height) <= LARGEST else None
        except UnreadableImage:
            continue
    return None


def _in_one_size(
    listing: Listing, preprocess: Preprocess, progress: Progress, only: tuple[int, int] | None = None
) -> _Found | None:
    """The pictures, read and preprocessed on all cores; None as soon as the width and height of one are not `only`."""
    channels = (3,) if preprocess.channels == 3 else ()
    found = _Found(preprocess, np.empty((len(listing), preprocess.height, preprocess.width, *channels), np.uint8))
    passed: list[tuple[bytes, bool]] = []
    for row, one in enumerate(ingest(_noted(listing, passed), preprocess)):
        if isinstance(one, RejectedFile):
            found.rejected.append(one)
        elif only and one.size != only:
            return None
        else:
            digest, with_channels = passed[row]
            found.add(row, digest, one.pixels, with_channels)
        if (row + 1) % REPORTED == 0 or row + 1 == len(listing):
            progress((row + 1) / len(listing), f"reading pictures: {row + 1:,} of {len(listing):,}")
    return found


def _noted(listing: Listing, passed: list[tuple[bytes, bool]]) -> Iterator[tuple[str, Content]]:
    """The contents of a listing; as they pass, the hash of each and whether it is an array with channels are noted."""
    for name, content in listing.contents():
        digest = b"" if isinstance(content, UnreadableImage) else content_hash(content)
        passed.append((digest, isinstance(content, np.ndarray) and content.ndim == 3))
        yield name, content


def _warn(rejected: list[str]) -> None:
    """Warn of the files that are left out: of each of the first reasons, and of how many there are beside them."""
    rest = len(rejected) - WARNED
    for line in rejected[:WARNED] + ([f"files are left out for {rest:,} more reasons"] if rest > 0 else []):
        warnings.warn(line, stacklevel=3)
