"""Figure 4: receptive fields of units in the first layer of a network of kernel grids."""

from pathlib import Path

import numpy as np

from kernelviz.plots.images import enlarged, png, sheet
from kernelviz.plots.receptive_fields import RUN, fields_at
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

TITLE = "Receptive fields of the first layer of a network of 2-D kernel layers"
COMMANDS = (f"kernelviz train {RUN}",)
SPREAD = "one seed"
UNITS, MAPS = 6, 12  # units along the diagonal, and maps, that are shown


def rows() -> list[dict]:
    """The network whose fields are shown; the paper gives no number."""
    run = load_run(RUN)
    ours = f"{run.metrics['test_accuracy']:.4f} test accuracy"
    return [{"what": f"fields of {run.name}", "paper": "shown, no number given", "ours": ours}]


def render() -> Path:
    """Write a picture of units along the diagonal of the grid, from left to right, and maps, from the top down."""
    grids = load_network(load_run(RUN)).stages[0]
    side = grids.sides[1]
    units = [at * (side + 1) for at in np.linspace(0, side - 1, UNITS).round().astype(int).tolist()]
    fields = np.stack([fields_at(grids, unit)[:MAPS] for unit in units], axis=1)
    path = Path("figure4.png")
    path.write_bytes(png(enlarged(sheet(fields.reshape(-1, *fields.shape[2:]), UNITS, background=255), 1400)))
    return path
