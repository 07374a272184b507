"""Figure 4: receptive fields of units in the first layer of a network of kernel grids."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from kernelviz.paper.beside import metrics_beside
from kernelviz.plots.images import enlarged, png, sheet
from kernelviz.plots.receptive_fields import RUN, fields_at
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network

TITLE = "Receptive fields of the first layer of a network of 2-D kernel layers"
SHOWS = "Receptive fields of units in the first layer of the network of Table 1, as grey pictures. No number is given."
COMMANDS = (f"kernelviz train {RUN}",)
FIGURE = (
    "Ours: what units see of the 28 × 28 pixels, each field over its own largest weight. Down: units along the "
    "diagonal of the grid; across: maps."
)
SPREAD = "one seed"
RUNS = (RUN,)
UNITS, MAPS = 6, 12  # units along the diagonal, and maps, that are shown


def rows() -> list[dict]:
    """The network whose fields are shown; the paper gives no number."""
    return metrics_beside(load_run(RUN), ("test_accuracy",), f"network of the fields, {RUN}")


def picture() -> UInt8[np.ndarray, "h w"]:
    """The fields of units along the diagonal of the grid, from the top down, in maps, from left to right."""
    grids = load_network(load_run(RUN)).stages[0]
    side = grids.sides[1]
    units = [at * (side + 1) for at in np.linspace(0, side - 1, UNITS).round().astype(int).tolist()]
    fields = np.stack([fields_at(grids, unit)[:MAPS] for unit in units])
    return sheet(fields.reshape(-1, *fields.shape[2:]), fields.shape[1], background=255)


def render() -> Path:
    """Write the picture, enlarged; returns its path."""
    path = Path("figure4.png")
    path.write_bytes(png(enlarged(picture(), 1400)))
    return path
