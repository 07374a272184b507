"""Untrusted files on their way in: each becomes a picture with the pixels that a network takes, or a reason why not."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import IOBase
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kernelviz.ingest.archives import is_archive, members
from kernelviz.ingest.image_file import FORMATS, MAX_BYTES, MAX_PIXELS, Refused, check_size, open_image
from kernelviz.ingest.preprocessing import Preprocess, prepare

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Picture",
    "Preprocess",
    "Refused",
    "Rejected",
    "all_prepared",
    "open_image",
    "opened",
    "prepare",
    "prepared",
    "read",
    "take_paths",
]


@dataclass(frozen=True, eq=False)
class Picture:
    """A file that was taken, as a network sees it."""

    name: str
    pixels: UInt8[np.ndarray, "h w *c"]


@dataclass(frozen=True)
class Rejected:
    """A file that was not taken, and one sentence that says why and what to do."""

    name: str
    reason: str


def opened(name: str, file: IOBase) -> Iterator[tuple[str, bytes | Refused]]:
    """A file's bytes or, of an archive, those of every file in it, one at a time; in place of them the reason why they
    are not taken."""
    start = file.read(4)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        if is_archive(start):
            for member, content in members(file):
                yield f"{name}: {member}", content
        else:
            check_size(size)
            yield name, file.read()
    except Refused as error:
        yield name, error


def prepared(name: str, data: bytes | Refused, preprocess: Preprocess) -> Picture | Rejected:
    """What a network sees of a file, or why it sees nothing."""
    try:
        if isinstance(data, Refused):
            raise data
        return Picture(name, prepare(open_image(data), preprocess))
    except Refused as error:
        return Rejected(name, str(error))


def all_prepared(files: Iterable[tuple[str, bytes | Refused]], preprocess: Preprocess) -> Iterator[Picture | Rejected]:
    """The same of many files, in order, on all cores; reads no more than a few files ahead."""
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        ahead: deque[Future] = deque()
        for name, data in files:
            ahead.append(pool.submit(prepared, name, data, preprocess))
            if len(ahead) > 2 * cores:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def take_paths(paths: Iterable[Path], preprocess: Preprocess) -> Iterator[Picture | Rejected]:
    """One result for each file, folders walked in sorted order without hidden files; reads only a few files ahead."""
    files = (file for path in paths for file in (files_in(path) if path.is_dir() else [path]))
    yield from all_prepared((one for file in files for one in _from_disk(file)), preprocess)


def _from_disk(path: Path) -> Iterator[tuple[str, bytes | Refused]]:
    try:
        with _file(path) as file:
            yield from opened(str(path), file)
    except Refused as error:
        yield str(path), error


def read(path: Path) -> bytes:
    """A file's bytes, its size checked before they are read. Raises Refused where it cannot be read."""
    with _file(path) as file:
        check_size(os.fstat(file.fileno()).st_size)
        return file.read()


@contextmanager
def _file(path: Path) -> Iterator[IOBase]:
    """The file, open; raises Refused where it cannot be read."""
    try:
        if not path.is_file():
            raise Refused("there is no such file; check the path")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise Refused(f"the file cannot be read ({error.strerror}); check its permissions") from error


def files_in(folder: Path) -> list[Path]:
    """The files in a folder and in its sub-folders, sorted; hidden ones (a dot first) and those in them left out."""
    found = folder.rglob("*")
    return sorted(
        path
        for path in found
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
