"""The films of trainings: the frames of one that goes on, those of a run, and a run's film as a file."""

from functools import lru_cache
from threading import Lock

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kernelviz.disk import runs_folder
from kernelviz.errors import NotFound, UserError
from kernelviz.plots.film import KINDS, animation
from kernelviz.storage import record
from kernelviz.storage.epochs import EpochMaps, load_epochs
from kernelviz.storage.record import BrokenRun, EmbeddingRun
from kernelviz.storage.store import NAME, load_mapped
from kernelviz.ui.canvas.packing import gzipped
from kernelviz.ui.canvas.payloads import film_payload
from kernelviz.ui.server.request_parameters import CACHED, number, one_of
from kernelviz.ui.shared import caches, page_frame

PACKED = {"Content-Encoding": "gzip"}
NEVER_KEPT = {"Cache-Control": "no-store"}
BYTES = "application/octet-stream"
_making = Lock()  # one file at a time: each takes a core for some seconds


def growing(request: Request) -> Response:
    """The frames of a training that are newer than `after`; no content before the first, 404 when it has ended."""
    name = request.path_params["name"]
    folder = runs_folder() / name
    if not NAME.fullmatch(name) or (folder / record.FILE).exists():
        return PlainTextResponse("this training has ended", 404, headers=NEVER_KEPT)
    try:
        after = number(request, "after", 1e9)
        maps = load_epochs(folder)
    except BrokenRun as error:
        return PlainTextResponse(str(error), 500, headers=NEVER_KEPT)
    except UserError as error:
        return PlainTextResponse(str(error), 400, headers=NEVER_KEPT)
    if maps is not None:
        return Response(gzipped(film_payload(maps, after)), media_type=BYTES, headers=PACKED | NEVER_KEPT)
    awaited = folder.is_dir() or name in page_frame.awaited
    return Response(status_code=204 if awaited else 404, headers=NEVER_KEPT)


def frames(request: Request, run: EmbeddingRun) -> Response:
    """All frames of a run's film."""
    return Response(gzipped(film_payload(_film(run))), media_type=BYTES, headers=PACKED | CACHED)


def file(request: Request, run: EmbeddingRun) -> Response:
    """A run's film as a file of a kind."""
    kind = one_of(KINDS, request.path_params["kind"])
    dark = one_of(("0", "1"), request.query_params.get("dark", "0")) == "1"
    _film(run)
    with _making:
        data = _animation(run.name, caches.version(run), kind, dark)
    name = {"Content-Disposition": f'attachment; filename="{run.name}_film.{kind}"'}
    return Response(data, media_type=f"image/{kind}", headers=CACHED | name)


def _film(run: EmbeddingRun) -> EpochMaps:
    """The film of a run; NotFound where there is none."""
    maps = caches.film_of(run)
    if maps is None:
        raise NotFound(f"{run.name} has no film of its training")
    return maps


@lru_cache(maxsize=4)
def _animation(name: str, version: str, kind: str, dark: bool) -> bytes:
    return animation(_film(load_mapped(name)), kind, dark)
