"""Tables of a run as Parquet files, whose number of rows is looked at before they are read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int
from pyarrow import dataset, parquet

MAX_ROWS = 10_000_000  # a file of a few kB may claim billions
Rows = Int[np.ndarray, " m"] | None


def column_names(path: Path) -> list[str]:
    """The columns that a table has."""
    return parquet.read_schema(path).names


def read_rows(path: Path, columns: Sequence[str] | None = None, rows: Rows = None) -> pa.Table:
    """A table, or some of its columns and rows; a ValueError where it has more than MAX_ROWS rows."""
    with parquet.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise ValueError(f"it has {file.metadata.num_rows:,} rows, allowed are {MAX_ROWS:,}")
        return file.read(columns) if rows is None else dataset.dataset(path).take(rows, columns=columns)
