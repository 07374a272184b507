"""What the page fetches of a large map, below /kernelviz/runs/<name>/<version>/large/<split>.

/tiles/<level>/<column>/<row>   a square of the map as a picture, WebP; columns from the left, rows from the bottom
/points?box[&row]               the points in a rectangle, packed; of too many, a sample of them; and that with the
                                number `row` in its split, with those nearest to it
/counts                         how many points each group has, JSON
/table                          what is known of the selected points, CSV
/pictures/<source>/<side>?at    pictures of up to AT_ONCE points side by side, WebP; `at` is their number in the order
/names?at                       the names of up to AT_ONCE points, JSON

Each but the last two takes `within`, the corners of a lasso as x_y~x_y~..., and `text`: what is selected by one or both
of them. Tiles and counts take `colour`, a colouring, and tiles `hide`, the groups that are not shown as 1_4.
"""

import asyncio
import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Shaped
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kernelviz.errors import UserError
from kernelviz.storage.embedding_map import SPLITS, load_map
from kernelviz.storage.item_table import FILE, NAME, map_table
from kernelviz.storage.parquet_file import read_rows
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.tables import to_csv
from kernelviz.ui.canvas import payloads
from kernelviz.ui.canvas.messages import LargeTold
from kernelviz.ui.canvas.packing import pack
from kernelviz.ui.server.decoding import corners_of
from kernelviz.ui.server.request_parameters import CACHED, of_a_run, one_of
from kernelviz.ui.server.selections import NOT_CACHED, shown_to
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import shortened
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.tiles import chosen
from kernelviz.ui.tiles.ordered import OrderedMap, ordered_map
from kernelviz.ui.tiles.tile import COLOURINGS, LEVELS, Colouring, colouring_of, tile

AT_ONCE = 256  # pictures, or names
BESIDE = 12  # points that are nearest to one: as many as the inspector shows
FOR_CONTOURS = 500_000  # points
LONGEST = 80  # letters of a text
Answer = Callable[[Request, EmbeddingRun, str, OrderedMap], Response]
_turns = asyncio.Semaphore(4)  # of their own, as a map that is being sorted holds them up
_tables = asyncio.Semaphore(1)  # one of LargeTold.most_rows takes 0.4 GB of memory


def of_a_large_map(answer: Answer) -> Callable[[Request], Response]:
    """An endpoint that hands the run of an address, its split and the points of that to `answer`."""

    def with_points(request: Request, run: EmbeddingRun) -> Response:
        split = one_of(SPLITS, request.path_params["split"])
        if not caches.is_large(run):
            return PlainTextResponse(f"the map of {run.name} is not large: ask for its points", 404)
        return answer(request, run, split, ordered_map(run, split))

    return of_a_run(with_points)


def tiles(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """A square of the map as a picture."""
    level, column, row = (request.path_params[name] for name in ("level", "column", "row"))
    if level > LEVELS or max(column, row) >= 2**level:
        return PlainTextResponse(f"there are {LEVELS} levels, and 2^level tiles along each side", 404)
    picture = tile(points, (column, row), level, _colouring(request, run), _selected(request, run, split))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", lossless=True, quality=0, method=0)
    return Response(file.getvalue(), media_type="image/webp", headers=CACHED)


def points(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """The points in a rectangle, and one that is to be among them."""
    corners = corners_of(request.query_params.get("box", ""), chosen.REACH * run.extent)
    if len(corners) != 2 or not np.ptp(corners, axis=0).min() > 0:
        raise UserError("a box has two corners across, as in box=-1_-1~2_1.5")
    view = chosen.in_view(points, corners.min(0), corners.max(0))
    rows, selected = view.rows, _selected(request, run, split)
    wanted = _numbers(request, "row")
    for at in points.at(wanted[0]).tolist() if wanted else []:
        rows = np.union1d(rows, chosen.nearest(points, at, 1 + BESIDE))
    names = ("row", "x", "y", "label", "prediction")
    arrays = {name: getattr(points, name)[rows] for name in names} | {"at": rows.astype(np.uint32)}
    arrays |= {name: values[rows] for name, values in points.values.items()}
    if selected is not None:
        arrays["selected"] = selected[rows].astype(np.uint8)
    data = pack(arrays, scales=points.scales, step=view.step, named=caches.has_table(run))
    return Response(data, media_type="application/octet-stream", headers=CACHED | {"Content-Encoding": "identity"})


def counts(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """How many points each group has, and how many of them are selected; null where no selection is asked for."""
    colouring, selected = _colouring(request, run), _selected(request, run, split)
    group = _groups(run.name, caches.version(run), split, colouring.name)
    n = len(colouring.colours)
    inside = None if selected is None else np.bincount(group[selected], minlength=n).tolist()
    return JSONResponse({"all": np.bincount(group, minlength=n).tolist(), "selected": inside}, headers=CACHED)


def table(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """What is known of the selected points, in the order of the map."""
    selected = _selected(request, run, split)
    n = 0 if selected is None else int(selected.sum())
    if not 0 < n <= LargeTold.most_rows:
        raise UserError(f"a table has 1 to {LargeTold.most_rows:,} of the {run.unit}; {n:,} are selected")
    images = np.sort(points.image[selected])
    known = map_table(load_map(run.folder, images), run.classes, run.folder, images)
    known = shown_to(request, known).drop(columns="certainty")  # a share of all points, of which these are some
    headers = NOT_CACHED | {"Content-Disposition": f'attachment; filename="{run.name}_selection.csv"'}
    return Response(to_csv(known), media_type="text/csv", headers=headers)


def pictures(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """Pictures of some points, side by side as on a sheet."""
    source, side, at = request.path_params["source"], request.path_params["side"], _at(request, points)
    if not at or source != caches.source_of(run) or side not in payloads.tile_sides(ImageMap(run)):
        return PlainTextResponse(f"{run.name} has no such pictures", 404)
    found = caches.pictures_in(run, points.image[at], np.stack([points.x[at], points.y[at]], axis=1))
    return Response(payloads.sheet_file(ImageMap(run), found, side), media_type="image/webp", headers=CACHED)


def names(request: Request, run: EmbeddingRun, split: str, points: OrderedMap) -> Response:
    """The names of some points, shortened."""
    at = _at(request, points)
    if not at or not caches.has_table(run):
        return PlainTextResponse(f"{run.name} has no such names", 404)
    found = read_rows(run.folder / FILE, [NAME], points.image[at])[NAME]
    return JSONResponse([shortened(str(name)) for name in found.to_pylist()], headers=CACHED)


def contour_points(run: EmbeddingRun, split: str) -> Float[np.ndarray, "n 2"]:
    """Coordinates of enough points, evenly along the curve, that their density has the lines of that of all."""
    points = ordered_map(run, split)
    rows = slice(None, None, -(-len(points) // FOR_CONTOURS) or 1)
    return np.stack([points.x[rows], points.y[rows]], axis=1)


def _colouring(request: Request, run: EmbeddingRun) -> Colouring:
    name = one_of(COLOURINGS, request.query_params.get("colour", "label"))
    return colouring_of(name, run.classes, frozenset(_numbers(request, "hide")))


def _numbers(request: Request, name: str) -> list[int]:
    """The numbers of a list such as 1_4_17 in the address; a UserError where it is none."""
    parts = [part for part in request.query_params.get(name, "").split("_") if part]
    if not all(part.isdecimal() and len(part) < 9 for part in parts):
        raise UserError(f"{name} is a list of numbers, as in {name}=1_4_17")
    return [int(part) for part in parts]


def _at(request: Request, points: OrderedMap) -> list[int]:
    """The points that the address asks for, by their numbers in the order; none where these are not allowed."""
    at = _numbers(request, "at")
    return at if 0 < len(at) <= AT_ONCE and max(at) < len(points) else []


def _selected(request: Request, run: EmbeddingRun, split: str) -> Bool[np.ndarray, " n"] | None:
    """Which points are selected; None where no selection is asked for."""
    corners, text = (request.query_params.get(name, "") for name in ("within", "text"))
    return chosen.selected(run, split, corners, text[:LONGEST].strip()) if corners or text.strip() else None


@lru_cache(maxsize=2)
def _groups(name: str, version: str, split: str, colouring: str) -> Shaped[np.ndarray, " n"]:
    run = load_run(name)
    return colouring_of(colouring, run.classes).groups(ordered_map(run, split)).astype(np.uint16)


ROUTES = [
    Route("/tiles/{level:int}/{column:int}/{row:int}", in_turn(of_a_large_map(tiles), _turns)),
    Route("/points", in_turn(of_a_large_map(points), _turns)),
    Route("/counts", in_turn(of_a_large_map(counts), _turns)),
    Route("/table", in_turn(of_a_large_map(table), _tables)),
    Route("/pictures/{source}/{side:int}", in_turn(of_a_large_map(pictures), _turns)),
    Route("/names", in_turn(of_a_large_map(names), _turns)),
]
