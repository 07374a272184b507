"""The map of a run: where every image of its set lies, what the network says it is, and how to embed new ones."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Float32, Int, Shaped, UInt8
from pyarrow import parquet
from scipy.spatial import KDTree
from torch import Tensor

from kernelviz.data.batches import pixels
from kernelviz.data.images import ImageSet
from kernelviz.disk import replacing
from kernelviz.networks import EmbeddingNetwork
from kernelviz.probe import Probe, gaussian_bump

COLUMNS = {
    "index": np.int32,  # of the image in its split
    "split": np.uint8,  # of SPLITS
    "x": np.float32,
    "y": np.float32,
    "label": np.int16,  # -1 = none
    "prediction": np.int16,
    "confidence": np.float32,
}
SPLITS = ("train", "validation", "test")
PART = 64  # images per forward pass, always
NEIGHBOURS = 5  # that vote for a label on a map without a class head


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Points of a map, one per image; x and y are NaN for an image without a place."""

    index: Shaped[np.ndarray, " n"]
    split: Shaped[np.ndarray, " n"]
    x: Shaped[np.ndarray, " n"]
    y: Shaped[np.ndarray, " n"]
    label: Shaped[np.ndarray, " n"]
    prediction: Shaped[np.ndarray, " n"]
    confidence: Shaped[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def places(self) -> Float[np.ndarray, "n 2"]:
        """(x, y) of every point."""
        return np.stack([self.x, self.y], axis=1)

    @cached_property
    def placed(self) -> Shaped[np.ndarray, " n"]:
        """Which points have a place."""
        return np.isfinite(self.places).all(axis=1)

    def where(self, chosen: np.ndarray) -> "EmbeddingMap":
        """The points chosen by a mask or by their rows."""
        return EmbeddingMap(**{name: getattr(self, name)[chosen] for name in COLUMNS})

    def of_split(self, split: str) -> "EmbeddingMap":
        """The points of "train", "validation" or "test"."""
        return self.where(self.split == SPLITS.index(split))

    def nearest(self, places: Float[np.ndarray, "m 2"], k: int) -> tuple[np.ndarray, np.ndarray]:
        """Distances [m, k] and rows [m, k] of the k placed points nearest to each place, which must be finite."""
        tree, rows = self._tree
        distances, found = tree.query(places, np.arange(1, min(k, len(rows)) + 1))
        return distances, rows[found]

    @cached_property
    def _tree(self) -> tuple[KDTree, np.ndarray]:
        rows = np.flatnonzero(self.placed)
        return KDTree(self.places[rows]), rows

    def save(self, folder: Path) -> None:
        """Write map.parquet."""
        table = pa.table({name: getattr(self, name).astype(kind) for name, kind in COLUMNS.items()})
        with replacing(folder / "map.parquet") as partial:
            parquet.write_table(table, partial, compression="zstd")


def load_map(folder: Path) -> EmbeddingMap:
    """The map in a run's folder; a ValueError says what is wrong with it."""
    path = folder / "map.parquet"
    try:
        table = parquet.read_table(path, columns=list(COLUMNS))
        return EmbeddingMap(**{name: table[name].to_numpy().astype(kind) for name, kind in COLUMNS.items()})
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no map of a run ({error}); train the run again") from None


@dataclass(frozen=True, eq=False)
class Embedded:
    """What a network makes of some images.

    Args:
        places: (x, y) in the units of the grid; NaN without a place.
        activation: the bump of each image on the grid.
        probabilities: of every class; with no class head, no columns.
    """

    places: Float32[np.ndarray, "n 2"]
    activation: Float32[np.ndarray, "n units"]
    probabilities: Float32[np.ndarray, "n classes"]


@torch.inference_mode()
def embed(
    network: EmbeddingNetwork, images: UInt8[np.ndarray, "n h w *c"], progress: Callable[[int], None] | None = None
) -> Embedded:
    """Place images on the map, each by itself: a pure function of one image, whatever else is in the batch.

    Every forward pass has exactly PART images, the last one filled up: matrix products round differently for another
    number of rows, and the clip, which keeps the top of the field only, would magnify that.
    `progress` is called with the number of images done so far.
    """
    places, activations, probabilities = [], [], []
    for start in range(0, max(1, len(images)), PART):
        part = pixels(images[start : start + PART])
        filled = torch.cat([part, part.new_zeros(PART - len(part), *part.shape[1:])])
        activation = network.activation(filled)
        activations.append(activation[: len(part)])
        places.append(network.place(activation)[: len(part)])
        if network.classifier:
            probabilities.append(network.class_logits(activation).softmax(1)[: len(part)])
        if progress:
            progress(min(start + PART, len(images)))
    joined = [torch.cat(parts).numpy() for parts in (places, activations)]
    none = np.zeros((len(images), 0), np.float32)
    return Embedded(*joined, torch.cat(probabilities).numpy() if probabilities else none)


@torch.inference_mode()
def draw(network: EmbeddingNetwork, activation: Float[Tensor, "n units"]) -> UInt8[np.ndarray, "n h w *c"]:
    """The decoder's images of some activations, uint8, grey [n, h, w] or RGB [n, h, w, 3]."""
    parts = [(255 * network.draw(part)).round().byte() for part in activation.split(PART)]
    images = torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy()
    return images[..., 0] if images.shape[-1] == 1 else images


def draw_probes(
    network: EmbeddingNetwork, centers: Float[np.ndarray, "n 2"], probe: Probe
) -> UInt8[np.ndarray, "n h w *c"]:
    """The decoder's images of probes at some centers, uint8."""
    field = gaussian_bump(torch.from_numpy(centers.astype(np.float32)), network.grid, probe)
    return draw(network, network.clip(field))


def make_map(
    network: EmbeddingNetwork, images: ImageSet, progress: Callable[[int], None] | None = None
) -> EmbeddingMap:
    """Embed every image of a set. Without a class head, the nearest training images on the map vote for the label."""
    parts = []
    for number, split in enumerate(SPLITS):
        pictures, labels = images.split(split)
        done = sum(map(len, parts))
        embedded = embed(network, pictures, progress and (lambda n, done=done: progress(done + n)))
        probabilities = embedded.probabilities if network.classifier else np.zeros((len(labels), 1), np.float32)
        parts.append(
            EmbeddingMap(
                index=np.arange(len(labels)),
                split=np.full(len(labels), number),
                x=embedded.places[:, 0],
                y=embedded.places[:, 1],
                label=labels,
                prediction=probabilities.argmax(1) if network.classifier else np.full(len(labels), -1),
                confidence=probabilities.max(1) if network.classifier else np.full(len(labels), np.nan, np.float32),
            )
        )
    whole = EmbeddingMap(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})
    return whole if network.classifier else voted(whole)


def voted(points: EmbeddingMap) -> EmbeddingMap:
    """The map with each point's prediction and confidence from its nearest labelled training points (not itself)."""
    train = points.where((points.split == SPLITS.index("train")) & (points.label >= 0) & points.placed)
    if len(train) <= NEIGHBOURS:
        return points
    rows = np.flatnonzero(points.placed)
    _, found = train.nearest(points.places[rows], NEIGHBOURS + 1)
    itself = (train.index[found] == points.index[rows, None]) & (points.split[rows, None] == SPLITS.index("train"))
    itself[~itself.any(1), -1] = True  # of those that are no training point, the furthest neighbour goes
    labels, share = vote(train.label[found][~itself].reshape(len(rows), NEIGHBOURS))
    prediction, confidence = points.prediction.copy(), points.confidence.copy()
    prediction[rows], confidence[rows] = labels, share
    columns = {name: getattr(points, name) for name in COLUMNS}
    return EmbeddingMap(**columns | {"prediction": prediction, "confidence": confidence})


def vote(labels: Int[np.ndarray, "n k"]) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent label of each row (the smallest of several; -1 if none has one) and its share of the votes."""
    counts = (labels[:, :, None] == np.arange(labels.max(initial=0) + 1)).sum(1)
    return np.where(counts.any(1), counts.argmax(1), -1), (counts.max(1) / labels.shape[1]).astype(np.float32)
