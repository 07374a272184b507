"""What a kernel layer can express: spectra of Gram matrices and of its weights, and how many numbers it stores."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from kernelviz.layers.kernel_linear import KernelLinear
from kernelviz.layers.kernels import Kernel

ROUNDING = 1e-12  # an eigenvalue smaller than this share of the largest counts as 0
SHARE = 0.99  # of the sum of squared singular values that the effective rank holds


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of a Gram matrix K(u, u), from the largest to the smallest."""

    values: Float[np.ndarray, " n"]

    @property
    def positive_semidefinite(self) -> bool:
        """Whether no eigenvalue is below 0, apart from rounding."""
        return bool(self.values[-1] > -ROUNDING * np.abs(self.values).max())

    @property
    def dimensions(self) -> int:
        """Number of eigenvalues that are not 0, but for rounding: the dimension of the feature space."""
        return int((np.abs(self.values) > ROUNDING * np.abs(self.values).max()).sum())


def gram_spectrum(kernel: Kernel, locations: Float[torch.Tensor, "n dim"]) -> Spectrum:
    """The spectrum of a kernel on some locations. Eq. (2) needs it to have no negative part."""
    gram = kernel(locations.double(), locations.double())
    return Spectrum(torch.linalg.eigvalsh(gram).flip(0).numpy())


@torch.no_grad()
def singular_values(layer: KernelLinear) -> Float[np.ndarray, " k"]:
    """The singular values of a layer's weights alpha_i K(u_i, v_j), from the largest to the smallest."""
    return torch.linalg.svdvals(layer.weight().float()).numpy()


def effective_rank(values: Float[np.ndarray, " k"]) -> int:
    """How many of the singular values, sorted from the largest, hold SHARE of the sum of all squares."""
    held = np.cumsum(values.astype(np.float64) ** 2)
    return int(np.searchsorted(held, SHARE * held[-1]) + 1)


def stored(n_in: int, n_out: int, dim: int) -> tuple[int, int]:
    """How many numbers the locations of a kernel layer take, d (m + n), and how many a dense layer takes, m n."""
    return dim * (n_in + n_out), n_in * n_out


def break_even(n_in: int, n_out: int) -> float:
    """The dimension below which locations take fewer numbers than a dense layer: m n / (m + n)."""
    return n_in * n_out / (n_in + n_out)
