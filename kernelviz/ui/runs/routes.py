"""What the page Runs fetches.

/kernelviz/library/map/<name>/<version>     the map of a run as a small picture, WebP
/kernelviz/library/export/<name>?pictures   the run as one file, to be handed on; pictures=1 includes those
/kernelviz/library/page/<name>              the map of a run as a page without a server, HTML
"""

import asyncio
import io
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from kernelviz.errors import UserError
from kernelviz.export import write
from kernelviz.library.handing_on import export_run
from kernelviz.plots.map_picture import map_picture
from kernelviz.storage import items
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.record import BrokenRun, Run
from kernelviz.storage.store import load_run
from kernelviz.ui.server.kept_files import kept
from kernelviz.ui.server.request_parameters import CACHED, NO_RUN
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared import sharing

SIDE = 192  # pixels, twice what it takes on the page
MAPS = ("map.parquet", items.FILE)  # where the points are
MAX_BYTES = 1_000_000_000  # of the files that were made, beyond one
_files: dict[tuple, Path] = {}  # by the state of the run, the latest last
_making = asyncio.Semaphore(1)  # a page takes up to 20 s of a core, and several times its size of memory


def map_address(run: Run) -> str | None:
    """Where the picture of a run's map is, an address that changes with it; None for a run without a map."""
    path = next((path for name in MAPS if (path := run.folder / name).is_file()), None)
    return path and f"kernelviz/library/map/{run.name}/{run.weights_sha256[:12]}-{path.stat().st_mtime_ns:x}"


def export_address(run: Run, with_pictures: bool) -> str:
    """Where a run is given as one file."""
    return f"kernelviz/library/export/{run.name}" + ("?pictures=1" if with_pictures else "")


def page_address(run: Run) -> str:
    """Where the map of a run is given as a page without a server."""
    return f"kernelviz/library/page/{run.name}"


def picture(request: Request) -> Response:
    """The map of a run as a small picture."""
    name, version = request.path_params["name"], request.path_params["version"]
    try:
        run = load_run(name)
        address = map_address(run)
        if not address or address.rsplit("/", 1)[1] != version:
            return PlainTextResponse(f"the run {name!r} has changed; reload the page", 404)
        data = kept(sharing.cache_folder() / "maps" / name, version, "map.webp", lambda: _picture(run))
    except FileNotFoundError:
        return PlainTextResponse(NO_RUN, 404)
    except BrokenRun as error:
        return PlainTextResponse(str(error), 500)
    return Response(data, media_type="image/webp", headers=CACHED)


def export(request: Request) -> Response:
    """A run as one file."""
    pictures = request.query_params.get("pictures") == "1"
    variant = "file with pictures" if pictures else "file"
    return _made(request, "application/zip", variant, lambda run, folder: export_run(run, folder / run.name, pictures))


def page(request: Request) -> Response:
    """The map of a run as a page without a server, without the pictures and the table of the user's own data."""
    return _made(request, "text/html", "page", lambda run, folder: write(run, "html", folder / f"{run.name}.html"))


def _made(request: Request, kind: str, variant: str, make: Callable[[Run, Path], Path]) -> Response:
    """A file that is made of a run."""
    try:
        path = _file_of(load_run(request.path_params["name"]), variant, make)
    except FileNotFoundError:
        return PlainTextResponse(NO_RUN, 404)
    except BrokenRun as error:
        return PlainTextResponse(str(error), 500)
    except UserError as error:
        return PlainTextResponse(str(error), 400)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, media_type=kind, filename=path.name, headers=headers)


def _file_of(run: Run, variant: str, make: Callable[[Run, Path], Path]) -> Path:
    """A file that is made of a run in its present state, once for all who ask; the oldest of many are removed."""
    state = sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in run.folder.iterdir())
    of = (str(run.folder), variant, *state)
    if of not in _files or not _files[of].is_file():
        folder = Path(tempfile.mkdtemp(dir=sharing.temporary()))
        try:
            _files[of] = make(run, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    _files[of] = _files.pop(of)  # the last
    while len(_files) > 1 and sum(path.stat().st_size for path in _files.values()) > MAX_BYTES:
        shutil.rmtree(_files.pop(next(iter(_files))).parent, ignore_errors=True)
    return _files[of]


def _picture(run: Run) -> bytes:
    if (run.folder / items.FILE).is_file():
        coordinates = items.load_items(run.folder).coordinates
        made = map_picture(coordinates, np.full(len(coordinates), -1), 0, SIDE)
    else:
        points, classes = load_map(run.folder), len(getattr(run, "classes", ()))
        labels = points.label if (points.label >= 0).any() else np.full(len(points), -1)
        made = map_picture(points.coordinates, labels, classes if (labels >= 0).any() else 0, SIDE)
    file = io.BytesIO()
    Image.fromarray(made).save(file, "WEBP", quality=80)
    return file.getvalue()


ROUTES = [
    Route("/map/{name}/{version}", in_turn(picture)),
    Route("/export/{name}", in_turn(export, _making)),
    Route("/page/{name}", in_turn(page, _making)),
]
