"""The graph of nearest neighbours of images, by the distance of their features; stored on disk by content.

The features of pictures without a backbone are histograms of oriented gradients.
"""

import contextlib
import hashlib
import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import BFloat16, Float32, Int32, Int64, Shaped, UInt8
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
CELLS, IN_CELL = 2048, 500  # cells at most, and rows in one of them where there are fewer cells
FOUND = 3  # times as many neighbours as wanted are found in them; the nearest of these by all numbers are taken
COMPARED = 64  # images whose found neighbours are compared at a time: they stay in the processor's cache
BLOCK = 512  # images between two calls of `progress`: a fraction of a second's work
AT_ONCE = 256  # images whose gradients are in memory
VERSION = 3  # of the result of nearest_neighbours: after a change of it, stored graphs are computed again

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

    Components are searched by a hierarchical graph (HNSW, Malkov and Yashunin 2018). It is built and searched cell by
    cell, so that what a row is compared with is in the processor's cache: the row before it was compared with the same.
    """
    n, threads = len(rows), torch.get_num_threads()
    components, order = _cell_by_cell(rows, lambda done: progress(done // 3))
    index = Index(ndim=components.shape[1], metric="l2sq", dtype="bf16", **HNSW)
    for start in range(0, n, BLOCK):
        these = order[start : start + BLOCK]
        index.add(these, components[these].float().numpy(), threads=threads)
        progress((n + start + len(these)) // 3)
    graph = np.empty((n, k), np.int32)
    for start in range(0, n, BLOCK):
        these = order[start : start + BLOCK]
        found = index.search(components[these].float().numpy(), min(FOUND * k, n - 1) + 1, threads=threads).keys
        own = found == these[:, None]
        own[~own.any(1), -1] = True  # among duplicates a row may not find itself: then the furthest is left out
        graph[these] = _nearest(rows, these, found[~own].reshape(len(these), -1).astype(np.int64), k)
        progress((2 * n + start + len(these)) // 3)
    return graph


def _cell_by_cell(
    rows: Shaped[np.ndarray, "n d"], progress: Callable[[int], None]
) -> tuple[BFloat16[torch.Tensor, "n c"], Int64[np.ndarray, " n"]]:
    """Principal components of all rows, and an order in which rows nearest to the same center follow each other."""
    n, pca = len(rows), _components(rows)
    components, cells = torch.empty((n, pca.n_components_), dtype=torch.bfloat16), np.empty(n, np.int32)
    chosen = np.random.default_rng(0).choice(n, min(CELLS, math.ceil(n / IN_CELL)), replace=False)
    centers = torch.from_numpy(pca.transform(rows[np.sort(chosen)].astype(np.float32)))
    for start in range(0, n, BLOCK):
        part = torch.from_numpy(pca.transform(rows[start : start + BLOCK].astype(np.float32)))
        components[start : start + BLOCK] = part
        cells[start : start + BLOCK] = torch.cdist(part, centers).argmin(1)
        progress(start + len(part))
    return components, np.argsort(cells, kind="stable")


def _components(rows: Shaped[np.ndarray, "n d"]) -> PCA:
    """The directions in which the rows, or FITTED of them, differ the most."""
    chosen = np.random.default_rng(0).choice(len(rows), min(FITTED, len(rows)), replace=False)
    sample = rows[np.sort(chosen)].astype(np.float32)
    return PCA(min(COMPONENTS, *sample.shape), random_state=0).fit(sample)


def _nearest(
    rows: Shaped[np.ndarray, "n d"], these: Int64[np.ndarray, " m"], found: Int64[np.ndarray, "m c"], k: int
) -> Int32[np.ndarray, "m k"]:
    """Of the rows that were found for each of these, the k nearest to it by all numbers."""
    nearest = np.empty((len(these), k), np.int32)
    for at in range(0, len(these), COMPARED):
        others = found[at : at + COMPARED]
        apart = torch.from_numpy(rows[others.ravel()].astype(np.float32)).view(*others.shape, -1)
        apart -= torch.from_numpy(rows[these[at : at + COMPARED], None].astype(np.float32))
        first = torch.linalg.vector_norm(apart, dim=2).topk(k, largest=False).indices
        nearest[at : at + COMPARED] = np.take_along_axis(others, first.numpy(), 1)
    return nearest


def oriented_gradients(images: UInt8[np.ndarray, "n h w *c"]) -> Float32[np.ndarray, "n d"]:
    """Which edges an image has where: the numbers of `OrientedGradients`."""
    parts = np.array_split(images, math.ceil(len(images) / AT_ONCE) or 1)
    return torch.cat([OrientedGradients()(pixels(part)).flatten(1) for part in parts]).numpy()


def _fingerprint(features: Features, k: int) -> str:
    content = hashlib.sha256(f"{VERSION} {k} {features.shape} {features.dtype}".encode())
    content.update(np.ascontiguousarray(features))
    return content.hexdigest()[:32]
