"""Which items a network learns from, is chosen by, and is tested on."""

import hashlib

import numpy as np
from jaxtyping import Int64, UInt8

TRAIN, VALIDATION, TEST = range(3)


def split_by_content(
    hashes: list[bytes], labels: Int64[np.ndarray, " n"], given: Int64[np.ndarray, " n"], validation: float, test: float
) -> Int64[np.ndarray, " n"]:
    """The split of each item: what the source says, else by the hash of its content.

    An item stays in its split when others are added, equal items share one, and every class is divided in the same
    proportions up to chance; a class of which nothing would be left to learn from is learned from as a whole.

    Args:
        labels: numbers of the classes; -1 is none.
        given: what the source says, -1 where it says nothing. Where it names a test part, no other item is tested;
            where it names a validation part, no other item is in it.
        validation: share of what is not tested.
        test: share of all items.
    """
    if not (given <= TRAIN).any():  # a source of other parts alone: nothing would be left to learn from
        given = np.full(len(given), -1)
    place = np.array([_place(digest) for digest in hashes])
    tested, held = (0.0 if (given == part).any() else share for part, share in ((TEST, test), (VALIDATION, validation)))
    by_hash = np.where(place < tested, TEST, np.where(place < tested + (1 - tested) * held, VALIDATION, TRAIN))
    # what a source calls training items may still be held out for validation or, where it names no test part, tested
    splits = np.where(given >= VALIDATION, given, by_hash)
    for label in np.unique(labels[labels >= 0]):
        own = labels == label
        if not (splits[own] == TRAIN).any():
            splits[own & (given < VALIDATION)] = TRAIN
    if len(splits) and not (splits == TRAIN).any():
        splits[:] = TRAIN
    return splits.astype(np.int64)


def is_held_out(digest: bytes, given: int, validation: float, test: float) -> bool:
    """Whether `split_by_content` leaves an item out of the training, as far as it is known without the others."""
    return given >= VALIDATION or _place(digest) < test + (1 - test) * validation


def content_hash(content: bytes | UInt8[np.ndarray, "h w *c"]) -> bytes:
    """What stands for the content of a file or of a picture: 16 bytes."""
    return hashlib.sha256(content.tobytes() if isinstance(content, np.ndarray) else content).digest()[:16]


def _place(digest: bytes) -> float:
    """A number in [0, 1) for each content, all alike likely."""
    return int.from_bytes(digest[:8], "big") / 2**64
