"""Tables on disk, in the format that the ending of a file's name says."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from kernelviz.disk import replacing
from kernelviz.errors import UserError

FORMULA = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")  # how text begins that spreadsheets run (OWASP, CSV injection)


def to_json(table: pd.DataFrame) -> str:
    """The table as a JSON list with one object for each row; numbers have all their digits, missing values are null."""
    return table.to_json(orient="records", double_precision=15, date_format="iso")


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV, with a header and without an index, made `safe_for_spreadsheets`."""
    safe = safe_for_spreadsheets(table)
    text = safe.to_csv(index=False)
    return text if "\r" not in text else safe.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)  # else it ends a row


def safe_for_spreadsheets(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before each text, also of the header, that a spreadsheet would run as a formula."""
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
