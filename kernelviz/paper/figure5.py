"""Figure 5: maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kernelviz.data.images import is_local, load
from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.paper.beside import metrics_beside
from kernelviz.plots.colours import class_colours, rgb
from kernelviz.plots.images import apart, collage, dots, on_white, png, tile_side
from kernelviz.storage.embedding_map import EmbeddingMap, load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

SPREAD = "one seed"
TITLE = "Maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier"
SHOWS = (
    "Two maps of the 10,000 test images of MNIST: left as points, right as the images at these positions. The classes "
    "form clusters, without labels too. No number is given."
)
FIGURE = (
    "Ours: above (a), without labels; below (b), the classifier. Left the test images as points in the colour of their "
    "class, right the images themselves, or what is decoded at their positions where MNIST is not on this machine."
)
RUNS = ("mnist-autoencoder", "mnist-classifier")
GAP = 60  # pixels between the panels
METRICS = ("map_1nn", "map_5nn", "trustworthiness", "unimodal_share", "test_mse", "place_mse", "test_accuracy")
COMMANDS = tuple(f"kernelviz train {run}" for run in RUNS)


def rows() -> list[dict]:
    """The metrics of both maps."""
    return [row for panel, run in _runs().items() for row in metrics_beside(run, METRICS, f"({panel}) {run.name}")]


def picture() -> UInt8[np.ndarray, "h w 4"]:
    """Left the points, right the images at their coordinates (decoded, without MNIST); a above b; clear ground."""
    return np.concatenate([_panel(run) for run in _runs().values()])[:-GAP, :-GAP]


def render() -> Path:
    """Write the picture on white; returns its path."""
    path = Path("figure5.png")
    path.write_bytes(png(on_white(picture())))
    return path


def _runs() -> dict[str, EmbeddingRun]:
    return {panel: load_run(name) for panel, name in zip("ab", RUNS, strict=True)}


def _panel(run: EmbeddingRun) -> np.ndarray:
    points = load_map(run.folder).of_split("test")
    points = points.where(points.placed)
    colours = np.array([rgb(colour) for colour in class_colours(len(run.classes))], np.uint8)[points.label]
    extent, tile = run.extent, tile_side(len(points))
    left = dots(points.coordinates, colours, extent)
    rows = apart(points.coordinates, extent, tile)
    images = _images(run, points.where(rows))
    right = np.zeros_like(left)
    if images is not None:
        right = collage(points.coordinates[rows], images, colours[rows], extent, tile)
    return np.concatenate([np.pad(part, ((0, GAP), (0, GAP), (0, 0))) for part in (left, right)], axis=1)


def _images(run: EmbeddingRun, points: EmbeddingMap) -> np.ndarray | None:
    if is_local(run.recipe["data"]):
        return load(run.recipe["data"]).test_images[points.index]
    return decode_probes(load_network(run), points.coordinates, Probe(**run.probe)) if run.has_decoder else None
