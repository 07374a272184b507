"""Decoders: from an activation on the grid to the pixels of an image, before the sigmoid, or to a vector."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

START, CHANNELS = 8, (128, 64, 32, 16)  # pixels along a side before the first upsampling; channels at each size


def dense(n_in: int, widths: Sequence[int]) -> list[nn.Module]:
    """Linear layers of the given widths with ReLU between them, none after the last."""
    sizes = [n_in, *widths]
    layers: list[nn.Module] = []
    for before, after in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return layers[:-1]


def dense_decoder(n_in: int, widths: Sequence[int], shape: Sequence[int]) -> nn.Sequential:
    """Dense layers up to the pixels of images of a shape (channels, height, width), flat."""
    return nn.Sequential(*dense(n_in, (*widths, math.prod(shape))))


class Unstandardised(nn.Module):
    """Standardised vectors of d numbers in the units of those that `fit` has seen."""

    def __init__(self, d: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, vectors: Float[Tensor, "n d"]) -> None:
        """Take the mean, and one scale for all numbers, so that the error of the mean is 1 per number."""
        self.mean.copy_(vectors.mean(0))
        self.scale.copy_((vectors - vectors.mean(0)).square().mean().sqrt().clamp_min(1e-12))

    def forward(self, standardised: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return self.mean + self.scale * standardised


def vector_decoder(n_in: int, widths: Sequence[int], shape: Sequence[int]) -> nn.Sequential:
    """Dense layers up to vectors of as many numbers as a shape has."""
    return nn.Sequential(*dense(n_in, (*widths, math.prod(shape))), Unstandardised(math.prod(shape)))


def convolutional_decoder(n_in: int, widths: Sequence[int], shape: Sequence[int]) -> nn.Sequential:
    """Dense layers up to a small image of many channels, which convolutions double in size to images of a shape, flat.

    A convolution follows each upsampling, so that no pattern of squares is left (Odena, Dumoulin, Olah 2016).
    """
    channels, height, width = shape
    doublings = max(1, math.ceil(math.log2(max(height, width) / START)))
    planes = [CHANNELS[min(at, len(CHANNELS) - 1)] for at in range(doublings + 1)]
    layers: list[nn.Module] = [
        *dense(n_in, (*widths, planes[0] * START**2)),
        nn.ReLU(),
        nn.Unflatten(1, (planes[0], START, START)),
    ]
    for before, after in zip(planes, planes[1:], strict=False):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
    resized = [nn.Upsample((height, width), mode="bilinear")] if (height, width) != (START << doublings,) * 2 else []
    return nn.Sequential(*layers, nn.Conv2d(planes[-1], channels, 3, padding=1), *resized, nn.Flatten())
