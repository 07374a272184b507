"""Pictures of any number and size as a network with a frozen backbone learns from them.

    Listing -> `prepare`: one pass over the files -> PictureSet

The pass decodes on all cores, makes a small picture of each, and computes the backbone's features; what it has made is
in the `ContentCache` at once, so that a pass that is stopped goes on where it was, and a second one has nothing to do.
"""

import hashlib
import io
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float16, Float32, Int, Int64, UInt8
from PIL import Image, ImageOps

from kernelviz.data.batches import pixels
from kernelviz.data.content_cache import ContentCache, Known
from kernelviz.data.splits import content_hash, is_held_out, split_by_content
from kernelviz.data.views import VERSION, views_of
from kernelviz.disk import data_folder
from kernelviz.errors import UserError
from kernelviz.ingest.files import Content, RejectedFile, on_all_cores, torch_on_all_cores
from kernelviz.ingest.image_file import UnreadableImage, frames, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image
from kernelviz.networks import Backbone
from kernelviz.networks.devices import mixed_precision
from kernelviz.networks.onnx_features import faster
from kernelviz.sources.listing import NAME, PATH, SPLITS, Listing
from kernelviz.text import shown

SMALL_SIDE = 256  # pixels along the longer side of a small picture
LOSSLESS = 64  # pixels: a picture that is no larger loses nothing
QUALITY = 75  # of larger ones, as JPEG
ON_CPU, ON_GPU = 8, 64  # pictures that a thread takes through the backbone at a time
MANY = 500  # pictures, of which torch takes some ten seconds for the features
STORED = 256  # pictures between two writes to the cache
AT_ONCE = 4096  # rows that are computed at a time
IN_MEMORY = 1e9  # bytes of features; more are kept on disk

VECTOR_FILES = "give them as .npy or .npz, or as a column of lists in a .parquet file"

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures with what a network is trained on: features, small images, labels, splits; or vectors (`vector_set`).

    The rows are in the order of a map: first those of "train", then "validation", then "test".

    Args:
        name, classes: name of the source and names of the classes; no classes where there are no labels.
        preprocess: how any picture becomes what the backbone takes.
        backbone: the network that the features are of; None where the items are vectors.
        features: of each picture and of each of its views; vectors are their own.
        images: small images that a decoder learns; or the vectors.
        labels: numbers of the classes; -1 is "no label".
        splits: number of the split of each.
        hashes: of the content of each.
        table: name and file of each, and the columns of the source's own table.
        unreadable: files of the listing that are no pictures, with the reason.
    """

    name: str
    classes: tuple[str, ...]
    preprocess: Preprocess
    backbone: Backbone | None
    features: Float[np.ndarray, "n views d"]
    images: UInt8[np.ndarray, "n h w 3"] | Float32[np.ndarray, "n 1 d"]
    labels: Int64[np.ndarray, " n"]
    splits: Int64[np.ndarray, " n"]
    hashes: list[bytes]
    table: pd.DataFrame
    unreadable: list[RejectedFile] = field(default_factory=list)

    unit = "pictures"
    has_pictures = True

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def facts(self) -> dict:
        """What run.json records of the set."""
        return {"name": self.name, "classes": list(self.classes), "preprocess": asdict(self.preprocess)}

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of what the backbone takes."""
        return self.preprocess.channels, self.preprocess.height, self.preprocess.width

    @property
    def decoded_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the small images."""
        return 3, *self.images.shape[1:3]

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Small images and labels of "train", "validation" or "test"."""
        rows = self.rows(name)
        return self.images[rows], self.labels[rows]

    def rows(self, name: str) -> slice:
        """The rows of a split."""
        start, stop = np.searchsorted(self.splits, [SPLITS.index(name), SPLITS.index(name) + 1])
        return slice(int(start), int(stop))

    def small_pictures(self) -> Iterator[tuple[bytes, bytes]]:
        """The hash of the content of each, and its small picture, whole, as the bytes of a file."""
        return zip(self.hashes, ContentCache().small(self.hashes), strict=True)

    def where(self, chosen: Int[np.ndarray, " m"]) -> "PictureSet":
        """The pictures of some rows, in rising order."""
        return replace(
            self,
            features=self.features[chosen],
            images=self.images[chosen],
            labels=self.labels[chosen],
            splits=self.splits[chosen],
            hashes=[self.hashes[row] for row in chosen],
            table=self.table.iloc[chosen].reset_index(drop=True),
        )


def prepare(
    listing: Listing,
    backbone: Backbone,
    preprocess: Preprocess,
    *,
    decoded: int,
    views: int,
    validation: float,
    test: float,
    device: str,
    progress: Progress | None = None,
    at_least: int = 2,
) -> PictureSet:
    """The pictures of a listing with their features.

    A file that is no picture is left out; a UserError says so where too few are left. Whatever stops the pass, what it
    has made is kept.

    Args:
        preprocess: how a picture becomes what the backbone takes.
        decoded: side in pixels of the small images; pictures that are all smaller keep their size.
        views: of each picture (`views_of`), at least 1.
        validation, test: shares of the splits that the source does not name (`split_by_content`).
        progress: called with the share that is done, and one line for a person.
        at_least: how many pictures it takes.
    """
    shares = (validation, test)
    size = backbone.size_of_features((preprocess.channels, preprocess.height, preprocess.width))
    cache, key = ContentCache(), _key(backbone, preprocess, views, shares)
    extractor = extractor_for(len(listing), backbone, preprocess, device)
    reader = Reader(extractor, preprocess, views, shares, device, cache.with_features(key))
    known = _complete(listing, key, reader, cache, progress or (lambda share, note: None))
    found = [known[stamp] for stamp in listing.stamps]
    unreadable = [
        RejectedFile(name, reason) for name, (_, _, reason) in zip(listing.names, found, strict=True) if reason
    ]
    rows = np.array([row for row, (_, _, reason) in enumerate(found) if not reason], int)
    if len(rows) < at_least:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in unreadable[:3])
        raise UserError(f"{listing.name} has {len(rows)} readable pictures, it takes at least {at_least}. {reasons}")
    rows, hashes, splits = _divided(listing, rows, [found[row][0] for row in rows], *shares)
    if paged := sum(pages > 1 for _, pages, reason in found if not reason):
        warnings.warn(f"{paged:,} files have more than one page; the first of each is taken", stacklevel=3)
    return PictureSet(
        name=listing.name,
        classes=listing.classes,
        preprocess=preprocess,
        backbone=backbone,
        features=_features(cache, key, hashes, views, size),
        images=small_images(lambda: cache.small(hashes), len(hashes), decoded),
        labels=listing.labels[rows],
        splits=splits,
        hashes=hashes,
        table=_table(listing, rows),
        unreadable=unreadable,
    )


def extractor_for(n: int, backbone: Backbone, preprocess: Preprocess, device: str) -> torch.nn.Module:
    """What computes the features of n pictures the fastest: many pay for the export to ONNX Runtime.

    It computes in float32, so that torch stays where a processor multiplies in bfloat16.
    """
    if device != "cpu" or n < MANY or not isinstance(mixed_precision(True, device), nullcontext):
        return backbone.extractor.to(device)
    return faster(backbone.extractor, (preprocess.channels, preprocess.height, preprocess.width))


@dataclass(frozen=True, eq=False, kw_only=True)
class VectorSet(PictureSet):
    """Vectors as a network is trained on them: features and what a decoder learns at once.

    Args:
        listing: the source, which has the pictures of the vectors, if any.
        listed: row in the listing of each.
    """

    listing: Listing
    listed: Int[np.ndarray, " n"]

    unit = "vectors"

    @property
    def has_pictures(self) -> bool:
        """Whether the source has a picture of each vector."""
        return self.listing.has_pictures

    @property
    def decoded_shape(self) -> tuple[int, int, int]:
        """That of a vector, which is what a decoder makes."""
        return self.image_shape

    def small_pictures(self) -> Iterator[tuple[bytes, bytes]]:
        """The hash of each vector and its small picture as the bytes of a file, empty where there is none."""
        for split in SPLITS:
            rows = self.rows(split)
            contents = self.listing.contents(self.listed[rows].tolist())
            for digest, (_, content) in zip(self.hashes[rows], contents, strict=True):
                yield digest, _small_or_none(content)


def vector_set(listing: Listing, *, validation: float, test: float) -> VectorSet:
    """The vectors of a listing, each float32 and as a whole; the hash of its bytes says in which split it is.

    A UserError says so where there are none, or too few.
    """
    if listing.vectors is None:
        raise UserError(f"{listing.name} has no vectors; {VECTOR_FILES}")
    if len(listing) < 2:
        raise UserError(f"{listing.name} has {len(listing)} vector, a map takes at least 2")
    vectors = np.ascontiguousarray(listing.vectors, np.float32)
    hashes = [content_hash(vector.tobytes()) for vector in vectors]
    rows, hashes, splits = _divided(listing, np.arange(len(listing)), hashes, validation, test)
    vectors = vectors[rows, None]
    return VectorSet(
        name=listing.name,
        classes=listing.classes,
        preprocess=Preprocess("vector", 1, vectors.shape[2], 1),
        backbone=None,
        features=vectors,
        images=vectors,
        labels=listing.labels[rows],
        splits=splits,
        hashes=hashes,
        table=_table(listing, rows),
        listing=listing,
        listed=rows,
    )


def _divided(
    listing: Listing, rows: Int[np.ndarray, " n"], hashes: list[bytes], validation: float, test: float
) -> tuple[Int[np.ndarray, " n"], list[bytes], Int64[np.ndarray, " n"]]:
    """Some rows of a listing in the order of a map, with the hash of the content and the split of each."""
    splits = split_by_content(hashes, listing.labels[rows], listing.splits[rows], validation, test)
    order = np.argsort(splits, kind="stable")
    return rows[order], [hashes[at] for at in order], splits[order]


def _table(listing: Listing, rows: Int[np.ndarray, " n"]) -> pd.DataFrame:
    """Name and file of some rows of a listing, and the columns of its own table."""
    own = {
        NAME: [listing.names[row] for row in rows],
        PATH: [_path(listing.files[row]) for row in rows],
    }
    return pd.concat([pd.DataFrame(own), listing.table.iloc[rows].reset_index(drop=True)], axis=1)


def _path(file: Path | None) -> str:
    """The path of a file; none for one whose name is no text, which a table cannot hold."""
    path = os.fspath(file or "")
    return path if path == shown(path) else ""


def _small_or_none(content: Content) -> bytes:
    """The small picture of a content; empty where it is no picture."""
    try:
        if isinstance(content, UnreadableImage):
            raise content
        return small_picture(_opened(content, (SMALL_SIDE, SMALL_SIDE)))
    except UnreadableImage:
        return b""


def _opened(content: bytes | np.ndarray, enough: tuple[int, int]) -> Image.Image:
    return Image.fromarray(content) if isinstance(content, np.ndarray) else open_image(content, enough)


def _key(backbone: Backbone, preprocess: Preprocess, views: int, shares: tuple[float, float]) -> str:
    """What features depend on beside the content."""
    facts = f"{backbone.facts} {preprocess} {views} {shares if views > 1 else ''} {VERSION}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _complete(
    listing: Listing, key: str, reader: "Reader", cache: ContentCache, progress: Progress
) -> dict[str, Known]:
    """Fill the cache with what it lacks of a listing; returns what is known of all its stamps."""
    known = cache.known(listing.stamps)
    missing = [
        row
        for row, stamp in enumerate(listing.stamps)
        if stamp not in known or (known[stamp][2] is None and known[stamp][0] not in reader.have)
    ]
    done = len(listing) - len(missing)
    progress(done / len(listing), f"reading pictures: {done:,} of {len(listing):,} known from before")
    read = read_all(listing, missing, reader)
    while part := list(islice(read, STORED)):
        stamps = [(listing.stamps[one.row], (one.digest, one.pages, one.reason)) for one in part]
        fresh = [one for one in part if one.features is not None]
        reader.have.update(one.digest for one in fresh)
        cache.store(key, stamps, ((o.digest, o.small) for o in fresh), ((o.digest, o.features) for o in fresh))
        known |= dict(stamps)
        done += len(part)
        progress(done / len(listing), f"reading pictures and computing features: {done:,} of {len(listing):,}")
    return known


@dataclass(eq=False)
class Read:
    """What was made of a content, or the reason why it is no picture; no features where these are known already."""

    row: int
    digest: bytes | None = None
    pages: int = 1
    reason: str | None = None
    small: bytes = b""
    pixels: np.ndarray | None = None
    features: np.ndarray | None = None


@dataclass(frozen=True)
class Reader:
    """Reads some contents and computes their features, in any thread; what is held out has no views beside itself.

    Args:
        shares: of validation and test, which say what is held out.
        have: the contents of which small picture and features are known.
    """

    extractor: torch.nn.Module
    preprocess: Preprocess
    views: int
    shares: tuple[float, float]
    device: str
    have: set[bytes]

    def __call__(self, contents: list[tuple[int, int, Content]]) -> list[Read]:
        """One result for each content, in order; a content comes with its row and the split that its source names."""
        results = [self.decode(row, content) for row, _, content in contents]
        fresh: dict[bool, dict[bytes, Read]] = {True: {}, False: {}}
        for one, (_, given, _) in zip(results, contents, strict=True):
            if one.pixels is not None:
                fresh[is_held_out(one.digest, given, *self.shares)][one.digest] = one
        for held_out, ones in fresh.items():
            if ones:
                self.compute(list(ones.values()), 1 if held_out else self.views)
        for one in results:
            one.pixels = None
        return results

    def decode(self, row: int, content: Content) -> Read:
        try:
            if isinstance(content, UnreadableImage):
                raise content
            digest = content_hash(content)
            if digest in self.have:
                return Read(row, digest)
            image = _opened(content, self._enough)
            pages = frames(content) if isinstance(content, bytes) else 1
            return Read(row, digest, pages, None, small_picture(image), preprocess_image(image, self.preprocess))
        except UnreadableImage as error:
            return Read(row, reason=str(error))

    @property
    def _enough(self) -> tuple[int, int]:
        return tuple(max(SMALL_SIDE, side) for side in (self.preprocess.width, self.preprocess.height))

    @torch.inference_mode()
    def compute(self, fresh: list[Read], views: int) -> None:
        hashes = [one.digest for one in fresh]
        shown = pixels(np.stack([one.pixels for one in fresh]), self.device)
        with mixed_precision(True, self.device):
            features = [self.extractor(view).float().flatten(1) for view in views_of(shown, hashes, views)]
        for one, vectors in zip(fresh, torch.stack(features, 1).half().cpu().numpy(), strict=True):
            one.features = vectors


def read_all(listing: Listing, rows: Sequence[int], reader: Reader) -> Iterator[Read]:
    """The results of some rows, in order: on every core a thread decodes and computes, for itself.

    One thread of the processor that takes a few pictures at a time through the whole network computes the most: the
    layers' outputs stay in its cache.
    """
    batch, given = ON_CPU if reader.device == "cpu" else ON_GPU, listing.splits
    contents = ((row, int(given[row]), one) for row, (_, one) in zip(rows, listing.contents(rows), strict=True))
    parts = iter(lambda: list(islice(contents, batch)), [])
    yield from chain.from_iterable(torch_on_all_cores(reader, parts))


def small_picture(image: Image.Image) -> bytes:
    """A picture, whole, of at most SMALL_SIDE pixels along its longer side, as the bytes of a file."""
    file = io.BytesIO()
    if max(image.size) <= LOSSLESS:
        image.save(file, "PNG")
    else:
        if max(image.size) > SMALL_SIDE:
            image = image.copy()
            image.thumbnail((SMALL_SIDE, SMALL_SIDE), Image.Resampling.HAMMING, reducing_gap=2.0)
        image.save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def small_images(files: Callable[[], Iterator[bytes]], n: int, side: int) -> UInt8[np.ndarray, "n h w 3"]:
    """The middle of each small picture as an image of `side` pixels; pictures that are all smaller keep their size.

    The pictures, which need not fit in memory, are read twice: once for their sizes.
    """
    sizes = {Image.open(io.BytesIO(data)).size for data in files()}  # reads their headers only
    width, height = sizes.pop() if len(sizes) == 1 and max(max(sizes)) <= side else (side, side)

    def fitted(data: bytes) -> UInt8[np.ndarray, "h w 3"]:
        return np.asarray(ImageOps.fit(Image.open(io.BytesIO(data)).convert("RGB"), (width, height)))

    out = np.empty((n, height, width, 3), np.uint8)
    for row, image in enumerate(on_all_cores(fitted, files())):
        out[row] = image
    return out


def _features(
    cache: ContentCache, key: str, hashes: list[bytes], views: int, size: int
) -> Float16[np.ndarray, "n views d"]:
    """The features of some contents, in order; on disk where they would fill the memory.

    What was computed without other views than itself has itself for all of them.
    """
    rows: dict[bytes, list[int]] = {}
    for row, digest in enumerate(hashes):
        rows.setdefault(digest, []).append(row)
    out = None
    for digest, vectors in cache.features(key, list(rows)):
        out = _array((len(hashes), views, size)) if out is None else out
        out[rows[digest]] = vectors.reshape(-1, size)
    return out


def _array(shape: tuple[int, ...]) -> Float16[np.ndarray, "n views d"]:
    if 2 * np.prod(shape) <= IN_MEMORY:
        return np.empty(shape, np.float16)
    file = tempfile.TemporaryFile(dir=data_folder())  # noqa: SIM115 (it lives as long as the array, and ends with it)
    return np.memmap(file, np.float16, "w+", shape=shape)


def directions(features: Float[np.ndarray, "n views d"]) -> Float32[np.ndarray, "n d"]:
    """The mean direction of each picture's views, of length 1: the nearest by distance have the largest cosine."""
    out = np.empty((len(features), features.shape[2]), np.float32)
    for start in range(0, len(features), AT_ONCE):
        part = features[start : start + AT_ONCE].astype(np.float32)
        mean = (part / np.linalg.norm(part, axis=2, keepdims=True).clip(1e-9)).mean(1)
        out[start : start + AT_ONCE] = mean / np.linalg.norm(mean, axis=1, keepdims=True).clip(1e-9)
    return out
