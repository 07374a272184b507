"""Figure 5: maps of the unseen MNIST digits, (a) by an autoencoder without labels, (b) by a classifier."""

from pathlib import Path

import numpy as np

from kernelviz.data.images import is_local, load
from kernelviz.figures import class_colours, rgb
from kernelviz.maps import EmbeddingMap, draw_probes, load_map
from kernelviz.pictures import collage, dots, on_white, png
from kernelviz.runs import Run, load_run

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
    extent = run.arguments["extent"]
    left, images = dots(points.places, colours, extent), _images(run, points)
    right = np.zeros_like(left) if images is None else collage(points.places, images, colours, extent)
    return on_white(np.concatenate([left, right], axis=1))


def _images(run: Run, points: EmbeddingMap) -> np.ndarray | None:
    if is_local(run.data["name"]):
        return load(run.data["name"]).test_images[points.index]
    return draw_probes(run.load_network(), points.places, run.default_probe) if run.arguments["draws"] else None
