"""The kernelized linear layer of Eq. (1): weights that are kernel values between locations."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.layers.grid import Grid
from kernelviz.layers.interpolation import interpolation
from kernelviz.layers.kernels import Gaussian, Kernel


class KernelLinear(nn.Module):
    """A linear layer whose weights are kernel values: x_j = sum_i alpha_i K(u_i, v_j) x_i (+ b_j). Eq. (1).

    Args:
        n_in, n_out, dim: numbers of inputs and outputs, dimension of the locations.
        kernel: K(u, v).
        u, v: starting locations [n_in, dim], [n_out, dim]; sampled from a standard normal where not given. A Grid as v
            stays fixed and is not part of the weights. With a Gaussian kernel the weight factorises along its two
            axes, and where it is wide, the outputs are computed at few points and interpolated (`Interpolation`).
        learn_u, learn_v, learn_alpha: whether the locations and the weights are trained. A fixed alpha is 1.
        bias: whether the layer has a bias.

        >>> from kernelviz.layers.kernels import Gaussian
        >>> layer = KernelLinear(5, 9, dim=2, kernel=Gaussian(width=2.0), v=Grid(3, 3, extent=4.0))
        >>> layer(torch.rand(7, 5)).shape, layer.weight().shape
        (torch.Size([7, 9]), torch.Size([5, 9]))
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        dim: int,
        kernel: Kernel,
        *,
        u: Tensor | None = None,
        v: Tensor | Grid | None = None,
        learn_u: bool = True,
        learn_v: bool = True,
        learn_alpha: bool = True,
        bias: bool = False,
    ):
        super().__init__()
        self.kernel = kernel
        self.grid = v if isinstance(v, Grid) else None
        self.u = nn.Parameter(_locations("u", u, n_in, dim), requires_grad=learn_u)
        if self.grid:
            self.register_buffer("v", _locations("v", self.grid.positions(), n_out, dim), persistent=False)
        else:
            self.v = nn.Parameter(_locations("v", v, n_out, dim), requires_grad=learn_v)
        alpha = torch.randn(n_in) / math.sqrt(n_in) if learn_alpha else torch.ones(n_in)
        self.alpha = nn.Parameter(alpha, requires_grad=learn_alpha)
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        factorises = self.grid and isinstance(kernel, Gaussian)
        self.interpolation = interpolation(self.grid, kernel.width) if factorises else None

    def weight(self) -> Float[Tensor, "n_in n_out"]:
        """The synaptic weight matrix alpha_i K(u_i, v_j)."""
        if self.grid and isinstance(self.kernel, Gaussian):
            return self._weight_at(self.v[: self.grid.columns, 0], self.v[:: self.grid.columns, 1])
        return self.alpha[:, None] * self.kernel(self.u, self.v)

    def _weight_at(self, x: Float[Tensor, " columns"], y: Float[Tensor, " rows"]) -> Float[Tensor, "n_in n"]:
        """The weights of a Gaussian kernel at all (x, y), exp(-|u - v|^2) = exp(-(u_x - x)^2) exp(-(u_y - y)^2)."""
        along_x = self.kernel(self.u[:, :1], x[:, None])  # [n_in, columns]
        along_y = self.kernel(self.u[:, 1:], y[:, None]) * self.alpha[:, None]  # [n_in, rows]
        return (along_y[:, :, None] * along_x[:, None, :]).flatten(1)

    @property
    def products(self) -> int:
        """Number of multiplications in the matrix product for one input."""
        nodes = self.interpolation
        return len(self.u) * (len(nodes.x) * len(nodes.y) if nodes else len(self.v))

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        out = self._interpolated(x) if self.interpolation else x @ self.weight()
        return out if self.bias is None else out + self.bias

    def _interpolated(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        """In the precision of the weights, also under autocast: these few products cost little."""
        nodes = self.interpolation
        with torch.autocast(x.device.type, enabled=False):
            return nodes(x.to(self.u.dtype) @ self._weight_at(nodes.x, nodes.y))

    def extra_repr(self) -> str:
        return f"{len(self.u)} -> {len(self.v)}, dim={self.u.shape[1]}, kernel={self.kernel}, grid={self.grid}"


def _locations(name: str, given: Tensor | None, units: int, dim: int) -> Float[Tensor, "units dim"]:
    if given is None:
        return torch.randn(units, dim)
    if given.shape != (units, dim):
        wanted = (units, dim)
        raise ValueError(f"{name} has shape {tuple(given.shape)}; {units} units in {dim} dimensions need {wanted}")
    return given.detach().clone()
