"""The gated dense layer of Eqs. (16)-(17): weights that a finite-support kernel switches off."""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.layers.kernels import FiniteSupport


class GatedLinear(nn.Module):
    """A dense layer whose weights are gated by a finite-support kernel: W_ij = alpha_ij K(u_i, v_j). Eqs. (16)-(17).

    The locations start within 2e-3 of the origin as in the author's code, so that the gate starts fully open.

    Args:
        n_in, n_out, dim: numbers of inputs and outputs, dimension of the locations.
        kernel: the gate K(u, v); None stands for max(0, 1 - |u - v|^2).
        bias: whether the layer has a bias.

        >>> layer = GatedLinear(4, 3, dim=2)
        >>> layer(torch.rand(7, 4)).shape, layer.density()
        (torch.Size([7, 3]), 1.0)
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
        """The gated weight matrix alpha_ij K(u_i, v_j)."""
        return self.alpha * self.gate()

    def forward(self, x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        out = x @ self.weight()
        return out if self.bias is None else out + self.bias

    def penalty(self, sparsity: float, l2: float) -> Float[Tensor, ""]:
        """The overlap cost R = sparsity / 2 sum K^2 + l2 / 2 sum alpha^2. Eq. (8); the halves are of the author's code.

        Args:
            sparsity, l2: weight of the squared gates (lambda_0) and of the squared alpha, at least 0.
        """
        return sparsity / 2 * self.gate().square().sum() + l2 / 2 * self.alpha.square().sum()

    def density(self) -> float:
        """Share of the weights whose gate is open, in [0, 1]."""
        return (self.gate() > 0).float().mean().item()

    def dead(self) -> float:
        """Share of the locations, of inputs and outputs, with every gate closed, in [0, 1]: they get no gradient."""
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
