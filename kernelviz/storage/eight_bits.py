"""Matrices in 8 bits, half of float16: whole numbers from -127 to 127, and beside them a scale for each row."""

import torch
from torch import Tensor

LARGE = 10_000  # numbers from which on a matrix is stored so
MOST = 127
SCALE = ":scale"  # ending of the name of the scales, which no parameter of a module has


def in_eight_bits(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights with each large matrix [rows, columns] as int8, and its scale, float32 [rows], under a second name.

    A weight is its whole number times the scale of its row; the largest of a row is kept exactly.
    """
    made = {}
    for name, weight in weights.items():
        if weight.ndim != 2 or weight.numel() < LARGE or not weight.is_floating_point():
            made[name] = weight
            continue
        scale = weight.float().abs().amax(1) / MOST
        made[name] = (weight.float() / scale.clamp(min=1e-30)[:, None]).round().to(torch.int8)
        made[name + SCALE] = scale
    return made


def from_eight_bits(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights with each matrix of 8 bits in float32; a ValueError where it and its scales do not fit."""
    made = {name: weight for name, weight in weights.items() if not name.endswith(SCALE)}
    for name in [*made, *(key.removesuffix(SCALE) for key in weights if key.endswith(SCALE))]:
        matrix, scale = weights.get(name), weights.get(name + SCALE)
        if scale is None and (matrix is None or matrix.dtype != torch.int8):
            continue
        if matrix is None or scale is None or matrix.dtype != torch.int8 or scale.dtype != torch.float32:
            raise ValueError(f"{name} is not a matrix of 8 bits with scales in float32")
        if matrix.ndim != 2 or scale.shape != matrix.shape[:1] or not (torch.isfinite(scale) & (scale >= 0)).all():
            raise ValueError(f"{name} of the shape {list(matrix.shape)} has not a scale for each of its rows")
        made[name] = matrix.float() * scale[:, None]
    return made
