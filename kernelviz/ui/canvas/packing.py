"""Arrays as one string of bytes for the page, which js/core/packing.mjs reads."""

import base64
import binascii
import gzip
import json

import numpy as np
from jaxtyping import Int


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


def masked(rows: Int[np.ndarray, " m"], n: int) -> str:
    """Some of n rows as a bit for each row, in base 64."""
    chosen = np.zeros(n, bool)
    chosen[rows] = True
    return base64.b64encode(np.packbits(chosen, bitorder="little").tobytes()).decode()


def unmasked(text: object, n: int) -> Int[np.ndarray, " m"] | None:
    """The rows again; None where it is no such text for n rows."""
    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (TypeError, ValueError, binascii.Error):
        return None
    return np.flatnonzero(np.unpackbits(bits, bitorder="little")[:n]) if len(bits) == -(-n // 8) else None
