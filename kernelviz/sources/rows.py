"""Pictures or vectors in the rows of Parquet and Arrow tables."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kernelviz.errors import UserError
from kernelviz.ingest.files import Content, content_of
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.sources.arrow_files import (
    FEW,
    Known,
    TableFile,
    class_names,
    is_binary,
    is_text,
    is_vector,
    scalar_columns,
    scalars,
    told,
    vectors,
)
from kernelviz.sources.columns import PATHS, PICTURES, VECTORS, column_of
from kernelviz.sources.layout import assigned
from kernelviz.sources.listing import Listing
from kernelviz.sources.manifest import of_table
from kernelviz.sources.names import check_count, stamp_of
from kernelviz.text import shown


@dataclass(frozen=True)
class Columns:
    """The columns of a table by what they hold; None where there is none of the kind."""

    picture: str | None
    path: str | None
    vector: str | None
    others: list[str]


def columns_of(schema: pa.Schema) -> Columns:
    """Which columns hold pictures, paths of pictures, vectors, and all else that can be told of an item."""
    structs = [field.name for field in schema if _is_picture(field.type)]
    binary = [field.name for field in schema if is_binary(field.type)]
    texts = [field.name for field in schema if is_text(field.type)]
    lists = [field.name for field in schema if is_vector(field.type)]
    path = column_of(texts, PATHS)
    picture = _chosen(structs, PICTURES) or column_of(binary, PICTURES)
    if not picture and not path and len(binary) == 1:
        picture = binary[0]
    return Columns(picture, None if picture else path, _chosen(lists, VECTORS), scalar_columns(schema))


def _is_picture(kind: pa.DataType) -> bool:
    """Whether it is what Hugging Face writes for a picture: a struct of its bytes and its path."""
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    return is_binary(kind.field("bytes").type)


def _chosen(columns: list[str], names: Sequence[str]) -> str | None:
    return column_of(columns, names) or next(iter(columns), None)


def of_rows(name: str, files: Sequence[TableFile], labels: str | None, known: Known | None = None) -> Listing:
    """The items of one or more files of a table; a UserError where it has neither pictures, nor paths, nor vectors.

    Args:
        known: names of the classes by column; by default those that Hugging Face writes to the schema.
    """
    _check_alike(files)
    check_count(sum(map(len, files)), name)
    schema = files[0].schema
    columns, known = columns_of(schema), {**(known or {}), **class_names(schema)}
    found, notes = _vectors(files, columns)
    if columns.path:
        listing = of_table(files[0].path, scalars(files, columns.others), labels, found, known)
    elif columns.picture or columns.vector:
        listing = assigned(_listing(name, files, columns, found), labels, known=known)
    else:
        raise UserError(_nothing(files[0]))
    return replace(listing, notes=listing.notes + notes)


def _check_alike(files: Sequence[TableFile]) -> None:
    for file in files:
        if set(file.schema.names) != set(files[0].schema.names):
            raise UserError(
                f"{file.path} and {files[0].path} have different columns; give a folder whose files belong together"
            )


def _nothing(file: TableFile) -> str:
    columns = ", ".join(f"{field.name} ({str(field.type)[:40]})" for field in list(file.schema)[:20])
    return (
        f"{file.path} has neither pictures nor vectors; its columns are {columns or 'none'}; allowed are a column of "
        f"bytes, one of lists of floats, and one of paths, named {PATHS[0]}"
    )


def _vectors(files: Sequence[TableFile], columns: Columns) -> tuple[np.ndarray | None, list[str]]:
    """The vectors of all rows, and notes. Lists of different lengths beside pictures, such as boxes, are none."""
    if not columns.vector:
        return None, []
    try:
        return vectors(files, columns.vector), [f"the vectors are those of the column {columns.vector!r}"]
    except UserError as error:
        if not columns.picture and not columns.path:
            raise
        return None, [str(error)]


def _listing(name: str, files: Sequence[TableFile], columns: Columns, found: np.ndarray | None) -> Listing:
    n = sum(map(len, files))
    return Listing(
        name,
        _names(files, columns.picture),
        [f"{stamp}:{row}" for file, stamp in zip(files, _stamps(files), strict=True) for row in range(len(file))],
        lambda rows: _contents(files, columns.picture, rows),
        [None] * n,
        (),
        np.full(n, -1, np.int64),
        np.repeat(np.array([file.split for file in files], np.int64), [len(file) for file in files]),
        scalars(files, columns.others),
        found,
        columns.picture is not None,
    )


def _stamps(files: Sequence[TableFile]) -> list[str]:
    return [stamp_of(file.path) for file in files]


def _names(files: Sequence[TableFile], picture: str | None) -> list[str]:
    """The path that comes with each picture, else the number of the row."""
    kind = files[0].schema.field(picture).type if picture else None
    if kind is None or not pa.types.is_struct(kind) or kind.get_field_index("path") < 0:
        return [str(row) for row in range(sum(map(len, files)))]
    paths = [
        path
        for file in files
        for batch in file.all_batches([f"{picture}.path"])
        for path in pc.struct_field(batch.column(0), "path").to_pylist()
    ]
    return [shown(str(path)) if path else str(row) for row, path in enumerate(paths)]


def _contents(files: Sequence[TableFile], picture: str, rows: Sequence[int]) -> Iterator[Content]:
    """The pictures of some rows, of which one part of a file at a time is read."""
    start, left = 0, deque(rows)
    for file in files:
        for group, n in enumerate(file.groups):
            wanted = []
            while left and left[0] < start + n:
                wanted.append(left.popleft() - start)
            if wanted:
                yield from _of_group(file, group, picture, wanted)
            start += n


def _of_group(file: TableFile, group: int, picture: str, wanted: list[int]) -> Iterator[Content]:
    """The pictures of some rows of a part; where the file is damaged, the others are told to be."""
    start, left = 0, deque(wanted)
    try:
        with told(file.path):
            for batch in file.batches(group, [picture], FEW):
                while left and left[0] < start + batch.num_rows:
                    content = _content(batch.column(0)[left[0] - start].as_py(), file.path.parent)
                    left.popleft()
                    yield content
                start += batch.num_rows
                if not left:
                    return
    except UserError as error:
        yield from (UnreadableImage(str(error)) for _ in left)


def _content(value: object, folder: Path) -> Content:
    """The bytes of a picture, or those of the file that its row names in place of them."""
    path = value.get("path") if isinstance(value, dict) else None
    data = value.get("bytes") if isinstance(value, dict) else value
    if data is not None:
        return data
    return content_of(folder / path) if path else UnreadableImage("the row has no picture")
