"""Archives of pictures: the files in a .zip, one at a time, none of them trusted."""

import zipfile
import zlib
from collections.abc import Iterator
from io import IOBase
from pathlib import PurePosixPath

from kernelviz.ingest.image_file import MAX_BYTES, UnreadableImage, check_size

MAX_MEMBERS = 100_000  # files of an archive
MAX_UNPACKED = 2_000_000_000  # bytes of all files of an archive together
LARGE, MAX_RATIO = 10_000_000, 200  # a file of so many bytes that unpacks to more times its size is no picture
BROKEN = (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError, zlib.error)  # raised while reading
STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # first bytes of an archive, and of an empty one


def is_archive(start: bytes) -> bool:
    """Whether a file that begins like this is a .zip, whatever its name says."""
    return start.startswith(STARTS)


def members(archive: IOBase) -> Iterator[tuple[str, bytes | UnreadableImage]]:
    """The name of each file in an archive with its bytes, or the reason why it cannot be read.

    Nothing is written anywhere, and no name is used as a path. Hidden files and those that other systems add are left
    out. Raises UnreadableImage for what is no archive, or one that holds too much.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            yield from _members(file)
    except UnreadableImage:
        raise
    except BROKEN as error:
        raise UnreadableImage("the archive is damaged; pack it again as .zip") from error


def _members(file: zipfile.ZipFile) -> Iterator[tuple[str, bytes | UnreadableImage]]:
    found = [info for info in file.infolist() if not info.is_dir() and not _hidden(info.filename)]
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


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
