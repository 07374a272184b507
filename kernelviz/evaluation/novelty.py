"""New images projected on the map of a run, and how unlike the training images they are."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float32, Int, Shaped

from kernelviz.data.pictures import VECTOR_FILES
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import Embedded, Images, embed, on_each_core, rows_at_a_time
from kernelviz.evaluation.signals import NEAREST, blank, distances, novelty_of, signals_of, summed
from kernelviz.ingest.files import Picture, RejectedFile
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import device_of
from kernelviz.sources.listing import Listing
from kernelviz.storage.calibration import SUM, Calibration, spread_of
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, vote

UNUSUAL, NOVEL = 96.0, 99.0  # percent of the usual images that are less novel: beyond, an image is unusual, novel
GRADES = ("usual", "unusual", "novel", "blank")
SPEAKING = 95.0  # percent of the usual images: a signal beyond speaks
SIGNALS = {  # as they are named in tables and on the pages
    "map": "position on the map",
    "features": "features",
    "backbone": "features of the backbone",
    "stages": "stages of the backbone",
    "decoded": "reconstruction",
    "classes": "class scores",
    "pixels": "pixels",
}
Column = Float[np.ndarray, " n"]


@dataclass(frozen=True, eq=False)
class Projection:
    """New images on a map.

    Args:
        embedded: coordinates, activation and probabilities of the images.
        prediction: class; from the class head, else by a vote of the nearest known images; -1 = none.
        confidence: its probability, or its share of the votes.
        nearest: rows of the nearest known points of the map.
        distance: to the farthest of these, in the units of the grid; NaN without coordinates.
        error: of the decoded image (`EmbeddingNetwork.errors`); NaN without a decoder.
        percentiles: of each signal of novelty (`signals`), how many percent of the usual images an image surpasses; NaN
            where it has none.
        novelty: how unlike the training images each image is: how many percent of the usual images it surpasses in all
            signals together; 100 without coordinates and for a blank image.
        blank: whether there is nothing in an image.
    """

    embedded: Embedded
    prediction: Int[np.ndarray, " n"]
    confidence: Column
    nearest: Int[np.ndarray, "n k"]
    distance: Column
    error: Column
    percentiles: dict[str, Column]
    novelty: Column
    blank: Bool[np.ndarray, " n"]

    @property
    def placed(self) -> Bool[np.ndarray, " n"]:
        """Which images have coordinates."""
        return np.isfinite(self.embedded.coordinates).all(axis=1)

    @property
    def novel(self) -> Bool[np.ndarray, " n"]:
        """Which images are more novel than 99 of 100 usual images, or have no coordinates, or nothing in them."""
        return self.novelty > NOVEL

    @property
    def grade(self) -> Int[np.ndarray, " n"]:
        """How unlike the training images each image is, a number of GRADES."""
        grade = (self.novelty > UNUSUAL).astype(int) + self.novel
        return np.where(self.blank | ~self.placed, GRADES.index("blank"), grade)

    def percentile(self, signal: str) -> Column:
        """The percentiles of one signal; NaN where the run has none."""
        return self.percentiles.get(signal, np.full(len(self.novelty), np.nan))

    def reasons(self, at: int) -> list[str]:
        """The names of the signals that make an image unusual or novel, the loudest first."""
        if self.grade[at] not in (GRADES.index("unusual"), GRADES.index("novel")):
            return []
        loud = sorted(
            ((values[at], name) for name, values in self.percentiles.items() if values[at] >= 0), reverse=True
        )
        return [SIGNALS[name] for value, name in loud if value > SPEAKING] or [SIGNALS[name] for _, name in loud[:1]]

    def table(self, names: list[str], points: EmbeddingMap, classes: tuple[str, ...]) -> pd.DataFrame:
        """A table with a row for each image; `names` are those of the images."""
        return pd.DataFrame(
            {
                "name": names,
                "x": self.embedded.coordinates[:, 0],
                "y": self.embedded.coordinates[:, 1],
                "prediction": pd.Series([classes[at] if at >= 0 else None for at in self.prediction], dtype=object),
                "confidence": self.confidence,
                "novelty": self.novelty,
                "grade": pd.Series([GRADES[at] for at in self.grade], dtype=object),
                "reasons": pd.Series([", ".join(self.reasons(at)) for at in range(len(names))], dtype=object),
                "novel": self.novel,
                "distance": self.distance,
                "distance_percentile": self.percentile("map"),
                "error": self.error,
                "error_percentile": self.percentile("decoded"),
                "nearest_index": np.where(self.placed, points.index[self.nearest[:, 0]], -1),
            }
        )


def project(
    network: EmbeddingNetwork, points: EmbeddingMap, images: Images, calibration: Calibration | None = None
) -> Projection:
    """Embed new images, and compare them with the training images.

    Without a calibration of the run, `usual` says what is usual.
    """
    return project_embedded(network, points, embed(network, images), images, calibration)


def project_vectors(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    listing: Listing,
    calibration: Calibration | None = None,
) -> pd.DataFrame:
    """The table of the vectors of a source on a map of vectors; a UserError where they do not fit it."""
    if listing.vectors is None:
        raise UserError(f"{listing.name} has no vectors; {VECTOR_FILES}")
    vectors = fitting_vectors(network, listing.vectors)
    return project(network, points, vectors, calibration).table(listing.names, points, classes)


def fitting_vectors(network: EmbeddingNetwork, vectors: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "n 1 d"]:
    """Vectors [n, d] as a network of vectors takes them; a UserError where they have another shape, or a NaN."""
    d = network.arguments["image_shape"][2]
    if vectors.ndim != 2 or vectors.shape[1] != d:
        raise UserError(f"the map is one of vectors [n, {d}]; these are {list(vectors.shape)}")
    if vectors.dtype.kind not in "fiu" or not np.isfinite(vectors).all():
        raise UserError("vectors have finite numbers; these have others")
    return np.ascontiguousarray(vectors[:, None], np.float32)


def project_embedded(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    embedded: Embedded,
    images: Images,
    calibration: Calibration | None = None,
) -> Projection:
    """Compare new images, embedded already, with the training images."""
    train, rows = points.of_split("train"), np.flatnonzero(points.split == SPLITS.index("train"))
    away, found = distances(train, embedded.coordinates)
    nearest = rows[found]
    placed, nothing = np.isfinite(embedded.coordinates).all(1), blank(images)
    if network.classifier:
        prediction, confidence = embedded.probabilities.argmax(1), embedded.probabilities.max(1)
    else:
        prediction, confidence = vote(points.label[nearest].astype(int))
    named = placed & ~nothing & (prediction >= 0)
    calibration = calibration or usual(points)
    signals = signals_of(network, embedded, images, away[:, -1], calibration)
    percentiles, novelty = novelty_of(signals, calibration)
    return Projection(
        embedded=embedded,
        prediction=np.where(named, prediction, -1),
        confidence=np.where(named, confidence, np.nan),
        nearest=nearest,
        distance=away[:, -1],
        error=signals["decoded"],
        percentiles=percentiles,
        novelty=np.where(placed & ~nothing, np.nan_to_num(novelty), 100.0),
        blank=nothing,
    )


def novelty_on_map(points: EmbeddingMap) -> Column:
    """How unlike the training images each point of a map is, 0 to 100, by the map alone: `usual` says what is usual.

    Of a training image, the distance is that to the others. Points without coordinates have 100.
    """
    train, placed = points.of_split("train"), points.placed
    distance = np.full(len(points), np.nan)
    if train.placed.any() and placed.any():
        away, _ = train.nearest(points.coordinates[placed], NEAREST + 1)
        own = points.split[placed] == SPLITS.index("train")
        distance[placed] = np.where(own, away[:, -1], away[:, :NEAREST][:, -1])
    _, novelty = novelty_of({"map": distance, "decoded": points.error.astype(np.float64)}, usual(points))
    return np.where(placed, np.nan_to_num(novelty), 100.0)


@lru_cache(maxsize=8)
def usual(points: EmbeddingMap) -> Calibration:
    """What is usual by a map alone: how far its test images lie from the training images, and how they are decoded."""
    test = points.of_split("test")
    signals = {"map": distances(points.of_split("train"), test.coordinates)[0][:, -1], "decoded": test.error}
    signals = {name: values.astype(np.float64) for name, values in signals.items()}
    spreads = {name: spread for name, values in signals.items() if (spread := spread_of(values))}
    total = spreads and spread_of(summed({name: spread.log_share(signals[name]) for name, spread in spreads.items()}))
    return Calibration(spreads | ({SUM: total} if total else {}), {})


def doubtful_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a projection's table: first the blank images, the novel, the unusual, then by rising confidence."""
    ordered = table.assign(doubt=table["grade"].map(GRADES.index))
    ordered = ordered.sort_values(["doubt", "confidence"], ascending=[False, True], na_position="first", kind="stable")
    return ordered.drop(columns="doubt")


def project_files(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    files: Iterable[Picture | RejectedFile],
    progress: Callable[[int], None],
    calibration: Calibration | None = None,
) -> tuple[pd.DataFrame, list[RejectedFile]]:
    """The table of all files that are pictures, and the rejected files; only a few parts are in memory."""
    tables, rejected, done = [], [], 0
    for part, table in project_parts(network, points, classes, files, calibration):
        rejected += [file for file in part if isinstance(file, RejectedFile)]
        tables += [] if table is None else [table]
        done += len(part)
        progress(done)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), rejected


def project_parts(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    files: Iterable[Picture | RejectedFile],
    calibration: Calibration | None = None,
    at_once: int | None = None,
) -> Iterator[tuple[list[Picture | RejectedFile], pd.DataFrame | None]]:
    """Parts of some files in order, each with the table of its pictures, None where it has none.

    On the CPU a core has a part to itself, and only a few parts are read ahead.

    Args:
        at_once: files of a part; those that pass through the network together, if it is not given.
    """
    device, files = device_of(network), iter(files)
    parts = iter(lambda: list(islice(files, at_once or rows_at_a_time(device))), [])

    def projected(part: list[Picture | RejectedFile]) -> tuple[list[Picture | RejectedFile], pd.DataFrame | None]:
        pictures = [file for file in part if isinstance(file, Picture)]
        if not pictures:
            return part, None
        projection = project(network, points, np.stack([picture.pixels for picture in pictures]), calibration)
        return part, projection.table([picture.name for picture in pictures], points, classes)

    yield from on_each_core(network, projected, parts)
