"""Two maps compared: which of their images are the same, and how far the maps agree on them."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float, Int

from kernelviz.storage.embedding_map import AGREEING, SPLITS, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.thumbnails import content_hashes, has_thumbnails

SAME_SHARE = 0.5  # of the images of the smaller map: with fewer in common, two maps show different images
OUTCOMES = ("both correct", "only the left one", "only the right one", "both wrong")  # predictions

Rows = Int[np.ndarray, " n"]


def same_images(runs: Sequence[EmbeddingRun], maps: Sequence[EmbeddingMap], split: str) -> tuple[Rows, Rows]:
    """The rows of the images of a split that the maps of two runs have in common, in the order of the first.

    Images are the same by their content where both runs recorded it; else the whole split is the same where the name
    of the data, the classes, the number of images and their labels are. Empty arrays where the images are others.
    """
    left, right = (points.of_split(split) for points in maps)
    hashes = [_hashes(run, points, split) for run, points in zip(runs, maps, strict=True)]
    if all(one is not None for one in hashes):
        rows = matched(*hashes)
        enough = len(rows[0]) >= max(1, SAME_SHARE * min(len(left), len(right)))
    else:
        facts = [(run.data["name"], run.classes, run.unit) for run in runs]
        equal = np.array_equal(left.index, right.index) and np.array_equal(left.label, right.label)
        rows, enough = (np.arange(len(left)),) * 2, equal and facts[0] == facts[1]
    return rows if enough else (np.array([], int), np.array([], int))


def matched(left: Sequence[Hashable], right: Sequence[Hashable]) -> tuple[Rows, Rows]:
    """The rows of equal keys in two lists, in the order of the left one; of a repeated key the n-th with the n-th."""
    at = {key: row for row, key in enumerate(_numbered(right))}
    pairs = [(row, at[key]) for row, key in enumerate(_numbered(left)) if key in at and key[0]]
    rows = np.array(pairs, int).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _numbered(keys: Sequence[Hashable]) -> list[tuple[Hashable, int]]:
    """Each key with the number of equal ones before it."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _hashes(run: EmbeddingRun, points: EmbeddingMap, split: str) -> list[bytes] | None:
    """The content hash of each image of a split; None where the run does not have them."""
    hashes = content_hashes(run.folder) if has_thumbnails(run.folder) else []
    rows = np.flatnonzero(points.split == SPLITS.index(split))
    return [hashes[row] for row in rows] if len(hashes) == len(points) else None


def shared_neighbours(left: EmbeddingMap, right: EmbeddingMap, k: int = AGREEING) -> Float[np.ndarray, " n"]:
    """Share in [0, 1] of the k nearest neighbours of each image that two maps have in common.

    The maps have the same images in the same rows; those without coordinates on either one are left out, and have NaN.
    """
    both = np.flatnonzero(left.placed & right.placed)
    share = np.full(len(left), np.nan)
    k = min(k, len(both) - 1)
    if k > 0:
        first, second = (_pairs(points.where(both), k) for points in (left, right))
        share[both] = np.isin(first, second).reshape(-1, k).mean(1)
    return share


def _pairs(points: EmbeddingMap, k: int) -> Int[np.ndarray, " pairs"]:
    """A number for each point with each of its k nearest neighbours, those of the first point first."""
    n = len(points)
    _, found = points.nearest(points.coordinates, k + 1)
    others = found != np.arange(n)[:, None]
    others[others.all(1), -1] = False  # where many coincide, a point may not be among its own nearest
    return n * np.repeat(np.arange(n), k) + found[others]


def outcomes(left: EmbeddingMap, right: EmbeddingMap) -> Int[np.ndarray, " n"]:
    """For each image the index in OUTCOMES, of two maps with the same images in the same rows.

    -1 for an image without a label or a prediction on either map.
    """
    maps = (left, right)
    wrong = [(points.prediction != points.label).astype(int) for points in maps]
    known = np.all([(points.label >= 0) & (points.prediction >= 0) for points in maps], axis=0)
    return np.where(known, 2 * wrong[0] + wrong[1], -1)
