"""The server: Streamlit's own, and routes beside it for what the canvas fetches.

/kernelviz/canvas/<stamp>/<file>                           the canvas's JavaScript
/kernelviz/runs/<name>/<version>/points/<split>            where the images lie, packed
/kernelviz/runs/<name>/<version>/contours/<split>          contour lines of their density, packed
/kernelviz/runs/<name>/<version>/sheets/<split>/<source>/<number>   images, many on a sheet, WebP
/kernelviz/runs/<name>/<version>/decoder                   weights of a dense decoder, packed
/kernelviz/runs/<name>/<version>/draw?x&y&width&amplitude  what any decoder draws at a place, PNG
/kernelviz/runs/<name>/<version>/walk?path&width&amplitude the same along a path, there and back, GIF
/kernelviz/uploads/<token>/...                             what `receiving` says

A version names what a run is made of, so that what is fetched once may be kept; with another one the answer is 404.
Arguments that are not allowed are a 400, with a line that says what is.
"""

import socket
import sys
import webbrowser
from functools import lru_cache

import numpy as np
import streamlit as st
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from kernelviz.disk import own_file
from kernelviz.plots.images import enlarged, gif, png
from kernelviz.runs.embedding_map import SPLITS
from kernelviz.runs.record import Run, load_run
from kernelviz.ui.canvas import SCRIPTS, STAMP, payloads
from kernelviz.ui.canvas.packing import squeezed
from kernelviz.ui.server.paths import places_of, steps_along
from kernelviz.ui.server.request_parameters import KEPT, number, of_a_run, one_of
from kernelviz.ui.shared import caches
from kernelviz.ui.upload import routes

PATIENCE = 2  # seconds that open pages are given when the server is stopped
BYTES = "application/octet-stream"
SHOWN = 224  # pixels: longest side of the pictures of a walk
REACH = 2.0  # times the extent: how far out a probe may lie


def serve(host: str, port: int) -> None:
    """Serve the dashboard until it is stopped; an OSError says that the port cannot be had."""
    from streamlit.web import bootstrap

    app = st.App(own_file("app.py"), routes=ROUTES)
    bootstrap.load_config_options({"server.address": host, "server.port": port})
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listening:
        # Streamlit's own server leaves Nagle's algorithm on, which with delayed acknowledgements costs every small
        # answer 40 ms; sockets that this one accepts take the setting over.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        print(f"The dashboard is at {address} until Ctrl-C.", file=sys.stderr, flush=True)
        if not st.get_option("server.headless"):
            webbrowser.open(address)
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=PATIENCE,
        )
        uvicorn.Server(settings).run(sockets=[listening])


def script(request: Request) -> Response:
    source = SCRIPTS.get(request.path_params["file"])
    if source is None or request.path_params["stamp"] != STAMP:
        return PlainTextResponse("the dashboard has changed; reload the page", 404)
    return Response(source, media_type="text/javascript", headers=KEPT)


def points(request: Request, run: Run) -> Response:
    split = one_of(SPLITS, request.path_params["split"])
    return _packed(_points(run.name, caches.version(run), split))


def contours(request: Request, run: Run) -> Response:
    split = one_of(SPLITS, request.path_params["split"])
    return _packed(squeezed(payloads.contours_payload(run, split)))


def images(request: Request, run: Run) -> Response:
    split = one_of(SPLITS, request.path_params["split"])
    if request.path_params["source"] != caches.source_of(run):  # kept under that name, they would stay wrong
        return PlainTextResponse(f"the images of {run.name} come from elsewhere now; reload the page", 404)
    try:
        data = payloads.sheet_payload(run, split, request.path_params["number"])
    except IndexError as error:
        return PlainTextResponse(str(error), 404)
    return Response(data, media_type="image/webp", headers=KEPT)


def decoder(request: Request, run: Run) -> Response:
    data = _decoder(run.name, caches.version(run))
    if data is None:
        return PlainTextResponse(f"{run.name} has no decoder of dense layers; ask for .../draw", 404)
    return Response(data, media_type=BYTES, headers=KEPT | {"Content-Encoding": "identity"})  # gzip would gain little


def draw(request: Request, run: Run) -> Response:
    place = np.array([[number(request, axis, REACH * run.arguments["extent"]) for axis in "xy"]])
    (picture,) = _drawn(request, run, place)
    return Response(png(picture), media_type="image/png", headers=KEPT)


def walk(request: Request, run: Run) -> Response:
    corners = places_of(request.query_params.get("path", ""), REACH * run.arguments["extent"])
    if len(corners) < 2:
        raise ValueError("path is at least two places, as in path=0.5_-1~2_1.25")
    drawn = _drawn(request, run, steps_along(corners))
    data = gif(np.stack([enlarged(picture, SHOWN) for picture in [*drawn, *drawn[-2:0:-1]]]))
    name = {"Content-Disposition": f'attachment; filename="{run.name}_walk.gif"'}
    return Response(data, media_type="image/gif", headers=KEPT | name)


@lru_cache(maxsize=8)
def _points(name: str, version: str, split: str) -> bytes:
    return squeezed(payloads.points_payload(caches.shown(load_run(name)), split))


@lru_cache(maxsize=2)
def _decoder(name: str, version: str) -> bytes | None:
    return payloads.decoder_payload(load_run(name))


def _drawn(request: Request, run: Run, places: np.ndarray) -> np.ndarray:
    """What the decoder draws at some places [n, 2], with the probe that a request asks for."""
    from kernelviz.evaluation.inference import (
        draw_probes,  # torch takes seconds to import, and the map needs none of it
    )
    from kernelviz.layers.probe import Probe
    from kernelviz.ui.shared.network_cache import network_of

    if not run.arguments["draws"]:
        raise ValueError(f"{run.name} has no decoder")
    probe = Probe(*(number(request, size, 1e6) for size in ("width", "amplitude")))
    return draw_probes(network_of(run), places, probe)


def _packed(data: bytes) -> Response:
    return Response(data, media_type=BYTES, headers=KEPT | {"Content-Encoding": "gzip"})


ROUTES = [
    Route("/kernelviz/canvas/{stamp}/{file:path}", script),
    Mount(
        "/kernelviz/runs/{name}/{version}",
        routes=[
            Route("/points/{split}", of_a_run(points)),
            Route("/contours/{split}", of_a_run(contours)),
            Route("/sheets/{split}/{source}/{number:int}", of_a_run(images)),
            Route("/decoder", of_a_run(decoder)),
            Route("/draw", of_a_run(draw)),
            Route("/walk", of_a_run(walk)),
        ],
    ),
    Mount("/kernelviz/uploads/{token}", routes=routes.ROUTES),
]
