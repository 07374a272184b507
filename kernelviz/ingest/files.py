"""Ingest of pictures: untrusted bytes of files, uploads and archives become the pixels that a network takes.

    bytes -> `contents` (an archive gives many) -> `ingest` -> Picture, or RejectedFile with the reason

The bytes decide what a file is, never its name. One file that cannot be read does not stop the others.
"""

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
from PIL import Image

from kernelviz.ingest.archives import is_archive, members
from kernelviz.ingest.image_file import UnreadableImage, check_size, frames, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image

Content = bytes | UInt8[np.ndarray, "h w *c"] | UnreadableImage  # of a file; pixels; or why it cannot be read


@dataclass(frozen=True, eq=False)
class Picture:
    """The preprocessed pixels of a file, as a network takes them.

    Args:
        frames: how many frames or pages the file has, of which the first is taken (`image_file.frames`).
        size: width and height in pixels before the preprocessing; zeros where they are not known.
    """

    name: str
    pixels: UInt8[np.ndarray, "h w *c"]
    frames: int = 1
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class RejectedFile:
    """A file that cannot be read, and one sentence that says why and what to do."""

    name: str
    reason: str


def ingest(files: Iterable[tuple[str, Content]], preprocess: Preprocess) -> Iterator[Picture | RejectedFile]:
    """One result for each file, in order, preprocessed on all cores; reads only a few files ahead.

    Args:
        files: name and content of each, as `contents` gives them.
        preprocess: how a picture becomes the pixels of a network.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        ahead: deque[Future] = deque()
        for name, data in files:
            ahead.append(pool.submit(_ingest_one, name, data, preprocess))
            if len(ahead) > 2 * cores:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _ingest_one(name: str, data: Content, preprocess: Preprocess) -> Picture | RejectedFile:
    try:
        if isinstance(data, UnreadableImage):
            raise data
        is_array = isinstance(data, np.ndarray)
        image = Image.fromarray(data) if is_array else open_image(data)
        return Picture(name, preprocess_image(image, preprocess), 1 if is_array else frames(data), image.size)
    except UnreadableImage as error:
        return RejectedFile(name, str(error))


def contents(name: str, file: IOBase) -> Iterator[tuple[str, Content]]:
    """A file's bytes or, of an archive, those of every file in it, one at a time; or else the reason why they cannot be
    read."""
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
    except UnreadableImage as error:
        yield name, error


def contents_of_paths(paths: Iterable[Path]) -> Iterator[tuple[str, Content]]:
    """The contents of files, of archives, and of folders, which are walked in sorted order without hidden files."""
    for path in paths:
        for file in files_in(path) if path.is_dir() else [path]:
            yield from _contents_of_path(file)


def _contents_of_path(path: Path) -> Iterator[tuple[str, Content]]:
    try:
        with _opened(path) as file:
            yield from contents(str(path), file)
    except UnreadableImage as error:
        yield str(path), error


def read_file(path: Path) -> bytes:
    """A file's bytes, its size checked before they are read. Raises UnreadableImage where it cannot be read."""
    with _opened(path) as file:
        check_size(os.fstat(file.fileno()).st_size)
        return file.read()


def content_of(path: Path) -> bytes | UnreadableImage:
    """A file's bytes, or why it cannot be read."""
    try:
        return read_file(path)
    except UnreadableImage as error:
        return error


@contextmanager
def _opened(path: Path) -> Iterator[IOBase]:
    """The file, open; raises UnreadableImage where it cannot be read."""
    try:
        if not path.is_file():
            raise UnreadableImage("there is no such file; check the path")
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise UnreadableImage(f"the file cannot be read ({error.strerror}); check its permissions") from error


def files_in(folder: Path) -> list[Path]:
    """The files in a folder and in its sub-folders, sorted; hidden files and folders (a dot first) are left out."""
    found = folder.rglob("*")
    return sorted(
        path
        for path in found
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
