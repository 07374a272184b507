"""Sums of wide Gaussians on a grid, interpolated from their values at few points."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.layers.grid import Grid


class Interpolation(nn.Module):
    """The polynomial through values where Chebyshev nodes of both axes of a grid cross, at the units of the grid.

    A Gaussian exp(-|u - v|^2 / width^2) of v is so smooth that with `nodes_for` its width it is within 2e-6 of that
    polynomial everywhere on the grid, wherever u lies; so is a sum of such Gaussians, as a share of the sum of their
    heights. It has no weights.
    """

    def __init__(self, grid: Grid, columns: int, rows: int):
        super().__init__()
        (x, along_x), (y, along_y) = (
            _chebyshev(grid.step * (np.arange(n) - (n - 1) / 2), nodes)
            for n, nodes in ((grid.columns, columns), (grid.rows, rows))
        )
        for name, each in {"x": x, "y": y, "along_x": along_x, "along_y": along_y}.items():
            self.register_buffer(name, torch.tensor(each).float(), persistent=False)

    def forward(self, values: Float[Tensor, "*batch nodes"]) -> Float[Tensor, "*batch units"]:
        return (self.along_y @ (values.unflatten(-1, (len(self.y), len(self.x))) @ self.along_x.T)).flatten(-2)

    def extra_repr(self) -> str:
        return f"{len(self.y)} x {len(self.x)} nodes"


def interpolation(grid: Grid, width: float) -> Interpolation | None:
    """The interpolation of Gaussians of that width; None where it would not save at least half of the products."""
    nodes = nodes_for(grid.columns, grid.step, width), nodes_for(grid.rows, grid.step, width)
    return Interpolation(grid, *map(math.ceil, nodes)) if 2 * math.prod(nodes) <= grid.size else None


def nodes_for(n: int, step: float, width: float) -> float:
    """How many nodes it takes at least along n units that are `step` apart."""
    return 6 + 3 * step * (n - 1) / width


def _chebyshev(axis: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes [nodes] between the ends of an axis around 0, and the matrix [points, nodes] that interpolates from them.

    By the barycentric formula: Berrut and Trefethen 2004, Eq. (4.2) and (5.3).
    """
    angles = (np.arange(nodes) + 0.5) * math.pi / nodes
    at, weights = axis[-1] * np.cos(angles), (-1.0) ** np.arange(nodes) * np.sin(angles)
    away = axis[:, None] - at
    away[away == 0] = np.finfo(float).tiny  # a point on a node takes the value there
    parts = weights / away
    return at, parts / parts.sum(1, keepdims=True)
