"""The small pictures of a run: each whole, at most SIDE pixels along its longer side, in the order of its map."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.storage.parquet_file import read_rows
from kernelviz.storage.record import BrokenRun

FILE = "thumbnails.parquet"
SIDE = 256  # pixels
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}
GROUP = 64  # pictures of a row group: what is read for one of them
SCHEMA = pa.schema([("hash", pa.binary()), ("picture", pa.binary())])


def save_thumbnails(folder: Path, pictures: Iterable[tuple[bytes, bytes]]) -> None:
    """Write thumbnails.parquet: of each image the hash of its content, and a JPEG or PNG file, if it has one."""
    with (
        replacing(folder / FILE) as partial,
        parquet.ParquetWriter(partial, SCHEMA, compression="none") as writer,
    ):
        pictures = iter(pictures)
        while part := list(islice(pictures, GROUP)):
            hashes, files = zip(*part, strict=True)
            writer.write_table(pa.table({"hash": hashes, "picture": files}, schema=SCHEMA), row_group_size=GROUP)


def has_thumbnails(folder: Path) -> bool:
    """Whether a run has small pictures of its own."""
    return (folder / FILE).is_file()


def read_thumbnails(folder: Path, rows: Sequence[int]) -> list[bytes]:
    """The files of the small pictures of some rows of the map, in any order; a BrokenRun says what is wrong."""
    path = folder / FILE
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            found: dict[int, bytes] = {}
            for group in sorted({row // GROUP for row in rows}):  # one at a time: a sheet needs many of them
                column = file.read_row_group(group)["picture"]
                found |= {row: column[row % GROUP].as_py() or b"" for row in rows if row // GROUP == group}
            return [found[row] for row in rows]
    except (OSError, pa.ArrowException, KeyError, IndexError) as error:
        raise BrokenRun(f"{path} has no readable pictures ({error}); delete it or train the run again") from None


def content_hashes(folder: Path) -> list[bytes]:
    """The hash of the content of each image of a run; a BrokenRun says what is wrong with the file."""
    try:
        return read_rows(folder / FILE, ["hash"])["hash"].to_pylist()
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise BrokenRun(f"{folder / FILE} cannot be read ({error}); train the run again") from None


def kind_of(picture: bytes) -> str | None:
    """The media type of a small picture by its first bytes; None where it is none that a run may have."""
    return next((kind for start, kind in KINDS.items() if picture.startswith(start)), None)
