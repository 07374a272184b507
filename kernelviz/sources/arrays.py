"""Pictures or vectors in .npy and .npz files."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Shaped, UInt8

from kernelviz.errors import UserError
from kernelviz.ingest.array_file import ArrayFile, array_files
from kernelviz.ingest.files import Content
from kernelviz.ingest.image_file import MAX_PIXELS
from kernelviz.sources.columns import LABELS, VECTORS, column_of
from kernelviz.sources.layout import assigned
from kernelviz.sources.listing import SPLITS, Listing
from kernelviz.sources.names import check_count, some_of, stamp_of
from kernelviz.text import shown

ALLOWED = (
    "pictures as train_images, val_images and test_images or as images, [n, h, w] or [n, h, w, channels], with "
    "train_labels and so on; or vectors [n, d]"
)
PARTS = (("train",), ("validation", "val", "valid"), ("test",))
ALONE = (("images", "labels"), ("x", "y"), ("data", "labels"), ("", ""))  # pictures without splits, and their labels


@dataclass(frozen=True)
class Part:
    """Arrays of one split: pictures or vectors, and labels where there are any."""

    items: ArrayFile
    labels: ArrayFile | None
    split: int = -1

    def __len__(self) -> int:
        return self.items.shape[0]


def of_arrays(path: Path, labels: str | None) -> Listing:
    """The pictures or vectors of a file; a UserError where it holds neither."""
    arrays = array_files(path)
    parts = _parts(arrays)
    vectors = None if parts else _vectors(arrays)
    if vectors:
        parts = [Part(vectors, arrays.get(column_of(arrays, ("labels", *LABELS, "y")) or "no such"))]
    if not parts:
        told = some_of([f"{shown(name)} {list(array.shape)} {array.dtype}" for name, array in arrays.items()], 10)
        raise UserError(f"{path} has neither pictures nor vectors; it holds {told or 'nothing'}; allowed are {ALLOWED}")
    n = sum(map(len, parts))
    check_count(n, path)
    table, notes = _table(parts, arrays)
    stamp = stamp_of(path)
    listing = Listing(
        path.name,
        _names(parts),
        [f"{stamp}:{row}" for row in range(n)],
        (lambda rows: iter(())) if vectors else _reader(parts),
        [None] * n,
        (),
        np.full(n, -1, np.int64),
        np.repeat(np.array([part.split for part in parts], np.int64), [len(part) for part in parts]),
        table,
        vectors.whole().astype(np.float32) if vectors else None,
        not vectors,
        notes=notes,
    )
    return assigned(listing, labels)


def _parts(arrays: dict[str, ArrayFile]) -> list[Part]:
    """The arrays of pictures, with their splits."""
    low = {name.lower(): array for name, array in arrays.items()}
    names = [(name, split) for split, words in enumerate(PARTS) for name in words]
    pairs = [(f"{name}_images", f"{name}_labels", split) for name, split in names]
    pairs += [(f"x_{name}", f"y_{name}", split) for name, split in names]
    found = [Part(low[one], low.get(labels), split) for one, labels, split in pairs if one in low]
    alone = [Part(low[one], low.get(labels)) for one, labels in ALONE if one in low and len(low[one].shape) > 2]
    return [part for part in found or alone[:1] if len(part)]


def _vectors(arrays: dict[str, ArrayFile]) -> ArrayFile | None:
    flat = {name: array for name, array in arrays.items() if len(array.shape) == 2 and array.dtype.kind in "fiu"}
    floats = [array for array in flat.values() if np.issubdtype(array.dtype, np.floating)]
    named = column_of(flat, ("", *VECTORS))
    return flat[named] if named is not None else floats[0] if len(floats) == 1 else None


def _names(parts: list[Part]) -> list[str]:
    """Numbers; of pictures in splits, after the name of the split."""
    return [
        f"{SPLITS[part.split]}/{row}" if part.split >= 0 else str(row) for part in parts for row in range(len(part))
    ]


def _table(parts: list[Part], arrays: dict[str, ArrayFile]) -> tuple[pd.DataFrame, list[str]]:
    """The labels of all parts as a column, other arrays with a value for each item as more columns, and notes."""
    table = _others(parts[0], arrays) if len(parts) == 1 else {}
    labels = [_labels(part) for part in parts]
    several = [part.labels for part, one in zip(parts, labels, strict=True) if part.labels and one is None]
    if len(several) < len([part for part in parts if part.labels]):
        missing = (np.full(len(part), None) for part in parts)
        table[LABELS[0]] = np.concatenate(
            [one if own is None else own for one, own in zip(missing, labels, strict=True)]
        )
    notes = [f"{array} has several labels for each picture, and is not used" for array in several]
    return pd.DataFrame(table, index=range(sum(map(len, parts)))), notes


def _others(part: Part, arrays: dict[str, ArrayFile]) -> dict[str, np.ndarray]:
    """Further arrays with a value for each item, by name."""
    return {
        shown(name): array.whole()
        for name, array in arrays.items()
        if array not in (part.items, part.labels) and array.shape == (len(part),) and array.dtype.kind in "fiubU"
    }


def _labels(part: Part) -> Shaped[np.ndarray, " n"] | None:
    """The labels of a part; None where it has none, or several for each picture."""
    if part.labels is None:
        return None
    labels = part.labels.whole()
    if not labels.ndim or len(labels) != len(part) or labels.dtype.kind not in "fiubUS":
        raise UserError(
            f"{part.labels} has shape {labels.shape} and dtype {labels.dtype}; give one number or text for each of the "
            f"{len(part):,} items"
        )
    if labels.size != len(labels):
        return None
    flat = labels.reshape(-1)
    return np.where(flat == -1, None, flat.astype(object)) if flat.dtype.kind in "fi" else flat.astype(object)


def _reader(parts: list[Part]) -> Callable[[Sequence[int]], Iterator[Content]]:
    """What reads pictures, each as uint8 with its channels last."""
    for part in parts:
        _check_shape(part.items)
    scale = _scale([part.items for part in parts])

    def read(rows: Sequence[int]) -> Iterator[Content]:
        start, left = 0, deque(rows)
        for part in parts:
            wanted = []
            while left and left[0] < start + len(part):
                wanted.append(left.popleft() - start)
            start += len(part)
            yield from (_pixels(values, scale) for values in part.items.rows(wanted))

    return read


def _check_shape(array: ArrayFile) -> None:
    grey, coloured = len(array.shape) == 3, len(array.shape) == 4 and {array.shape[1], array.shape[3]} & {1, 3, 4}
    if not (grey or coloured) or 0 in array.shape[1:] or array.dtype.kind not in "fiub":
        raise UserError(
            f"{array} has shape {array.shape} and dtype {array.dtype}; allowed are numbers [n, h, w], "
            "[n, h, w, channels] and [n, channels, h, w] with 1, 3 or 4 channels, not empty"
        )
    if math.prod(array.shape[1:]) > 4 * MAX_PIXELS:
        raise UserError(f"{array} has pictures of more than {MAX_PIXELS / 1e6:.0f} million pixels; scale them down")


def _scale(arrays: list[ArrayFile]) -> int:
    """What all values are multiplied by to run to 255: those of 0 to 1 by 255, those of 0 to 255 by 1."""
    if all(array.dtype == np.uint8 for array in arrays):
        return 1
    ends = [(block.min(), block.max()) for array in arrays for block in array.blocks()]
    low, high = (float(end) for end in (np.min(ends), np.max(ends)))
    if not (low >= 0 and high <= 255):  # a NaN fails too
        raise UserError(f"{arrays[0]} has values from {low:g} to {high:g}; scale them to 0 to 1, or to 0 to 255")
    return 255 if high <= 1 and all(array.dtype.kind in "fb" for array in arrays) else 1


def _pixels(values: Shaped[np.ndarray, "..."], scale: int) -> UInt8[np.ndarray, "h w *c"]:
    if values.ndim == 3 and values.shape[-1] not in (1, 3, 4):
        values = np.moveaxis(values, 0, -1)
    pixels = np.round(values.astype(np.float32) * scale).astype(np.uint8) if values.dtype != np.uint8 else values
    if pixels.ndim == 3:
        pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels[..., :3]
    return np.ascontiguousarray(pixels)
