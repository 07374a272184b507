"""The graph of nearest neighbours of images, by the distance of their features; stored on disk by content."""

import contextlib
import hashlib
from collections.abc import Callable

import numpy as np
from jaxtyping import Int32, Shaped
from sklearn.neighbors import NearestNeighbors
from usearch.index import Index

from kernelviz.disk import data_folder, replacing
from kernelviz.errors import UserError

EXACT = 10_000  # images up to which every distance is computed; more are searched by a hierarchical graph (HNSW)
BLOCK = 4096  # images between two calls of `progress`
VERSION = 1  # of the result of nearest_neighbours: after a change of it, stored graphs are computed again

Features = Shaped[np.ndarray, "n *shape"]
Graph = Int32[np.ndarray, "n k"]


def neighbour_graph(features: Features, k: int, progress: Callable[[int], None] | None = None) -> Graph:
    """The graph of `nearest_neighbours`: read from disk where it is stored for these features, else computed."""
    k = max(1, min(k, len(features) - 1))
    path = data_folder() / "graphs" / f"{_fingerprint(features, k)}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        graph = np.load(path, allow_pickle=False)
        if (
            graph.shape == (len(features), k)
            and graph.dtype == np.int32
            and 0 <= graph.min() <= graph.max() < len(graph)
        ):
            return graph
    graph = nearest_neighbours(features, k, progress)
    with contextlib.suppress(OSError):  # where nothing can be stored, it is computed again the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, open(partial, "wb") as file:
            np.save(file, graph)
    return graph


def nearest_neighbours(features: Features, k: int, progress: Callable[[int], None] | None = None) -> Graph:
    """The k nearest others of each row by Euclidean distance, nearest first: exact for up to EXACT rows.

    Of more rows nearly all neighbours are found (of MNIST's 99.8 of 100), in bfloat16: a million rows of 512 numbers
    need about 2 GB of memory more than their own. Fewer than k + 1 rows are a UserError.

    Args:
        features: a row of numbers, of any shape, for each image.
        progress: called with the number of rows done so far.
    """
    n = len(features)
    if n <= k:
        raise UserError(f"{k} neighbours of each image need at least {k + 1} images, not {n}")
    rows = features.reshape(n, -1)
    return exact(rows, k) if n <= EXACT else searched(rows, k, progress or (lambda done: None))


def exact(rows: Shaped[np.ndarray, "n d"], k: int) -> Graph:
    """The graph by computing every distance."""
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows.astype(np.float32))
    return index.kneighbors(return_distance=False).astype(np.int32)


def searched(rows: Shaped[np.ndarray, "n d"], k: int, progress: Callable[[int], None]) -> Graph:
    """The graph by a hierarchical graph (HNSW); building it is the first half of the work, searching the second."""
    n = len(rows)
    index = Index(ndim=rows.shape[1], metric="l2sq", dtype="bf16")
    for start in range(0, n, BLOCK):
        part = rows[start : start + BLOCK].astype(np.float32)
        index.add(np.arange(start, start + len(part)), part)
        progress((start + len(part)) // 2)
    graph = np.empty((n, k), np.int32)
    for start in range(0, n, BLOCK):
        part = rows[start : start + BLOCK].astype(np.float32)
        found = index.search(part, k + 1).keys.astype(np.int64)
        own = found == np.arange(start, start + len(part))[:, None]
        own[~own.any(1), -1] = True  # among duplicates a row may not find itself: then the furthest is left out
        graph[start : start + len(part)] = found[~own].reshape(len(part), k)
        progress((n + start + len(part)) // 2)
    return graph


def _fingerprint(features: Features, k: int) -> str:
    content = hashlib.sha256(f"{VERSION} {k} {features.shape} {features.dtype}".encode())
    content.update(np.ascontiguousarray(features))
    return content.hexdigest()[:32]
