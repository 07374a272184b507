"""Pictures of the receptive fields of the units of kernel grids (Figure 4)."""

import numpy as np
import torch
from jaxtyping import UInt8

from kernelviz.networks.grid_classifier import KernelGrids
from kernelviz.plots.images import signed

RUN = "mnist-grids"  # the shipped network


@torch.no_grad()
def fields_at(grids: KernelGrids, unit: int) -> UInt8[np.ndarray, "maps h w"]:
    """The receptive fields of one unit of every map, each over its own largest weight."""
    fields = grids.receptive_fields()[:, unit].unflatten(1, (grids.sides[0], grids.sides[0])).numpy()
    return np.stack([signed(field, float(np.abs(field).max())) for field in fields])
