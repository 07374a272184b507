"""What a run keeps of each image beside the map: its small picture, its row of the user's table, its original file.

An original is a file of the user's anywhere on this machine. It is only given to a browser on this machine, only if the
run's own table lists it, and only if its content is a picture.
"""

from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kernelviz.ingest.files import read_file
from kernelviz.ingest.image_file import UnreadableImage, format_of
from kernelviz.storage.embedding_map import SPLITS
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.thumbnails import kind_of
from kernelviz.ui.server.request_parameters import CACHED, one_of
from kernelviz.ui.shared import caches, sharing
from kernelviz.ui.shared.labels import shortened

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
    points = caches.points_of(run).of_split(one_of(SPLITS, request.path_params["split"]))
    row = request.path_params["row"]
    if caches.source_of(run) != "thumbnails" or row >= len(points):
        return PlainTextResponse(f"{run.name} has no small picture of image {row}", 404)
    (picture,) = caches.thumbnails_at(run, points.where(np.array([row])))
    kind = kind_of(picture)
    if not kind:
        return PlainTextResponse(f"{run.name} has no small picture of image {row}", 404)
    return Response(picture, media_type=kind, headers=CACHED | NOSNIFF)


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
    table = caches.table_of(run)
    if NAME not in table:
        return None
    of_split = table[table["split"] == one_of(SPLITS, request.path_params["split"])]
    row = request.path_params["row"]
    return of_split.iloc[row] if row < len(of_split) else None
