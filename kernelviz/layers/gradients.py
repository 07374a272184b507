"""Histograms of oriented gradients: which edges an image has where."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

CELLS, DIRECTIONS = 7, 8  # cells along a side, and bins of each


class OrientedGradients(nn.Module):
    """In each of up to CELLS x CELLS cells of an image, a histogram of the directions of its edges.

    These are the features of Dalal and Triggs (2005) with overlapping cells: every pixel counts by the length of its
    gradient, that of its steepest channel, in the two bins and in the cells next to it. Of the histograms the square
    roots are taken, and each image is scaled to length 1; an image of one colour is zero.
    """

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n directions rows columns"]:
        with torch.autocast(images.device.type, enabled=False):
            return self._histograms(images.float())

    def _histograms(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n directions rows columns"]:
        around = functional.pad(images, (1, 1, 1, 1), mode="replicate")
        x, y = around[:, :, 1:-1, 2:] - around[:, :, 1:-1, :-2], around[:, :, 2:, 1:-1] - around[:, :, :-2, 1:-1]
        length, steepest = (x.square() + y.square()).sqrt().max(1, keepdim=True)
        channels, bins = (torch.arange(n, device=images.device).view(-1, 1, 1) for n in (x.shape[1], DIRECTIONS))
        angle = torch.where(channels == steepest, torch.atan2(y, x), 0.0).sum(1, keepdim=True)
        direction = angle * (DIRECTIONS / (2 * math.pi))
        apart = (direction - bins + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2
        counts = length * (1 - apart.abs()).clamp_min(0)
        rows, columns = (shares_of_cells(side, images.device) for side in images.shape[2:])
        histograms = (rows @ (counts @ columns.T)).sqrt()
        return functional.normalize(histograms.flatten(1)).unflatten(1, histograms.shape[1:])


def shape_of_gradients(shape: Sequence[int]) -> tuple[int, int, int]:
    """Directions, rows and columns of cells of an image of a shape (channels, height, width)."""
    return DIRECTIONS, *(min(CELLS, side) for side in shape[1:])


def shares_of_cells(side: int, device: torch.device | str = "cpu") -> Float[Tensor, "cells side"]:
    """What share each pixel along a side has in each cell: less with its distance from the cell's middle."""
    cells = min(CELLS, side)
    middles = torch.arange(cells, device=device)[:, None] + 0.5
    away = (torch.arange(side, device=device) + 0.5) * cells / side - middles
    shares = (1 - away.abs()).clamp_min(0)
    return shares / shares.sum(1, keepdim=True)
