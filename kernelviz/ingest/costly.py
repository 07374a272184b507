"""Small files that would keep a decoder busy for minutes: refused by their structure, before anything is decoded."""

import re
import struct

MAX_SCANS = 100  # of a JPEG; encoders write about 10, and the most that optimisers try is below 70
MAX_CHUNKS = 25_000  # of a PNG; encoders write 8 kB of pixels in each, so that the largest file has 2,500
MAX_TILES = (
    100_000  # tiles or strips of a TIFF; one of 50 million pixels in tiles of 64 x 64 has 37,000 in three planes
)

MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # within a scan, all others belong to its pixels
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
PNG = b"\x89PNG\r\n\x1a\n"


def check_structure(data: bytes) -> None:
    """Raise a ValueError for a JPEG with too many scans, or a PNG with too many chunks; it says what to do."""
    if data.startswith(b"\xff\xd8") and _scans(data) > MAX_SCANS:
        raise ValueError(f"the JPEG has more than {MAX_SCANS} scans, which no camera writes; save it again")
    if data.startswith(PNG) and _chunks(data) > MAX_CHUNKS:
        raise ValueError(f"the PNG has more than {MAX_CHUNKS:,} chunks, which no program writes; save it again")


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
