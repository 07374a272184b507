"""The points of a split of a large map, sorted along a Z-order curve and kept on disk.

The map is halved BITS times along both axes, and the number of a cell has the bits of its column and its row in turn.
So the points of any square that halving makes follow each other: a tile, a view and a lasso are runs of rows, found by
bisection. The file is mapped into memory, not read: what of it stays there is up to the system.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Shaped

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.plots.colours import reach
from kernelviz.storage.embedding_map import SPLITS, load_columns
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.ui.canvas.payloads import twelve_bits, value_range
from kernelviz.ui.server.kept_files import remove_others
from kernelviz.ui.shared import caches, sharing

BITS = 16  # of a cell along each axis
VALUES = {"confidence": "confidence", "reconstruction error": "error"}  # colourings, with their columns of the map
TILE_BITS = 8  # of a pixel of a tile along each axis
CROWDED = 99  # percentile of the pixels of a tile of the whole map: one with so many points is opaque
LOOKED_AT = 1_000_000  # values by which the ends of a scale of colours are found
_making = Lock()  # one at a time: each takes a core and memory


@dataclass(frozen=True, eq=False)
class OrderedMap:
    """The points of a split that have coordinates, in the order of their cells.

    Args:
        cell: of each point, ascending.
        row, image: its row in the split, and on the map of all splits.
        values: of 12 bits, as they travel to the page.
        scales: of each value its range and that of its colours.
        crowded: points of a pixel that is opaque on the tile of the whole map.
    """

    cell: Shaped[np.ndarray, " n"]
    row: Shaped[np.ndarray, " n"]
    image: Shaped[np.ndarray, " n"]
    x: Shaped[np.ndarray, " n"]
    y: Shaped[np.ndarray, " n"]
    label: Shaped[np.ndarray, " n"]
    prediction: Shaped[np.ndarray, " n"]
    values: dict[str, Shaped[np.ndarray, " n"]]
    scales: dict[str, list[float]]
    extent: float
    crowded: float

    def __len__(self) -> int:
        return len(self.cell)

    def at(self, row: int) -> Int[np.ndarray, " m"]:
        """The number in the order of a row of the split; none where that row is not on the map."""
        return np.flatnonzero(self.row == row)

    def runs(self, squares: Int[np.ndarray, "m 2"], level: int) -> Int[np.ndarray, "m 2"]:
        """The first row of each square and the one after its last.

        Args:
            squares: column and row of each, counted from the corner where x and y are lowest.
            level: how often the map was halved.
        """
        number, below = interleaved(*squares.T).astype(np.int64), 2 * (BITS - level)
        ends = np.stack([number << below, ((number + 1) << below) - 1], axis=1)
        first = np.searchsorted(self.cell, ends[:, 0].astype(np.uint32), "left")
        return np.stack([first, np.searchsorted(self.cell, ends[:, 1].astype(np.uint32), "right")], axis=1)


def ordered_map(run: EmbeddingRun, split: str) -> OrderedMap:
    """The points of a split of a run, sorted when they are first asked for in this state of the run."""
    return _ordered_map(run.name, caches.version(run), split)


@lru_cache(maxsize=4)
def _ordered_map(name: str, version: str, split: str) -> OrderedMap:
    run = load_run(name)
    table = mapped(run, split, lambda: _sorted(run, split))
    batches = table.to_batches()  # one, of which an array is a view; none of an empty split
    whole = batches[0] if batches else table
    columns = {column: whole[column].to_numpy() for column in table.column_names}
    values = {name: columns.pop(name) for name in VALUES}
    return OrderedMap(**columns, values=values, **json.loads(table.schema.metadata[b"facts"]))


def mapped(run: EmbeddingRun, name: str, make: Callable[[], pa.Table]) -> pa.Table:
    """A table that is made of the map of a run, mapped from a file: made where it is not there, others removed."""
    folder = sharing.cache_folder() / "ordered" / run.name
    path = folder / caches.version(run) / f"{name}.arrow"
    with _making:
        if not path.is_file():
            remove_others(folder, caches.version(run))
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as partial:
                    _write(partial, make())
                pa.default_memory_pool().release_unused()
            except OSError as error:
                raise UserError(f"the map cannot be sorted: cannot write {path} ({error.strerror})") from None
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _sorted(run: EmbeddingRun, split: str) -> pa.Table:
    """The points of a split in order, and what is known of all of them; a column after the other, to save memory."""
    columns = load_columns(run.folder, "split", "x", "y")
    of_split = columns.pop("split") == SPLITS.index(split)
    image = np.flatnonzero(of_split & np.isfinite(columns["x"]) & np.isfinite(columns["y"])).astype(np.uint32)
    x, y = (columns.pop(axis)[image] for axis in "xy")
    numbers = cells(x, y, run.extent).astype(np.uint64) << np.uint64(32) | np.arange(len(image), dtype=np.uint64)
    numbers.sort()  # NumPy sorts numbers several times faster than it finds their order
    cell, order = (numbers >> np.uint64(32)).astype(np.uint32), numbers.astype(np.uint32)
    del numbers
    image = image[order]
    row = image if of_split.all() else (np.cumsum(of_split, dtype=np.uint32) - np.uint32(1))[image]
    made = {"cell": cell, "row": row, "image": image, "x": x[order], "y": y[order]}
    for name in ("label", "prediction"):
        made[name] = load_columns(run.folder, name)[name][image]
    scales = {}
    for name, column in VALUES.items():
        values = load_columns(run.folder, column)[column]
        scales[name] = [*value_range(values), *reach(values[:: len(values) // LOOKED_AT or 1])]
        made[name] = twelve_bits(values)[image]
    counts = np.bincount(cell >> np.uint32(2 * (BITS - TILE_BITS)), minlength=1)
    crowded = float(np.percentile(counts[counts > 0], CROWDED)) if len(cell) else 1.0
    facts = {"scales": scales, "extent": run.extent, "crowded": crowded}
    return pa.table(made).replace_schema_metadata({"facts": json.dumps(facts)})


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def cells(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], extent: float) -> Shaped[np.ndarray, " n"]:
    """The number of each point's cell, uint32."""
    across = 2**BITS
    column, row = (((axis + extent) * (across / (2 * extent))).clip(0, across - 1).astype(np.uint16) for axis in (x, y))
    return interleaved(column, row)


def interleaved(column: Shaped[np.ndarray, " n"], row: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"]:
    """The bits of two numbers of at most 16 bits in turn, uint32."""
    return _SPREAD[column] | _SPREAD[row] << np.uint32(1)


def _spread() -> Shaped[np.ndarray, " numbers"]:
    """Each number of 16 bits with a zero before each of its bits."""
    number = np.arange(2**BITS, dtype=np.uint32)
    return sum((number >> np.uint32(bit) & np.uint32(1)) << np.uint32(2 * bit) for bit in range(BITS))


_SPREAD = _spread()
