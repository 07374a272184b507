"""Where new images land on the map of a run, and how foreign they are to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped, UInt8

from kernelviz.data.intake import Picture, Rejected
from kernelviz.disk import replacing
from kernelviz.inference import PART, Embedded, embed
from kernelviz.maps import SPLITS, EmbeddingMap, vote
from kernelviz.networks import EmbeddingNetwork

NEAREST = 5
FOREIGN = 99.0  # percentile of the test images' distances beyond which an image counts as foreign


@dataclass(frozen=True, eq=False)
class Landings:
    """New images on a map.

    Args:
        embedded: what the network made of them.
        prediction: class; from the class head, else by a vote of the nearest known images; -1 = none.
        confidence: its probability, or its share of the votes.
        nearest: rows of the nearest known points of the map.
        distance: to the nearest known point, in the units of the grid; NaN without a place.
        foreign: whether it lies farther from every known point than 99 of 100 test images do, or has no place.
    """

    embedded: Embedded
    prediction: Int[np.ndarray, " n"]
    confidence: Float[np.ndarray, " n"]
    nearest: Int[np.ndarray, "n k"]
    distance: Float[np.ndarray, " n"]
    foreign: Shaped[np.ndarray, " n"]

    def table(self, names: list[str], points: EmbeddingMap, classes: tuple[str, ...]) -> pd.DataFrame:
        """A row for each image."""
        known = points.where(self.nearest[:, 0])
        return pd.DataFrame(
            {
                "name": names,
                "x": self.embedded.places[:, 0],
                "y": self.embedded.places[:, 1],
                "prediction": [classes[at] if at >= 0 else None for at in self.prediction],
                "confidence": self.confidence,
                "nearest_index": np.where(np.isfinite(self.distance), known.index, -1),
                "nearest_distance": self.distance,
                "foreign": self.foreign,
            }
        )


def land(network: EmbeddingNetwork, points: EmbeddingMap, images: UInt8[np.ndarray, "n h w *c"]) -> Landings:
    """Embed new images and look around where they land among the training points of a map."""
    train, rows = points.of_split("train"), np.flatnonzero(points.split == SPLITS.index("train"))
    embedded = embed(network, images)
    placed = np.isfinite(embedded.places).all(1)
    distances = np.full((len(images), min(NEAREST, train.placed.sum())), np.nan)
    nearest = np.zeros(distances.shape, int)
    if placed.any():
        distances[placed], found = train.nearest(embedded.places[placed], NEAREST)
        nearest[placed] = rows[found]
    if network.classifier:
        prediction, confidence = embedded.probabilities.argmax(1), embedded.probabilities.max(1)
    else:
        prediction, confidence = vote(points.label[nearest].astype(int))
        named = placed & (prediction >= 0)
        prediction, confidence = np.where(named, prediction, -1), np.where(named, confidence, np.nan)
    foreign = ~placed | (distances[:, 0] > usual_distance(points))
    return Landings(embedded, prediction, confidence, nearest, distances[:, 0], foreign)


@lru_cache(maxsize=8)
def usual_distance(points: EmbeddingMap) -> float:
    """The distance to the nearest training point within which FOREIGN of 100 test images lie."""
    test = points.of_split("test")
    distances, _ = points.of_split("train").nearest(test.places[test.placed], 1)
    return float(np.percentile(distances, FOREIGN))


def land_files(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    files: Iterable[Picture | Rejected],
    progress: Callable[[int], None],
) -> tuple[pd.DataFrame, list[Rejected]]:
    """The table of all files that are pictures, and the others; no more than a part of them in memory at a time."""
    tables, refused, done = [], [], 0
    files = iter(files)
    while part := list(islice(files, PART)):
        pictures = [file for file in part if isinstance(file, Picture)]
        refused += [file for file in part if isinstance(file, Rejected)]
        if pictures:
            landings = land(network, points, np.stack([picture.pixels for picture in pictures]))
            tables.append(landings.table([picture.name for picture in pictures], points, classes))
        done += len(part)
        progress(done)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), refused


WRITERS: dict[str, Callable[[pd.DataFrame, Path], None]] = {
    ".csv": lambda table, path: table.to_csv(path, index=False),
    ".parquet": lambda table, path: table.to_parquet(path, index=False),
    ".npz": lambda table, path: _write_npz(table, path),
}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as its file name's ending says: .csv, .parquet or .npz."""
    check_ending(path)
    with replacing(path) as partial:
        WRITERS[path.suffix](table, partial)


def check_ending(path: Path) -> None:
    """A ValueError for a file name with an ending that cannot be written."""
    if path.suffix not in WRITERS:
        raise ValueError(f"{path} ends in {path.suffix!r}; a table can be written as {', '.join(WRITERS)}")


def _write_npz(table: pd.DataFrame, path: Path) -> None:
    table = table.fillna({"prediction": ""})  # no class: a missing text would be written by pickle
    with open(path, "wb") as file:
        np.savez(file, **{name: np.array(table[name].tolist()) for name in table})
