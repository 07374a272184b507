"""Which images of a split look most like one of them, pixel by pixel."""

from functools import lru_cache

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kernelviz.storage.embedding_map import SPLITS
from kernelviz.storage.store import load_run
from kernelviz.ui.server.request_parameters import CACHED, one_of
from kernelviz.ui.shared.map_source import MapSource, map_source

ALIKE = 48  # images, itself not counted
MAX_IMAGES = 100_000  # of a split that is searched
SIDE = 16  # pixels along a side of what pictures of any shape are compared by
AT_ONCE = 4096  # images that are compared at a time


def alike(request: Request, source: MapSource) -> Response:
    """The rows of the images that are most like an image, the nearest first."""
    split, row = one_of(SPLITS, request.path_params["split"]), request.path_params["row"]
    n = source.count(split)
    if source.picture_source() not in ("own", "thumbnails") or row >= n or n > MAX_IMAGES:
        return PlainTextResponse(f"there is nothing to compare image {row} of {source.run.name} with", 404)
    rows = nearest_rows(_pixels(source.run.name, source.version, split), row)
    return JSONResponse(rows.tolist(), headers=CACHED)


def nearest_rows(pixels: UInt8[np.ndarray, "n d"], row: int) -> Int[np.ndarray, " m"]:
    """The ALIKE rows with the smallest squared distance to one of them, which is left out, the nearest first."""
    wanted = pixels[row].astype(np.float32)
    parts = (pixels[start : start + AT_ONCE].astype(np.float32) for start in range(0, len(pixels), AT_ONCE))
    distances = np.concatenate([((part - wanted) ** 2).sum(1) for part in parts])
    distances[row] = np.inf
    m = min(ALIKE, len(pixels) - 1)
    nearest = np.argpartition(distances, m - 1)[:m] if m else np.array([], int)
    return nearest[np.argsort(distances[nearest], kind="stable")]


@lru_cache(maxsize=2)
def _pixels(name: str, version: str, split: str) -> UInt8[np.ndarray, "n d"]:
    source = map_source(load_run(name))
    pictures = source.pictures(source.points(split))
    if isinstance(pictures, list):
        pictures = np.stack([_small(picture) for picture in pictures])
    return pictures.reshape(len(pictures), -1)


def _small(picture: UInt8[np.ndarray, "h w *c"]) -> UInt8[np.ndarray, "side side 3"]:
    return np.asarray(Image.fromarray(picture).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))
