"""The regular grid that the units of a 2-D kernel layer lie on."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """A regular grid of unit locations v_j, centered at the origin, row by row from the bottom.

    The longer side spans [-extent, extent] (in the units of the kernel's width); neighbours are `step` apart in both
    directions.

    Args:
        rows, columns: numbers of units, at least 2 each.
        extent: half the length of the longer side, above 0.

        >>> Grid(rows=3, columns=3, extent=1.0).positions()[:4].tolist()
        [[-1.0, -1.0], [0.0, -1.0], [1.0, -1.0], [-1.0, 0.0]]
    """

    rows: int
    columns: int
    extent: float

    def __post_init__(self):
        if min(self.rows, self.columns) < 2 or not self.extent > 0:
            raise ValueError(f"a grid has at least 2 rows, 2 columns and an extent above 0, not {self}")

    @property
    def step(self) -> float:
        """Distance between two neighbours."""
        return 2 * self.extent / (max(self.rows, self.columns) - 1)

    @property
    def size(self) -> int:
        """Number of units."""
        return self.rows * self.columns

    def axes(self, device: torch.device | None = None) -> tuple[Float[Tensor, " columns"], Float[Tensor, " rows"]]:
        """The x of every column and the y of every row."""
        return tuple(self.step * (torch.arange(n, device=device) - (n - 1) / 2) for n in (self.columns, self.rows))

    def positions(self, device: torch.device | None = None) -> Float[Tensor, "units 2"]:
        """The (x, y) of every unit."""
        x, y = self.axes(device)
        return torch.stack([x.repeat(self.rows), y.repeat_interleave(self.columns)], dim=1)
