"""Two maps that are compared, and which of their points are the same images.

The rows of both maps are numbered in common: first those of the left one, then those that only the right one has.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import streamlit as st
from jaxtyping import Float, Int

from kernelviz.evaluation import agreement
from kernelviz.evaluation.depths import Placement, laid_over
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches, selection
from kernelviz.ui.shared.map_source import ImageMap

Rows = Int[np.ndarray, " _"]  # of any number of images


@dataclass(frozen=True)
class Side:
    """The map of a split of a run, or with a frame that of an epoch of its training."""

    run: EmbeddingRun
    split: str
    frame: int | None = None

    @property
    def source(self) -> ImageMap:
        return ImageMap(self.run, self.frame)

    @property
    def points(self) -> EmbeddingMap:
        return self.source.points(self.split)

    @property
    def epoch(self) -> str:
        """When its map was as it is here."""
        return epoch_names(self.run)[self.frame]

    @property
    def what(self) -> str:
        """What the map shows, in words."""
        return f"{len(self.points):,} {self.split} {self.run.unit}"


@dataclass(frozen=True)
class Pair:
    """Two maps side by side: of two runs, of two splits of one, or of two epochs of its training."""

    left: Side
    right: Side

    @property
    def of_one_run(self) -> bool:
        return self.left.run.name == self.right.run.name

    @property
    def of_epochs(self) -> bool:
        return self.right.frame is not None

    @property
    def titles(self) -> tuple[str, str]:
        """What tells the maps apart."""
        one, other = self.left, self.right
        if self.of_epochs:
            return one.epoch, other.epoch
        return (one.split, other.split) if self.of_one_run else (one.run.name, other.run.name)

    @property
    def name(self) -> str:
        """What tells the pair from others, for the keys of widgets."""
        name = "-".join(f"{side.run.name}-{side.split}" for side in (self.left, self.right))
        return f"{name}-epochs" if self.of_epochs else name

    @property
    def owner(self) -> str:
        """Whose rows a selection has."""
        return " ".join(selection.owner(side.run, side.split) for side in (self.left, self.right))

    @cached_property
    def same(self) -> tuple[Rows, Rows]:
        """The rows of the images that are on both maps, those of the left and those of the right one."""
        if self.of_epochs:
            rows = np.arange(len(self.left.points))
            return rows, rows
        if self.of_one_run:
            return np.array([], int), np.array([], int)
        return _same(*self._versions, self)

    @property
    def linked(self) -> bool:
        """Whether the maps show the same images."""
        return len(self.same[0]) > 0

    @property
    def shared(self) -> tuple[EmbeddingMap, EmbeddingMap]:
        """The images that are on both maps, in the same order, as they are on each."""
        left, right = self.same
        return self.left.points.where(left), self.right.points.where(right)

    @cached_property
    def rows(self) -> tuple[Rows, Rows]:
        """The common row of each image of the left and of the right map."""
        n, (left, right) = len(self.left.points), self.same
        theirs = np.full(len(self.right.points), -1)
        theirs[right] = left
        alone = np.flatnonzero(theirs < 0)
        theirs[alone] = n + np.arange(len(alone))
        return np.arange(n), theirs

    @property
    def total(self) -> int:
        """How many images are on either map."""
        return len(self.left.points) + len(self.right.points) - len(self.same[0])

    def placements(self, fit: bool) -> list[Placement]:
        """How to lay the maps over each other; the left one stays, and the right one is turned to fit it if wanted."""
        if fit and self.linked:
            left, right = self.shared
            return laid_over([right, left])[::-1]
        return [np.eye(2, 3), np.eye(2, 3)]

    @cached_property
    def shared_neighbours(self) -> Float[np.ndarray, " n"]:
        """By `agreement.shared_neighbours`, of each image on both maps."""
        return _shared_neighbours(*self._versions, self)

    @property
    def _versions(self) -> tuple[str, str]:
        """Texts that change with either map."""
        return tuple(f"{side.source.version} {side.split}" for side in (self.left, self.right))


def epoch_names(run: EmbeddingRun) -> list[str]:
    """A name for each frame of the film of a run."""
    return [f"epoch {epoch:,.2f}".removesuffix(".00") for epoch in caches.film_of(run).epochs.tolist()]


@st.cache_resource(max_entries=8, show_spinner=False)
def _same(left: str, right: str, _pair: Pair) -> tuple[Rows, Rows]:
    runs = [_pair.left.run, _pair.right.run]
    return agreement.same_images(runs, [caches.points_of(run) for run in runs], _pair.left.split)


@st.cache_resource(max_entries=8, show_spinner=False)
def _shared_neighbours(left: str, right: str, _pair: Pair) -> Float[np.ndarray, " n"]:
    return agreement.shared_neighbours(*_pair.shared)
