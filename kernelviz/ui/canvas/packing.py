"""Arrays as one run of bytes, for the page: what js/packing.mjs reads."""

import gzip
import json

import numpy as np

ALIGNED = 8  # bytes: every array begins at a multiple of it, so that the page can lay its own arrays on the bytes


def pack(arrays: dict[str, np.ndarray], **facts) -> bytes:
    """The length of a JSON header (uint32), the header, then the arrays one after the other; all little-endian.

    The header has the facts and, under "arrays", the type, the shape and the offset (from the header's end) of each.
    """
    described, parts, offset = {}, [], 0
    for name, array in arrays.items():
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        described[name] = {"type": array.dtype.name, "shape": array.shape, "offset": offset}
        parts.append(_padded(data))
        offset += len(parts[-1])
    header = json.dumps(facts | {"arrays": described}).encode()
    header += b" " * (-(len(header) + 4) % ALIGNED)
    return b"".join([len(header).to_bytes(4, "little"), header, *parts])


def squeezed(data: bytes) -> bytes:
    """The bytes by gzip, always the same for the same bytes."""
    return gzip.compress(data, compresslevel=6, mtime=0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNED)
