"""The graph of nearest neighbours of images, by the distance of their features; stored on disk by content.

The features of pictures without a backbone are histograms of oriented gradients.
"""

import contextlib
import hashlib
import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float32, Int32, Int64, Shaped, UInt8
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from usearch.index import Index

from kernelviz.data.batches import pixels
from kernelviz.disk import data_folder, replacing
from kernelviz.errors import UserError
from kernelviz.layers.gradients import OrientedGradients

EXACT = 10_000  # images up to which every distance is computed; more are searched
COMPONENTS, FITTED = 128, 20_000  # principal components in which is searched, and rows, at random, that they are of
HNSW = {"connectivity": 16, "expansion_add": 64, "expansion_search": 96}  # links of a row; rows held while one is found
FOUND = 3  # times as many neighbours as wanted are found in them; the nearest of these by all numbers are taken
COMPARED = 64  # images whose found neighbours are compared at a time: they stay in the processor's cache
BLOCK = 512  # images between two calls of `progress`: a fraction of a second's work
AT_ONCE = 256  # images whose gradients are in memory
VERSION = 2  # of the result of nearest_neighbours: after a change of it, stored graphs are computed again

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

    Of more rows nearly all neighbours are found (of MNIST's 99.8 of 100): a million rows of 512 numbers need about 1 GB
    of memory more than their own. Fewer than k + 1 rows are a UserError.

    Args:
        features: a row of numbers, of any shape, for each image.
        progress: called with the number of rows done so far, about once a second where they are searched; what it
            raises ends the search.
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
    """The graph by a search in principal components: what is near in these is compared by all numbers.

    Components are searched by a hierarchical graph (HNSW, Malkov and Yashunin 2018); building it is the first half of
    the work, searching the second.
    """
    n, threads = len(rows), torch.get_num_threads()
    pca = _components(rows)
    index = Index(ndim=pca.n_components_, metric="l2sq", dtype="bf16", **HNSW)
    for start in range(0, n, BLOCK):
        part = pca.transform(rows[start : start + BLOCK].astype(np.float32))
        index.add(np.arange(start, start + len(part)), part, threads=threads)
        progress((start + len(part)) // 2)
    graph = np.empty((n, k), np.int32)
    for start in range(0, n, BLOCK):
        part = rows[start : start + BLOCK].astype(np.float32)
        found = index.search(pca.transform(part), min(FOUND * k, n - 1) + 1, threads=threads).keys.astype(np.int64)
        own = found == np.arange(start, start + len(part))[:, None]
        own[~own.any(1), -1] = True  # among duplicates a row may not find itself: then the furthest is left out
        graph[start : start + len(part)] = _nearest(rows, part, found[~own].reshape(len(part), -1), k)
        progress((n + start + len(part)) // 2)
    return graph


def _components(rows: Shaped[np.ndarray, "n d"]) -> PCA:
    """The directions in which the rows, or FITTED of them, differ the most."""
    chosen = np.random.default_rng(0).choice(len(rows), min(FITTED, len(rows)), replace=False)
    sample = rows[np.sort(chosen)].astype(np.float32)
    return PCA(min(COMPONENTS, *sample.shape), random_state=0).fit(sample)


def _nearest(
    rows: Shaped[np.ndarray, "n d"], part: Float32[np.ndarray, "m d"], found: Int64[np.ndarray, "m c"], k: int
) -> Int32[np.ndarray, "m k"]:
    """Of the rows that were found for each of a part, the k nearest to it by all numbers."""
    nearest = []
    for at in range(0, len(part), COMPARED):
        others = torch.from_numpy(found[at : at + COMPARED])
        own = torch.from_numpy(part[at : at + COMPARED, None])
        apart = torch.cdist(
            own, torch.from_numpy(rows[others.numpy()]).float(), compute_mode="donot_use_mm_for_euclid_dist"
        )[:, 0]
        nearest.append(torch.take_along_dim(others, apart.topk(k, largest=False).indices, 1))
    return torch.cat(nearest).int().numpy()


def oriented_gradients(images: UInt8[np.ndarray, "n h w *c"]) -> Float32[np.ndarray, "n d"]:
    """Which edges an image has where: the numbers of `OrientedGradients`."""
    parts = np.array_split(images, math.ceil(len(images) / AT_ONCE) or 1)
    return torch.cat([OrientedGradients()(pixels(part)).flatten(1) for part in parts]).numpy()


def _fingerprint(features: Features, k: int) -> str:
    content = hashlib.sha256(f"{VERSION} {k} {features.shape} {features.dtype}".encode())
    content.update(np.ascontiguousarray(features))
    return content.hexdigest()[:32]
