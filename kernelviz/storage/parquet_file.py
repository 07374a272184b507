"""Tables of a run as Parquet files, whose number of rows is looked at before they are read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int
from pyarrow import parquet

MAX_ROWS = 10_000_000  # a file of a few kB may claim billions
Rows = Int[np.ndarray, " m"] | None


def column_names(path: Path) -> list[str]:
    """The columns that a table has."""
    return parquet.read_schema(path).names


def read_rows(path: Path, columns: Sequence[str] | None = None, rows: Rows = None) -> pa.Table:
    """A table, or some of its columns and rows; a ValueError where it has more than MAX_ROWS rows.

    Only the groups of rows that some are asked of are read, one at a time.
    """
    with parquet.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows, allowed are {MAX_ROWS:,}")
        if rows is None:
            return file.read(columns)
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
        groups = np.searchsorted(ends, rows, "right")
        parts = [file.read_row_groups([], columns)]
        for group in np.unique(groups).tolist():
            first = ends[group - 1] if group else 0
            parts.append(file.read_row_group(group, columns).take(rows[groups == group] - first))
        return pa.concat_tables(parts).take(np.argsort(np.argsort(groups, kind="stable")))  # as they were asked for
