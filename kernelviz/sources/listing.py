"""What a source holds, before any picture is decoded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float32, Int, Int64

from kernelviz.ingest.files import Content, RejectedFile

SPLITS = ("train", "validation", "test")  # what a source may say of an item, by number
NAME, PATH = "name", "file"  # columns of a run's table that are not the source's own
Read = Callable[[Sequence[int]], Iterable[Content]]


@dataclass(frozen=True, eq=False)
class Listing:
    """The items of a source: pictures, vectors, or both, with all that is known of each.

    Args:
        name: of the source, for a person.
        names: of each item: its path within the source, or its number.
        stamps: a short text for each item that changes with its content (of a file: its path, size and time).
        read: gives the content of some items, by their rows in rising order, one at a time; not called where the items
            are vectors without pictures.
        files: the file of each item on this machine; None for one inside of an archive or a table.
        classes, labels: names of the classes, and the number of the class of each item; -1 is "no label".
        splits: number of the split in SPLITS that the source assigns to each item; -1 where it assigns none.
        table: what else is known, a row for each item; no columns where there is nothing.
        vectors: a vector for each item, where the source has some.
        rejected: files that are not taken, with the reason.
        notes: sentences for a person on what was found.
    """

    name: str
    names: list[str]
    stamps: list[str]
    read: Read
    files: list[Path | None]
    classes: tuple[str, ...]
    labels: Int64[np.ndarray, " n"]
    splits: Int64[np.ndarray, " n"]
    table: pd.DataFrame
    vectors: Float32[np.ndarray, "n d"] | None = None
    has_pictures: bool = True
    rejected: list[RejectedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.names)

    def contents(self, rows: Sequence[int] | None = None) -> Iterator[tuple[str, Content]]:
        """Name and content of some items, all of them if not given, as `ingest` takes them; one at a time, in order."""
        rows = range(len(self)) if rows is None else rows
        yield from zip((self.names[row] for row in rows), self.read(rows), strict=True)

    def where(self, rows: Int[np.ndarray, " m"]) -> "Listing":
        """The items of some rows, in rising order."""
        chosen = rows.tolist()
        return replace(
            self,
            names=[self.names[row] for row in chosen],
            stamps=[self.stamps[row] for row in chosen],
            read=lambda some: self.read([chosen[at] for at in some]),
            files=[self.files[row] for row in chosen],
            labels=self.labels[rows],
            splits=self.splits[rows],
            table=self.table.iloc[rows].reset_index(drop=True),
            vectors=None if self.vectors is None else self.vectors[rows],
        )
