"""The server: Streamlit's own, with routes for what the canvas fetches.

/kernelviz/canvas/<stamp>/<file>                           the canvas's JavaScript
/kernelviz/runs/<name>/<version>/points/<split>            where the images lie, packed
/kernelviz/runs/<name>/<version>/contours/<split>          contour lines of their density, packed
/kernelviz/runs/<name>/<version>/large/<split>/...         tiles and points of a large map: see `ui.tiles.routes`
/kernelviz/runs/<name>/<version>/sheets/<split>/<source>/<side>/<number>   one sheet of many images, WebP
/kernelviz/runs/<name>/<version>/thumbnail/<split>/<row>   the small picture of an image, whole, WebP
/kernelviz/runs/<name>/<version>/item/<split>/<row>        what the run's own table knows of an image, JSON
/kernelviz/runs/<name>/<version>/original/<split>/<row>    the file of an image: see `ui.server.items`
/kernelviz/runs/<name>/<version>/alike/<split>/<row>       rows of the images that are most like an image, JSON
/kernelviz/runs/<name>/<version>/likeliest/<split>/<row>   the likeliest classes of an image, with their shares, JSON
/kernelviz/runs/<name>/<version>/selections/...            selections as files, and kept: see `ui.server.selections`
/kernelviz/runs/<name>/<version>/film                      the frames of its training, packed
/kernelviz/runs/<name>/<version>/film.<kind>[?dark]        the same as an animation, GIF or WebP
/kernelviz/jobs/<name>/film?after                          the newer frames of a training that goes on, never cached
/kernelviz/runs/<name>/<version>/decoder                   weights of a dense decoder, packed
/kernelviz/runs/<name>/<version>/decode?x&y[&width&amplitude]  the image decoded at some coordinates, PNG
/kernelviz/runs/<name>/<version>/walk?path&width&amplitude images decoded along a path, there and back, GIF
/kernelviz/runs/<name>/<version>/window?box&n&width&amplitude  images decoded in a rectangle, PNG or GIF (as=gif)
/kernelviz/library/...                                     maps as pictures, runs as files: see `ui.runs.routes`
/kernelviz/uploads/<token>/...                             the uploads of a session: see `ui.upload.routes`
/, /<page>                                                 the page of the dashboard: see `ui.server.index_page`

Pages ask by addresses without a slash at the front, so that all of this may lie below any path of a proxy. Who may ask
is decided in `ui.access.guard`. A version names the state of a run, so that browsers may cache every answer; another
version is answered with 404.
A parameter that is not allowed is answered with 400 and a line that says which values are.
"""

import asyncio
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Unpack

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from kernelviz.disk import own_file
from kernelviz.ingest.costly import give_memory_back
from kernelviz.library.cleaning import clean, clean_temporary
from kernelviz.storage.embedding_map import SPLITS
from kernelviz.storage.store import load_run, use_runs
from kernelviz.ui.access.bounds import CONNECTIONS, Bounds, ImpatientProtocol
from kernelviz.ui.access.chosen_files import ChosenFiles
from kernelviz.ui.access.entrance import TOKEN_VARIABLE, Asked, Entrance, entrance, said
from kernelviz.ui.access.guard import Guard
from kernelviz.ui.canvas import SCRIPTS, STAMP, payloads
from kernelviz.ui.canvas.packing import gzipped
from kernelviz.ui.runs import routes as library_routes
from kernelviz.ui.server import decoding, films, index_page, items, selections
from kernelviz.ui.server.alike import alike
from kernelviz.ui.server.kept_files import kept
from kernelviz.ui.server.likeliest import likeliest
from kernelviz.ui.server.request_parameters import CACHED, of_a_map, of_a_run, one_of
from kernelviz.ui.server.turns import in_turn
from kernelviz.ui.shared import page_frame, sharing
from kernelviz.ui.shared.map_source import AT, MapSource, map_at
from kernelviz.ui.tiles import routes as tile_routes
from kernelviz.ui.tiles.routes import contour_points
from kernelviz.ui.upload import routes

SHUTDOWN_SECONDS = 2  # how long a server that is stopped waits for open pages
BYTES = "application/octet-stream"
_sheets, _items, _animations = (asyncio.Semaphore(n) for n in (4, 4, 2))  # at a time: a map waits for no animation


def serve(
    host: str,
    port: int,
    run: str | None = None,
    read_only: bool = False,
    runs: Sequence[Path] = (),
    data_roots: Sequence[Path] = (),
    log_level: str = "warning",
    **who_may_ask: Unpack[Asked],
) -> None:
    """Serve the dashboard until it is stopped, with a run to show first; an OSError says that the port is taken,
    a gaierror that no such host is known.

    Args:
        read_only, data_roots: what visitors may do (`ui.shared.sharing`).
        runs: folders of runs in place of the user's own, the first for new ones.
        log_level: of uvicorn; with "info", a line for each request.
        who_may_ask: see `ui.access.entrance`.
    """
    from streamlit.web import bootstrap

    entrance(host, port, **who_may_ask)  # what is wrong with it is said before anything is done
    socket.getaddrinfo(host or None, port)
    sharing.set_up(read_only, data_roots)
    use_runs(runs)
    give_memory_back()
    clean_temporary()
    if not read_only:
        clean()
    page_frame.awaited.update([run] if run else [])
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        # Streamlit's own server leaves Nagle's algorithm on, which with delayed acknowledgements costs every small
        # answer 40 ms; sockets that this one accepts take the setting over.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        way_in = entrance(host, listening.getsockname()[1], **who_may_ask)
        app = application(way_in)  # before the options: Streamlit looks for its settings beside the script
        bootstrap.load_config_options({"server.address": host, "server.port": way_in.port})
        print(said(way_in), file=sys.stderr, flush=True)
        if not st.get_option("server.headless"):
            webbrowser.open(way_in.addresses(f"run={run}" if run else "")[0])
        settings = uvicorn.Config(
            app,
            http=ImpatientProtocol,
            server_header=False,
            log_level=log_level,
            access_log=log_level in ("info", "debug"),
            ws_per_message_deflate=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # as Ctrl-C: what ends with this process is removed
        uvicorn.Server(settings).run(sockets=[listening])


def application(way_in: Entrance) -> st.App:
    """The dashboard as an ASGI application."""
    return st.App(own_file("app.py"), routes=ROUTES, middleware=middleware(way_in))


def middleware(way_in: Entrance) -> list[Middleware]:
    """What every request goes through first."""
    return [Middleware(Guard, entrance=way_in), Middleware(Bounds), Middleware(ChosenFiles)]


def way_in_of_streamlit() -> Entrance:
    """The entrance for `streamlit run`, at the address of Streamlit's settings; what to open is printed."""
    host, port = st.get_option("server.address") or "", st.get_option("server.port")
    way_in = entrance(host, port, token=os.environ.get(TOKEN_VARIABLE))
    print(said(way_in), file=sys.stderr, flush=True)
    return way_in


def script(request: Request) -> Response:
    """One file of the canvas's JavaScript."""
    source = SCRIPTS.get(request.path_params["file"])
    if source is None or request.path_params["stamp"] != STAMP:
        return PlainTextResponse("the dashboard has changed; reload the page", 404)
    return Response(source, media_type="text/javascript", headers=CACHED)


def points(request: Request, source: MapSource) -> Response:
    """The points of a split."""
    split = one_of(SPLITS, request.path_params["split"])
    if source.is_large():
        return PlainTextResponse(f"the map of {source.run.name} is too large to be sent at once; reload the page", 404)
    return _packed(_points(source.run.name, source.version, split))


def contours(request: Request, source: MapSource) -> Response:
    """The contour lines of a split's density."""
    split = one_of(SPLITS, request.path_params["split"])
    if source.is_large():
        return _packed(gzipped(payloads.contours_of(contour_points(source.run, split), source.extent)))
    return _packed(gzipped(payloads.contours_payload(source, split)))


def images(request: Request, source: MapSource) -> Response:
    """One sheet of the images of a split."""
    split = one_of(SPLITS, request.path_params["split"])
    if request.path_params["source"] != source.picture_source():  # the browser would cache wrong images
        return PlainTextResponse(f"the images of {source.run.name} come from elsewhere now; reload the page", 404)
    try:
        data = _sheet(source, split, request.path_params["side"], request.path_params["number"])
    except IndexError as error:
        return PlainTextResponse(str(error), 404)
    return Response(data, media_type="image/webp", headers=CACHED)


@lru_cache(maxsize=8)
def _points(name: str, version: str, split: str) -> bytes:
    return gzipped(payloads.points_payload(map_at(load_run(name), version), split))


def _sheet(source: MapSource, split: str, side: int, number: int) -> bytes:
    """A sheet; those of thumbnails, which take a second or two, are kept on disk."""
    if source.picture_source() != "thumbnails" or AT in source.version:  # a film would drive the map's out
        return payloads.sheet_payload(source, split, side, number)
    return kept(
        sharing.cache_folder() / "sheets" / source.run.name,
        source.version,
        f"{split}-{side}-{number}.webp",
        lambda: payloads.sheet_payload(source, split, side, number),
    )


def _packed(data: bytes) -> Response:
    return Response(data, media_type=BYTES, headers=CACHED | {"Content-Encoding": "gzip"})


ROUTES = [
    Route("/kernelviz/canvas/{stamp}/{file:path}", script),
    Mount(
        "/kernelviz/runs/{name}/{version}",
        routes=[
            Route("/points/{split}", of_a_map(points)),
            Route("/contours/{split}", of_a_map(contours)),
            Mount("/large/{split}", routes=tile_routes.ROUTES),
            Route("/sheets/{split}/{source}/{side:int}/{number:int}", in_turn(of_a_map(images), _sheets)),
            Route("/thumbnail/{split}/{row:int}", of_a_run(items.thumbnail)),
            Route("/item/{split}/{row:int}", in_turn(of_a_run(items.item), _items)),
            Route("/original/{split}/{row:int}", in_turn(of_a_run(items.original))),
            Route("/alike/{split}/{row:int}", in_turn(of_a_map(alike))),
            Route("/likeliest/{split}/{row:int}", in_turn(of_a_run(likeliest))),
            Mount("/selections", routes=selections.ROUTES),
            Route("/film", in_turn(of_a_run(films.frames))),
            Route("/film.{kind}", in_turn(of_a_run(films.file), _animations)),
            Route("/decoder", of_a_run(decoding.decoder)),
            Route("/decode", of_a_run(decoding.decode)),
            Route("/walk", in_turn(of_a_run(decoding.walk), _animations)),
            Route("/window", in_turn(of_a_run(decoding.window), _animations)),
        ],
    ),
    Mount("/kernelviz/library", routes=library_routes.ROUTES),
    Route("/kernelviz/jobs/{name}/film", films.growing),
    Mount("/kernelviz/uploads/{token}", routes=routes.ROUTES),
    *index_page.ROUTES,
]
