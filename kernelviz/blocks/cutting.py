"""Sources, here or in a store such as S3, listed in a fixed order and cut into blocks.

In a folder, PER_BLOCK files that are no archive or table make a block, and each archive or table is one by itself; an
archive or table that is given by itself is cut by its rows. A block reads its own items, wherever it is embedded.
"""

import hashlib
import os
import platform
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import fs

from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.archives import is_hidden
from kernelviz.ingest.files import Content, content_of
from kernelviz.ingest.image_file import MAX_BYTES, UnreadableImage, check_size
from kernelviz.ingest.walk import walk
from kernelviz.sources.listing import Listing
from kernelviz.sources.names import stamp, stamp_of
from kernelviz.sources.reading import READERS, read_source
from kernelviz.sources.shards import is_saved
from kernelviz.text import shown

PER_BLOCK = 1024  # files, or rows of an archive or a table
PACKED = (".npy", ".npz", ".parquet", ".tar", ".tar.gz", ".tgz", ".zip")  # files of a folder that hold many items
AT_ONCE = 64  # files of a store that are fetched together

Item = tuple[str, Content]  # name and content


class Unreachable(UserError):
    """A store does not answer."""


@dataclass(frozen=True)
class File:
    """A file of a source: its path, and its stamp, which changes with its content."""

    path: str
    stamp: str


@dataclass(frozen=True)
class Block:
    """Some consecutive items of a source.

    Args:
        store: the address of the store in which the paths are, as pyarrow takes it; "" for this machine.
        files: pictures; or one archive or table.
        packed: whether it is an archive or a table.
        start, stop: the rows of that; None: all of them.
    """

    store: str
    files: tuple[File, ...]
    packed: bool = False
    start: int = 0
    stop: int | None = None

    @property
    def stamp(self) -> str:
        """A text that changes with the content."""
        return f"{told(self.store)} {self.start} {self.stop} {' '.join(file.stamp for file in self.files)}"

    @property
    def name(self) -> str:
        """The name of its archive or table, else of its first file."""
        return self._name(self.files[0].path)

    def check_seen(self) -> None:
        """Raise a UserError on a machine that has none of the files, as one to which a folder is not shared."""
        if not self.store and not any(os.path.lexists(file.path) for file in self.files):
            raise UserError(f"{platform.node()} has no {self.name}; give a folder that all machines see, or a store")

    def contents(self) -> Iterator[Item]:
        """Name and content of each item, one at a time, in order; what the listing of an archive refuses comes last."""
        if not self.packed:
            paths = [file.path for file in self.files]
            yield from zip(map(self._name, paths), _fetched(self.store, paths), strict=True)
            return
        try:
            with self.listing() as listing:
                for own, content in listing.contents():
                    yield f"{self.name}: {own}", content
                for file in listing.rejected if not self.start else ():
                    yield f"{self.name}: {file.name}", UnreadableImage(file.reason)
        except Unreachable:
            raise
        except (UserError, FileNotFoundError) as error:  # one archive that is damaged does not stop the others
            yield self.name, UnreadableImage(str(error))

    @contextmanager
    def listing(self) -> Iterator[Listing]:
        """Its rows of the archive or table, which is fetched to this machine for as long as they are read."""
        path = self.files[0].path
        with _here(self.store, path) if self.store else _nothing(Path(path)) as own:
            whole = _listed(own)
            yield whole.where(np.arange(len(whole))[self.start : self.stop])

    def _name(self, path: str) -> str:
        return shown(f"{self.store.partition('://')[0]}://{path}" if self.store else path)


def blocks_of(addresses: Sequence[str]) -> list[Block]:
    """The blocks of some sources, each a path on this machine or an address as s3://bucket/folder, in a fixed order."""
    files: list[File] = []
    others: list[Block] = []
    for address in addresses:
        if "://" in address:
            others += _in_store(address)
            continue
        path = Path(address).expanduser().absolute()
        if not path.exists():
            raise NotFound(f"no file or folder {shown(address)}; check its path")
        if is_saved(path) or path.name.lower().endswith((*PACKED, *READERS)):
            others += _by_rows(path)
        else:
            files += _files_at(path)
    return _divided("", files) + others


def told(address: str) -> str:
    """An address or a path as it is shown and stored: without the credentials and the options of an address."""
    if "://" not in address:
        return address
    # a secret key in which a / is not written as %2F is no part of an authority, and must not be shown either
    return shown(re.sub(r"(?<=://)[^/]*(@|:.*@)", "", address.partition("?")[0]))


def hash_of(blocks: Iterable[Block]) -> str:
    """A hash that changes with any item of the blocks."""
    hashed = hashlib.sha256()
    for block in blocks:
        hashed.update(block.stamp.encode("utf-8", "surrogateescape") + b"\n")
    return hashed.hexdigest()


def _files_at(path: Path) -> list[File]:
    """A file, or those below a folder; links that lead nowhere are among them, to be refused when they are read."""
    if path.is_file():
        return [File(str(path), stamp_of(path))]
    found = walk(path)
    files = [File(str(one.path), stamp(one.path, one.size, one.changed)) for one in found.files]
    return files + [File(str(broken), str(broken)) for broken, _ in found.unreadable]


def _by_rows(path: Path) -> list[Block]:
    file = File(str(path), stamp_of(path))
    starts = range(0, len(read_source(path)), PER_BLOCK)
    return [Block("", (file,), True, start, start + PER_BLOCK) for start in starts]


def _in_store(address: str) -> list[Block]:
    store, top = store_of(address)
    with _answering(address):
        (info,) = store.get_file_info([top])
        if info.type == fs.FileType.NotFound:
            raise NotFound(f"there is nothing at {told(address)}; check the address")
        infos = [info] if info.is_file else store.get_file_info(fs.FileSelector(top, recursive=True))
    found = [one for one in infos if one.is_file and not is_hidden(one.path[len(top) :])]
    files = [File(one.path, stamp(Path(one.path), one.size, one.mtime_ns or 0)) for one in found]
    return _divided(address, sorted(files, key=lambda file: file.path.split("/")))


def _divided(store: str, files: list[File]) -> list[Block]:
    """Blocks of files that are no archive or table, then each archive or table."""
    packed = [file for file in files if file.path.lower().endswith(PACKED)]
    alone = iter([file for file in files if not file.path.lower().endswith(PACKED)])
    parts = iter(lambda: tuple(islice(alone, PER_BLOCK)), ())
    return [Block(store, part) for part in parts] + [Block(store, (file,), True) for file in packed]


def _fetched(store: str, paths: Sequence[str]) -> Iterator[Content]:
    """The contents of some files, in order; of a store several are on their way together."""
    if not store:
        yield from (content_of(Path(path)) for path in paths)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, len(paths), AT_ONCE):
            yield from pool.map(lambda path: _from_store(store, path), paths[start : start + AT_ONCE])


def _from_store(address: str, path: str) -> Content:
    store, _ = store_of(address)
    try:
        with _answering(address), store.open_input_stream(path) as stream:
            data = stream.read(MAX_BYTES + 1)
        check_size(len(data))
        return data
    except FileNotFoundError:
        return UnreadableImage("there is no such file any more")
    except UnreadableImage as error:
        return error


@lru_cache(maxsize=8)
def store_of(address: str) -> tuple[fs.FileSystem, str]:
    """The store of an address, and the path in it."""
    with _answering(address):
        try:
            return fs.FileSystem.from_uri(address)
        except (pa.ArrowException, ValueError, ImportError) as error:
            raise UserError(
                f"{told(address)} is no address that can be read ({_first(error, address)}); allowed are s3://, gs:// "
                "and fsspec+NAME:// with the fsspec package for NAME; in a key, / is written as %2F"
            ) from None


@contextmanager
def _here(address: str, path: str) -> Iterator[Path]:
    """A file of a store, copied to this machine."""
    store, _ = store_of(address)
    with tempfile.TemporaryDirectory() as folder, _answering(address):
        own = Path(folder) / Path(path).name
        fs.copy_files(path, str(own), source_filesystem=store, destination_filesystem=fs.LocalFileSystem())
        yield own


@contextmanager
def _nothing(path: Path) -> Iterator[Path]:
    yield path


@lru_cache(maxsize=1)  # the blocks of an archive follow each other
def _listed(path: Path) -> Listing:
    return read_source(path)


@contextmanager
def _answering(address: str) -> Iterator[None]:
    """Raise Unreachable where a store does not answer; a file that is not there stays a FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise Unreachable(
            f"{told(address)} cannot be read ({_first(error, address)}); the same command goes on later"
        ) from None


def _first(error: Exception, address: str) -> str:
    return str(error).partition("\n")[0].replace(address, told(address))[:200]
