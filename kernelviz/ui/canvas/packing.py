"""Arrays as one string of bytes for the page, which js/core/packing.mjs reads."""

import gzip
import json

import numpy as np


def pack(arrays: dict[str, np.ndarray], **facts) -> bytes:
    """The length of a JSON header (uint32), the header, then the arrays one after the other; all little-endian.

    The header has the facts and, under "arrays", the type, the shape and the offset (from the header's end) of each.
    Of an array come first the first bytes of all numbers, then all second bytes, and so on: with similar bytes side by
    side, gzip saves another tenth.
    """
    described, parts, offset = {}, [], 0
    for name, array in arrays.items():
        numbers = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        parts.append(numbers.reshape(-1, 1).view(np.uint8).T.tobytes())
        described[name] = {"type": array.dtype.name, "shape": array.shape, "offset": offset}
        offset += len(parts[-1])
    header = json.dumps(facts | {"arrays": described}).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *parts])


def gzipped(data: bytes) -> bytes:
    """The bytes compressed by gzip; equal bytes give equal results."""
    return gzip.compress(data, compresslevel=6, mtime=0)
