"""From the field of a kernel layer to coordinates: the percentile clip (Eq. 9) and the center of mass (Eq. 10)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class PercentileClip(nn.Module):
    """f(x) = max(0, x - (lambda max(x) + (1 - lambda) mean(x))) over the last axis. Eq. (9).

    The function keeps what lies above a share `sparsity` = lambda of the way from the mean to the maximum: one bump
    of a field that has one smooth hill.

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
        x = x - x.amax(-1, keepdim=True)  # f(x) stays the same, and a constant row is exactly 0
        return torch.relu(x - (1 - self.sparsity) * x.mean(-1, keepdim=True))

    def extra_repr(self) -> str:
        return f"lambda={self.sparsity}"


def center_of_mass(
    activation: Float[Tensor, "*batch units"], positions: Float[Tensor, "units dim"]
) -> Float[Tensor, "*batch dim"]:
    """The coordinates of an activation, c = sum_i x_i v_i / sum_i x_i. Eq. (10).

    The coordinates of an activation that is zero everywhere are NaN. They are computed in the precision of the
    positions, also under autocast: bfloat16 would move them by more than the distance of nearest neighbours.

    Args:
        activation: x, at least 0.
        positions: v, the position of each unit; the coordinates have their units.

        >>> positions = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> center_of_mass(torch.tensor([1.0, 3.0, 0.0]), positions).tolist()
        [0.75, 0.0]
    """
    with torch.autocast(activation.device.type, enabled=False):
        activation = activation.to(positions.dtype)
        return activation @ positions / activation.sum(-1, keepdim=True)
