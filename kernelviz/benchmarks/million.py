"""The neighbour graph of a million images with 512 features each: its time and its memory."""

import resource
import sys
import time
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32
from sklearn.neighbors import NearestNeighbors

from kernelviz.benchmarks.graph import K, recall
from kernelviz.data.neighbours import nearest_neighbours

N, FEATURES, ASKED = 1_000_000, 512, 1000
INNER, KINDS = 24, 100  # dimensions of the surface near which the features lie, and clusters on it
AT_ONCE = 10_000


def report(note: Callable[[str], None]) -> dict:
    """Seconds, the process's greatest memory, and the share found of the true neighbours of ASKED images."""
    rows = features(N, FEATURES)
    started, busy = time.perf_counter(), time.process_time()
    graph = nearest_neighbours(rows, K, lambda done: note(f"{done:,} of {N:,} images"))
    seconds, busy, peak = time.perf_counter() - started, time.process_time() - busy, peak_gb()
    note(f"exact neighbours of {ASKED:,} of them")
    exact = NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(rows)
    true = exact.kneighbors(rows[:ASKED], return_distance=False)[:, 1:].astype(np.int32)
    row = {
        "images": N,
        "features": FEATURES,
        "seconds": seconds,
        "core_seconds": busy,
        "peak_GB": peak,
        "found": recall(graph[:ASKED], true),
    }
    notes = [
        "core_seconds is what all cores together computed for it, whatever else they did meanwhile.",
        "peak_GB is the memory of the whole process, the 2 GB of features among it.",
    ]
    return {"rows": [row], "notes": notes}


def features(n: int, d: int) -> Float32[np.ndarray, "n d"]:
    """Features as a trained network has them: clusters near a surface of few dimensions, and noise; of length 1."""
    random = np.random.default_rng(0)
    spread = random.normal(size=(INNER, d)).astype(np.float32) / np.float32(INNER**0.5)
    kinds = random.normal(size=(KINDS, INNER)).astype(np.float32)
    out = np.empty((n, d), np.float32)
    for start in range(0, n, AT_ONCE):
        part = out[start : start + AT_ONCE]
        inner = kinds[random.integers(0, KINDS, len(part))] + 0.7 * random.standard_normal(
            (len(part), INNER), np.float32
        )
        part[:] = np.maximum(inner @ spread, 0) + 0.1 * random.standard_normal(part.shape, np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return out


def peak_gb() -> float:
    """The greatest memory that this process has had; counted in kilobytes, on macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
