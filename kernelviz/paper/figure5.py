"""Figure 5: maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier."""

from pathlib import Path

import numpy as np

from kernelviz.data.images import is_local, load
from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.plots.colours import class_colours, rgb
from kernelviz.plots.images import apart, collage, dots, on_white, png, tile_side
from kernelviz.storage.embedding_map import EmbeddingMap, load_map
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

SPREAD = "one seed"
TITLE = "Maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier"
RUNS = {"a": "mnist-autoencoder", "b": "mnist-classifier"}
METRICS = ("map_1nn", "map_5nn", "trustworthiness", "unimodal_share", "test_mse", "place_mse", "test_accuracy")
COMMANDS = tuple(f"kernelviz train {run}" for run in RUNS.values())
PAPER = "no number given"  # section 3.3 shows the maps and gives no number


def rows() -> list[dict]:
    """The metrics of both maps."""
    return [
        {"what": f"({panel}) {run.name}: {name}", "paper": PAPER, "ours": f"{run.metrics[name]:.4f}"}
        for panel, run in _runs().items()
        for name in METRICS
        if name in run.metrics
    ]


def render() -> Path:
    """Write a picture, left of points, right of images at their coordinates (decoded, without MNIST); a above b."""
    path = Path("figure5.png")
    path.write_bytes(png(np.concatenate([_panel(run) for run in _runs().values()])))
    return path


def _runs() -> dict[str, EmbeddingRun]:
    return {panel: load_run(name) for panel, name in RUNS.items()}


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
    return on_white(np.concatenate([left, right], axis=1))


def _images(run: EmbeddingRun, points: EmbeddingMap) -> np.ndarray | None:
    if is_local(run.recipe["data"]):
        return load(run.recipe["data"]).test_images[points.index]
    return decode_probes(load_network(run), points.coordinates, Probe(**run.probe)) if run.has_decoder else None
