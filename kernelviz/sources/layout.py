"""Classes and splits of a listing, by the folders that its names tell of or by the columns of its table."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Int64

from kernelviz.errors import UserError
from kernelviz.sources.columns import LABELS, PARTS, classes_of, column_of, splits_of
from kernelviz.sources.listing import Listing
from kernelviz.sources.names import counted, some_of, split_of

LEVEL = re.compile(r"path:([1-9][0-9]?)")  # `labels`: at this level of folders are the classes
MAX_CLASSES = 32_767  # as many as 16 bits hold


def assigned(
    listing: Listing,
    labels: str | None,
    *,
    folders: Sequence[str] = (),
    by_path: bool = False,
    known: dict[str, tuple[str, ...]] | None = None,
) -> Listing:
    """The listing with its classes and splits.

    Args:
        labels: as `read_source` takes it.
        folders: paths of all folders, empty ones too.
        by_path: whether the first level of folders is the class, unless the table has a column of labels.
        known: names of the classes by column, where the values of the column are their numbers; the first such column
            is the one of labels where none has a name that says so.
    """
    listing = _with_splits(listing)
    level = int(LEVEL.fullmatch(labels)[1]) if labels and LEVEL.fullmatch(labels) else None
    known = {column: names for column, names in (known or {}).items() if _are_numbers(listing.table, column)}
    column = None if level else _label_column(listing, labels, known)
    if column is not None:
        classes, numbers = classes_of(listing.table[column], known.get(column))
        listing = replace(listing, table=listing.table.drop(columns=column))
    elif level or by_path:
        classes, numbers, notes = _by_path(listing.names, folders, level or 1)
        listing = replace(listing, notes=listing.notes + notes)
    else:
        return listing
    if labels and not classes:
        raise UserError(f"no item of {listing.name} has a class by {labels!r}; {_allowed(listing)}")
    check_classes(len(classes), listing.name)
    return replace(listing, classes=classes, labels=numbers)


def check_classes(n: int, source: str) -> None:
    """Raise a UserError for more classes than MAX_CLASSES."""
    if n > MAX_CLASSES:
        raise UserError(
            f"{source} has {n:,} classes, allowed are {MAX_CLASSES:,}; name another column, or a level of folders as "
            "path:1"
        )


def _are_numbers(table: pd.DataFrame, column: str) -> bool:
    return column in table.columns and pd.api.types.is_numeric_dtype(table[column])


def _label_column(listing: Listing, labels: str | None, known: Iterable[str]) -> str | None:
    if labels is None:
        return column_of(listing.table.columns, LABELS) or next(iter(known), None)
    if labels not in listing.table.columns:
        raise UserError(f"{listing.name} has no column {labels!r}; {_allowed(listing)}")
    return labels


def _allowed(listing: Listing) -> str:
    columns = ", ".join(listing.table.columns) or "none"
    return f"its columns are: {columns}; or give path:1 for the first level of folders, path:2 for the second"


def _with_splits(listing: Listing) -> Listing:
    """The splits by a column of the table, else as the source has them, else by the first level of folders."""
    splits = listing.splits
    if _are_splits(listing.names):
        by_name = np.array([split_of(name.partition("/")[0]) if "/" in name else -1 for name in listing.names])
        splits = np.where(splits >= 0, splits, by_name)
    column = column_of(listing.table.columns, PARTS)
    told = np.full(len(listing), -1) if column is None else splits_of(listing.table[column])
    if not (told >= 0).any():
        return replace(listing, splits=splits)
    return replace(listing, splits=np.where(told >= 0, told, splits), table=listing.table.drop(columns=column))


def _are_splits(names: list[str]) -> bool:
    """Whether the folders at the first level are train, test and the like, and no others."""
    first = {name.partition("/")[0] for name in names if "/" in name}
    return bool(first) and all(split_of(folder) >= 0 for folder in first)


def _by_path(
    names: list[str], folders: Sequence[str], level: int
) -> tuple[tuple[str, ...], Int64[np.ndarray, " n"], list[str]]:
    """Classes, labels and notes where the folder at a level is the class; folders of splits are no level."""
    at = level - 1 + _are_splits(names)
    classes, labels = classes_of(_part(name.split("/")[:-1], at) for name in names)
    empty = sorted({_part(folder.split("/"), at) for folder in folders} - {"", *classes})
    notes = [f"{counted(len(empty), 'class folder is', 'class folders are')} empty: {some_of(empty)}"] if empty else []
    return classes, labels, notes


def _part(parts: list[str], at: int) -> str:
    return parts[at] if at < len(parts) else ""
