"""Stored images as the tensors that a network takes."""

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional


def pixels(images: UInt8[np.ndarray, "n h w *c"], device: str = "cpu") -> Float[Tensor, "n channels h w"]:
    """uint8 [n, h, w] or [n, h, w, 3] -> float32 [n, channels, h, w] in [0, 1]."""
    batch = torch.from_numpy(images).to(device).float() / 255
    return batch[:, None] if batch.ndim == 3 else batch.permute(0, 3, 1, 2)


def jitter(
    images: Float[Tensor, "n channels h w"], share: float, generator: torch.Generator
) -> Float[Tensor, "n channels h w"]:
    """Each image shifted by up to `share` of its side in either direction; what leaves the frame is lost."""
    if not share:
        return images
    affine = torch.eye(2, 3).repeat(len(images), 1, 1)
    affine[:, :, 2] = 2 * share * (2 * torch.rand(len(images), 2, generator=generator) - 1)  # the frame is 2 wide
    flow = functional.affine_grid(affine.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, flow, align_corners=False)
