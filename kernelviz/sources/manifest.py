"""Tables of pictures: a row for each, with the path of its file and what else is known of it."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

import numpy as np
import pandas as pd
from jaxtyping import Float32

from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile, content_of
from kernelviz.sources.arrow_files import scalar_columns, scalars, table_file
from kernelviz.sources.columns import LABELS, PARTS, PATHS, column_of
from kernelviz.sources.layout import assigned
from kernelviz.sources.listing import Listing
from kernelviz.sources.names import check_count, counted, some_of, stamp
from kernelviz.text import shown

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"]  # but not as a path, a label or a split
NO_FILE = "there is no such file; check the path in the table"


def read_table(file: Path | bytes, name: str, labels: str | None) -> pd.DataFrame:
    """The table in a file, or in its bytes, of the format that the ending of its name says.

    Paths, labels and splits are texts as they are written. Raises a UserError where it cannot be read.
    """
    ending = Path(name).suffix.lower()
    if ending == ".parquet":
        parquet = table_file(file)
        return scalars([parquet], scalar_columns(parquet.schema))
    with io.BytesIO(file) if isinstance(file, bytes) else open(file, "rb") as stream:
        try:
            return _from_csv(stream, labels) if ending in (".csv", ".tsv") else _from_json_lines(stream)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{name} is damaged or no table in UTF-8 ({error}); write it again") from error


def _from_csv(stream: io.BufferedIOBase, labels: str | None) -> pd.DataFrame:
    start = stream.readline(1_000_000).decode("utf-8-sig", "replace")
    separator = max(",;\t", key=start.count)
    stream.seek(0)
    names = pd.read_csv(stream, sep=separator, nrows=0, encoding="utf-8-sig").columns
    texts = [name for name in names if name == labels or name.lower() in (*PATHS, *LABELS, *PARTS)]
    stream.seek(0)
    return pd.read_csv(
        stream,
        sep=separator,
        encoding="utf-8-sig",
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={name: MISSING for name in names if name not in texts},
        index_col=False,
        low_memory=False,
    )


def _from_json_lines(stream: io.BufferedIOBase) -> pd.DataFrame:
    return pd.DataFrame([flat(json.loads(line)) for line in stream if line.strip()])


def flat(row: object) -> dict[str, object]:
    """The values of a JSON object that are neither lists nor objects; a ValueError where it is no object."""
    if not isinstance(row, dict):
        raise ValueError("a line is no JSON object")
    values = {shown(key): shown(value) if isinstance(value, str) else value for key, value in row.items()}
    return {key: value for key, value in values.items() if not isinstance(value, (list, dict))}


@dataclass(frozen=True)
class Row:
    """A row of a manifest whose file is there."""

    at: int
    name: str
    path: Path
    stamp: str


def manifest(path: Path, labels: str | None) -> Listing:
    """The pictures of a table in a file."""
    return of_table(path, read_table(path, path.name, labels), labels)


def of_table(
    path: Path,
    table: pd.DataFrame,
    labels: str | None,
    vectors: Float32[np.ndarray, "n d"] | None = None,
    known: dict[str, tuple[str, ...]] | None = None,
) -> Listing:
    """The pictures that a table names, which lies at a path; with their vectors, where it has some.

    A row whose file is not there is rejected. `known` is as `assigned` takes it.
    """
    check_count(len(table), path)
    column = column_of(table.columns, PATHS)
    if column is None:
        raise UserError(
            f"{path} has no column of paths; its columns are {some_of(list(table.columns), 20) or 'none'}; "
            f"name the one with the paths {PATHS[0]}"
        )
    found, missing = _rows(path.parent, [_written(value) for value in table[column]])
    chosen = np.array([row.at for row in found], np.int64)
    listing = Listing(
        path.name,
        [row.name for row in found],
        [row.stamp for row in found],
        lambda rows: (content_of(found[row].path) for row in rows),
        [row.path for row in found],
        (),
        np.full(len(found), -1, np.int64),
        np.full(len(found), -1, np.int64),
        table.drop(columns=column).iloc[chosen].reset_index(drop=True),
        None if vectors is None else vectors[chosen],
        rejected=[RejectedFile(name, NO_FILE) for name in missing],
        notes=_notes(path.name, missing),
    )
    return assigned(listing, labels, known=known)


def _written(value: object) -> str:
    return value if isinstance(value, str) else "" if pd.isna(value) else str(value)


def _rows(folder: Path, written: list[str]) -> tuple[list[Row], list[str]]:
    """The rows whose files are there, and the names of the others."""
    found, missing = [], []
    for at, text in enumerate(written):
        paths = [folder / text, folder / text.replace("\\", "/")]
        row = next((row for path in paths if (row := _row(at, path, folder))), None)
        if row and text:
            found.append(row)
        else:
            missing.append(shown(text) or f"row {at + 1}, which has no path")
    return found, missing


def _row(at: int, path: Path, folder: Path) -> Row | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not S_ISREG(status.st_mode):  # a device or a pipe might never end
        return None
    name = path.relative_to(folder) if path.is_relative_to(folder) else path
    return Row(at, shown(name.as_posix()), path, stamp(path, status.st_size, status.st_mtime_ns))


def _notes(name: str, missing: list[str]) -> list[str]:
    if not missing:
        return []
    return [f"{counted(len(missing), 'row', 'rows')} of {name} without a picture: {some_of(missing)}"]
