"""Archives of pictures: the files in a .zip, one at a time, none of them trusted."""

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import IOBase
from pathlib import Path, PurePosixPath
from typing import Any

from kernelviz.ingest.image_file import MAX_BYTES, UnreadableImage, check_size

MAX_MEMBERS = 100_000  # files of an archive
MAX_LIST = 20_000_000  # bytes of the list of files: each costs ten times its bytes of memory
MAX_UNPACKED = 2_000_000_000  # bytes of all files of an archive together
LARGE, MAX_RATIO = 10_000_000, 200  # a file of so many bytes that unpacks to more times its size is no picture
BROKEN = (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError, zlib.error)  # raised while reading
SYSTEM_FILES = ("__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db")  # which other systems add
STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # first bytes of an archive, and of an empty one


@dataclass(frozen=True)
class Member:
    """A file or a folder in an archive, as the archive lists it.

    Args:
        name: path in the archive; only a name, and never used as a path.
        size: bytes; 0 of a folder.
        mark: a short text that changes with the content.
        at: where its bytes are.
        problem: why they are not read; empty where nothing is against it.
    """

    name: str
    size: int
    mark: str
    at: zipfile.ZipInfo | int
    is_folder: bool = False
    problem: str = ""


def is_archive(start: bytes) -> bool:
    """Whether a file that begins like this is a .zip, whatever its name says."""
    return start.startswith(STARTS)


class _Bounded:
    """A file that is read in parts of up to MAX_LIST bytes: zipfile reads the list of files as one."""

    def __init__(self, file: IOBase):
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= MAX_LIST else MAX_LIST + 1)
        if len(data) > MAX_LIST:
            raise UnreadableImage("the archive lists too many files; divide it")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def opened(file: Path | IOBase) -> Iterator[zipfile.ZipFile]:
    """A .zip of anybody's, of files up to MAX_LIST bytes; an UnreadableImage where its list of files is longer."""
    with ExitStack() as until:
        stream = until.enter_context(open(file, "rb")) if isinstance(file, Path) else file
        yield until.enter_context(zipfile.ZipFile(_Bounded(stream)))


def members(archive: IOBase) -> Iterator[tuple[str, bytes | UnreadableImage]]:
    """The name of each file in an archive with its bytes, or the reason why it cannot be read.

    Nothing is written anywhere, and no name is used as a path. Hidden files and those that other systems add are left
    out. Raises UnreadableImage for what is no archive, or one that holds too much.
    """
    try:
        with opened(archive) as file:
            yield from _members(file)
    except UnreadableImage:
        raise
    except BROKEN as error:
        raise UnreadableImage("the archive is damaged; pack it again as .zip") from error


def list_zip(path: Path) -> list[Member]:
    """What a .zip lists, without hidden files; raises UnreadableImage for what is none, or holds too much."""
    try:
        with opened(path) as file:
            infos = [info for info in file.infolist() if not is_hidden(info.filename)]
    except UnreadableImage:
        raise
    except BROKEN as error:
        raise UnreadableImage("the archive is damaged; pack it again as .zip") from error
    found = [Member(info.filename, info.file_size, f"{info.CRC:08x}", info, _is_folder(info)) for info in infos]
    check_members(found)
    return found


def read_zip(path: Path, members: Iterable[Member]) -> Iterator[bytes | UnreadableImage]:
    """The bytes of some files of a .zip, one at a time, or why they cannot be read."""
    with zipfile.ZipFile(path) as file:
        for member in members:
            yield _unpacked(file, member.at)


def check_members(found: list[Member]) -> None:
    """Raise UnreadableImage for an archive of more than MAX_MEMBERS files, or of more than MAX_UNPACKED bytes."""
    n_files = sum(not member.is_folder for member in found)
    if n_files > MAX_MEMBERS:
        raise UnreadableImage(
            f"the archive has {n_files:,} files, allowed are {MAX_MEMBERS:,}; unpack it, and give the folder"
        )
    if sum(member.size for member in found) > MAX_UNPACKED:
        raise UnreadableImage(
            f"the archive unpacks to more than {MAX_UNPACKED / 1e9:.0f} GB; unpack it, and give the folder"
        )


def _members(file: zipfile.ZipFile) -> Iterator[tuple[str, bytes | UnreadableImage]]:
    found = [info for info in file.infolist() if not _is_folder(info) and not is_hidden(info.filename)]
    if len(found) > MAX_MEMBERS:
        raise UnreadableImage(f"the archive has {len(found):,} files, allowed are {MAX_MEMBERS:,}; divide it")
    left = MAX_UNPACKED
    for info in found:
        data = _unpacked(file, info)
        left -= 0 if isinstance(data, UnreadableImage) else len(data)
        if left < 0:
            raise UnreadableImage(f"the archive unpacks to more than {MAX_UNPACKED / 1e9:.0f} GB; divide it")
        yield info.filename, data


def _unpacked(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | UnreadableImage:
    """A file's bytes: never more than MAX_BYTES are unpacked, whatever the archive says of its size."""
    if info.flag_bits & 1:
        return UnreadableImage("the file is locked with a password; pack the archive without one")
    try:
        check_size(info.file_size)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a limit
            return UnreadableImage("the file is compressed in an unsupported form; pack it as an ordinary .zip")
        if info.file_size > max(LARGE, MAX_RATIO * info.compress_size):
            return UnreadableImage(f"the file unpacks to more than {MAX_RATIO} times its size, which no picture does")
        with file.open(info) as stream:
            data = stream.read(MAX_BYTES + 1)
        check_size(len(data))
    except UnreadableImage as error:
        return error
    except BROKEN:  # the message of the error has names in it
        return UnreadableImage("the file is damaged in the archive; pack it again")
    return UnreadableImage("an archive in an archive is not opened; unpack it first") if is_archive(data[:4]) else data


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.filename.endswith("/")  # its own is_dir fails for an empty name


def is_hidden(name: str) -> bool:
    """Whether a file is hidden (a dot first), is one that systems add by themselves, or lies in such a folder."""
    parts = PurePosixPath(name).parts
    return any(part.lower() in SYSTEM_FILES or (part.startswith(".") and part != "..") for part in parts)
