"""The map of a run: coordinates of every image of its set, and what the network predicts for it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy  # its parts take long to import, and are when they are used
from jaxtyping import Float, Int, Shaped
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.sources import listing
from kernelviz.storage.parquet_file import Rows, column_names, read_rows
from kernelviz.storage.record import BrokenRun

COLUMNS = {
    "index": np.int32,  # of the image in its split
    "split": np.uint8,  # of SPLITS
    "x": np.float32,
    "y": np.float32,
    "label": np.int16,  # -1 = none
    "prediction": np.int16,
    "confidence": np.float32,
    "error": np.float32,  # of the decoded image, mean square per pixel in [0, 1]; NaN = no decoder
    "clarity": np.float32,  # of the position (`evaluation.inference.Embedded`); NaN = not recorded
}
ONCE_MISSING = ("error", "clarity")  # older maps lack them
ADDED = "added"  # the split of images that came after the training (`tasks.adding`)
SPLITS = (*listing.SPLITS, ADDED)
AGREEING = 15  # neighbours among which a point's own label is counted
NEIGHBOURS = 5  # points that vote for a label on a map without a class head


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """The points of a map, one per image; x and y are NaN for an image without coordinates. The columns are COLUMNS."""

    index: Shaped[np.ndarray, " n"]
    split: Shaped[np.ndarray, " n"]
    x: Shaped[np.ndarray, " n"]
    y: Shaped[np.ndarray, " n"]
    label: Shaped[np.ndarray, " n"]
    prediction: Shaped[np.ndarray, " n"]
    confidence: Shaped[np.ndarray, " n"]
    error: Shaped[np.ndarray, " n"]
    clarity: Shaped[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def coordinates(self) -> Float[np.ndarray, "n 2"]:
        """The (x, y) of every point, in the units of the grid."""
        return np.stack([self.x, self.y], axis=1)

    @cached_property
    def placed(self) -> Shaped[np.ndarray, " n"]:
        """Which points have coordinates, bool [n]."""
        return np.isfinite(self.coordinates).all(axis=1)

    def where(self, chosen: np.ndarray) -> "EmbeddingMap":
        """The points chosen by a mask or by their rows."""
        return EmbeddingMap(**{name: getattr(self, name)[chosen] for name in COLUMNS})

    def of_split(self, split: str) -> "EmbeddingMap":
        """The points of "train", "validation" or "test"."""
        return self._parts[split]

    @cached_property
    def _parts(self) -> dict[str, "EmbeddingMap"]:
        return {name: self.where(self.split == number) for number, name in enumerate(SPLITS)}

    def rows_of(self, some: "EmbeddingMap") -> Int[np.ndarray, " m"]:
        """The rows of this map that some of its points have."""
        order = np.argsort(_numbers(self), kind="stable")
        return order[np.searchsorted(_numbers(self), _numbers(some), sorter=order)]

    def nearest(self, coordinates: Float[np.ndarray, "m 2"], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances [m, k] and rows [m, k] of the k points nearest to each of the coordinates, which must be finite."""
        tree, rows = self._tree
        distances, found = tree.query(coordinates, np.arange(1, min(k, len(rows)) + 1))
        return distances, rows[found]

    @cached_property
    def agreement(self) -> Float[np.ndarray, " n"]:
        """Share of the AGREEING nearest labelled points (not itself) that have a point's label; NaN without either."""
        labelled = np.flatnonzero(self.placed & (self.label >= 0))
        share = np.full(len(self), np.nan)
        if len(labelled) > 1:
            known = self.where(labelled)
            _, found = known.nearest(known.coordinates, AGREEING + 1)
            others = found != np.arange(len(labelled))[:, None]
            others[others.all(1), -1] = False  # where many coincide, a point may not be among its own nearest
            same = (known.label[found] == known.label[:, None]) & others
            share[labelled] = same.sum(1) / others.sum(1)
        return share

    @cached_property
    def certainty(self) -> Float[np.ndarray, " n"]:
        """Share of the points that are placed no more clearly than each, 0 to 1; NaN where the clarity is unknown."""
        known = np.isfinite(self.clarity)
        share = np.full(len(self), np.nan)
        clarity = self.clarity[known]
        share[known] = np.searchsorted(np.sort(clarity), clarity, "right") / max(1, known.sum())
        return share

    @cached_property
    def _tree(self) -> "tuple[scipy.spatial.KDTree, np.ndarray]":
        rows = np.flatnonzero(self.placed)
        return scipy.spatial.KDTree(self.coordinates[rows]), rows

    def save(self, folder: Path) -> None:
        """Write map.parquet."""
        table = pa.table({name: getattr(self, name).astype(kind) for name, kind in COLUMNS.items()})
        with replacing(folder / "map.parquet") as partial:
            parquet.write_table(table, partial, compression="zstd")


def _numbers(points: EmbeddingMap) -> Int[np.ndarray, " n"]:
    """A number for each point that no other has."""
    return points.split.astype(np.int64) << 32 | points.index


def load_map(folder: Path, rows: Rows = None) -> EmbeddingMap:
    """The map in a run's folder, or some rows of it; a BrokenRun says what is wrong with it."""
    return EmbeddingMap(**load_columns(folder, *COLUMNS, rows=rows))


def load_columns(folder: Path, *names: str, rows: Rows = None) -> dict[str, Shaped[np.ndarray, " n"]]:
    """Some columns of the map in a run's folder; a BrokenRun says what is wrong with it."""
    path = folder / "map.parquet"
    try:
        there = [name for name in names if name not in ONCE_MISSING or name in column_names(path)]
        table = read_rows(path, there, rows)
        for name in set(names).intersection(ONCE_MISSING).difference(table.column_names):
            table = table.append_column(name, pa.nulls(len(table), pa.float32()))
        return {name: table[name].to_numpy().astype(COLUMNS[name]) for name in names}
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise BrokenRun(f"{path} is no map of a run ({error}); train the run again") from None


def split_sizes(folder: Path) -> dict[str, int]:
    """How many points each split of the map in a run's folder has; a BrokenRun says what is wrong with it."""
    counts = np.bincount(load_columns(folder, "split")["split"], minlength=len(SPLITS))
    return dict(zip(SPLITS, counts.tolist(), strict=False))


def voted(points: EmbeddingMap) -> EmbeddingMap:
    """The map with predictions and confidences voted by each point's nearest labelled training points (not itself)."""
    train = points.where((points.split == SPLITS.index("train")) & (points.label >= 0) & points.placed)
    if len(train) <= NEIGHBOURS:
        return points
    rows = np.flatnonzero(points.placed)
    _, found = train.nearest(points.coordinates[rows], NEIGHBOURS + 1)
    itself = (train.index[found] == points.index[rows, None]) & (points.split[rows, None] == SPLITS.index("train"))
    itself[~itself.any(1), -1] = True  # of points outside of the training part, the furthest neighbour is left out
    labels, share = vote(train.label[found][~itself].reshape(len(rows), NEIGHBOURS))
    prediction, confidence = points.prediction.copy(), points.confidence.copy()
    prediction[rows], confidence[rows] = labels, share
    columns = {name: getattr(points, name) for name in COLUMNS}
    return EmbeddingMap(**columns | {"prediction": prediction, "confidence": confidence})


def vote(labels: Int[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent label of each row (the smallest on a tie, -1 without any label) and its share of the votes."""
    counts = (labels[:, :, None] == np.arange(labels.max(initial=0) + 1)).sum(1)
    return np.where(counts.any(1), counts.argmax(1), -1), (counts.max(1) / labels.shape[1]).astype(np.float32)
