"""What a run keeps of each image beside the map: its small picture, its row of the user's table, its original file.

An original is a file of the user's anywhere on this machine. It is only given to a browser on this machine, only if the
run's own table lists it, and only if its content is a picture.
"""

from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from jaxtyping import Shaped
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kernelviz.ingest.files import read_file
from kernelviz.ingest.image_file import UnreadableImage, format_of
from kernelviz.storage.embedding_map import SPLITS, load_map
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH, map_table
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.thumbnails import kind_of, read_thumbnails
from kernelviz.ui.server.request_parameters import CACHED, one_of
from kernelviz.ui.shared import caches, sharing
from kernelviz.ui.shared.labels import shortened
from kernelviz.ui.tiles.ordered import ordered_map

NOSNIFF = {"X-Content-Type-Options": "nosniff"}
PRIVATE = NOSNIFF | {
    "Cache-Control": "private, max-age=60",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}
ELSEWHERE = "The original can be opened only in a browser on the computer on which kernelviz runs."
NO_FILE = "This image has no file of its own."


def thumbnail(request: Request, run: EmbeddingRun) -> Response:
    """The small picture of an image."""
    split, row = one_of(SPLITS, request.path_params["split"]), request.path_params["row"]
    picture = _picture(run, split, row) if caches.source_of(run) == "thumbnails" else b""
    kind = kind_of(picture)
    if not kind:
        return PlainTextResponse(f"{run.name} has no small picture of image {row}", 404)
    return Response(picture, media_type=kind, headers=CACHED | NOSNIFF)


def _picture(run: EmbeddingRun, split: str, row: int) -> bytes:
    """The file of a small picture; empty where there is none."""
    if caches.is_large(run):
        return next(iter(read_thumbnails(run.folder, _images_at(run, split, row).tolist())), b"")
    points = caches.points_of(run).of_split(split)
    return caches.thumbnails_at(run, points.where(np.array([row])))[0] if row < len(points) else b""


def item(request: Request, run: EmbeddingRun) -> Response:
    """Columns of the user's own table for an image, and whether its original can be opened or why it cannot."""
    row = _row(request, run)
    own = [] if row is None else described(row)
    known = row is not None and bool(row[PATH])
    said = _why_not(request, row) if known else None
    return JSONResponse(
        {"columns": own, "original": known and not said, "said": said}, headers=PRIVATE | {"Cache-Control": "no-store"}
    )


def original(request: Request, run: EmbeddingRun) -> Response:
    """The original file of an image."""
    row = _row(request, run)
    if row is None or not row[PATH]:
        return PlainTextResponse(NO_FILE, 404)
    if not is_here(request):
        return PlainTextResponse(ELSEWHERE, 403)
    if gone := missing(Path(row[PATH])):
        return PlainTextResponse(gone, 404)
    try:
        data = read_file(Path(row[PATH]))
        kind = Image.MIME[format_of(data)]
    except UnreadableImage as error:
        return PlainTextResponse(f"The original cannot be shown: {error}.", 404)
    name = {"Content-Disposition": f"inline; filename*=UTF-8''{quote(Path(row[PATH]).name)}"}
    return Response(data, media_type=kind, headers=PRIVATE | name)


def described(row: pd.Series) -> list[tuple[str, str]]:
    """Name and value, as texts, of each of the user's own columns that has a value."""
    own = row.drop([*MAP_COLUMNS, NAME, PATH], errors="ignore")
    return [(shortened(str(name)), shortened(written(value), 300)) for name, value in own.items() if pd.notna(value)]


def written(value: object) -> str:
    """A value of a table as text."""
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    if isinstance(value, float):
        return f"{value:.10g}"
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def is_here(request: Request) -> bool:
    """Whether a browser on this machine asks, under a name of this machine, and no proxy passes its request on."""
    return sharing.is_here(request.headers, request.client and request.client.host)


def _why_not(request: Request, row: pd.Series) -> str | None:
    return missing(Path(row[PATH])) if is_here(request) else ELSEWHERE


def missing(path: Path) -> str | None:
    """A sentence that says that an original is not there; None where it is."""
    try:
        there = path.is_absolute() and path.is_file()
    except (OSError, ValueError):
        there = False
    return None if there else f"The original is not at {shortened(str(path), 200)} any more; was it moved or deleted?"


def _row(request: Request, run: EmbeddingRun) -> pd.Series | None:
    """The row of an image in the table of its run; None where there is no such row, or no such table."""
    split, row = one_of(SPLITS, request.path_params["split"]), request.path_params["row"]
    if not caches.has_table(run):
        return None
    if caches.is_large(run):
        images = _images_at(run, split, row)
        known = map_table(load_map(run.folder, images), run.classes, run.folder, images)
        return known.iloc[0] if len(known) else None
    table = caches.table_of(run)
    of_split = table[table["split"] == split]
    return of_split.iloc[row] if row < len(of_split) else None


def _images_at(run: EmbeddingRun, split: str, row: int) -> Shaped[np.ndarray, " m"]:
    """The row on the map of all splits of a row of a split of a large map; none where that row is not on the map."""
    points = ordered_map(run, split)
    return points.image[points.at(row)].astype(int)
