"""A Gaussian probe: an artificial bump that is put on the grid instead of an image's own, and decoded (Figure 6)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from kernelviz.errors import UserError
from kernelviz.layers.clip import PercentileClip, center_of_mass
from kernelviz.layers.grid import Grid
from kernelviz.layers.kernels import squared_distance


@dataclass(frozen=True)
class Probe:
    """The shape of a bump: field(v) = amplitude exp(-|v - c|^2 / (2 width^2)).

    Args:
        width: standard deviation, in the units of the grid.
        amplitude: height of the field at its center. Width or amplitude that is not finite and above 0 is a UserError.

        >>> from kernelviz.layers.grid import Grid
        >>> field = gaussian_bump(torch.zeros(1, 2), Grid(3, 3, extent=1.0), Probe(width=1.0, amplitude=2.0))
        >>> field.reshape(3, 3)
        tensor([[0.7358, 1.2131, 0.7358],
                [1.2131, 2.0000, 1.2131],
                [0.7358, 1.2131, 0.7358]])
    """

    width: float
    amplitude: float

    def __post_init__(self):
        if not (0 < self.width < math.inf and 0 < self.amplitude < math.inf):
            raise UserError(f"a probe's width and amplitude are above 0, not {self.width!r} and {self.amplitude!r}")


def gaussian_bump(centers: Float[Tensor, "n 2"], grid: Grid, probe: Probe) -> Float[Tensor, "n units"]:
    """The field of a probe at each center (x, y), in the units of the grid, before the clip."""
    away = [centers[:, at, None] - axis.to(centers.dtype) for at, axis in enumerate(grid.axes(centers.device))]
    along_x, along_y = (torch.exp(-(part.square()) / (2 * probe.width**2)) for part in away)
    return probe.amplitude * (along_y[:, :, None] * along_x[:, None, :]).flatten(1)


def probes_at_centers(
    activation: Float[Tensor, "n units"], grid: Grid, clip: PercentileClip, probe: Probe, bend: float = 0.0
) -> Float[Tensor, "n units"]:
    """The activation of a probe at each activation's center of mass; one without coordinates stays as it is.

    Args:
        bend: the centers take so many times their gradient; 0: none.
    """
    empty = ~(activation > 0).any(1, keepdim=True)
    centers = center_of_mass(torch.where(empty, 1.0, activation.float()), grid.positions(activation.device))
    fixed = centers.detach()
    bumps = clip(gaussian_bump(fixed + bend * (centers - fixed) if bend else fixed, grid, probe))
    return torch.where(empty, activation.detach(), bumps.to(activation.dtype))


def bump_spread(activation: Float[Tensor, "n units"], grid: Grid) -> Float[Tensor, " n"]:
    """Root mean squared distance of an activation's mass from its center, per axis, in the units of the grid."""
    positions = grid.positions(activation.device).to(activation.dtype)
    centers = center_of_mass(activation, positions)
    variance = (activation * squared_distance(centers, positions)).sum(1) / activation.sum(1)
    return (variance / 2).sqrt()


def fit_probe(activation: Float[Tensor, "n units"], grid: Grid, clip: PercentileClip) -> Probe:
    """The probe whose clipped bump is as wide and as high as the median of the given activations.

    The candidates lie at the activations' own centers, so that the coarseness of the grid counts alike on both
    sides. Activations that are zero everywhere do not count; if none is left, that is a UserError.
    """
    activation = activation[activation.sum(1) > 0]
    if not len(activation):
        raise UserError("every activation is zero: there is no bump to fit a probe to; train the network longer")
    centers = center_of_mass(activation, grid.positions(activation.device).to(activation.dtype))
    wanted = bump_spread(activation, grid).median()

    def clipped(width: float) -> Tensor:
        return clip(gaussian_bump(centers, grid, Probe(width, 1.0)))

    narrow, wide = grid.step / 4, 4 * grid.extent
    for _ in range(20):  # bisection: the spread grows with the width
        width = math.sqrt(narrow * wide)
        narrow, wide = (width, wide) if bump_spread(clipped(width), grid).median() < wanted else (narrow, width)
    heights = [bumps.amax(1).median() for bumps in (activation, clipped(width))]
    return Probe(width, (heights[0] / heights[1]).item())
