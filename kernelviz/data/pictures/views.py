"""Views of an image: what a backbone sees of it beside the image itself, so that a map learns what does not matter."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

SMALLEST = 0.5  # share of an image's area that a view shows at least
LIGHT = 0.2  # how far brightness and contrast of a view may be off
VERSION = 1  # of the views; after a change of them, stored features are computed again

Images = Float[Tensor, "n channels height width"]


def views_of(images: Images, hashes: list[bytes], views: int) -> list[Images]:
    """The images themselves, then mirrored, then `views - 2` random parts of them, mirrored or not, in another light.

    What is random depends on the content alone: the same image has the same views in every batch.
    """
    mirrored = [images.flip(3)] if views > 1 else []
    return [images, *mirrored, *(_view(images, hashes, number) for number in range(2, views))]


def _view(images: Images, hashes: list[bytes], number: int) -> Images:
    chance = np.stack([np.random.default_rng([number, *digest]).uniform(-1, 1, 6) for digest in hashes])
    area, mirror, across, down, light, contrast = torch.from_numpy(chance.T.astype(np.float32)).to(images.device)
    side = (SMALLEST + (1 - SMALLEST) * (area + 1) / 2).sqrt()
    zero = torch.zeros_like(side)
    rows = [
        torch.stack([side * mirror.sign(), zero, (1 - side) * across], 1),
        torch.stack([zero, side, (1 - side) * down], 1),
    ]
    flow = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    part = functional.grid_sample(images, flow, align_corners=False)
    mean = part.mean((1, 2, 3), keepdim=True)
    light, contrast = (1 + LIGHT * change.view(-1, 1, 1, 1) for change in (light, contrast))
    return ((part - mean) * contrast + mean * light).clamp(0, 1)
