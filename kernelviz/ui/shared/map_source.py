"""What the canvas can show: the map of the images of a run, or the map of the items of a recommender."""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from kernelviz.errors import UserError
from kernelviz.plots.clusters import CLUSTER
from kernelviz.plots.columns import Column
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.item_table import NAME
from kernelviz.storage.items import EXTENT, GRID, SPARSITY
from kernelviz.storage.record import EmbeddingRun, RecommenderRun, Run
from kernelviz.ui.shared import caches, item_titles
from kernelviz.ui.shared.labels import shortened

AT = "@"  # in the version of a map, before the number of a frame


@runtime_checkable
class MapSource(Protocol):
    """A map and what is known of its points.

    Attributes:
        run: the run that the map belongs to.
        unit: what the points are, in the plural.
        version: a text that changes with the map, for addresses whose answers are cached.
        grid, extent, sparsity: of the kernel layer.
        classes: the names of the labels.
        image_shape: channels, height and width of the images as shown; None where there are none.
    """

    run: Run

    @property
    def unit(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def grid(self) -> tuple[int, int]: ...
    @property
    def extent(self) -> float: ...
    @property
    def sparsity(self) -> float: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def image_shape(self) -> tuple[int, int, int] | None: ...

    def is_large(self) -> bool:
        """Whether the page is sent tiles and the points in view (`ui.tiles`), and not all points."""

    def count(self, split: str) -> int:
        """How many points a split has."""

    def points(self, split: str) -> EmbeddingMap:
        """The points of a split."""

    def names(self, split: str) -> list[str] | None:
        """The name of every point of a split; None where the points only have numbers."""

    def picture_source(self) -> str | None:
        """Where the pictures of the points come from: "thumbnails", "own" images, "decoded" ones, or None."""

    def pictures(self, points: EmbeddingMap) -> caches.Pictures | None:
        """Pictures of some points of one split, uint8; None where the points have no pictures."""

    def columns(self, split: str) -> list[Column]:
        """The columns of the user's own table for the points of a split."""


def map_source(run: Run) -> MapSource:
    """The map of a run; a UserError where a run of its kind has no map."""
    if type(run) not in SOURCES:
        raise UserError(f"{run.name} is a {run.kind} and has no map")
    return SOURCES[type(run)](run)


def map_at(run: Run, version: str) -> MapSource | None:
    """The map of a run that a version names: the run's own, or one of its film; None where there is none."""
    source, frame = map_source(run), version.rpartition(AT)[2]
    if AT in version and frame.isdecimal() and type(source) is ImageMap:
        film = caches.film_of(run)
        source = replace(source, frame=int(frame)) if film and len(frame) < 9 and int(frame) < len(film) else source
    return source if source.version == version else None


@dataclass(frozen=True)
class ImageMap:
    """The map of the images, or the vectors, of an embedding run.

    Args:
        frame: of the film of its training; the map is then of the images of the film, as they lay at that time.
        closed: whether its images and the user's table stay out: images are decoded from their coordinates.
    """

    run: EmbeddingRun
    frame: int | None = None
    closed: bool = False

    @property
    def unit(self) -> str:
        return self.run.unit

    @property
    def version(self) -> str:
        version = caches.version(self.run)
        return version if self.frame is None else f"{version}{AT}{self.frame}"

    @property
    def grid(self) -> tuple[int, int]:
        return self.run.grid

    @property
    def extent(self) -> float:
        return self.run.extent

    @property
    def sparsity(self) -> float:
        return self.run.sparsity

    @property
    def classes(self) -> tuple[str, ...]:
        return self.run.classes

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        return None if self.run.is_of_vectors else self.run.decoded_shape

    def is_large(self) -> bool:
        return self.frame is None and caches.is_large(self.run)

    def count(self, split: str) -> int:
        return caches.sizes_of(self.run)[split] if self.is_large() else len(self.points(split))

    def points(self, split: str) -> EmbeddingMap:
        points = caches.points_of(self.run) if self.frame is None else caches.points_in(self.run, self.frame)
        return points.of_split(split)

    def names(self, split: str) -> list[str] | None:
        table = caches.table_of(self.run)
        if self.closed:
            return None
        return [shortened(name) for name in table[NAME].iloc[self._rows(split)]] if NAME in table else None

    def picture_source(self) -> str | None:
        if self.closed:
            return "decoded" if self.run.decodes_images else None
        return caches.source_of(self.run)

    def pictures(self, points: EmbeddingMap) -> caches.Pictures | None:
        return caches.pictures_at(self.run, points, decoded=self.closed)

    def columns(self, split: str) -> list[Column]:
        if self.is_large():
            return []
        own = [column for column in caches.columns_in(self.run) if not self.closed or column.name == CLUSTER]
        return [column.where(self._rows(split)) for column in own]

    def _rows(self, split: str) -> Int[np.ndarray, " n"]:
        """The rows of the points of a split on the map of all splits."""
        rows = np.flatnonzero(caches.points_of(self.run).split == SPLITS.index(split))
        return rows[: len(self.points(split))]  # a film is of the first images of its split


@dataclass(frozen=True)
class ItemMap:
    """The map of the items of a recommender; the label of an item is the first of its genres."""

    run: RecommenderRun
    unit = "items"
    grid, extent, sparsity = GRID, EXTENT, SPARSITY
    classes = item_titles.GENRES
    image_shape = None

    @property
    def version(self) -> str:
        return item_titles.version(self.run)

    def is_large(self) -> bool:
        return False

    def count(self, split: str) -> int:
        return len(self.points(split))

    def points(self, split: str) -> EmbeddingMap:
        return item_titles.points_of(self.run).of_split(split)

    def names(self, split: str) -> list[str] | None:
        return item_titles.names_of(self.run)

    def picture_source(self) -> str | None:
        return None

    def pictures(self, points: EmbeddingMap) -> caches.Pictures | None:
        return None

    def columns(self, split: str) -> list[Column]:
        return []


SOURCES = {EmbeddingRun: ImageMap, RecommenderRun: ItemMap}
