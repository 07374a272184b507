"""Pictures or vectors in .npy and .npz files."""

from collections import deque
from collections.abc import Iterator, Sequence
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
from kernelviz.sources.names import check_count, shown, some_of, stamp_of

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
    pairs = [
        (f"{name}_images", f"{name}_labels", split) for split, names in enumerate(PARTS) for name in names
    ] + [(f"x_{name}", f"y_{name}", split) for split, names in enumerate(PARTS) for name in names]
    found = [Part(low[one], low.get(labels), split) for one, labels, split in pairs if one in low]
    alone = [Part(low[one], low.get(labels)) for one, labels in ALONE if one in low and len(low[one].shape) > 2]
    return found or alone[:1]


def _vectors(arrays: dict[str, ArrayFile]) -> ArrayFile | None:
    flat = {name: array for name, array in arrays.items() if len(array.shape) == 2 and array.dtype.kind in "fiu"}
    floats = [array for array in flat.values() if array.dtype.kind == "f"]
    named = column_of(flat, ("", *VECTORS))
    return flat[named] if named is not None else floats[0] if len(floats) == 1 else None


def _names(parts: list[Part]) -> list[str]:
    """Numbers; of pictures in splits, after the name of the split."""
    return [f"{SPLITS[part.split]}/{row}" if part.split >= 0 else str(row) for part in parts for row in range(len(part))]


def _table(parts: list[Part], arrays: dict[str, ArrayFile]) -> tuple[pd.DataFrame, list[str]]:
    """The labels of all parts as a column, other arrays with a value for each item as more, and notes."""
    used = {part.items for part in parts} | {part.labels for part in parts}
    n = sum(map(len, parts))
    columns = {} if len(parts) > 1 else {
        shown(name): array.whole() for name, array in arrays.items()
        if array not in used and array.shape == (n,) and array.dtype.kind in "fiubU"
    }
    told = [(part, _labels(part)) for part in parts]
    notes = [f"{part.labels} has several labels for each picture, and is not used" for part, one in told if one is None and part.labels]
    if any(one is not None for _, one in told):
        columns[LABELS[0]] = np.concatenate([np.full(len(part), None) if one is None else one.astype(object) for part, one in told])
    return pd.DataFrame(columns, index=range(n)), notes
