"""Figure 6: the images decoded from a Gaussian probe whose center moves through a window of the map."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.paper.beside import metrics_beside
from kernelviz.plots.images import enlarged, png, sheet
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

SPREAD = "one seed"
TITLE = "Images decoded from a Gaussian probe that moves through a window of the map"
SHOWS = (
    "What the decoder of the autoencoder makes of an artificial Gaussian bump whose center moves slowly through a "
    "window of the map: digits that change into each other. No number is given."
)
FIGURE = "Ours: the whole map as a window of 24 × 24 decoded images."
RUN, SIDE = "mnist-autoencoder", 24  # probes along each side of the window
COMMANDS = (f"kernelviz train {RUN}",)
RUNS = (RUN,)
METRICS = ("place_mse", "test_mse", "probe_round_trip")


def rows() -> list[dict]:
    """The metrics of the decoded images."""
    return metrics_beside(load_run(RUN), METRICS, RUN)


def picture() -> UInt8[np.ndarray, "h w"]:
    """The whole map as a window of SIDE x SIDE decoded images."""
    run = load_run(RUN)
    axis = run.extent * ((2 * np.arange(SIDE) + 1) / SIDE - 1)
    x, y = np.meshgrid(axis, axis[::-1])
    decoded = decode_probes(load_network(run), np.stack([x.ravel(), y.ravel()], axis=1), Probe(**run.probe))
    return sheet(decoded, SIDE)


def render() -> Path:
    """Write the picture, enlarged; returns its path."""
    path = Path("figure6.png")
    path.write_bytes(png(enlarged(picture(), 1400)))
    return path
