"""The small pictures of a run: each whole, at most SIDE pixels along its longer side, in the order of its map."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.storage.record import BrokenRun

FILE = "thumbnails.parquet"
SIDE = 256  # pixels
GROUP = 64  # pictures of a row group: what is read for one of them
SCHEMA = pa.schema([("webp", pa.binary())])


def save_thumbnails(folder: Path, pictures: Iterable[bytes]) -> None:
    """Write thumbnails.parquet from the WebP files of all images, those without a picture as empty bytes."""
    with (
        replacing(folder / FILE) as partial,
        parquet.ParquetWriter(partial, SCHEMA, compression="none") as writer,
    ):
        pictures = iter(pictures)
        while part := list(islice(pictures, GROUP)):
            writer.write_table(pa.table({"webp": part}, schema=SCHEMA), row_group_size=GROUP)


def has_thumbnails(folder: Path) -> bool:
    """Whether a run has small pictures of its own."""
    return (folder / FILE).is_file()


def read_thumbnails(folder: Path, rows: Sequence[int]) -> list[bytes]:
    """The WebP files of some rows of the map, in any order; a BrokenRun says what is wrong with the file."""
    path = folder / FILE
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            found: dict[int, bytes] = {}
            for group in sorted({row // GROUP for row in rows}):  # one at a time: a sheet needs many of them
                column = file.read_row_group(group)["webp"]
                found |= {row: column[row % GROUP].as_py() or b"" for row in rows if row // GROUP == group}
            return [found[row] for row in rows]
    except (OSError, pa.ArrowException, KeyError, IndexError) as error:
        raise BrokenRun(f"{path} has no readable pictures ({error}); delete it or train the run again") from None
