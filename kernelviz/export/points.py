"""All points of a map as a table: what the run knows of each, its neighbours on the map, and how novel it is."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from kernelviz.evaluation.novelty import novelty_on_map
from kernelviz.storage.embedding_map import EmbeddingMap, load_map
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH, map_table, own_columns
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import mapped

NEAREST = 10  # neighbours of a point
FIRST = (NAME, PATH, "split", "index", "label", "prediction", "confidence", "x", "y", "error", "certainty", "novelty")
ADDED = ("neighbours", "image")


class Exported(NamedTuple):
    """The points of a run.

    Attributes:
        table: a row for each point, the user's own columns last.
        neighbours, distances: rows of the points that are nearest to each on the map, the nearest first, and how far
            they are; of a point without coordinates all rows are -1, all distances NaN.
    """

    run: EmbeddingRun
    points: EmbeddingMap
    table: pd.DataFrame
    neighbours: Int[np.ndarray, "n k"]
    distances: Float[np.ndarray, "n k"]


def exported(run: Run) -> Exported:
    """The points of a run; a UserError where it has no map of images."""
    run = mapped(run)
    points = load_map(run.folder)
    known = map_table(points, run.classes, run.folder)
    own = known.drop(columns=[*MAP_COLUMNS, NAME, PATH], errors="ignore")
    own_by_name = {shown: own[name] for shown, name in own_columns(own, [*FIRST, *ADDED]).items()}
    ours = known.assign(split=known["split"].astype(str), novelty=novelty_on_map(points).astype(np.float32))
    table = pd.DataFrame({name: ours[name] for name in FIRST if name in ours} | own_by_name)
    return Exported(run, points, table, *_nearest(points))


def _nearest(points: EmbeddingMap) -> tuple[Int[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Rows of the NEAREST other points on the map, and their distances."""
    rows = np.flatnonzero(points.placed)
    k = max(0, min(NEAREST, len(rows) - 1))
    neighbours, distances = np.full((len(points), k), -1), np.full((len(points), k), np.nan, np.float32)
    if k:
        away, found = points.nearest(points.coordinates[rows], k + 1)
        others = found != rows[:, None]
        others[others.all(1), -1] = False  # where many coincide, a point may not be among its own nearest
        neighbours[rows], distances[rows] = found[others].reshape(-1, k), away[others].reshape(-1, k)
    return neighbours, distances
