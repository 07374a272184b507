"""Maps of one network truncated at several depths (section 3.4, Figure 7): laid over each other, and which classes
overlap on each."""

from collections.abc import Iterable, Sequence

import numpy as np
import scipy  # its parts take long to import, and are when they are used
from jaxtyping import Float, Int

from kernelviz.storage.embedding_map import AGREEING, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind

Placement = Float[np.ndarray, "2 3"]  # [rotation or reflection | shift]: (x, y) -> placement @ (x, y, 1)


def families(runs: Iterable[Run]) -> dict[str, list[EmbeddingRun]]:
    """The runs on one set of images and one network, the shallowest first, under a name; the largest family first."""
    found: dict[tuple[str, str], list[EmbeddingRun]] = {}
    for run in of_kind(runs, EmbeddingRun):
        if run.backbone:
            found.setdefault((run.backbone["sha256"], run.recipe["data"]), []).append(run)
    named = {}
    for of in sorted(found.values(), key=len, reverse=True):
        of.sort(key=lambda run: (run.backbone["layers"], run.name))
        name = f"{of[0].backbone['network']} on {of[0].data['name']}"
        named[name if name not in named else f"{name} ({of[0].backbone['sha256'][:6]})"] = of
    return named


def depth_of(run: EmbeddingRun) -> str:
    """The depth of the truncated network that a map is trained on, in words."""
    depth, layers = run.backbone["kept"], run.backbone["layers"]
    return f"{layers} layers" if isinstance(depth, int) else f"{depth} ({layers} layers)"


def laid_over(maps: Sequence[EmbeddingMap]) -> list[Placement]:
    """How to lay maps of the same images over each other: each over the next one; the last one stays.

    Orthogonal Procrustes: a map is turned, mirrored and shifted so that the squared distances of the images that have
    coordinates on both maps are least; nothing is stretched.
    """
    placements = [np.eye(2, 3)]
    for onto, moved in zip(reversed(maps), list(reversed(maps))[1:], strict=False):
        both = onto.placed & moved.placed
        placements.append(_over(moved.coordinates[both], placed_by(placements[-1], onto.coordinates[both])))
    return placements[::-1]


def placed_by(placement: Placement, coordinates: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Coordinates after a placement."""
    return coordinates @ placement[:, :2].T + placement[:, 2]


def _over(coordinates: Float[np.ndarray, "n 2"], onto: Float[np.ndarray, "n 2"]) -> Placement:
    if len(coordinates) < 2:
        return np.eye(2, 3)
    middle, wanted = coordinates.mean(0), onto.mean(0)
    turn, _ = scipy.linalg.orthogonal_procrustes(coordinates - middle, onto - wanted)
    return np.column_stack([turn.T, wanted - middle @ turn])


def reach_of(maps: Sequence[EmbeddingMap], placements: Sequence[Placement]) -> float:
    """Half the side of the square around the origin that holds every point of maps that are laid over each other."""
    coordinates = [
        placed_by(how, points.coordinates[points.placed]) for points, how in zip(maps, placements, strict=True)
    ]
    return float(max((np.abs(part).max() for part in coordinates if len(part)), default=1.0))


def overlaps(points: EmbeddingMap, classes: int) -> Float[np.ndarray, "classes classes"]:
    """Share in [0, 1] of the nearest neighbours of each class's points (a row) that have each class's label (a column).

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
    """The pairs of classes that overlap most, with the mean of the two shares in [0, 1] by `overlaps`."""
    shares = overlaps(points, classes)
    both = np.triu((shares + shares.T) / 2, k=1)
    order = np.argsort(-both, axis=None)[:most]
    pairs = zip(*np.unravel_index(order, both.shape), strict=True)
    return [(int(a), int(b), float(both[a, b])) for a, b in pairs if both[a, b] > 0]


def confusions(points: EmbeddingMap, classes: int) -> Int[np.ndarray, "classes classes"]:
    """How many of the points of each class (a row) are predicted as each class (a column)."""
    known = points.where((points.label >= 0) & (points.prediction >= 0))
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (known.label, known.prediction), 1)
    return counts
