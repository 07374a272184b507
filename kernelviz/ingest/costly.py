"""Small files that would keep a decoder busy for minutes are refused; large ones wait for each other's memory."""

import ctypes
import re
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Condition, Lock

MAX_SCANS = 100  # of a JPEG; encoders write about 10, and the most that optimisers try is below 70
MAX_CHUNKS = 25_000  # of a PNG; encoders write 8 kB of pixels in each, so that the largest file has 2,500
MAX_TILES = (
    100_000  # tiles or strips of a TIFF; one of 50 million pixels in tiles of 64 x 64 has 37,000 in three planes
)
MAX_SCANNED = 1_000_000_000  # pixels of a JPEG times its scans, each of which goes through all of them
MAX_DECODED = 500_000_000  # bytes that all threads together decode into
M_MMAP_THRESHOLD = -3  # of mallopt(3)
LARGE_BLOCK = 4_000_000  # bytes

MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # within a scan, all others belong to its pixels
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n"


def check_structure(data: bytes) -> None:
    """Raise a ValueError for a JPEG with too many scans, or a PNG with too many chunks; it says what to do."""
    if data.startswith(JPEG) and _scans(data) > MAX_SCANS:
        raise ValueError(f"the JPEG has more than {MAX_SCANS} scans, which no camera writes; save it again")
    if data.startswith(PNG) and _chunks(data) > MAX_CHUNKS:
        raise ValueError(f"the PNG has more than {MAX_CHUNKS:,} chunks, which no program writes; save it again")


def check_scans(data: bytes, pixels: int) -> None:
    """Raise a ValueError for a JPEG that has too many scans for its pixels."""
    if data.startswith(JPEG) and pixels * _scans(data) > MAX_SCANNED:
        raise ValueError("the JPEG has more scans than cameras write at its size; save it again")


class Memory:
    """Bytes that several threads share: who wants more than are left waits until others are done."""

    def __init__(self, total: int):
        self.total = self.left = total
        self._turn, self._changed = Lock(), Condition()

    @contextmanager
    def of(self, n: int) -> Iterator[None]:
        """Have n bytes, or all where n is more; who waits for many is not overtaken by those who want few."""
        n = min(n, self.total)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self.left >= n)
            self.left -= n
        try:
            yield
        finally:
            with self._changed:
                self.left += n
                self._changed.notify_all()


decoding = Memory(MAX_DECODED)


def give_memory_back() -> None:
    """Have this process give every large block back to the system once it is free.

    The memory manager of Linux keeps blocks of up to 32 MB, for each thread, and those are what pictures are decoded
    into: a server whose threads have decoded large ones would keep gigabytes.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library than GNU's
            ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)


def _scans(data: bytes) -> int:
    """Scans of a JPEG up to its end, at most one more than MAX_SCANS; what cameras append after it does not count."""
    at, scans = 2, 0
    while scans <= MAX_SCANS and (found := MARKER.search(data, at)):
        at, kind = found.end(), found[1][0]
        if kind == END_OF_IMAGE:
            break
        scans += kind == START_OF_SCAN
        at += int.from_bytes(data[at : at + 2], "big")  # the header of a segment, in which bytes may look like markers
    return scans


def _chunks(data: bytes) -> int:
    """Chunks of a PNG, at most one more than MAX_CHUNKS."""
    at, chunks = len(PNG), 0
    while chunks <= MAX_CHUNKS and at + 8 <= len(data):
        at += 12 + struct.unpack_from(">I", data, at)[0]  # length, name and checksum beside the data
        chunks += 1
    return chunks
