"""Archives of pictures: the files in a .tar or .tar.gz, one at a time, none of them trusted."""

import gzip
import io
import math
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kernelviz.ingest.archives import BROKEN, MAX_MEMBERS, MAX_UNPACKED, Member, check_members, is_hidden
from kernelviz.ingest.image_file import UnreadableImage, check_size

BLOCK = tarfile.BLOCKSIZE
GZIP = b"\x1f\x8b"  # first bytes of a .gz
LARGEST_HEADER = 256_000  # bytes that belong to one: long names, attributes, where a sparse file has data
DAMAGED = "the archive is damaged or cut short; pack it again as .tar or .tar.gz"


def list_tar(path: Path) -> list[Member]:
    """What a .tar or .tar.gz lists, without hidden files; links and devices have a `problem`.

    Raises UnreadableImage for what is no such archive, for a damaged one, and for one that holds too much.
    """
    try:
        with _opened(path, LARGEST_HEADER) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            found = []
            for number, info in enumerate(archive):
                if number == 2 * MAX_MEMBERS:  # a small .gz may list millions
                    raise UnreadableImage("the archive lists too many files; unpack it, and give the folder")
                stream.at_once = 0
                if not is_hidden(info.name):
                    found.append(_member(info))
            stream.seek(archive.offset)
            if any(stream.read(BLOCK)):  # tarfile ends at a damaged header as if it were the last
                raise UnreadableImage(DAMAGED)
    except UnreadableImage:
        raise
    except (*BROKEN, tarfile.TarError, OverflowError, RecursionError) as error:
        raise UnreadableImage(DAMAGED) from error
    check_members(found)
    return found


def read_tar(path: Path, members: Iterable[Member]) -> Iterator[bytes | UnreadableImage]:
    """The bytes of some files of a .tar or .tar.gz, in the order of the archive, or why they cannot be read."""
    with _opened(path) as stream:
        for member in members:
            yield _read(stream, member)


def _member(info: tarfile.TarInfo) -> Member:
    ordinary = info.isreg() and not info.issparse()
    problem = "" if ordinary or info.isdir() else "it is a link, a device or a sparse file, which is not read"
    return Member(
        info.name, info.size if ordinary else 0, str(info.offset_data), info.offset_data, info.isdir(), problem
    )


def _read(stream: "_Limited", member: Member) -> bytes | UnreadableImage:
    try:
        check_size(member.size)
        stream.seek(member.at)
        data = stream.read(member.size)
    except UnreadableImage as error:
        return error
    except BROKEN:
        data = b""
    return data if len(data) == member.size else UnreadableImage("the file is damaged in the archive; pack it again")


class _Limited(io.RawIOBase):
    """A stream that tells where too much is read at once, or beyond what an archive may hold."""

    def __init__(self, stream: io.BufferedIOBase, most: float, most_at_once: float):
        self.stream, self.most, self.most_at_once = stream, most, most_at_once
        self.at_once = 0

    def read(self, size: int) -> bytes:
        self.at_once += size
        if size < 0 or self.at_once > self.most_at_once:
            raise UnreadableImage("the archive has a header that is too large; pack it again")
        self._check(self.stream.tell() + size)
        return self.stream.read(size)

    def seek(self, at: int, whence: int = io.SEEK_SET) -> int:
        self._check(at)
        return self.stream.seek(at, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def _check(self, at: int) -> None:
        if at > self.most:
            raise UnreadableImage(
                f"the archive unpacks to more than {MAX_UNPACKED / 1e9:.0f} GB; unpack it, and give the folder"
            )


@contextmanager
def _opened(path: Path, most_at_once: float = math.inf) -> Iterator[_Limited]:
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
        file.seek(0)
        with gzip.open(file) if packed else file as stream:
            yield _Limited(stream, MAX_UNPACKED if packed else math.inf, most_at_once)
