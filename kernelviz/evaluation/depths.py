"""A network cut at several depths (section 3.4, Figure 7): which maps show that, laid over each other, and what each
keeps apart."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import orthogonal_procrustes

from kernelviz.storage.embedding_map import AGREEING, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind

Placement = Float[np.ndarray, "2 3"]  # [rotation or reflection | shift]: place -> placement @ (x, y, 1)


def families(runs: Iterable[Run]) -> dict[str, list[EmbeddingRun]]:
    """The runs that show one set of images through one network, the shallowest cut first, by a name for them all."""
    found: dict[tuple[str, str], list[EmbeddingRun]] = {}
    for run in of_kind(runs, EmbeddingRun):
        if run.backbone:
            found.setdefault((run.backbone["sha256"], run.recipe["data"]), []).append(run)
    named = {}
    for of in found.values():
        of.sort(key=lambda run: (run.backbone["layers"], run.name))
        name = f"{of[0].backbone['network']} on {of[0].data['name']}"
        named[name if name not in named else f"{name} ({of[0].backbone['sha256'][:6]})"] = of
    return named


def depth_of(run: EmbeddingRun) -> str:
    """How much of the network lies below a map, in words."""
    kept, layers = run.backbone["kept"], run.backbone["layers"]
    return f"{layers} layers" if isinstance(kept, int) else f"{kept} ({layers} layers)"


def laid_over(maps: Sequence[EmbeddingMap]) -> list[Placement]:
    """How to lay maps of the same images over each other: each over the next one, the last one stays.

    Orthogonal Procrustes: turned, mirrored and shifted so that the squared distances of the images that both have a
    place for are least; nothing is stretched.
    """
    placements = [np.eye(2, 3)]
    for upper, lower in zip(reversed(maps), list(reversed(maps))[1:], strict=False):
        both = upper.placed & lower.placed
        placements.append(_over(lower.coordinates[both], placed_by(placements[-1], upper.coordinates[both])))
    return placements[::-1]


def placed_by(placement: Placement, coordinates: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Places after a placement."""
    return coordinates @ placement[:, :2].T + placement[:, 2]


def _over(coordinates: Float[np.ndarray, "n 2"], onto: Float[np.ndarray, "n 2"]) -> Placement:
    if len(coordinates) < 2:
        return np.eye(2, 3)
    middle, wanted = coordinates.mean(0), onto.mean(0)
    turn, _ = orthogonal_procrustes(coordinates - middle, onto - wanted)
    return np.column_stack([turn.T, wanted - middle @ turn])


def reach_of(maps: Sequence[EmbeddingMap], placements: Sequence[Placement]) -> float:
    """Half the side of the square around the origin that holds every point of maps that are laid over each other."""
    coordinates = [
        placed_by(how, points.coordinates[points.placed]) for points, how in zip(maps, placements, strict=True)
    ]
    return float(max((np.abs(part).max() for part in coordinates if len(part)), default=1.0))


def overlaps(points: EmbeddingMap, classes: int) -> Float[np.ndarray, "classes classes"]:
    """Share of the nearest neighbours of each class's points that have another class's label, or its own.

    A row sums to one; the row of a class without points is zero.
    """
    known = points.where(points.placed & (points.label >= 0))
    counts = np.zeros((classes, classes))
    if len(known) > 1:
        _, found = known.nearest(known.coordinates, AGREEING + 1)
        own = np.repeat(known.label, found.shape[1] - 1)
        np.add.at(counts, (own, known.label[found[:, 1:]].ravel()), 1)
    return counts / counts.sum(1, keepdims=True).clip(1)


def closest_pairs(points: EmbeddingMap, classes: int, most: int = 3) -> list[tuple[int, int, float]]:
    """The pairs of classes that overlap most, each with the mean of the shares that either has in the other."""
    shares = overlaps(points, classes)
    both = np.triu((shares + shares.T) / 2, k=1)
    order = np.argsort(-both, axis=None)[:most]
    pairs = zip(*np.unravel_index(order, both.shape), strict=True)
    return [(int(a), int(b), float(both[a, b])) for a, b in pairs if both[a, b] > 0]


def confusions(points: EmbeddingMap, classes: int) -> Int[np.ndarray, "classes classes"]:
    """How many of the points of each class (a row) the network takes for each class (a column)."""
    known = points.where((points.label >= 0) & (points.prediction >= 0))
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (known.label, known.prediction), 1)
    return counts
