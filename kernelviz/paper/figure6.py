"""Figure 6: the images decoded from a Gaussian probe whose center moves through a window of the map."""

from pathlib import Path

import numpy as np

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.plots.images import enlarged, png, sheet
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

SPREAD = "one seed"
TITLE = "Images decoded from a Gaussian probe that moves through a window of the map"
RUN, SIDE = "mnist-autoencoder", 24  # probes along each side of the window
COMMANDS = (f"kernelviz train {RUN}",)
METRICS = ("place_mse", "test_mse", "probe_round_trip")
PAPER = "no number given"  # section 3.3 shows the decoded images and gives no number


def rows() -> list[dict]:
    """The metrics of the decoded images."""
    metrics = load_run(RUN).metrics
    return [{"what": name, "paper": PAPER, "ours": f"{metrics[name]:.4f}"} for name in METRICS]


def render() -> Path:
    """Write a picture of the whole map as a window of SIDE x SIDE decoded images."""
    run = load_run(RUN)
    axis = run.extent * ((2 * np.arange(SIDE) + 1) / SIDE - 1)
    x, y = np.meshgrid(axis, axis[::-1])
    decoded = decode_probes(load_network(run), np.stack([x.ravel(), y.ravel()], axis=1), Probe(**run.probe))
    path = Path("figure6.png")
    path.write_bytes(png(enlarged(sheet(decoded, SIDE), 1400)))
    return path
