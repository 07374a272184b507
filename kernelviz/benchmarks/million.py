"""The neighbour graph of a million images with 512 features each: its time and its memory."""

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from sklearn.neighbors import NearestNeighbors

from kernelviz.benchmarks.graph import K, recall
from kernelviz.data.neighbours import nearest_neighbours

N, FEATURES, INNER, ASKED = 1_000_000, 512, 24, 1000


def report(note: Callable[[str], None]) -> dict:
    """Seconds, the process's greatest memory, and the share found of the true neighbours of ASKED images.

    The features lie near a surface of INNER dimensions, as those of a trained network lie near one of few.
    """
    random = np.random.default_rng(0)
    spread = random.normal(size=(INNER, FEATURES)).astype(np.float32)
    features = np.empty((N, FEATURES), np.float32)
    for part in np.array_split(features, 100):
        inner = random.normal(size=(len(part), INNER)).astype(np.float32)
        part[:] = np.maximum(inner @ spread, 0)
    started = time.perf_counter()
    graph = nearest_neighbours(features, K, lambda done: note(f"{done:,} of {N:,} images"))
    seconds, peak = time.perf_counter() - started, peak_gb()
    note(f"exact neighbours of {ASKED:,} of them")
    exact = NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(features)
    true = exact.kneighbors(features[:ASKED], return_distance=False)[:, 1:].astype(np.int32)
    row = {"images": N, "features": FEATURES, "seconds": seconds, "peak_GB": peak, "found": recall(graph[:ASKED], true)}
    return {"rows": [row], "notes": ["peak_GB is the memory of the whole process, the 2 GB of features among it."]}


def peak_gb() -> float:
    """The greatest memory that this process has had; counted in kilobytes, on macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
