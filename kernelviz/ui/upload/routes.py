"""The routes of uploads, under the token of a session, which only its browser knows.

POST files                                 store some files: {"total"}
POST projection/<run>?first                project more of them: {"rows", "done", "total", "left"}
POST sketch/<run>                          details of a sketch, which is not stored
GET  details/<run>/<number>                details of an upload: see `upload_details`
GET  pictures/<number>                     an upload, small, WebP

<run> stands for <name>/<version>/<preprocessing>.
"""

import io
import json
from collections.abc import Callable

import pandas as pd
from PIL import Image
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kernelviz.errors import UserError
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import alternatives
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.server.request_parameters import number, of_a_run, one_of
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared.labels import grade_words, plain, verdict
from kernelviz.ui.upload.uploads import MAX_ARCHIVE_BYTES, MAX_FILES, MAX_NAME_LENGTH, Uploads, by_token

MAX_FILES_PER_REQUEST = 200
MAX_REQUEST_BYTES = MAX_ARCHIVE_BYTES + 1_000_000
MAX_SKETCH_BYTES = 1_000_000
SECONDS_PER_ANSWER = 0.25  # of projecting uploads
MAX_ROWS_PER_ANSWER = 5000
THUMBNAIL_SIDE = 128  # pixels: longer side of a small picture
PRIVATE = {"Cache-Control": "private, max-age=86400"}


def of_a_session(answer: Callable[[Request, Uploads], Response]) -> Callable[[Request], Response]:
    """An endpoint that hands the uploads of a token to `answer`."""

    def endpoint(request: Request) -> Response:
        try:
            return answer(request, by_token(request.path_params["token"]))
        except (FileNotFoundError, IndexError) as error:
            return PlainTextResponse(str(error), 404)
        except UnreadableImage as error:
            return PlainTextResponse(str(error), 400)

    return endpoint


def on_a_map(answer: Callable[[Request, Uploads, EmbeddingRun, str], Response]) -> Callable[[Request], Response]:
    """An endpoint that hands uploads, a run, and a preprocessing for it to `answer`."""

    @of_a_session
    def endpoint(request: Request, uploads: Uploads) -> Response:
        def with_preprocessing(request: Request, run: EmbeddingRun) -> Response:
            if run.is_of_vectors:
                raise UserError(f"{run.name} is a map of vectors; a picture has no position on it")
            return answer(
                request, uploads, run, one_of(alternatives(run.preprocess), request.path_params["preprocessing"])
            )

        return of_a_run(with_preprocessing)(request)

    return endpoint


async def files(request: Request) -> Response:
    """Store files. The body is multipart: "names", a JSON list; as many "files"; and "batch", a name for them all.

    A batch that is sent twice is stored once.
    """
    if not 0 < _length(request) <= MAX_REQUEST_BYTES:
        return PlainTextResponse(f"up to {MAX_ARCHIVE_BYTES // 10**6} MB can be sent at once; choose fewer files", 413)
    try:
        by_token(request.path_params["token"])  # before the body is read
    except FileNotFoundError as error:
        return PlainTextResponse(str(error), 404)
    async with request.form(max_files=MAX_FILES_PER_REQUEST, max_fields=2) as form:
        return await in_turn(of_a_session(lambda _, uploads: _stored(uploads, form)))(request)


def _stored(uploads: Uploads, form: FormData) -> Response:
    sent = [part.file for part in form.getlist("files") if isinstance(part, UploadFile)]
    try:
        names = [str(name) for name in json.loads(form["names"])]
        uploads.add(list(zip(names, sent, strict=True)), str(form["batch"])[:MAX_NAME_LENGTH])
    except (KeyError, TypeError, ValueError, RecursionError):
        return PlainTextResponse("wanted: files, a JSON list with a name for each, and a name of the batch", 400)
    return JSONResponse({"total": uploads.total})


@on_a_map
def projection(request: Request, uploads: Uploads, run: EmbeddingRun, preprocessing: str) -> Response:
    """Project more uploads, and answer with their rows from "first" on."""
    first = max(0, int(number(request, "first", float(MAX_FILES))))
    done, total, table = uploads.project(run, preprocessing, SECONDS_PER_ANSWER)
    rows = table.iloc[first:][:MAX_ROWS_PER_ANSWER]
    left = done < total or len(table) > first + len(rows)
    shown = _plain_rows(rows, run.preprocess.name == "digit")
    return JSONResponse({"rows": shown, "done": done, "total": total, "left": left})


def _plain_rows(table: pd.DataFrame, digits: bool) -> list[dict]:
    """Rows of the table of uploads for the map, with null for missing values, and what there is to say of each."""
    columns = ["name", "x", "y", "prediction", "confidence", "grade", "reasons"]
    rows = table[columns].reset_index().to_dict("records") if len(table) else []
    for row in rows:
        row |= {column: None if pd.isna(value) else value for column, value in row.items()}
        row["name"], row["prediction"] = plain(row["name"]), row["prediction"] and plain(row["prediction"])
        row["words"] = grade_words(row["grade"], digits)
        row["verdict"] = verdict(row["grade"], row["prediction"], row["confidence"])
    return rows


async def sketch(request: Request) -> Response:
    """The details of a sketch; the body is its picture."""
    if not 0 < _length(request) <= MAX_SKETCH_BYTES:
        return PlainTextResponse(f"a sketch has up to {MAX_SKETCH_BYTES // 10**6} MB", 413)
    data = await request.body()

    def answer(request: Request, uploads: Uploads, run: EmbeddingRun, preprocessing: str) -> Response:
        return _detailed(run, preprocessing, "sketch", open_image(data))

    return await in_turn(on_a_map(answer))(request)


@on_a_map
def details(request: Request, uploads: Uploads, run: EmbeddingRun, preprocessing: str) -> Response:
    """The details of an upload."""
    return _detailed(run, preprocessing, *uploads.image(request.path_params["number"]))


def _detailed(run: EmbeddingRun, preprocessing: str, name: str, image: Image.Image) -> Response:
    from kernelviz.ui.upload.upload_details import details_of  # torch takes seconds to import; the server needs none

    return JSONResponse({"name": plain(name)} | details_of(run, preprocessing, image))


@of_a_session
def pictures(request: Request, uploads: Uploads) -> Response:
    """A small picture of an upload."""
    _, image = uploads.image(request.path_params["number"])
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = io.BytesIO()
    image.save(file, "WEBP", quality=85)
    return Response(file.getvalue(), media_type="image/webp", headers=PRIVATE)


def _length(request: Request) -> int:
    """The length in bytes that a request states; 0 where it states none."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0


ON_A_MAP = "/{name}/{version}/{preprocessing}"
ROUTES = [
    Route("/files", files, methods=["POST"]),
    Route("/projection" + ON_A_MAP, in_turn(projection), methods=["POST"]),
    Route("/sketch" + ON_A_MAP, sketch, methods=["POST"]),
    Route("/details" + ON_A_MAP + "/{number:int}", in_turn(details)),
    Route("/pictures/{number:int}", in_turn(pictures)),
]
