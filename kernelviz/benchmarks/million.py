"""The neighbour graph of a million images with 512 features each: its time and its memory."""

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int32, Shaped

from kernelviz.benchmarks.graph import K, recall
from kernelviz.data.neighbours import nearest_neighbours

N, FEATURES, ASKED = 1_000_000, 512, 1000
INNER, KINDS = 24, 100  # dimensions of the surface near which the features lie, and clusters on it
AT_ONCE = 10_000
NOTES = [
    "core_seconds is what all cores together computed for it, whatever else they did meanwhile.",
    "peak_GB is the memory of the whole process, features in memory among it, files that it maps not.",
]


def report(note: Callable[[str], None]) -> dict:
    """Seconds, the process's greatest memory, and the share found of the true neighbours of ASKED images."""
    rows = np.empty((N, FEATURES), np.float32)
    features(rows)
    return {"rows": [measured(rows, note)], "notes": NOTES}


def measured(rows: Shaped[np.ndarray, "n d"], note: Callable[[str], None]) -> dict:
    """The row of one search."""
    peak, started, busy = own_gb(), time.perf_counter(), time.process_time()

    def watch(done: int) -> None:
        nonlocal peak
        peak = max(peak, own_gb())
        note(f"{done:,} of {len(rows):,} images")

    graph = nearest_neighbours(rows, K, watch)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    note(f"exact neighbours of {ASKED:,} of them")
    return {
        "images": len(rows),
        "features": rows.shape[1],
        "seconds": seconds,
        "core_seconds": busy,
        "peak_GB": peak,
        "found": recall(graph[:ASKED], exact(rows, ASKED)),
    }


def features(rows: Shaped[np.ndarray, "n d"]) -> None:
    """Fill rows with features as of a network: clusters near a surface of few dimensions, and noise; of length 1."""
    random = np.random.default_rng(0)
    spread = random.normal(size=(INNER, rows.shape[1])).astype(np.float32) / np.float32(INNER**0.5)
    kinds = random.normal(size=(KINDS, INNER)).astype(np.float32)
    for start in range(0, len(rows), AT_ONCE):
        n = len(rows[start : start + AT_ONCE])
        inner = kinds[random.integers(0, KINDS, n)] + 0.7 * random.standard_normal((n, INNER), np.float32)
        part = np.maximum(inner @ spread, 0) + 0.1 * random.standard_normal((n, rows.shape[1]), np.float32)
        rows[start : start + n] = part / np.linalg.norm(part, axis=1, keepdims=True)


def exact(rows: Shaped[np.ndarray, "n d"], asked: int) -> Int32[np.ndarray, "asked k"]:
    """The K nearest others of the first rows, by every distance."""
    own = torch.from_numpy(rows[:asked].astype(np.float32))
    nearest, found = torch.empty(asked, 0), torch.empty(asked, 0, dtype=torch.int64)
    for start in range(0, len(rows), AT_ONCE):
        part = torch.from_numpy(rows[start : start + AT_ONCE].astype(np.float32))
        nearest = torch.cat([nearest, torch.cdist(own, part)], 1)
        found = torch.cat([found, torch.arange(start, start + len(part)).expand(asked, -1)], 1)
        nearest, at = nearest.topk(min(K + 1, nearest.shape[1]), largest=False)
        found = torch.take_along_dim(found, at, 1)
    return found[:, 1:].int().numpy()


def own_gb() -> float:
    """The memory of this process without the files that it maps; where that is not told, the greatest so far."""
    facts = Path("/proc/self/status")
    lines = facts.read_text(encoding="ascii").splitlines() if facts.is_file() else []
    return next((int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("RssAnon")), peak_gb())


def peak_gb() -> float:
    """The greatest memory that this process has had; counted in kilobytes, on macOS in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
