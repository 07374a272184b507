"""Tables on disk, in the format that the ending of a file's name says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from kernelviz.disk import replacing
from kernelviz.errors import UserError

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how text begins that a spreadsheet runs (OWASP, CSV injection)


def to_json(table: pd.DataFrame) -> str:
    """The table as a JSON list with one object for each row; numbers have all their digits, missing values are null."""
    return table.to_json(orient="records", double_precision=15)


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV for spreadsheets: an apostrophe stands before text that they would run as a formula."""
    return harmless_table(table).to_csv(index=False)


def harmless_table(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before texts that spreadsheets would run as a formula, also names of columns."""
    safe = table.apply(lambda column: column if is_numeric_dtype(column) else column.astype(object).map(_harmless))
    return safe.rename(columns=_harmless)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table to a file whose name ends in one of WRITERS; raises a UserError for another ending."""
    check_ending(path)
    with replacing(path) as partial:
        WRITERS[path.suffix](table, partial)


def check_ending(path: Path) -> None:
    """Raise a UserError for a file name with an ending that cannot be written."""
    if path.suffix not in WRITERS:
        raise UserError(f"{path} ends in {path.suffix!r}; a table can be written as {', '.join(WRITERS)}")


def _write_npz(table: pd.DataFrame, path: Path) -> None:
    table = table.fillna({"prediction": ""})  # without a class: numpy would pickle a missing text
    with open(path, "wb") as file:
        np.savez(file, **{name: np.array(table[name].tolist()) for name in table})


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda table, path: path.write_text(to_csv(table), encoding="utf-8", newline=""),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
    ".json": lambda table, path: path.write_text(to_json(table), encoding="utf-8"),
    ".npz": _write_npz,
}
