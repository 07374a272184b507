"""Figure 6: what the decoder draws for a Gaussian probe whose center moves through a window of the map."""

from pathlib import Path

import numpy as np

from kernelviz.inference import draw_probes
from kernelviz.pictures import enlarged, png, sheet
from kernelviz.probe import Probe
from kernelviz.runs import load_run
from kernelviz.weights import load_network

RUN, PLACES = "mnist-autoencoder", 24
PAPER = "no figure given"  # section 3.3 shows the drawings and gives no number


def report() -> dict:
    """Write figure6.png, the whole map as a window of PLACES x PLACES drawings, and list what is measured of them."""
    run = load_run(RUN)
    axis = run.arguments["extent"] * ((2 * np.arange(PLACES) + 1) / PLACES - 1)
    x, y = np.meshgrid(axis, axis[::-1])
    drawn = draw_probes(load_network(run), np.stack([x.ravel(), y.ravel()], axis=1), Probe(**run.probe))
    path = Path("figure6.png")
    path.write_bytes(png(enlarged(sheet(drawn, PLACES), 1400)))
    rows = [
        {"what": name, "paper": PAPER, "ours": f"{run.metrics[name]:.4f}"}
        for name in ("place_mse", "test_mse", "probe_round_trip")
    ]
    return {"figure": str(path), "rows": rows, "notes": [f"{path} shows {PLACES} x {PLACES} places of the whole map."]}
