"""The classifier of section 3.2: 2-D Gaussian kernel layers in parallel, stacked, and a dense softmax on top."""

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.layers.kernels import squared_distance


class KernelGrids(nn.Module):
    """Kernel layers in parallel, each q with a map of its own: x_qj = sum_i K_q(u_i, v_j) sum_p alpha_qpi x_pi + b_q.

    Eq. (1) with several maps of inputs. K_q is a Gaussian of a learned width. The images lie on [-1, 1]^2.

    Args:
        maps_in, maps_out: numbers of maps; side_in, side_out: units of a map along each side.
        width: width of the kernels at the start, in steps of the grid of inputs.
        known: u and v lie on the grids and stay there, so that the kernel factorises along the axes; else they start at
            random and are trained. All maps share them: a pixel has one position.
        found: unknown u are not trained but set by `GridClassifier.place_pixels`, and v lie on their grid.
        noise: standard deviation of the noise that training adds to known u, in steps of the grid of inputs: the
            positions of the pixels are uncertain.
    """

    def __init__(
        self,
        maps_in: int,
        side_in: int,
        maps_out: int,
        side_out: int,
        width: float,
        known: bool,
        found: bool = False,
        noise: float = 0.0,
    ):
        super().__init__()
        self.known, self.noise = known, noise * 2 / (side_in - 1)
        self.sides = side_in, side_out
        units = side_in**2
        reach = math.pi * width**2  # of a kernel, in units
        self.alpha = nn.Parameter(torch.randn(units, maps_in, maps_out) * (2 / (maps_in * min(reach, units))) ** 0.5)
        self.width = nn.Parameter(torch.full((maps_out,), math.log(width * 2 / (side_in - 1))))  # its logarithm
        self.bias = nn.Parameter(torch.zeros(maps_out))
        if not known:
            self.u = nn.Parameter(2 * torch.rand(units, 2) - 1, requires_grad=not found)
            v = _grid(side_out) if found else 2 * torch.rand(side_out**2, 2) - 1
            self.v = nn.Parameter(v, requires_grad=not found)

    def forward(self, x: Float[Tensor, "n maps_in units"]) -> Float[Tensor, "n maps_out units_out"]:
        along_axes = self.known and not (self.training and self.noise)
        if self.alpha.shape[1] == 1 and not along_axes:  # weighing the kernels costs less than weighing the images
            weighted = zip(self.alpha[:, 0].T, self.kernels(), strict=True)
            out = torch.stack([x[:, 0] @ (alpha[:, None] * kernel) for alpha, kernel in weighted])
        else:
            by_map = (x.permute(2, 0, 1) @ self.alpha).permute(2, 1, 0)  # [maps_out, n, units]
            if along_axes:
                out = self._along_axes(by_map)
            else:
                out = torch.stack([of_map @ kernel for of_map, kernel in zip(by_map, self.kernels(), strict=True)])
        return out.transpose(0, 1) + self.bias[:, None]

    def _along_axes(self, weighted: Float[Tensor, "maps n units"]) -> Float[Tensor, "maps n units_out"]:
        """Along x, then y: exp(-|u - v|^2 / w^2) = exp(-(u_x - v_x)^2 / w^2) exp(-(u_y - v_y)^2 / w^2)."""
        axes = [_axis(side, self.width.device).to(self.width)[:, None] for side in self.sides]
        # [maps, side_in, side_out], for either axis
        factor = torch.exp(-squared_distance(*axes) * (-2 * self.width).exp()[:, None, None])
        maps, n, _ = weighted.shape
        by_row = weighted.reshape(maps, -1, self.sides[0]) @ factor  # the columns become those of the outputs
        by_column = by_row.unflatten(1, (n, self.sides[0])).transpose(2, 3).reshape(maps, -1, self.sides[0])
        return (by_column @ factor).unflatten(1, (n, self.sides[1])).transpose(2, 3).flatten(2)

    def kernels(self) -> Iterator[Float[Tensor, "units units_out"]]:
        """K_q(u_i, v_j) of every map, one after the other: all of them at once do not fit into a cache."""
        u, v = self.locations()
        if self.training and self.noise:
            u = u + self.noise * torch.randn_like(u)
        distance = squared_distance(u, v)
        return (torch.exp(-distance * scale) for scale in (-2 * self.width).exp())

    def locations(self) -> tuple[Float[Tensor, "units 2"], Float[Tensor, "units_out 2"]]:
        """The locations u of the inputs and v of the outputs, in [-1, 1]^2 at the start."""
        return (
            tuple(_grid(side, self.alpha.device).to(self.alpha) for side in self.sides)
            if self.known
            else (self.u, self.v)
        )

    def receptive_fields(self, map_in: int = 0) -> Float[Tensor, "maps_out units_out units"]:
        """The weights alpha_qpi K_q(u_i, v_j) of the units of every map, from one of the inputs (Figure 4)."""
        return (self.alpha[:, map_in].T[:, :, None] * torch.stack(list(self.kernels()))).transpose(1, 2)


class GridClassifier(nn.Module):
    """Grey images -> kernel grids with ReLU -> dense layer -> class logits.

    Args:
        classes: number of classes.
        side: pixels of the images along each side.
        maps, sides, widths: for each stage, the number of maps, the units along a side, and the kernels' first width.
        known: whether the positions of the pixels and of the units are known, or trained from random ones.
        found: unknown positions of the pixels are set by `place_pixels`; the units lie on their grids.
        noise: uncertainty of the known positions of the pixels, in pixels.
        dropouts: for each stage, the share of its outputs that is left out in training.
    """

    def __init__(
        self,
        classes: int = 10,
        side: int = 28,
        maps: Sequence[int] = (32, 64),
        sides: Sequence[int] = (14, 7),
        widths: Sequence[float] = (2.0, 1.5),
        known: bool = True,
        found: bool = False,
        noise: float = 0.0,
        dropouts: Sequence[float] = (0.3, 0.5),
    ):
        super().__init__()
        stages: list[nn.Module] = []
        before = (1, side)
        for at, (n, units, width, dropout) in enumerate(zip(maps, sides, widths, dropouts, strict=True)):
            layout = {"known": known or (found and at > 0), "found": found and at == 0, "noise": 0.0 if at else noise}
            grids = KernelGrids(*before, n, units, width, **layout)
            stages += [grids, nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(dropout)]
            before = (n, units)
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(before[0] * before[1] ** 2, classes))

    @torch.no_grad()
    def place_pixels(self, positions: Float[Tensor, "units 2"]) -> None:
        """Set the positions of the pixels, in [-1, 1]^2."""
        self.stages[0].u.copy_(positions)

    def forward(self, images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n classes"]:
        return self.head(self.stages(images.flatten(2)))


def _axis(side: int, device: torch.device | None = None) -> Float[Tensor, " side"]:
    return torch.linspace(-1, 1, side, device=device)


def _grid(side: int, device: torch.device | None = None) -> Float[Tensor, "units 2"]:
    """The (x, y) of the units, row by row."""
    y, x = torch.meshgrid(_axis(side, device), _axis(side, device), indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], 1)
