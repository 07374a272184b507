"""Statistics of the stages of a backbone: what its channels are in the mean, and how they vary over an image."""

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from kernelviz.data.batches import pixels
from kernelviz.evaluation.inference import Images, at_a_time
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import device_of
from kernelviz.networks.embedding import resized


@torch.inference_mode()
def stage_statistics(network: EmbeddingNetwork, images: Images) -> Float32[np.ndarray, "n d"]:
    """Mean and standard deviation over the image of each channel at the end of each stage of the backbone.

    A stage is what gives maps of one shape (channels, height, width); no columns where no layer gives maps.
    """
    normalise, truncated = network.backbone
    parts, device = [], device_of(network)
    for part in pixels(images, device).split(at_a_time(images.shape[1:3], device)):
        given = normalise(resized(part, network.arguments["image_shape"]))
        last: dict[tuple[int, ...], Tensor] = {}
        for layer in truncated.layers:
            given = layer(given)
            if given.ndim == 4 and min(given.shape[2:]) > 1:
                last[tuple(given.shape[1:])] = given
        columns = [of(maps, (2, 3)) for maps in last.values() for of in (torch.mean, torch.std)]
        parts.append(torch.cat([part.new_zeros(len(part), 0), *columns], 1))
    return torch.cat(parts).float().cpu().numpy()
