"""Kernels K(u, v) between the locations of input units and output units.

A kernel is a small frozen object that is called on two sets of locations. `positive_semidefinite` says whether every
Gram matrix K(u, u) is positive semi-definite; a kernel without that property has no feature map phi with
K(u, v) = <phi(u), phi(v)> (Eq. 2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]
FEW = 3  # dimensions up to which squared distances are computed from differences


def squared_distance(u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
    """D(u, v) = |u - v|^2, never negative.

    Up to FEW dimensions it is computed from differences, which is exact, and beyond that from
    |u|^2 + |v|^2 - 2 <u, v>, which takes no memory for n_in n_out dim numbers.
    """
    if u.shape[-1] <= FEW:
        squares = ((u[:, None, axis] - v[None, :, axis]).square() for axis in range(u.shape[-1]))
        return reduce(Tensor.add_, squares)  # an axis at a time: a last axis of 2 numbers is slow to sum
    return torch.relu(u.square().sum(-1)[:, None] + v.square().sum(-1)[None, :] - 2 * u @ v.T)


@dataclass(frozen=True)
class DotProduct:
    """K(u, v) = <u, v>. Eq. (3): with alpha = 1 the layer is a dense layer of rank d. Positive semi-definite.

    >>> DotProduct()(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0], [0.0, 1.0]])).tolist()
    [[5.0, 2.0]]
    """

    positive_semidefinite: ClassVar[bool] = True

    def __call__(self, u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
        return u @ v.T


@dataclass(frozen=True)
class Polynomial:
    """K(u, v) = (<u, v> + offset)^degree. Section 3.1 uses degree 2. Positive semi-definite for offset >= 0.

    Args:
        degree: a whole number from 1.
        offset: at least 0.

        >>> Polynomial(degree=2)(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 1.0]])).tolist()
        [[36.0]]
    """

    degree: int = 2
    offset: float = 1.0
    positive_semidefinite: ClassVar[bool] = True

    def __post_init__(self):
        if self.degree < 1 or self.degree != int(self.degree):
            raise ValueError(f"the degree of a polynomial kernel is a whole number from 1, not {self.degree!r}")
        if not self.offset >= 0:
            raise ValueError(
                f"the offset of a polynomial kernel is at least 0, not {self.offset!r}: else it is not PSD"
            )

    def __call__(self, u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
        return (u @ v.T + self.offset) ** self.degree


@dataclass(frozen=True)
class Gaussian:
    """K(u, v) = exp(-|u - v|^2 / width^2). Eq. (6) at width 1. Positive semi-definite.

    Args:
        width: above 0, in the units of the locations.

        >>> Gaussian(width=2.0)(torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [2.0, 0.0]]))
        tensor([[1.0000, 0.3679]])
    """

    width: float = 1.0
    positive_semidefinite: ClassVar[bool] = True

    def __post_init__(self):
        if not self.width > 0:
            raise ValueError(f"the width of a Gaussian kernel is above 0, not {self.width!r}")

    def __call__(self, u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
        return torch.exp(-squared_distance(u / self.width, v / self.width))


@dataclass(frozen=True)
class FiniteSupport:
    """K(u, v) = max(0, 1 - scale D(u, v)). Eq. (7). Not positive semi-definite for d > 1 (squared: any d): a gate.

    D is the distance |u - v|, or its square with `squared` as in the author's code. Outside the support both the
    value and the gradient are exactly zero.

    Args:
        scale: above 0; 1 over the (squared) distance at which the support ends.
        squared: whether D is the squared distance.

        >>> FiniteSupport()(torch.zeros(1, 2), torch.tensor([[0.5, 0.0], [1.0, 1.0]])).tolist()
        [[0.75, 0.0]]
    """

    scale: float = 1.0
    squared: bool = True
    positive_semidefinite: ClassVar[bool] = False

    def __post_init__(self):
        if not self.scale > 0:
            raise ValueError(f"the scale of a finite-support kernel is above 0, not {self.scale!r}")

    def __call__(self, u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
        distance = squared_distance(u, v)
        if not self.squared:
            apart = distance > 0  # the root has no gradient at 0: there we take the subgradient 0
            distance = torch.where(apart, torch.where(apart, distance, 1.0).sqrt(), 0.0)
        return torch.relu(1 - self.scale * distance)


@dataclass(frozen=True)
class Tanh:
    """K(u, v) = tanh(<u, v>). Eq. (12), the recommender's kernel. Not positive semi-definite.

    >>> Tanh()(torch.tensor([[1.0]]), torch.tensor([[0.0]])).tolist()
    [[0.0]]
    """

    positive_semidefinite: ClassVar[bool] = False

    def __call__(self, u: Float[Tensor, "n_in dim"], v: Float[Tensor, "n_out dim"]) -> Float[Tensor, "n_in n_out"]:
        return torch.tanh(u @ v.T)


KERNELS: dict[str, type] = {
    "dot_product": DotProduct,
    "polynomial": Polynomial,
    "gaussian": Gaussian,
    "finite_support": FiniteSupport,
    "tanh": Tanh,
}
