"""Selections of a map: as a file of what is known of their images, and kept under an id that an address can name.

GET    selections              those that have a name: [{"id", "name", "split", "count"}]
POST   selections              keep one: {"split", "rows", "name"} -> {"id"}
GET    selections/<id>         one of them: {"id", "name", "split", "rows"}
DELETE selections/<id>
POST   selections/as/<ending>  {"split", "rows"} -> a file

`rows` are a bit for each row of the split, in base 64. On a large map a lasso takes their place: `within`, its corners
as x_y~x_y~...; the file of what it selects is the table of `ui.tiles.routes`. Selections lie in the data folder, never
beside a shipped run. Where the dashboard is read-only, none is kept or deleted.
"""

import hashlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kernelviz.disk import data_folder, replacing
from kernelviz.errors import UserError
from kernelviz.storage.embedding_map import SPLITS
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.tables import to_csv, to_json
from kernelviz.ui.canvas.packing import unmasked
from kernelviz.ui.server.items import is_here
from kernelviz.ui.server.request_parameters import changing, of_a_run, one_of
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared import caches
from kernelviz.ui.tiles.chosen import selected

ID = re.compile("[0-9a-f]{16}")
LARGEST = 4_000_000  # bytes of a request: a bit for each of more than 20 million rows
LONGEST_NAME = 80  # letters
MAX_NAMELESS = 200  # selections of a run; of those that nobody has named the oldest go
MAX_NAMED = 1000
NOT_CACHED = {"Cache-Control": "no-store"}


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    table.to_parquet(file, index=False)
    return file.getvalue()


WRITERS: dict[str, tuple[str, Callable[[pd.DataFrame], str | bytes]]] = {
    "csv": ("text/csv", to_csv),
    "parquet": ("application/vnd.apache.parquet", _parquet),
    "json": ("application/json", to_json),
}


def of_a_body(answer: Callable[[Request, EmbeddingRun, dict], Response]) -> Callable[[Request], Response]:
    """An endpoint that hands a run and the JSON object of a request to `answer`.

    A page of another origin cannot send JSON without being asked for leave, which is never given.
    """

    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return PlainTextResponse("wanted: a JSON object", 415)
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            return PlainTextResponse(f"wanted: up to {LARGEST // 10**6} MB", 413)
        try:
            body = dict(json.loads(await request.body()))
        except (ValueError, TypeError, RecursionError):
            return PlainTextResponse("wanted: a JSON object", 400)
        return await in_turn(of_a_run(lambda request, run: answer(request, run, body)))(request)

    return endpoint


def named(request: Request, run: EmbeddingRun) -> Response:
    """The selections of a run that have a name, in the order of their names."""
    kept = [one for path in _folder(run).glob("*.json") if (one := _read(path, run)) and one["name"]]
    shown = [{key: one[key] for key in ("id", "name", "split", "count")} for one in kept]
    return JSONResponse(sorted(shown, key=lambda one: one["name"].casefold()), headers=NOT_CACHED)


@of_a_body
def keep(request: Request, run: EmbeddingRun, body: dict) -> Response:
    """Keep a selection; one that is kept already takes the name, if there is one."""
    if caches.is_large(run):
        split, what = one_of(SPLITS, str(body.get("split", ""))), {"within": str(body.get("within", ""))}
        if not what["within"]:
            raise UserError("within are the corners of a lasso, as in 0_0~1_0~1_1")
        n = int(selected(run, split, what["within"], "").sum())
    else:
        split, rows = _selection(run, body)
        what, n = {"rows": body["rows"]}, len(rows)
    name = " ".join(str(body.get("name", "")).split())[:LONGEST_NAME]
    made = {"name": name, "split": split, **what, "count": n, "weights": run.weights_sha256}
    key = hashlib.sha256(f"{split} {next(iter(what.values()))} {run.weights_sha256}".encode()).hexdigest()[:16]
    folder = _folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, run, bool(name))
        path = folder / f"{key}.json"
        if name or not path.exists():
            with replacing(path) as partial:
                partial.write_text(json.dumps(made), encoding="utf-8")
    except OSError as error:
        return PlainTextResponse(f"the selection cannot be kept in {folder.parent} ({error.strerror})", 507)
    return JSONResponse({"id": key})


def one(request: Request, run: EmbeddingRun) -> Response:
    """A selection that was kept."""
    found = _read(_path(request, run), run)
    if not found:
        return PlainTextResponse(f"{run.name} has no such selection here, or was trained again since", 404)
    shown = ("id", "name", "split", "rows", "within")
    return JSONResponse({key: found[key] for key in shown if key in found}, headers=NOT_CACHED)


def forget(request: Request, run: EmbeddingRun) -> Response:
    """Keep a selection no longer."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return PlainTextResponse("only the dashboard itself may do that", 403)
    _path(request, run).unlink(missing_ok=True)
    return JSONResponse({})


@of_a_body
def as_file(request: Request, run: EmbeddingRun, body: dict) -> Response:
    """What is known of the selected images, as a file."""
    ending = one_of(WRITERS, request.path_params["ending"])
    split, rows = _selection(run, body)
    kind, write = WRITERS[ending]
    table = caches.table_of(run)
    chosen = shown_to(request, table[table["split"] == split].iloc[rows])
    return Response(write(chosen), media_type=kind, headers=NOT_CACHED)


def shown_to(request: Request, table: pd.DataFrame) -> pd.DataFrame:
    """A table of images (`item_table.map_table`) with name and file first, the user's own columns last.

    A folder of this machine is nobody's business elsewhere: there it has no files.
    """
    first = [name for name in (NAME, PATH) if name in table and (name != PATH or is_here(request))]
    own = [name for name in table.columns if name not in (*MAP_COLUMNS, NAME, PATH)]
    return table[[*first, *MAP_COLUMNS, *own]]


def _selection(run: EmbeddingRun, body: dict) -> tuple[str, Int[np.ndarray, " m"]]:
    """The split and the rows that a request tells of."""
    split = one_of(SPLITS, str(body.get("split", "")))
    if caches.is_large(run):
        raise UserError(f"the map of {run.name} is large: there is a table of what is selected on it")
    rows = unmasked(body.get("rows"), len(caches.points_of(run).of_split(split)))
    if rows is None:
        raise UserError(f"rows are a bit for each of the {split} {run.unit}, in base 64")
    return split, rows


def _folder(run: EmbeddingRun) -> Path:
    return data_folder() / "selections" / run.name


def _path(request: Request, run: EmbeddingRun) -> Path:
    key = request.path_params["id"]
    if not ID.fullmatch(key):
        raise UserError("the id of a selection is 16 digits and letters from a to f")
    return _folder(run) / f"{key}.json"


def _read(path: Path, run: EmbeddingRun) -> dict | None:
    """A selection that was kept; None where there is none that belongs to the run as it is now."""
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        if found["weights"] != run.weights_sha256:
            return None
        return found | {"id": path.stem, "name": str(found["name"]), "count": int(found["count"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make_room(folder: Path, run: EmbeddingRun, for_named: bool) -> None:
    """Remove the oldest of those without a name; a UserError where too many have one."""
    kept = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    if len(kept) < MAX_NAMELESS:
        return
    nameless = [path for path in kept if not (_read(path, run) or {}).get("name")]
    for path in nameless[: max(0, len(nameless) - MAX_NAMELESS + 1)]:
        path.unlink(missing_ok=True)
    if for_named and len(kept) - len(nameless) >= MAX_NAMED:
        raise UserError(f"{run.name} has {MAX_NAMED:,} saved selections; delete some of them first")


ROUTES = [
    Route("/", of_a_run(named)),
    Route("/", changing(keep), methods=["POST"]),
    Route("/as/{ending}", as_file, methods=["POST"]),
    Route("/{id}", of_a_run(one)),
    Route("/{id}", changing(of_a_run(forget)), methods=["DELETE"]),
]
