"""Which points of a large map are in view, inside a lasso, or have a text."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from pyarrow import compute, dataset

from kernelviz.storage.item_table import FILE, NAME
from kernelviz.storage.parquet_file import column_names, read_rows
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.ui.server.decoding import corners_of
from kernelviz.ui.shared import caches
from kernelviz.ui.tiles.ordered import BITS, OrderedMap, mapped, ordered_map

IN_VIEW = 100_000  # points that are sent; of more, a sample
SAMPLE = 20_000  # points of a sample, at most
ACROSS = 4  # bits: a view has from 8 to 17 squares along its longer side
FINEST = 10  # times the map is halved around a lasso, before points are looked at one by one
AT_ONCE = 2**16  # points that are looked at
REACH = 3.0  # times the extent: how far from the middle a view or a lasso may reach


@dataclass(frozen=True)
class View:
    """The rows of some points in view, and of how many points each stands for one."""

    rows: Int[np.ndarray, " n"]
    step: int


def in_view(points: OrderedMap, low: Float[np.ndarray, "2"], high: Float[np.ndarray, "2"]) -> View:
    """The points in a rectangle: all of them, or along the curve one of 2, 4, 8, ... so that at most SAMPLE remain.

    A view that has moved, or that is nearer, has the same ones again.
    """
    side = 2 * points.extent
    level = int(np.clip(np.floor(np.log2(side / max(high - low))) + ACROSS, 0, BITS))
    first, last = (((end + points.extent) / side * 2**level).astype(int).clip(0, 2**level - 1) for end in (low, high))
    columns, rows = (np.arange(first[axis], last[axis] + 1) for axis in range(2))
    runs = points.runs(np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2), level)
    total = int((runs[:, 1] - runs[:, 0]).sum())
    step = 1 if total <= IN_VIEW else 2 ** int(np.ceil(np.log2(total / SAMPLE)))
    found = _rows_of(runs, step)
    at = np.stack([points.x[found], points.y[found]], axis=1)
    return View(np.sort(found[((at >= low) & (at <= high)).all(1)]), step)


def nearest(points: OrderedMap, row: int, n: int) -> Int[np.ndarray, " m"]:
    """The rows of the n points nearest to one of them, which is the first; fewer where there are no more.

    They are looked for in the square of the point and those around it, and in larger ones until no other can be nearer.
    """
    here = np.array([points.x[row], points.y[row]], float)
    for level in range(BITS, -1, -1):
        side = 2 * points.extent / 2**level
        square = ((here + points.extent) // side).clip(0, 2**level - 1).astype(int)
        around = np.unique((square + _AROUND).clip(0, 2**level - 1), axis=0)
        found = _rows_of(points.runs(around, level))
        distance = np.hypot(points.x[found] - here[0], points.y[found] - here[1])
        distance[found == row] = -1
        first = np.argsort(distance, kind="stable")[:n]
        if len(first) == n and distance[first[-1]] <= side:
            break
    return found[first]


_AROUND = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)


def _rows_of(runs: Int[np.ndarray, "m 2"], step: int = 1) -> Int[np.ndarray, " n"]:
    """The multiples of a step among the rows of some runs, one run after the other."""
    multiples = -(-runs // step)  # of the first row on, before the last
    ends = np.cumsum(multiples[:, 1] - multiples[:, 0])
    number = np.arange(ends[-1] if len(ends) else 0)
    run = np.searchsorted(ends, number, "right")
    return (multiples[run, 1] - (ends[run] - number)) * step


def within(points: OrderedMap, corners: Float[np.ndarray, "m 2"]) -> Bool[np.ndarray, " n"]:
    """Which points are inside a polygon, by the even-odd rule.

    A square that no edge touches is inside or outside as a whole; others are halved, and in the end their points are
    looked at one by one.
    """
    found = np.zeros(len(points), bool)
    edges = np.stack([corners, np.roll(corners, 1, axis=0)])
    squares = np.zeros((1, 2), int)
    for level in range(FINEST + 1):
        size = 2 * points.extent / 2**level
        middles = (squares + 0.5) * size - points.extent
        touched = _touched(middles, size / 2, edges)
        inside = ~touched
        inside[inside] = _inside(middles[inside], edges)
        for first, last in points.runs(squares[inside], level):
            found[first:last] = True
        squares = squares[touched]
        if level < FINEST:
            squares = (2 * squares[:, None] + _QUARTERS).reshape(-1, 2)
    rows = _rows_of(points.runs(squares, FINEST))
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        found[part] = _inside(np.stack([points.x[part], points.y[part]], axis=1).astype(float), edges)
    return found


_QUARTERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])


def _touched(
    middles: Float[np.ndarray, "n 2"], half: float, edges: Float[np.ndarray, "2 m 2"]
) -> Bool[np.ndarray, " n"]:
    """Which squares an edge touches: neither an axis nor the direction of the edge parts them."""
    low, high = edges.min(0), edges.max(0)
    beside = ((middles[:, None] > high + half) | (middles[:, None] < low - half)).any(2)
    along = edges[1] - edges[0]
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    distance = np.abs(middles @ normal.T - (edges[0] * normal).sum(1))
    return (~beside & (distance <= half * np.abs(normal).sum(1))).any(1)


def _inside(at: Float[np.ndarray, "n 2"], edges: Float[np.ndarray, "2 m 2"]) -> Bool[np.ndarray, " n"]:
    odd = np.zeros(len(at), bool)
    for (x1, y1), (x0, y0) in zip(*edges, strict=True):
        if y0 != y1:
            odd ^= ((at[:, 1] < y1) != (at[:, 1] < y0)) & (at[:, 0] < (x0 - x1) * (at[:, 1] - y1) / (y0 - y1) + x1)
    return odd


def having(run: EmbeddingRun, split: str, points: OrderedMap, text: str) -> Bool[np.ndarray, " n"]:
    """Which points have a text in their name, label or prediction; where none has, the one with that number."""
    wanted = text.casefold()
    classes = np.array([*(wanted in name.casefold() for name in run.classes), False])  # -1 takes the last
    found = classes[points.label] | classes[points.prediction] if classes.any() else np.zeros(len(points), bool)
    path = run.folder / FILE
    if path.is_file() and NAME in column_names(path):
        names = dataset.dataset(_names(run, split, points))
        has = compute.match_substring(compute.field(NAME), wanted)
        found |= names.to_table(columns={"has": has})["has"].to_numpy()
    if not found.any() and wanted.isdecimal():
        found = points.row == int(wanted[:10])
    return found


def selected(run: EmbeddingRun, split: str, corners: str, text: str) -> Bool[np.ndarray, " n"]:
    """Which points a lasso as in an address, a text or both select; either may be empty."""
    return _selected(run.name, caches.version(run), split, corners, text)


@lru_cache(maxsize=8)
def _selected(name: str, version: str, split: str, corners: str, text: str) -> Bool[np.ndarray, " n"]:
    run = load_run(name)
    points = ordered_map(run, split)
    found = np.ones(len(points), bool)
    if corners:
        found &= within(points, corners_of(corners, REACH * run.extent))
    if text:
        found &= having(run, split, points, text)
    return found


def _names(run: EmbeddingRun, split: str, points: OrderedMap) -> pa.Table:
    """The names of the points in small letters, in their order, mapped from a file that is made when it is missing."""

    def made() -> pa.Table:
        names = compute.utf8_lower(read_rows(run.folder / FILE, [NAME])[NAME].cast(pa.large_string()))
        return pa.table({NAME: names.take(pa.array(points.image))})

    return mapped(run, f"{split}-names", made)
