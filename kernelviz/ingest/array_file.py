"""Plain arrays in .npy and .npz files, a row at a time and without pickle, none of them trusted."""

import math
import os
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import IOBase
from pathlib import Path
from tokenize import TokenError

import numpy as np

from kernelviz.errors import UserError
from kernelviz.ingest.archives import BROKEN, MAX_UNPACKED, is_archive, opened

BLOCK = 4_000_000  # bytes that are looked at together
DAMAGED = (*BROKEN, TypeError, SyntaxError, TokenError, KeyError, ArithmeticError, AttributeError, RecursionError)


@dataclass(frozen=True)
class ArrayFile:
    """An array on disk of which only the header is read.

    Args:
        path: the .npy, or the .npz that holds it.
        member: its name in the .npz; empty for a .npy.
        shape, dtype: of the array.
        in_order: whether one row follows the other in the file; False where the columns do.
    """

    path: Path
    member: str
    shape: tuple[int, ...]
    dtype: np.dtype
    in_order: bool

    @property
    def n_bytes(self) -> int:
        """How much memory the whole array takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def whole(self) -> np.ndarray:
        """The array in memory; a UserError where it is larger than MAX_UNPACKED, or damaged."""
        if self.n_bytes > MAX_UNPACKED:
            raise UserError(
                f"{self} has {self.n_bytes / 1e9:.1f} GB, allowed are {MAX_UNPACKED / 1e9:.0f} GB; give fewer rows"
            )
        with _told(self), _stream(self.path, self.member) as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)

    def rows(self, rows: Sequence[int]) -> Iterator[np.ndarray]:
        """Some rows, which rise, one at a time."""
        if not self.in_order:
            whole = self.whole()
            yield from (whole[row] for row in rows)
            return
        with _told(self), _stream(self.path, self.member) as stream:
            _header(stream)
            for data in self._data(stream, rows):
                yield np.frombuffer(data, self.dtype).reshape(self.shape[1:])

    def blocks(self) -> Iterator[np.ndarray]:
        """All values, one block after the other, flat."""
        with _told(self), _stream(self.path, self.member) as stream:
            _header(stream)
            left, most = self.n_bytes, BLOCK // self.dtype.itemsize * self.dtype.itemsize
            while left:
                data = _exactly(stream, min(left, most))
                left -= len(data)
                yield np.frombuffer(data, self.dtype)

    def _data(self, stream: IOBase, rows: Sequence[int]) -> Iterator[bytes]:
        size, at, start = self.n_bytes // self.shape[0], 0, stream.tell()
        for row in rows:
            if row != at:
                stream.seek(start + row * size)
            yield _exactly(stream, size)
            at = row + 1

    def __str__(self) -> str:
        return f"{self.member.removesuffix('.npy')} in {self.path}" if self.member else str(self.path)


def array_files(path: Path) -> dict[str, ArrayFile]:
    """The arrays in an .npz by name, or the one of an .npy by the name ""; a UserError where they are not plain."""
    with open(path, "rb") as file:
        packed = is_archive(file.read(4))
    if not packed:
        return {"": _described(path, "")}
    with _told(path), opened(path) as archive:
        members = [info.filename for info in archive.infolist() if info.filename.endswith(".npy")]
    return {member.removesuffix(".npy"): _described(path, member) for member in members}


def _described(path: Path, member: str) -> ArrayFile:
    with _told(path), _stream(path, member) as stream:
        shape, order_of_columns, dtype = _header(stream)
        array = ArrayFile(path, member, shape, dtype, not order_of_columns or len(shape) < 2)
        if dtype.hasobject:
            raise UserError(f"{array} holds Python objects, which are not read; save it as plain numbers or text")
        if min(shape, default=0) < 0 or stream.tell() + array.n_bytes != _size(stream, path, member):
            raise ValueError("its header does not fit its size")
    return array


def _header(stream: IOBase) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether columns follow each other, and dtype."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    return np.lib.format.read_array_header_2_0(stream)


def _size(stream: IOBase, path: Path, member: str) -> int:
    if not member:
        return os.fstat(stream.fileno()).st_size
    with zipfile.ZipFile(path) as archive:
        return archive.getinfo(member).file_size


@contextmanager
def _stream(path: Path, member: str) -> Iterator[IOBase]:
    if member:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            yield stream
    else:
        with open(path, "rb") as stream:
            yield stream


def _exactly(stream: IOBase, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ValueError("it is cut short")
    return data


@contextmanager
def _told(what: object) -> Iterator[None]:
    """Raise a UserError for whatever a damaged file raises."""
    try:
        yield
    except UserError:
        raise
    except DAMAGED as error:
        raise UserError(f"{what} is damaged or no file of plain arrays ({error}); write it with numpy.savez") from error
