"""All that there is to see of one picture: what a network saw of it, made of it, and knows beside it."""

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from kernelviz.evaluation.inference import decode
from kernelviz.evaluation.novelty import Projection, project
from kernelviz.ingest.preprocessing import alternatives, preprocess_image
from kernelviz.plots.images import bump_picture, data_url
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import class_names
from kernelviz.ui.shared.network_cache import network_of

PICTURE_SIDE = 280  # pixels: longer side of the pictures
LIKELIEST = 5  # classes


def details_of(run: EmbeddingRun, preprocessing: str, image: Image.Image) -> dict:
    """Plain values for the page; pictures as data URLs.

    original, saw, bump, drawn: the picture, what the network was given of it, its activation on the grid, and what the
    decoder draws of that (None without one); x, y: its place (None without one); distance, error: percentiles among the
    test images; foreign; likeliest: [class, share] of the classes; nearest: the nearest known images, {class, picture}.
    """
    network, points = network_of(run), caches.points_of(run)
    pixels = preprocess_image(image, alternatives(run.preprocess)[preprocessing])
    projection = project(network, points, pixels[None])
    activation = projection.embedded.activation
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    placed = bool(projection.placed[0])
    return {
        "original": data_url(image, "JPEG"),
        "saw": _shown(pixels),
        "bump": _shown(bump_picture(activation[0], *run.grid)),
        "decoded": _shown(decode(network, network.code(torch.from_numpy(activation)))[0]) if network.decoder else None,
        "x": float(projection.embedded.coordinates[0, 0]) if placed else None,
        "y": float(projection.embedded.coordinates[0, 1]) if placed else None,
        "novel": bool(projection.novel[0]),
        "distance": _number(projection.distance_percentile[0]),
        "error": _number(projection.error_percentile[0]),
        "likeliest": _likeliest(run, points, projection) if placed else [],
        "nearest": _nearest(run, points.where(projection.nearest[0])) if placed else [],
    }


def _likeliest(run: EmbeddingRun, points: EmbeddingMap, projection: Projection) -> list[tuple[str, float]]:
    """The classes with the largest probabilities, or with the most of the nearest known images."""
    shares = projection.embedded.probabilities[0]
    if not len(shares):
        known = points.label[projection.nearest[0]]
        shares = np.bincount(known[known >= 0], minlength=1) / len(known)
    named = class_names(run.classes)
    order = np.argsort(-shares, kind="stable")[:LIKELIEST]
    return [(named[at], float(shares[at])) for at in order if shares[at] > 0]


def _nearest(run: EmbeddingRun, known: EmbeddingMap) -> list[dict]:
    named, images = class_names(run.classes), caches.pictures_at(run, known)
    pictures = [None] * len(known) if images is None else map(_shown, images)
    return [{"class": named[at], "picture": one} for at, one in zip(known.label, pictures, strict=True)]


def _shown(pixels: UInt8[np.ndarray, "h w *c"]) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    return data_url(image)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 2)
