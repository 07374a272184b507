"""What is decoded: at some coordinates, along a path, in a window.

An address has a path as x_y~x_y~..., a window by two of its corners.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float
from starlette.requests import Request
from starlette.responses import Response

from kernelviz.errors import UserError
from kernelviz.plots.images import enlarged, gif, png, sheet
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_mapped
from kernelviz.ui.canvas import payloads
from kernelviz.ui.server.request_parameters import CACHED, number, one_of
from kernelviz.ui.shared import caches

MAX_CORNERS = 64  # of a path
MIN_ALONG, MAX_ALONG = 4, 32  # pictures along the longer side of a window
STEPS = 48  # pictures of a walk from one end of a path to the other
WINDOW_SIDE = 1000  # pixels: longest side of a window, about
WALK_SIDE = 224  # pixels: longest side of the pictures of a walk
PROBE_REACH = 2.0  # times the extent: how far from the middle a probe may lie


def decoder(request: Request, run: EmbeddingRun) -> Response:
    """The weights of a dense decoder; no content where there is none, and .../decode has to be asked."""
    data = _decoder(run.name, caches.version(run))
    if data is None:
        return Response(status_code=204, headers=CACHED)
    return Response(
        data, media_type="application/octet-stream", headers=CACHED | {"Content-Encoding": "identity"}
    )  # gzip gains little


def decode(request: Request, run: EmbeddingRun) -> Response:
    """The image decoded at some coordinates."""
    center = np.array([[number(request, axis, PROBE_REACH * run.extent) for axis in "xy"]])
    (picture,) = _decoded(request, run, center)
    return Response(png(picture), media_type="image/png", headers=CACHED)


def walk(request: Request, run: EmbeddingRun) -> Response:
    """The images decoded along a path, there and back."""
    corners = corners_of(request.query_params.get("path", ""), PROBE_REACH * run.extent)
    if len(corners) < 2:
        raise UserError("a path has at least two corners, as in path=0.5_-1~2_1.25")
    decoded = _decoded(request, run, steps_along(corners))
    data = gif(np.stack([enlarged(picture, WALK_SIDE) for picture in [*decoded, *decoded[-2:0:-1]]]))
    name = {"Content-Disposition": f'attachment; filename="{run.name}_walk.gif"'}
    return Response(data, media_type="image/gif", headers=CACHED | name)


def window(request: Request, run: EmbeddingRun) -> Response:
    """The images decoded in a rectangle, side by side as PNG, or one after the other as GIF, every other row back."""
    corners = corners_of(request.query_params.get("box", ""), PROBE_REACH * run.extent)
    centers = centers_in(corners, round(number(request, "n", float(MAX_ALONG))))
    rows, columns = centers.shape[:2]
    animated = one_of(("png", "gif"), request.query_params.get("as", "png")) == "gif"
    if animated:
        centers[1::2] = centers[1::2, ::-1]
    decoded = _decoded(request, run, centers.reshape(-1, 2))
    if not animated:
        return Response(png(enlarged(sheet(decoded, columns), WINDOW_SIDE)), media_type="image/png", headers=CACHED)
    name = {"Content-Disposition": f'attachment; filename="{run.name}_window.gif"'}
    data = gif(np.stack([enlarged(picture) for picture in decoded]))
    return Response(data, media_type="image/gif", headers=CACHED | name)


def corners_of(path: str, reach: float) -> Float[np.ndarray, "n 2"]:
    """The corners of a path; a UserError where the text is no path, or the path leaves [-reach, reach]^2."""
    try:
        corners = np.array([[float(part) for part in corner.split("_")] for corner in path.split("~") if path])
        corners = corners.reshape(-1, 2)
    except ValueError:
        raise UserError(f"a path is x_y~x_y~..., not {path[:40]!r}") from None
    if len(corners) > MAX_CORNERS or not (abs(corners) <= reach).all():
        raise UserError(f"a path has at most {MAX_CORNERS} corners, each within {-reach:g} and {reach:g}")
    return corners


def centers_in(corners: Float[np.ndarray, "n 2"], along: int) -> Float[np.ndarray, "rows columns 2"]:
    """The centers of the cells of a window from the top left on, `along` of them along its longer side.

    A UserError where the corners are not two of a rectangle, or the number is none of MIN_ALONG to MAX_ALONG.
    """
    size = np.ptp(corners, axis=0) if len(corners) == 2 else np.zeros(2)
    if not size.min() > 0:
        raise UserError("a window has two corners across, as in box=-1_-1~2_1.5")
    if not MIN_ALONG <= along <= MAX_ALONG:
        raise UserError(f"a window has from {MIN_ALONG} to {MAX_ALONG} pictures along its longer side")
    columns, rows = np.floor(along * size / size.max() + 0.5).clip(1).astype(int)
    x, y = (
        low + extent * (np.arange(n) + 0.5) / n
        for low, extent, n in zip(corners.min(0), size, (columns, rows), strict=True)
    )
    return np.stack(np.meshgrid(x, y[::-1]), axis=-1)


def steps_along(corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "steps 2"]:
    """STEPS points along a path, at equal distances."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum()])
    at = np.linspace(0, lengths[-1], STEPS)
    return np.stack([np.interp(at, lengths, corners[:, axis]) for axis in (0, 1)], axis=1)


@lru_cache(maxsize=2)
def _decoder(name: str, version: str) -> bytes | None:
    return payloads.decoder_payload(load_mapped(name))


def _decoded(request: Request, run: EmbeddingRun, coordinates: np.ndarray) -> np.ndarray:
    """The images decoded at some coordinates [n, 2], with the probe that a request asks for."""
    from kernelviz.evaluation.inference import decode_probes  # torch takes seconds to import; the map needs none of it
    from kernelviz.layers.probe import Probe
    from kernelviz.ui.shared.network_cache import network_of

    if not run.decodes_images:
        raise UserError(f"{run.name} has no decoder of images")
    asked = {size: number(request, size, 1e6) for size in ("width", "amplitude") if size in request.query_params}
    probe = Probe(**(run.probe | asked))
    return decode_probes(network_of(run), coordinates, probe)
