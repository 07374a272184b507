"""The layers of the paper: KernelLinear (Eq. 1), GatedLinear (Eqs. 16-17), PercentileClip (9), center_of_mass (10)."""

import math
import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.kernels import FiniteSupport, Gaussian, Kernel


@dataclass(frozen=True)
class Grid:
    """A regular grid of unit locations v_j, centered at the origin, row by row from the bottom.

    The longer side spans [-extent, extent] (in the units of the kernel's width); neighbours are `step` apart in both
    directions.
    """

    rows: int
    columns: int
    extent: float

    def __post_init__(self):
        if min(self.rows, self.columns) < 2 or not self.extent > 0:
            raise ValueError(f"a grid has at least 2 rows, 2 columns and an extent above 0, not {self}")

    @property
    def step(self) -> float:
        """Distance of two neighbours."""
        return 2 * self.extent / (max(self.rows, self.columns) - 1)

    @property
    def size(self) -> int:
        """Number of units."""
        return self.rows * self.columns

    def axes(self) -> tuple[Float[Tensor, " columns"], Float[Tensor, " rows"]]:
        """The x of every column and the y of every row."""
        return tuple(self.step * (torch.arange(n) - (n - 1) / 2) for n in (self.columns, self.rows))

    def positions(self) -> Float[Tensor, "units 2"]:
        """The (x, y) of every unit."""
        x, y = self.axes()
        return torch.stack([x.repeat(self.rows), y.repeat_interleave(self.columns)], dim=1)


class KernelLinear(nn.Module):
    """A linear layer whose weights are kernel values: x_j = sum_i alpha_i K(u_i, v_j) x_i (+ b_j). Eq. (1).

    Args:
        n_in, n_out, dim: numbers of inputs and outputs, dimension of the locations.
        kernel: K(u, v).
        u, v: starting locations [n_in, dim], [n_out, dim]; drawn from a standard normal where not given. A Grid as v
            stays fixed and is not part of the weights; with a Gaussian kernel the weight factorises along its two
            axes and is made from two thin matrices.
        learn_u, learn_v, learn_alpha: whether the locations and the weights are trained. A fixed alpha is 1.
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

    def weight(self) -> Float[Tensor, "n_in n_out"]:
        """The synaptic weight matrix alpha_i K(u_i, v_j)."""
        if self.grid and isinstance(self.kernel, Gaussian):
            return self._weight_on_grid()
        return self.alpha[:, None] * self.kernel(self.u, self.v)

    def _weight_on_grid(self) -> Float[Tensor, "n_in n_out"]:
        """The same for a Gaussian on a grid: exp(-|u - v|^2) = exp(-(u_x - v_x)^2) exp(-(u_y - v_y)^2)."""
        first_row, first_column = self.v[: self.grid.columns, :1], self.v[:: self.grid.columns, 1:]
        along_x = self.kernel(self.u[:, :1], first_row)  # [n_in, columns]
        along_y = self.kernel(self.u[:, 1:], first_column) * self.alpha[:, None]  # [n_in, rows]
        return (along_y[:, :, None] * along_x[:, None, :]).flatten(1)

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        out = x @ self.weight()
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        return f"{len(self.u)} -> {len(self.v)}, dim={self.u.shape[1]}, kernel={self.kernel}, grid={self.grid}"


class GatedLinear(nn.Module):
    """A dense layer whose weights are gated by a finite-support kernel: W_ij = alpha_ij K(u_i, v_j). Eqs. (16)-(17).

    The locations start within 2e-3 of the origin as in the author's code, so that the gate starts fully open.
    """

    def __init__(self, n_in: int, n_out: int, dim: int = 5, kernel: FiniteSupport | None = None, *, bias: bool = True):
        super().__init__()
        self.kernel = kernel or FiniteSupport()
        self.alpha = nn.Parameter(nn.init.xavier_uniform_(torch.empty(n_in, n_out)))
        self.u = nn.Parameter(nn.init.trunc_normal_(torch.empty(n_in, dim), std=1e-3, a=-2e-3, b=2e-3))
        self.v = nn.Parameter(nn.init.trunc_normal_(torch.empty(n_out, dim), std=1e-3, a=-2e-3, b=2e-3))
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None

    def gate(self) -> Float[Tensor, "n_in n_out"]:
        """K(u_i, v_j), in [0, 1]."""
        return self.kernel(self.u, self.v)

    def weight(self) -> Float[Tensor, "n_in n_out"]:
        """The gated weight matrix."""
        return self.alpha * self.gate()

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        out = x @ self.weight()
        return out if self.bias is None else out + self.bias

    def penalty(self, sparsity: float, l2: float) -> Float[Tensor, ""]:
        """R = sparsity / 2 sum K^2 + l2 / 2 sum alpha^2. Eq. (8), with the author's code's halves."""
        return sparsity / 2 * self.gate().square().sum() + l2 / 2 * self.alpha.square().sum()

    def density(self) -> float:
        """Share of the weights whose gate is open, in [0, 1]."""
        return (self.gate() > 0).float().mean().item()

    def dead(self) -> float:
        """Share of the locations, of inputs and outputs, whose every gate is closed: they get no gradient any more."""
        open_ = self.gate() > 0
        return 1 - torch.cat([open_.any(0), open_.any(1)]).float().mean().item()

    def to_sparse(self) -> Float[Tensor, "n_out n_in"]:
        """The weights whose gate is open, transposed, in compressed rows: `to_sparse() @ x.T` is `(x @ weight()).T`."""
        weight = self.weight().T.detach()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            full = weight.to_sparse_csr()
        ends, columns = full.crow_indices().int(), full.col_indices().int()  # half as large, and faster
        return torch.sparse_csr_tensor(ends, columns, full.values(), weight.shape, check_invariants=False)

    def extra_repr(self) -> str:
        return f"{len(self.u)} -> {len(self.v)}, dim={self.u.shape[1]}, kernel={self.kernel}"


class PercentileClip(nn.Module):
    """f(x) = max(0, x - (lambda max(x) + (1 - lambda) mean(x))) over the last axis. Eq. (9).

    Keeps what lies above a share `sparsity` = lambda of the way from the mean to the maximum: on a field with one
    smooth hill, one bump.
    """

    def __init__(self, sparsity: float):
        super().__init__()
        if not 0 <= sparsity < 1:
            raise ValueError(f"lambda is at least 0 and below 1 (at 1 nothing is left), not {sparsity!r}")
        self.sparsity = sparsity

    def forward(self, x: Float[Tensor, "*batch units"]) -> Float[Tensor, "*batch units"]:
        x = x - x.amax(-1, keepdim=True)  # the same function; a constant row becomes 0, its mean is 0 without rounding
        return torch.relu(x - (1 - self.sparsity) * x.mean(-1, keepdim=True))

    def extra_repr(self) -> str:
        return f"lambda={self.sparsity}"


def center_of_mass(
    activation: Float[Tensor, "*batch units"], positions: Float[Tensor, "units dim"]
) -> Float[Tensor, "*batch dim"]:
    """c = sum_i x_i v_i / sum_i x_i. Eq. (10). An activation that is zero everywhere has no place: NaN."""
    return activation @ positions / activation.sum(-1, keepdim=True)


def _locations(name: str, given: Tensor | None, units: int, dim: int) -> Float[Tensor, "units dim"]:
    if given is None:
        return torch.randn(units, dim)
    if given.shape != (units, dim):
        wanted = (units, dim)
        raise ValueError(f"{name} has shape {tuple(given.shape)}; {units} units in {dim} dimensions need {wanted}")
    return given.detach().clone()
