"""The likeliest classes of an image of the map: by the class head, or by the labels of its neighbours."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float, UInt8
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import preprocess_image
from kernelviz.storage.embedding_map import AGREEING, NEIGHBOURS, SPLITS, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.server.request_parameters import CACHED, one_of
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import class_names

MAX_CLASSES = 5
LEAST = 0.005  # share of a class: less is written as 0 %


def likeliest(request: Request, run: EmbeddingRun) -> Response:
    """At most MAX_CLASSES classes of an image, each with its share, the largest first, and in words what is shared.

    There are none on a large map, which is not read as a whole.
    """
    if caches.is_large(run):
        return JSONResponse({"by": "", "classes": []}, headers=CACHED)
    points = caches.points_of(run).of_split(one_of(SPLITS, request.path_params["split"]))
    row = request.path_params["row"]
    if row >= len(points):
        return PlainTextResponse(f"{run.name} has no image {row}", 404)
    shares, by = _by_the_class_head(run, points.where(np.array([row])))
    if not len(shares):
        shares, n = neighbour_shares(caches.points_of(run), points, row)
        by = f"Labels of the {n} training {run.unit} nearest on the map"
        by += "" if run.has_classifier else f"; the prediction counts the nearest {NEIGHBOURS}"
    order = np.argsort(-shares, kind="stable")[:MAX_CLASSES]
    named = class_names(run.classes)
    classes = [(named[at], round(float(shares[at]), 4)) for at in order if shares[at] >= LEAST]
    return JSONResponse({"by": by, "classes": classes}, headers=CACHED)


def neighbour_shares(whole: EmbeddingMap, points: EmbeddingMap, row: int) -> tuple[Float[np.ndarray, " classes"], int]:
    """The share of each class among the AGREEING labelled training points nearest to a point, and how many these are.

    Args:
        whole: all points of the map.
        points: those of a split.
        row: of the point among these; it does not count itself.
    """
    known = _labelled(whole)
    if not len(known) or not points.placed[row]:
        return np.zeros(0), 0
    _, (found,) = known.nearest(points.coordinates[[row]], AGREEING + 1)
    itself = (known.index[found] == points.index[row]) & (known.split[found] == points.split[row])
    labels = known.label[found[~itself][:AGREEING]]
    return np.bincount(labels) / max(1, len(labels)), len(labels)


@lru_cache(maxsize=8)
def _labelled(whole: EmbeddingMap) -> EmbeddingMap:
    train = whole.of_split("train")
    return train.where(train.placed & (train.label >= 0))


def _by_the_class_head(run: EmbeddingRun, point: EmbeddingMap) -> tuple[Float[np.ndarray, " classes"], str]:
    """The probability of each class of a point, and how it came about; no classes without a class head or an image."""
    pixels = _pixels(run, point) if run.has_classifier else None
    if pixels is None:
        return np.zeros(0), ""
    from kernelviz.evaluation.inference import embed  # torch takes seconds to import; the map needs none of it
    from kernelviz.ui.shared.network_cache import network_of

    small = ", from the small picture" if caches.source_of(run) == "thumbnails" else ""
    return embed(network_of(run), pixels[None]).probabilities[0], f"Probabilities of the class head{small}"


def _pixels(run: EmbeddingRun, point: EmbeddingMap) -> UInt8[np.ndarray, "h w *c"] | None:
    """The image of a point as the network takes it; None where it is not on this machine."""
    source = caches.source_of(run)
    if source == "own":
        return caches.pictures_at(run, point)[0]
    try:
        picture = open_image(caches.thumbnails_at(run, point)[0]) if source == "thumbnails" else None
    except UnreadableImage:
        return None
    return picture and preprocess_image(picture, run.preprocess)
