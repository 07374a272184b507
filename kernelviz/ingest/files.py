"""Ingest of pictures: untrusted bytes of files, uploads and archives become the pixels that a network takes.

    bytes -> `contents` (an archive gives many) -> `ingest` -> Picture, or RejectedFile with the reason

The bytes decide what a file is, never its name. One file that cannot be read does not stop the others.
"""

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import IOBase
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from kernelviz.ingest.archives import is_archive, members
from kernelviz.ingest.image_file import UnreadableImage, check_size, frames, open_image
from kernelviz.ingest.preprocessing import Preprocess, preprocess_image
from kernelviz.text import shown

MOST_WARNINGS = 6  # of one set of files
_threads: list[int] = []  # of torch, before each call of `torch_on_all_cores` that goes on
_threads_lock = Lock()

Item, Result = TypeVar("Item"), TypeVar("Result")
Content = bytes | UInt8[np.ndarray, "h w *c"] | UnreadableImage  # of a file; pixels; or why it cannot be read


@dataclass(frozen=True, eq=False)
class Picture:
    """The preprocessed pixels of a file, as a network takes them.

    Args:
        frames: how many frames or pages the file has, of which the first is taken (`image_file.frames`).
    """

    name: str
    pixels: UInt8[np.ndarray, "h w *c"]
    frames: int = 1


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
    yield from on_all_cores(lambda file: ingest_one(*file, preprocess), files)


def on_all_cores(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    initializer: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """The results of a function for some items, in order, computed by a thread on each core.

    Takes only a few items ahead of what is asked for, and none after the caller has stopped asking.

    Args:
        initializer: what every thread calls first.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores, initializer=initializer) as pool:
        ahead: deque[Future] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(function, item))
                if len(ahead) > 2 * cores:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def torch_on_all_cores(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """As `on_all_cores`, for functions that compute with torch, which has one thread of the processor in each of them.

    Threads that share a product wait for the slowest of them, and on a machine that does other work for very long.
    """
    import torch  # takes seconds to import

    def alone() -> None:
        torch.get_num_threads()  # what is asked first in a thread sets its number to that of the process
        torch.set_num_threads(1)

    with _threads_lock:  # of a call beside another one, what was there before both
        _threads.append(_threads[0] if _threads else torch.get_num_threads())
    try:
        yield from on_all_cores(function, items, alone)
    finally:
        with _threads_lock:
            torch.set_num_threads(_threads.pop())  # some libraries have taken the ones above for the whole process


def ingest_one(name: str, data: Content, preprocess: Preprocess) -> Picture | RejectedFile:
    """The result for one file."""
    try:
        if isinstance(data, UnreadableImage):
            raise data
        if isinstance(data, np.ndarray):
            return Picture(name, preprocess_image(Image.fromarray(data), preprocess))
        return Picture(name, preprocess_image(open_image(data), preprocess), frames(data))
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
            is_empty = True
            for member, content in members(file):
                is_empty = False
                yield f"{name}: {shown(member)}", content
            if is_empty:
                raise UnreadableImage("the archive holds no file; choose one with pictures in it")
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
            yield from contents(shown(str(path)), file)
    except UnreadableImage as error:
        yield shown(str(path)), error


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


def by_reason(rejected: Iterable[RejectedFile]) -> dict[str, list[str]]:
    """The names of rejected files by the reason, the most frequent reason first."""
    reasons: dict[str, list[str]] = {}
    for one in rejected:
        reasons.setdefault(one.reason, []).append(one.name)
    return dict(sorted(reasons.items(), key=lambda item: -len(item[1])))


def warn_of_rejected(rejected: Iterable[RejectedFile]) -> None:
    """A warning for each of the most frequent reasons: how many files, an example, and why."""
    for reason, names in list(by_reason(rejected).items())[:MOST_WARNINGS]:
        more = f" and {len(names) - 1:,} more are" if len(names) > 1 else " is"
        warnings.warn(f"{names[0]}{more} left out: {reason}", stacklevel=3)
