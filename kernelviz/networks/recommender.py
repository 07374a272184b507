"""The recommender of section 3.5: an item-based autoencoder of ratings, h(r) = W g(V r + mu) + b. Eq. (13)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from scipy import sparse
from torch import Tensor, nn

from kernelviz.errors import UserError
from kernelviz.layers import GatedLinear, KernelLinear
from kernelviz.layers.kernels import Tanh

KINDS = ("autorec", "kernelnet", "sparse-fc")
DIMS = {"kernelnet": 50, "sparse-fc": 5}  # of the locations, as in the paper
ALPHA = 2.0  # alpha of the kernel layers at the start


@dataclass(frozen=True, eq=False)
class RatingMatrix:
    """A sparse matrix [items, users] in compressed rows, and its transpose.

    The k-th value of the transpose is the order[k]-th of the matrix.
    """

    matrix: Float[Tensor, "items users"]
    transpose: Float[Tensor, "users items"]
    order: Int64[Tensor, " n"]

    @property
    def values(self) -> Float[Tensor, " n"]:
        """The ratings, row by row."""
        return self.matrix.values()

    def with_values(self, values: Float[Tensor, " n"]) -> "RatingMatrix":
        """The matrix with other values for its entries, row by row."""
        return RatingMatrix(_like(self.matrix, values), _like(self.transpose, values[self.order]), self.order)


def rating_matrix(matrix: sparse.csr_matrix, device: str | torch.device = "cpu") -> RatingMatrix:
    """A SciPy matrix [items, users] of ratings as a RatingMatrix on a device."""
    matrix.sort_indices()
    positions = sparse.csr_matrix(
        (torch.arange(matrix.nnz).numpy(), matrix.indices, matrix.indptr), shape=matrix.shape
    ).T.tocsr()
    order = torch.from_numpy(positions.data).to(device)
    values = torch.from_numpy(matrix.data).to(device)
    return RatingMatrix(_csr(matrix, values), _csr(positions, values[order]), order)


class Recommender(nn.Module):
    """Ratings of one item by all users -> what every user would give it.

    "autorec" has dense layers (I-AutoRec: Sedhain et al. 2015), "kernelnet" weights alpha tanh(u . v) (Eqs. 14-15), and
    "sparse-fc" dense ones that are gated by a finite-support kernel (Eqs. 16-17).

    Args:
        users: number of users, which is that of inputs and of outputs.
        kind: kind of its layers, one of KINDS; another is a UserError.
        hidden: numbers of units of the hidden layers, which have a sigmoid.
        dim: dimension of the locations of a kernel; None stands for that of DIMS.
    """

    def __init__(self, users: int, kind: str = "sparse-fc", hidden: Sequence[int] = (500, 500), dim: int | None = None):
        super().__init__()
        if kind not in KINDS:
            raise UserError(f"a recommender is one of {', '.join(KINDS)}, not {kind!r}")
        self.sizes = (users, *hidden, users)
        self.layers = nn.ModuleList(
            _layer(kind, n_in, n_out, dim or DIMS.get(kind, 0)) for n_in, n_out in pairwise(self.sizes)
        )

    @property
    def gates(self) -> list[GatedLinear]:
        """The gated layers: all layers or none."""
        return [layer for layer in self.layers if isinstance(layer, GatedLinear)]

    def weights(self) -> list[Float[Tensor, "n_in n_out"]]:
        """The weight matrix of every layer."""
        return [layer.weight.T if isinstance(layer, nn.Linear) else layer.weight() for layer in self.layers]

    def codes(self, ratings: RatingMatrix, weights: Sequence[Tensor]) -> Float[Tensor, "items units"]:
        """The output of the last hidden layer for the ratings of each item."""
        hidden = torch.sigmoid(_FromRatings.apply(weights[0], ratings) + self.layers[0].bias)
        for layer, weight in zip(self.layers[1:-1], weights[1:-1], strict=True):
            hidden = torch.sigmoid(hidden @ weight + layer.bias)
        return hidden

    def predict(
        self, codes: Float[Tensor, "items units"], weights: Sequence[Tensor], wanted: RatingMatrix
    ) -> Float[Tensor, " n"]:
        """The predicted ratings for the entries of `wanted`, and for no others."""
        _, users = _entries(wanted.matrix)
        return _AtEntries.apply(codes, weights[-1], wanted) + self.layers[-1].bias[users]

    def forward(self, ratings: RatingMatrix, wanted: RatingMatrix) -> Float[Tensor, " n"]:
        """The predicted ratings for the entries of `wanted`, from `ratings`."""
        weights = self.weights()
        return self.predict(self.codes(ratings, weights), weights, wanted)

    def penalty(self, weights: Sequence[Tensor], l2: float, sparsity: float) -> Float[Tensor, ""]:
        """l2 / 2 sum of squares of the weights (of a gated layer: of alpha), + sparsity / 2 sum K^2 of its gates."""
        costs = [
            layer.penalty(sparsity, l2) if isinstance(layer, GatedLinear) else l2 / 2 * weight.square().sum()
            for layer, weight in zip(self.layers, weights, strict=True)
        ]
        return torch.stack(costs).sum()

    def macs(self, given: int = 10) -> int:
        """Multiply-accumulates, as Table 4 counts them: all predictions for an item that `given` users have rated."""
        used = [(given if at == 0 else n_in) * n_out for at, (n_in, n_out) in enumerate(pairwise(self.sizes))]
        return round(sum(share * size for share, size in zip(self._shares(), used, strict=True)))

    def _shares(self) -> list[float]:
        return [layer.density() if isinstance(layer, GatedLinear) else 1.0 for layer in self.layers]

    def density(self) -> float:
        """Share of all weights that are not gated to zero, in [0, 1]."""
        sizes = [n_in * n_out for n_in, n_out in pairwise(self.sizes)]
        return sum(share * size for share, size in zip(self._shares(), sizes, strict=True)) / sum(sizes)


def root_mean_square_error(
    predicted: Float[Tensor, " n"], given: Float[Tensor, " n"], between: tuple[float, float]
) -> float:
    """RMSE of predictions that are clipped to the lowest and the highest rating. Eq. (11)."""
    return (predicted.clamp(*between) - given).square().mean().sqrt().item()


class _FromRatings(torch.autograd.Function):
    """The product R V of sparse ratings R and a dense matrix V; only V has a gradient."""

    @staticmethod
    def forward(ctx, weight: Tensor, ratings: RatingMatrix) -> Tensor:
        ctx.ratings = ratings
        return ratings.matrix @ weight

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.ratings.transpose @ gradient, None


class _AtEntries(torch.autograd.Function):
    """Some entries of H W, without computing the others."""

    @staticmethod
    def forward(ctx, codes: Tensor, weight: Tensor, wanted: RatingMatrix) -> Tensor:
        ctx.wanted = wanted
        ctx.save_for_backward(codes, weight)
        return torch.sparse.sampled_addmm(wanted.matrix, codes, weight, beta=0.0).values()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        codes, weight = ctx.saved_tensors
        errors = ctx.wanted.with_values(gradient)
        return errors.matrix @ weight.T, (errors.transpose @ codes).T, None


def _layer(kind: str, n_in: int, n_out: int, dim: int) -> nn.Module:
    if kind == "kernelnet":
        return _kernel_layer(n_in, n_out, dim)
    if kind == "sparse-fc":
        return GatedLinear(n_in, n_out, dim)
    layer = nn.Linear(n_in, n_out)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


@torch.no_grad()
def _kernel_layer(n_in: int, n_out: int, dim: int) -> KernelLinear:
    """A kernel layer whose weights start as large as those of a dense layer.

    They are made of small locations, where tanh is nearly linear, and of a large alpha: L-BFGS and Adam make little
    progress with large locations and a small alpha.
    """
    # Departure: alpha belongs to the inputs, as in Eq. (1); Eqs. (14) and (15) have it at the outputs.
    layer = KernelLinear(n_in, n_out, dim, Tanh(), bias=True)
    spread = (2 / (n_in + n_out)) ** 0.5 / ALPHA  # of u . v
    layer.u *= (spread / dim**0.5) ** 0.5
    layer.v *= (spread / dim**0.5) ** 0.5
    layer.alpha.fill_(ALPHA)
    return layer


def _csr(matrix: sparse.csr_matrix, values: Tensor) -> Tensor:
    ends, columns = (torch.from_numpy(part).int().to(values.device) for part in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(ends, columns, values, matrix.shape, check_invariants=False)


def _like(matrix: Tensor, values: Tensor) -> Tensor:
    ends, columns = matrix.crow_indices(), matrix.col_indices()
    return torch.sparse_csr_tensor(ends, columns, values, matrix.shape, check_invariants=False)


def _entries(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every stored entry."""
    rows = torch.arange(matrix.shape[0], device=matrix.device)
    return rows.repeat_interleave(matrix.crow_indices().diff()), matrix.col_indices()
