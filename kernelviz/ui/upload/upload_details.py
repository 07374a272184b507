"""The details of one upload: what the network sees, what it predicts, and which training images lie nearby."""

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image

from kernelviz.evaluation.inference import decode
from kernelviz.evaluation.novelty import GRADES, SIGNALS, Projection, project
from kernelviz.ingest.preprocessing import alternatives, preprocess_image
from kernelviz.plots.images import bump_picture, data_url
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import class_names, grade_words, verdict
from kernelviz.ui.shared.network_cache import network_of

MAX_PICTURE_SIDE = 280  # pixels: longer side of the pictures
MAX_CLASSES = 5  # among the likeliest


def details_of(run: EmbeddingRun, preprocessing: str, image: Image.Image) -> dict:
    """The details of a picture as plain values for the page, with pictures as data URLs.

    original, saw, bump, decoded: the picture, the pixels that the network sees, its activation on the grid, and the
    image decoded from that (None without a decoder). x, y: its coordinates, None without any. grade, words: how it
    compares with the training images (`GRADES`). reasons: names of the signals that say so. verdict: what the network
    says of it. signals: [name, percent of the usual images that it surpasses]. likeliest: [class, share] of the
    likeliest classes, unless the picture is novel. nearest: {class, picture} of the nearest training images.
    """
    network, points = network_of(run), caches.points_of(run)
    pixels = preprocess_image(image, alternatives(run.preprocess)[preprocessing])
    projection = project(network, points, pixels[None], caches.calibration_of(run))
    grade = GRADES[projection.grade[0]]
    activation = projection.embedded.activation
    image.thumbnail((MAX_PICTURE_SIDE, MAX_PICTURE_SIDE))
    on_map = bool(projection.placed[0])
    return {
        "original": data_url(image, "JPEG"),
        "saw": _shown(pixels),
        "bump": _shown(bump_picture(activation[0], *run.grid)),
        "decoded": _shown(decode(network, network.code(torch.from_numpy(activation)))[0]) if network.decoder else None,
        "x": float(projection.embedded.coordinates[0, 0]) if on_map else None,
        "y": float(projection.embedded.coordinates[0, 1]) if on_map else None,
        "grade": grade,
        "words": grade_words(grade, run.preprocess.name == "digit"),
        "reasons": projection.reasons(0),
        "verdict": verdict(grade, _predicted(run, projection), float(projection.confidence[0])),
        "signals": _signals(projection),
        "likeliest": _likeliest(run, points, projection) if on_map and grade in ("usual", "unusual") else [],
        "nearest": _nearest(run, points.where(projection.nearest[0])) if on_map else [],
    }


def _predicted(run: EmbeddingRun, projection: Projection) -> str | None:
    at = int(projection.prediction[0])
    return class_names(run.classes)[at] if at >= 0 else None


def _signals(projection: Projection) -> list[tuple[str, float]]:
    """The name of each signal of novelty, and how many percent of the usual images the picture surpasses in it."""
    known = [(name, projection.percentiles[key][0]) for key, name in SIGNALS.items() if key in projection.percentiles]
    return [(name, round(float(value), 2)) for name, value in known if not np.isnan(value)]


def _likeliest(run: EmbeddingRun, points: EmbeddingMap, projection: Projection) -> list[tuple[str, float]]:
    """The classes with the largest probabilities, or with the largest shares of the nearest training images."""
    shares = projection.embedded.probabilities[0]
    if not len(shares):
        known = points.label[projection.nearest[0]]
        shares = np.bincount(known[known >= 0], minlength=1) / len(known)
    named = class_names(run.classes)
    order = np.argsort(-shares, kind="stable")[:MAX_CLASSES]
    return [(named[at], float(shares[at])) for at in order if shares[at] > 0]


def _nearest(run: EmbeddingRun, known: EmbeddingMap) -> list[dict]:
    named, images = class_names(run.classes), caches.pictures_at(run, known)
    pictures = [None] * len(known) if images is None else map(_shown, images)
    return [{"class": named[at], "picture": one} for at, one in zip(known.label, pictures, strict=True)]


def _shown(pixels: UInt8[np.ndarray, "h w *c"]) -> str:
    image = Image.fromarray(pixels)
    image.thumbnail((MAX_PICTURE_SIDE, MAX_PICTURE_SIDE))
    return data_url(image)
