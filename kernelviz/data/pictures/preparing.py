"""Pictures of any number and size, prepared for a network with a frozen backbone; and vectors.

    Listing -> `prepare`: one pass over the files -> PictureSet

What the pass has made is in the `ContentCache` at once, so that one that is stopped goes on where it was, and a second
one has nothing to do.
"""

import hashlib
import io
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float16, Int, Int64, UInt8
from PIL import Image, ImageOps

from kernelviz.data.pictures.content_cache import ContentCache, Known
from kernelviz.data.pictures.picture_set import PictureSet, VectorSet
from kernelviz.data.pictures.reading import Reader, extractor_for, read_all
from kernelviz.data.pictures.views import VERSION
from kernelviz.data.splits import content_hash, split_by_content
from kernelviz.disk import data_folder
from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile, on_all_cores
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.networks import Backbone
from kernelviz.sources.listing import NAME, PATH, Listing
from kernelviz.text import shown

STORED = 256  # pictures between two writes to the cache
IN_MEMORY = 1e9  # bytes of features; more are kept on disk

VECTOR_FILES = "give them as .npy or .npz, or as a column of lists in a .parquet file"

Progress = Callable[[float, str], None]


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
    size = math.prod(backbone.shape_of_features((preprocess.channels, preprocess.height, preprocess.width)))
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


def _key(backbone: Backbone, preprocess: Preprocess, views: int, shares: tuple[float, float]) -> str:
    """What features depend on beside the content."""
    facts = f"{backbone.facts} {preprocess} {views} {shares if views > 1 else ''} {VERSION}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _complete(listing: Listing, key: str, reader: Reader, cache: ContentCache, progress: Progress) -> dict[str, Known]:
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
