"""Untrusted files on their way in: each becomes a picture with the pixels that a network takes, or a reason why not."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from kernelviz.data.archives import is_archive, members
from kernelviz.data.decode import FORMATS, MAX_BYTES, MAX_PIXELS, Refused, check_size, open_image
from kernelviz.data.prepare import Preprocess, prepare

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_FILES",
    "MAX_PIXELS",
    "Picture",
    "Preprocess",
    "Refused",
    "Rejected",
    "open_image",
    "prepare",
    "take",
    "take_paths",
]

MAX_FILES = 200  # of one upload
KEPT_SIDE = 1024  # pixels: the longer side of the original that is kept for showing


@dataclass(frozen=True, eq=False)
class Picture:
    """A file that was taken: what it looks like, what the network sees of it, and the sha256 of its bytes."""

    name: str
    original: Image.Image
    pixels: UInt8[np.ndarray, "h w *c"]
    digest: str


@dataclass(frozen=True)
class Rejected:
    """A file that was not taken, and one sentence that says why and what to do."""

    name: str
    reason: str


def take(files: Iterable[tuple[str, bytes]], preprocess: Preprocess) -> tuple[list[Picture], list[Rejected]]:
    """The pictures of an upload of (name, bytes), in order, and those that were not taken; none fails the others.

    Of an archive every file counts.
    """
    files = (one for name, data in files for one in _opened(name, data))
    taken = [_taken(name, data, preprocess) for name, data in islice(files, MAX_FILES)]
    reason = f"the upload has more than the {MAX_FILES} files allowed at once; choose the others in another upload"
    over = [Rejected(name, reason) for name, _ in files]
    return [p for p in taken if isinstance(p, Picture)], [r for r in taken if isinstance(r, Rejected)] + over


def take_paths(paths: Iterable[Path], preprocess: Preprocess) -> Iterator[Picture | Rejected]:
    """One result for each file, folders walked in sorted order without hidden files; reads one file at a time."""
    for path in paths:
        for file in files_in(path) if path.is_dir() else [path]:
            for name, data in _opened_path(file):
                yield _taken(name, data, preprocess)


def _opened(name: str, data: bytes | Path) -> Iterator[tuple[str, bytes | Refused]]:
    """A file, or the files in it if it is an archive."""
    if isinstance(data, bytes) and not is_archive(data[:4]):
        yield name, data
        return
    try:
        for member, content in members(data):
            yield f"{name}: {member}", content
    except Refused as error:
        yield name, error


def _opened_path(path: Path) -> Iterator[tuple[str, bytes | Refused]]:
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError:
        start = b""
    if is_archive(start):
        yield from _opened(str(path), path)
        return
    try:
        yield str(path), read(path)
    except Refused as error:
        yield str(path), error


def files_in(folder: Path) -> list[Path]:
    """The files in a folder and in its sub-folders, sorted; hidden ones (a dot first) and those in them left out."""
    found = folder.rglob("*")
    return sorted(
        path
        for path in found
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def read(path: Path) -> bytes:
    """A file's bytes, its size checked before they are read. Raises Refused where it cannot be read."""
    try:
        if not path.is_file():
            raise Refused("there is no such file; check the path")
        check_size(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise Refused(f"the file cannot be read ({error.strerror}); check its permissions") from error


def _taken(name: str, data: bytes | Refused, preprocess: Preprocess) -> Picture | Rejected:
    try:
        if isinstance(data, Refused):
            raise data
        image = open_image(data)
    except Refused as error:
        return Rejected(name, str(error))
    pixels = prepare(image, preprocess)
    image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return Picture(name, image, pixels, hashlib.sha256(data).hexdigest())
