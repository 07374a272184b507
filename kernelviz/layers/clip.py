"""From the field of a kernel layer to coordinates: the percentile clip (Eq. 9) and the center of mass (Eq. 10)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PercentileClip(nn.Module):
    """f(x) = max(0, x - (lambda max(x) + (1 - lambda) mean(x))) over the last axis. Eq. (9).

    Keeps what lies above a share `sparsity` = lambda of the way from the mean to the maximum: on a field with one
    smooth hill, one bump.

    Args:
        sparsity: lambda, at least 0 and below 1.

        >>> PercentileClip(sparsity=0.5)(torch.tensor([0.0, 1.0, 2.0, 5.0])).tolist()
        [0.0, 0.0, 0.0, 1.5]
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
    """c = sum_i x_i v_i / sum_i x_i. Eq. (10). An activation that is zero everywhere has none: NaN.

    >>> positions = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> center_of_mass(torch.tensor([1.0, 3.0, 0.0]), positions).tolist()
    [0.75, 0.0]
    """
    return activation @ positions / activation.sum(-1, keepdim=True)
