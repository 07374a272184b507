"""New images projected on the map of a run, and how unlike the training images they are."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import pandas as pd
from jaxtyping import Float, Float32, Int, Shaped

from kernelviz.data.picture_set import VECTOR_FILES
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import PART, Embedded, Images, embed, reconstruction_errors
from kernelviz.ingest.files import Picture, RejectedFile
from kernelviz.networks import EmbeddingNetwork
from kernelviz.sources.listing import Listing
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, vote

NEAREST = 5  # training images that an image is compared with
NOVEL = 99.0  # percentile of the test images beyond which an image counts as novel
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
        distance_percentile: share of the test images that are nearer to their training images, 0 to 100.
        error: of the decoded image (`EmbeddingNetwork.errors`); NaN without a decoder.
        error_percentile: share of the test images that are decoded better, 0 to 100.
    """

    embedded: Embedded
    prediction: Int[np.ndarray, " n"]
    confidence: Column
    nearest: Int[np.ndarray, "n k"]
    distance: Column
    distance_percentile: Column
    error: Column
    error_percentile: Column

    @property
    def placed(self) -> Shaped[np.ndarray, " n"]:
        """Which images have coordinates, bool [n]."""
        return np.isfinite(self.embedded.coordinates).all(axis=1)

    @property
    def novelty(self) -> Column:
        """How unlike the training images each image is, 0 to 100: the larger of its two percentiles; 100 without
        coordinates."""
        percentile = np.nan_to_num(np.fmax(self.distance_percentile, self.error_percentile))
        return np.where(self.placed, percentile, 100.0)

    @property
    def novel(self) -> Shaped[np.ndarray, " n"]:
        """Which images are farther from the training images, or decoded worse, than 99 of 100 test images, or have no
        coordinates."""
        return self.novelty > NOVEL

    def table(self, names: list[str], points: EmbeddingMap, classes: tuple[str, ...]) -> pd.DataFrame:
        """A table with a row for each image; `names` are those of the images."""
        return pd.DataFrame(
            {
                "name": names,
                "x": self.embedded.coordinates[:, 0],
                "y": self.embedded.coordinates[:, 1],
                "prediction": pd.Series([classes[at] if at >= 0 else None for at in self.prediction], dtype=object),
                "confidence": self.confidence,
                "novel": self.novel,
                "distance": self.distance,
                "distance_percentile": self.distance_percentile,
                "error": self.error,
                "error_percentile": self.error_percentile,
                "nearest_index": np.where(self.placed, points.index[self.nearest[:, 0]], -1),
            }
        )


def project(network: EmbeddingNetwork, points: EmbeddingMap, images: Images) -> Projection:
    """Embed new images, and compare them with the training points that are nearest to them on the map."""
    return project_embedded(network, points, embed(network, images), images)


def project_vectors(
    network: EmbeddingNetwork, points: EmbeddingMap, classes: tuple[str, ...], listing: Listing
) -> pd.DataFrame:
    """The table of the vectors of a source on a map of vectors; a UserError where they do not fit it."""
    if listing.vectors is None:
        raise UserError(f"{listing.name} has no vectors; {VECTOR_FILES}")
    vectors = fitting_vectors(network, listing.vectors)
    return project(network, points, vectors).table(listing.names, points, classes)


def fitting_vectors(network: EmbeddingNetwork, vectors: Shaped[np.ndarray, "..."]) -> Float32[np.ndarray, "n 1 d"]:
    """Vectors [n, d] as a network of vectors takes them; a UserError where they have another shape, or a NaN."""
    d = network.arguments["image_shape"][2]
    if vectors.ndim != 2 or vectors.shape[1] != d:
        raise UserError(f"the map is one of vectors [n, {d}]; these are {list(vectors.shape)}")
    if vectors.dtype.kind not in "fiu" or not np.isfinite(vectors).all():
        raise UserError("vectors have finite numbers; these have others")
    return np.ascontiguousarray(vectors[:, None], np.float32)


def project_embedded(network: EmbeddingNetwork, points: EmbeddingMap, embedded: Embedded, images: Images) -> Projection:
    """Compare new images, embedded already, with the training points that are nearest to them on the map."""
    train, rows = points.of_split("train"), np.flatnonzero(points.split == SPLITS.index("train"))
    placed = np.isfinite(embedded.coordinates).all(1)
    distances = np.full((len(images), min(NEAREST, train.placed.sum())), np.nan)
    nearest = np.zeros(distances.shape, int)
    if placed.any():
        distances[placed], found = train.nearest(embedded.coordinates[placed], NEAREST)
        nearest[placed] = rows[found]
    if network.classifier:
        prediction, confidence = embedded.probabilities.argmax(1), embedded.probabilities.max(1)
    else:
        prediction, confidence = vote(points.label[nearest].astype(int))
        named = placed & (prediction >= 0)
        prediction, confidence = np.where(named, prediction, -1), np.where(named, confidence, np.nan)
    distance, error = distances[:, -1], reconstruction_errors(network, embedded, images)
    usual_distance, usual_error = usual(points)
    return Projection(
        embedded=embedded,
        prediction=prediction,
        confidence=confidence,
        nearest=nearest,
        distance=distance,
        distance_percentile=percentile(distance, usual_distance),
        error=error,
        error_percentile=percentile(error, usual_error),
    )


@lru_cache(maxsize=8)
def usual(points: EmbeddingMap) -> tuple[Float[np.ndarray, " m"], Float[np.ndarray, " k"]]:
    """The distances of the test images to the farthest of their NEAREST training images, and the errors of the decoded
    images; both are sorted, and images without the value are left out."""
    test = points.of_split("test")
    distances, _ = points.of_split("train").nearest(test.coordinates[test.placed], NEAREST)
    return np.sort(distances[:, -1]), np.sort(test.error[np.isfinite(test.error)])


def percentile(values: Column, among: Float[np.ndarray, " m"]) -> Column:
    """How many percent of some sorted numbers are smaller than each value; NaN where there is no value, or no number to
    compare it with."""
    share = 100 * np.searchsorted(among, values) / max(1, len(among))
    return np.where(np.isfinite(values) & bool(len(among)), share, np.nan)


def doubtful_first(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a projection's table: first the novel images, then the others, by rising confidence."""
    return table.sort_values(["novel", "confidence"], ascending=[False, True], na_position="first", kind="stable")


def project_files(
    network: EmbeddingNetwork,
    points: EmbeddingMap,
    classes: tuple[str, ...],
    files: Iterable[Picture | RejectedFile],
    progress: Callable[[int], None],
) -> tuple[pd.DataFrame, list[RejectedFile]]:
    """The table of all files that are pictures, and the rejected files; at most PART files are in memory at a time."""
    tables, rejected, done = [], [], 0
    files = iter(files)
    while part := list(islice(files, PART)):
        pictures = [file for file in part if isinstance(file, Picture)]
        rejected += [file for file in part if isinstance(file, RejectedFile)]
        if pictures:
            projection = project(network, points, np.stack([picture.pixels for picture in pictures]))
            tables.append(projection.table([picture.name for picture in pictures], points, classes))
        done += len(part)
        progress(done)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), rejected
