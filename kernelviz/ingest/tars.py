"""Archives of pictures: the files in a .tar or .tar.gz, one at a time, none of them trusted."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from kernelviz.ingest.archives import BROKEN, LARGE, MAX_MEMBERS, MAX_UNPACKED, Member, check_members, is_hidden
from kernelviz.ingest.image_file import UnreadableImage, check_size

BLOCK = tarfile.BLOCKSIZE
GZIP = b"\x1f\x8b"  # first bytes of a .gz
DAMAGED = "the archive is damaged or cut short; pack it again as .tar or .tar.gz"


def list_tar(path: Path) -> list[Member]:
    """What a .tar or .tar.gz lists, without hidden files; links and devices have a `problem`.

    Raises UnreadableImage for what is no such archive, for a damaged one, and for one that holds too much.
    """
    try:
        with _opened(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            infos = list(islice(archive, 2 * MAX_MEMBERS + 1))  # a small .gz may list millions
            if len(infos) > 2 * MAX_MEMBERS:
                raise UnreadableImage("the archive lists too many files; unpack it, and give the folder")
            found = [_member(info) for info in infos if not is_hidden(info.name)]
            stream.seek(archive.offset)
            if any(stream.read(BLOCK)):  # tarfile ends at a damaged header as if it were the last
                raise UnreadableImage(DAMAGED)
    except UnreadableImage:
        raise
    except (*BROKEN, tarfile.TarError, OverflowError) as error:
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
    """A stream that tells where it is asked for too much at once, or goes on beyond what an archive may hold."""

    def __init__(self, stream: io.BufferedIOBase, most: int | None):
        self.stream, self.most = stream, most

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= 2 * LARGE:
            raise UnreadableImage("the archive has a header that is too large; pack it again")
        self._check(self.stream.tell() + size)
        return self.stream.read(size)

    def seek(self, at: int, whence: int = io.SEEK_SET) -> int:
        self._check(at)
        return self.stream.seek(at, whence)

    def tell(self) -> int:
        return self.stream.tell()

    def _check(self, at: int) -> None:
        if self.most is not None and at > self.most:
            raise UnreadableImage(
                f"the archive unpacks to more than {MAX_UNPACKED / 1e9:.0f} GB; unpack it, and give the folder"
            )


@contextmanager
def _opened(path: Path) -> Iterator[_Limited]:
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
        file.seek(0)
        with gzip.open(file) if packed else file as stream:
            yield _Limited(stream, MAX_UNPACKED if packed else None)
