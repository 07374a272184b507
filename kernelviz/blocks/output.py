"""The folder that blocks are written to, here or in a store: Parquet parts, each complete or not there.

manifest.json                      what it holds: the run, its hash and that of the source, and how many blocks
items/part-00000012.parquet        where the items of block 12 lie; a block is done when it has this part
refused/part-00000012.parquet      its files that cannot be read, with the reason; only where there are any
"""

import hashlib
import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from kernelviz.errors import UserError
from kernelviz.ingest.files import RejectedFile
from kernelviz.storage import calibration, record

MANIFEST, ITEMS, REFUSED = "manifest.json", "items", "refused"
LARGEST = 100_000  # bytes of a manifest
OLD = 600.0  # seconds after which a part that is half written is nobody's; until then another process may write it
PART = re.compile(r"part-(\d{8})\.parquet")
REASONS = pa.schema({"name": pa.string(), "reason": pa.string()})


@dataclass(frozen=True)
class Manifest:
    """What a folder holds: of which run, with the hashes of that and of the source, in how many blocks."""

    run: str
    run_hash: str
    source_hash: str
    blocks: int


def hash_of_run(folder: Path) -> str:
    """A hash that changes with what a run says of an image; of its weights, the record has the hash."""
    hashed = hashlib.sha256()
    for path in (folder / name for name in (record.FILE, "map.parquet", calibration.FILE)):
        hashed.update(path.read_bytes() if path.exists() else b"")
    return hashed.hexdigest()


@dataclass(frozen=True)
class Output:
    """A folder of parts.

    Args:
        store, top: where it lies; both can be sent to another machine.
    """

    store: fs.FileSystem
    top: str

    def claim(self, manifest: Manifest) -> None:
        """Make the folder, or go on with the one there; a UserError where that holds anything else."""
        there = self.store.get_file_info(fs.FileSelector(self.top, allow_not_found=True))
        if any(not info.base_name.startswith(".") for info in there):
            self._check(manifest)
        else:
            self.store.create_dir(self.top)
            self._write(MANIFEST, json.dumps(asdict(manifest), indent=2).encode())
        for name in (ITEMS, REFUSED):
            self.store.create_dir(f"{self.top}/{name}")
        for info in self._files(ITEMS) + self._files(REFUSED):
            if info.base_name.startswith(".") and time.time() - (info.mtime_ns or 0) / 1e9 > OLD:
                self.store.delete_file(info.path)  # a part that was being written when its process was killed

    def done(self) -> set[int]:
        """The numbers of the blocks that are done."""
        return {int(found[1]) for info in self._files(ITEMS) if (found := PART.fullmatch(info.base_name))}

    def write(self, number: int, items: pa.Table, refused: Sequence[RejectedFile]) -> None:
        """Write what a block gave; its part of items comes last."""
        name = f"part-{number:08d}.parquet"
        if refused:
            table = pa.Table.from_pylist([asdict(one) for one in refused], REASONS)
            self._write(f"{REFUSED}/{name}", _parquet(table))
        self._write(f"{ITEMS}/{name}", _parquet(items))

    def counts(self) -> tuple[int, int]:
        """How many items it has, and how many files were refused; a UserError where a part is damaged."""
        return self._rows(ITEMS), self._rows(REFUSED)

    def _rows(self, name: str) -> int:
        parts = [info.path for info in self._files(name) if PART.fullmatch(info.base_name)]
        try:
            return ds.dataset(parts, filesystem=self.store).count_rows() if parts else 0
        except (pa.ArrowException, OSError) as error:
            where = next((path for path in parts if path in str(error)), f"a part in {self.top}/{name}")
            raise UserError(f"{where} is damaged; delete it, and the same command makes it again") from None

    def _check(self, manifest: Manifest) -> None:
        path = f"{self.top}/{MANIFEST}"
        try:
            if not self.store.get_file_info(path).is_file:  # a pipe would be waited for
                raise FileNotFoundError(path)
            with self.store.open_input_stream(path) as stream:
                there = Manifest(**json.loads(stream.read(LARGEST)))
        except (OSError, ValueError, TypeError, RecursionError):
            raise UserError(f"{self.top} is not empty, and holds no blocks of an `embed`; give another --out") from None
        if there == manifest:
            return
        same_run = (there.run, there.run_hash) == (manifest.run, manifest.run_hash)
        what = "another source, or files that have changed" if same_run else f"the run {there.run!r} as it was"
        raise UserError(f"{self.top} holds an `embed` of {what}; give another --out, or delete that folder")

    def _files(self, name: str) -> list[fs.FileInfo]:
        return self.store.get_file_info(fs.FileSelector(f"{self.top}/{name}", allow_not_found=True))

    def _write(self, name: str, data: bytes) -> None:
        """Write a file in one step: under another name first, which no other process has."""
        folder, _, own = f"{self.top}/{name}".rpartition("/")
        partial = f"{folder}/.{own}.{uuid4().hex}"
        try:
            with self.store.open_output_stream(partial) as stream:
                stream.write(data)
            self.store.move(partial, f"{folder}/{own}")
        except OSError:  # a disk that is full stays so with what was written
            with suppress(OSError):
                self.store.delete_file(partial)
            raise


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
