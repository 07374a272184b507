"""The neighbour graph of the training digits: the search that large sets use, beside the exact graph."""

import time
from collections.abc import Callable

import numpy as np
from jaxtyping import Int32

from kernelviz.data.images import load
from kernelviz.data.neighbours import exact, searched

K = 15


def report(note: Callable[[str], None]) -> dict:
    """Seconds of both methods on the same images, and the share of the true neighbours that the search finds."""
    images, _ = load("mnist").split("train")
    graphs, rows = {}, []
    methods = {"searched": lambda given: searched(given, K, lambda done: None), "exact": lambda given: exact(given, K)}
    for method, find in methods.items():
        note(f"{len(images):,} images, {method}")
        started = time.perf_counter()
        graphs[method] = find(images.reshape(len(images), -1))
        rows.append({"method": method, "seconds": time.perf_counter() - started})
    for row in rows:
        row["found"] = recall(graphs[row["method"]], graphs["exact"])
        row["times exact"] = row["seconds"] / rows[1]["seconds"]
    return {"rows": rows, "notes": [f"{K} neighbours of each of {len(images):,} training images of MNIST."]}


def recall(found: Int32[np.ndarray, "n k"], true: Int32[np.ndarray, "n k"]) -> float:
    """Share of the true neighbours that are among the found ones."""
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)]))
