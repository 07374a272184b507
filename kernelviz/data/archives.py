"""Archives of pictures: the files in a .zip, one at a time, none of them trusted."""

import zipfile
import zlib
from collections.abc import Iterator
from io import IOBase
from pathlib import PurePosixPath

from kernelviz.data.decode import MAX_BYTES, Refused, check_size

MAX_MEMBERS = 100_000  # files of an archive
MAX_UNPACKED = 2_000_000_000  # bytes of all files of an archive together
MAX_RATIO = 200  # a picture that unpacks to more than so many times its size is none
BROKEN = (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError, zlib.error)  # what reading one raises
STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of an empty one


def is_archive(start: bytes) -> bool:
    """Whether a file that begins like this is a .zip, whatever its name says."""
    return start.startswith(STARTS)


def members(archive: IOBase) -> Iterator[tuple[str, bytes | Refused]]:
    """The name of each file in an archive with its bytes, or with the reason why it is not taken.

    Nothing is written anywhere, and the names are only told. Hidden files and those that other systems add are left
    out. Raises Refused for what is no archive, or one that holds too much.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            yield from _members(file)
    except Refused:
        raise
    except BROKEN as error:
        raise Refused(f"the archive is damaged ({error}); pack it again as .zip") from error


def _members(file: zipfile.ZipFile) -> Iterator[tuple[str, bytes | Refused]]:
    found = [info for info in file.infolist() if not info.is_dir() and not _hidden(info.filename)]
    if len(found) > MAX_MEMBERS:
        raise Refused(f"the archive has {len(found):,} files, allowed are {MAX_MEMBERS:,}; divide it")
    left = MAX_UNPACKED
    for info in found:
        data = _unpacked(file, info)
        left -= 0 if isinstance(data, Refused) else len(data)
        if left < 0:
            raise Refused(f"the archive unpacks to more than {MAX_UNPACKED / 1e9:.0f} GB; divide it")
        yield info.filename, data


def _unpacked(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes | Refused:
    """A file's bytes: never more than MAX_BYTES are unpacked, whatever the archive says of its size."""
    if info.flag_bits & 1:
        return Refused("the file is locked with a password; pack the archive without one")
    try:
        check_size(info.file_size)
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            return Refused(f"the file unpacks to more than {MAX_RATIO} times its size, which no picture does")
        with file.open(info) as stream:
            data = stream.read(MAX_BYTES + 1)
        check_size(len(data))
    except Refused as error:
        return error
    except BROKEN as error:
        return Refused(f"the file is damaged in the archive ({error}); pack it again")
    return Refused("an archive in an archive is not opened; unpack it first") if is_archive(data[:4]) else data


def _hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
