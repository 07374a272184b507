"""The map of a training that still runs: where some of its images lie after the newest epoch."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.storage.embedding_map import EmbeddingMap

FILE = "growing.parquet"


@dataclass(frozen=True, eq=False)
class GrowingMap:
    """Some images of a training.

    Args:
        coordinates, labels: of each image; NaN where it has none, -1 for no label.
        classes: names of the labels.
        extent: the map reaches from -extent to extent.
        epoch, epochs: how many epochs are done, of how many.
    """

    coordinates: Float[np.ndarray, "n 2"]
    labels: Int[np.ndarray, " n"]
    classes: tuple[str, ...]
    extent: float
    epoch: int
    epochs: int

    @property
    def as_map(self) -> EmbeddingMap:
        """The images as a map without predictions."""
        n = len(self.labels)
        nothing = np.full(n, np.nan, np.float32)
        return EmbeddingMap(
            index=np.arange(n),
            split=np.zeros(n, np.uint8),
            x=self.coordinates[:, 0],
            y=self.coordinates[:, 1],
            label=self.labels,
            prediction=np.full(n, -1),
            confidence=nothing,
            error=nothing,
        )

    def save(self, folder: Path) -> None:
        """Write growing.parquet."""
        facts = {"classes": self.classes, "extent": self.extent, "epoch": self.epoch, "epochs": self.epochs}
        columns = {"x": self.coordinates[:, 0], "y": self.coordinates[:, 1], "label": self.labels}
        with replacing(folder / FILE) as partial:
            parquet.write_table(pa.table(columns).replace_schema_metadata({"growing": json.dumps(facts)}), partial)


def load_growing(folder: Path) -> GrowingMap | None:
    """The map of a training in a folder; None where there is none that can be read."""
    with contextlib.suppress(OSError, pa.ArrowException, KeyError, ValueError, TypeError):
        table = parquet.read_table(folder / FILE)
        facts = json.loads(table.schema.metadata[b"growing"])
        coordinates = np.stack([table[axis].to_numpy() for axis in "xy"], 1)
        return GrowingMap(coordinates, table["label"].to_numpy(), tuple(facts.pop("classes")), **facts)
    return None
