"""Tables in Parquet and Arrow files, a part at a time, none of them trusted."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Float32

from kernelviz.errors import UserError
from kernelviz.sources.names import check_count
from kernelviz.text import shown

BUFFER = 1_000_000  # bytes of a column that are read together
FEW, MANY = 32, 4096  # rows of a Parquet file that are unpacked together, where they are pictures or not
Known = dict[str, tuple[str, ...]]  # names of the classes, by the column of their numbers
Batches = Callable[[int, list[str], int], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, eq=False)
class TableFile:
    """A table on disk, of which only the header is read.

    Args:
        path: of the file; bytes are the file itself.
        split: number of the split that the file is; -1 where it is none.
        schema: names and types of the columns.
        groups: how many rows there are in each of the parts that can be read alone.
        batches: gives some columns of a part, by its number, and so many rows at a time if it can; "a.b" is the field b
            of the column a, alone if it can.
    """

    path: Path | bytes
    split: int
    schema: pa.Schema
    groups: list[int]
    batches: Batches

    def all_batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Some columns of all rows; a UserError where the file is damaged."""
        with told(self.path):
            for group in range(len(self.groups)):
                yield from self.batches(group, columns, MANY)

    def __len__(self) -> int:
        return sum(self.groups)


def table_file(path: Path | bytes, split: int = -1) -> TableFile:
    """A Parquet file, or one of Arrow's stream format; a UserError where it is damaged or neither."""
    parquet = isinstance(path, bytes) or path.suffix.lower() == ".parquet"
    with told(path):
        file = _parquet(path, split) if parquet else _stream(path, split)
        names = file.schema.names
    check_count(len(file), path)
    if len(set(names)) < len(names):
        raise UserError(f"{path} has two columns of one name; rename one of them")
    return file


def _parquet(path: Path | bytes, split: int) -> TableFile:
    def batches(group: int, columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
        with _opened(path) as file:
            for batch in file.iter_batches(size, [group], columns, use_threads=False):
                batch.validate(full=True)  # texts are in UTF-8
                yield batch

    with _opened(path) as file:
        groups = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
        return TableFile(path, split, file.schema_arrow, groups, batches)


@contextmanager
def _opened(path: Path | bytes) -> Iterator[pq.ParquetFile]:
    with pa.BufferReader(path) if isinstance(path, bytes) else open(path, "rb") as source:
        yield pq.ParquetFile(source, buffer_size=BUFFER, pre_buffer=False)


def _stream(path: Path, split: int) -> TableFile:
    def batches(group: int, columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
            for batch in stream:
                part = batch.select(
                    [name if name in batch.schema.names else name.rpartition(".")[0] for name in columns]
                )
                part.validate(full=True)
                yield part

    with pa.memory_map(str(path)) as file, pa.ipc.open_stream(file) as stream:
        return TableFile(path, split, stream.schema, [sum(batch.num_rows for batch in stream)], batches)


@contextmanager
def told(path: Path | bytes) -> Iterator[None]:
    """Raise a UserError for whatever a damaged file raises."""
    try:
        yield
    except UserError:
        raise
    except (pa.ArrowException, OSError, ValueError, NotImplementedError) as error:
        name = "the table" if isinstance(path, bytes) else path
        reason = str(error).partition("\n")[0]
        raise UserError(f"{name} is damaged or no table that can be read ({reason}); write it again") from error


def scalar_columns(schema: pa.Schema) -> list[str]:
    """The columns of numbers, texts and times; but for the index that pandas adds."""
    fields = [field for field in schema if not (pa.types.is_nested(field.type) or is_binary(field.type))]
    return [field.name for field in fields if not field.name.startswith("__index_level_")]


def is_binary(kind: pa.DataType) -> bool:
    """Whether the values are bytes."""
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether the values are texts."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def is_vector(kind: pa.DataType) -> bool:
    """Whether the values are lists of floats."""
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return lists and pa.types.is_floating(kind.value_type)


def scalars(files: Sequence[TableFile], columns: list[str]) -> pd.DataFrame:
    """Some columns of all rows of all files."""
    tables = []
    for file in files:
        with told(file.path):
            wanted = pa.schema([file.schema.field(column) for column in columns])
            parts = [batch.select(columns) for batch in file.all_batches(columns)] if columns else []
            tables.append(pa.Table.from_batches(parts, wanted).to_pandas() if columns else _empty(len(file)))
    return pd.concat(tables, ignore_index=True)


def _empty(n: int) -> pd.DataFrame:
    return pd.DataFrame(index=range(n))


def vectors(files: Sequence[TableFile], column: str) -> Float32[np.ndarray, "n d"]:
    """The vectors of all rows of all files; a UserError where one is missing, or has another length."""
    parts = [_vectors(batch.column(0)) for file in files for batch in file.all_batches([column])]
    parts = [part for part in parts if part is None or len(part)]
    if not parts or any(part is None or part.shape[1] != parts[0].shape[1] for part in parts):
        raise UserError(
            f"the vectors in the column {column!r} are not all of one length; give each row as many numbers"
        )
    return np.concatenate(parts)


def _vectors(values: pa.Array) -> Float32[np.ndarray, "n d"] | None:
    flat = values.flatten()
    lengths = set(pc.unique(pc.list_value_length(values)).to_pylist())
    if not lengths:
        return np.zeros((0, 0), np.float32)
    if len(lengths) > 1 or lengths & {None, 0}:
        return None
    return flat.to_numpy(zero_copy_only=False).astype(np.float32).reshape(len(values), -1)


def class_names(schema: pa.Schema) -> Known:
    """The names of the classes by column, as Hugging Face writes them to a schema."""
    try:
        return names_in(json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return {}


def names_in(info: object) -> Known:
    """The names of the classes by column in Hugging Face's description of a data set; none where it is no such."""
    features = info.get("features") if isinstance(info, dict) else None
    features = features if isinstance(features, dict) else {}
    found = {column: kind.get("names") for column, kind in features.items() if isinstance(kind, dict)}
    return {
        column: tuple(shown(str(name)) for name in names) for column, names in found.items() if isinstance(names, list)
    }
