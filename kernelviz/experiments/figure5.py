"""Figure 5: maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier."""

from pathlib import Path

import numpy as np

from kernelviz.data.images import is_local, load
from kernelviz.figures import class_colours, rgb
from kernelviz.inference import draw_probes
from kernelviz.maps import EmbeddingMap, load_map
from kernelviz.pictures import apart, collage, dots, on_white, png, tile_side
from kernelviz.probe import Probe
from kernelviz.runs import Run, load_run
from kernelviz.weights import load_network

RUNS = {"a": "mnist-autoencoder", "b": "mnist-classifier"}
FIGURES = ("map_1nn", "map_5nn", "trustworthiness", "unimodal_share", "test_mse", "place_mse", "test_accuracy")
PAPER = "no figure given"  # section 3.3 shows the maps and gives no number


def report() -> dict:
    """Write figure5.png (left: points, right: images at their places; a above b) and list the figures of both maps."""
    runs = {panel: load_run(name) for panel, name in RUNS.items()}
    rows = [
        {"what": f"({panel}) {run.name}: {name}", "paper": PAPER, "ours": f"{run.metrics[name]:.4f}"}
        for panel, run in runs.items()
        for name in FIGURES
        if name in run.metrics
    ]
    path = Path("figure5.png")
    path.write_bytes(png(np.concatenate([_panel(run) for run in runs.values()])))
    drawn = "" if is_local("mnist") else " The digits of (a) are drawn by the decoder: MNIST is not on this machine."
    return {"figure": str(path), "rows": rows, "notes": [f"{path} shows both maps.{drawn}"]}


def _panel(run: Run) -> np.ndarray:
    points = load_map(run.folder).of_split("test")
    points = points.where(points.placed)
    colours = np.array([rgb(colour) for colour in class_colours(len(run.classes))], np.uint8)[points.label]
    extent, tile = run.arguments["extent"], tile_side(len(points))
    left = dots(points.places, colours, extent)
    rows = apart(points.places, extent, tile)
    images = _images(run, points.where(rows))
    right = np.zeros_like(left)
    if images is not None:
        right = collage(points.places[rows], images, colours[rows], extent, tile)
    return on_white(np.concatenate([left, right], axis=1))


def _images(run: Run, points: EmbeddingMap) -> np.ndarray | None:
    if is_local(run.recipe["data"]):
        return load(run.recipe["data"]).test_images[points.index]
    return draw_probes(load_network(run), points.places, Probe(**run.probe)) if run.arguments["draws"] else None
