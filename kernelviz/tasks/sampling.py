"""The images of a step: the chosen ones, a partner of each, and some of those whose label is known."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int, Int32, Int64, Shaped, UInt8
from torch import Tensor

from kernelviz.data.images import ImageSet
from kernelviz.data.neighbours import neighbour_graph, oriented_gradients
from kernelviz.data.pictures import PictureSet, directions
from kernelviz.training.task import Report

KNOWN = 256  # images with a label in a step of `supervised_neighbours`
Rows = Int[np.ndarray, "_"]


@dataclass(frozen=True, eq=False)
class Part:
    """The training or the validation images, as the objectives of a recipe need them.

    Args:
        images: uint8 pixels, or vectors.
        labels: those that the objectives may see; -1 is none.
        graph: rows of the nearest neighbours of each image; no columns where no objective needs them.
        known: rows with a label; none where no objective needs them.
    """

    images: UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n 1 d"]
    labels: Int64[np.ndarray, " n"]
    graph: Int32[np.ndarray, "n k"]
    known: Shaped[np.ndarray, " m"]

    def rows(self, chosen: Rows, generator: torch.Generator) -> tuple[Rows, Rows, Rows]:
        """The chosen rows, for each of them its partner's, and KNOWN of those with a label."""
        known = torch.randperm(len(self.known), generator=generator)[:KNOWN].numpy()
        return chosen, self._partners(chosen, generator), self.known[known]

    def _partners(self, chosen: Rows, generator: torch.Generator) -> Rows:
        """One of the nearest neighbours of each row or the row itself, all alike likely; none without a graph."""
        if not self.graph.shape[1]:
            return chosen[:0]
        column = torch.randint(self.graph.shape[1] + 1, (len(chosen),), generator=generator).numpy()
        return np.column_stack([self.graph[chosen], chosen])[np.arange(len(chosen)), column]


def part_of(
    images: ImageSet | PictureSet,
    split: str,
    seed: int,
    *,
    neighbours: int = 0,
    with_labels: bool = False,
    share: float = 1.0,
    features: Tensor | None = None,
    report: Report | None = None,
) -> Part:
    """A part of a set, with the nearest neighbours of each image and the rows that have a label, where wanted.

    Neighbours are near in `features`, by the cosine, where these are given; else in oriented gradients. Of the training
    labels only a share is shown, chosen at random by the seed. `report` is called with the number of images whose
    neighbours are found.
    """
    pictures, labels = images.split(split)
    if split == "train" and share < 1:
        labels = np.where(np.random.default_rng(seed).random(len(labels)) < share, labels, -1)
    graph = np.zeros((len(pictures), 0), np.int32)
    if neighbours and len(pictures) > 1:
        rows = oriented_gradients(pictures) if features is None else directions(features.flatten(2).numpy())
        graph = neighbour_graph(rows, neighbours, report)
    return Part(pictures, labels, graph, np.flatnonzero(labels >= 0) if with_labels else np.array([], int))
