"""The neighbour graph of ten million images, whose features lie in a file of 10 GB: its time and its memory."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from kernelviz.benchmarks.million import FEATURES, NOTES, features, measured

N = 10_000_000


def report(note: Callable[[str], None]) -> dict:
    """The row of `million` for features in float16 that are read from disk."""
    with tempfile.TemporaryDirectory() as folder:
        rows = open_memmap(Path(folder) / "features.npy", "w+", np.float16, (N, FEATURES))
        note("making the features")
        features(rows)
        return {"rows": [measured(rows, note)], "notes": NOTES}
