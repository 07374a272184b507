"""A network in use: it embeds images, and decodes activations and probes into images."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn

from kernelviz.data.batches import pixels
from kernelviz.data.images import ImageSet
from kernelviz.layers.probe import Probe, gaussian_bump
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.backbones import normalised
from kernelviz.storage.embedding_map import COLUMNS, SPLITS, EmbeddingMap, voted

PART = 64  # images in every forward pass


@dataclass(frozen=True, eq=False)
class Embedded:
    """The results of a network for some images.

    Args:
        coordinates: (x, y) in the units of the grid; NaN where the activation is zero everywhere.
        activation: the bump of each image on the grid.
        probabilities: one column for each class; without a class head, no columns.
    """

    coordinates: Float32[np.ndarray, "n 2"]
    activation: Float32[np.ndarray, "n units"]
    probabilities: Float32[np.ndarray, "n classes"]


@torch.inference_mode()
def embed(
    network: EmbeddingNetwork, images: UInt8[np.ndarray, "n h w *c"], progress: Callable[[int], None] | None = None
) -> Embedded:
    """Embed images, each by itself: a pure function of one image, whatever else is in the batch.

    Every forward pass has exactly PART images, the last one filled up: matrix products round differently for another
    number of rows, and the clip, which leaves the top of the field only, would magnify that.

    Args:
        images: uint8 pixels, preprocessed for this network.
        progress: called with the number of images done so far.
    """
    coordinates, activations, probabilities = [], [], []
    for start in range(0, max(1, len(images)), PART):
        part = pixels(images[start : start + PART])
        filled = torch.cat([part, part.new_zeros(PART - len(part), *part.shape[1:])])
        activation = network.activation(filled)
        activations.append(activation[: len(part)])
        coordinates.append(network.coordinates(activation)[: len(part)])
        if network.classifier:
            probabilities.append(network.class_logits(activation).softmax(1)[: len(part)])
        if progress:
            progress(min(start + PART, len(images)))
    joined = [torch.cat(parts).numpy() for parts in (coordinates, activations)]
    none = np.zeros((len(images), 0), np.float32)
    return Embedded(*joined, torch.cat(probabilities).numpy() if probabilities else none)


@torch.inference_mode()
def decode(network: EmbeddingNetwork, activation: Float[Tensor, "n units"]) -> UInt8[np.ndarray, "n h w *c"]:
    """The images that a network decodes from activations, uint8, grey [n, h, w] or RGB [n, h, w, 3]."""
    parts = [(255 * network.decode(part)).round().byte() for part in activation.split(PART)]
    images = torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy()
    return images[..., 0] if images.shape[-1] == 1 else images


def decode_probes(
    network: EmbeddingNetwork, centers: Float[np.ndarray, "n 2"], probe: Probe
) -> UInt8[np.ndarray, "n h w *c"]:
    """The images, uint8, that a network decodes from probes at centers (x, y) in the units of the grid."""
    field = gaussian_bump(torch.from_numpy(centers.astype(np.float32)), network.grid, probe)
    return decode(network, network.clip(field))


@torch.inference_mode()
def reconstruction_errors(
    network: EmbeddingNetwork, embedded: Embedded, images: UInt8[np.ndarray, "n h w *c"]
) -> Float32[np.ndarray, " n"]:
    """Mean squared error per pixel, in [0, 1], of each image as decoded from its code; NaN without a decoder."""
    if not network.decoder:
        return np.full(len(images), np.nan, np.float32)
    errors = [np.zeros(0, np.float32)]
    for start in range(0, len(images), PART):
        decoded = network.decode(network.code(torch.from_numpy(embedded.activation[start : start + PART])))
        errors.append((decoded - pixels(images[start : start + PART])).square().flatten(1).mean(1).numpy())
    return np.concatenate(errors)


@torch.no_grad()
def class_probabilities(
    network: nn.Module, images: UInt8[np.ndarray, "n h w *c"], device: str = "cpu"
) -> Float32[np.ndarray, "n classes"]:
    """The class probabilities of images by a classifier without a map."""
    starts = range(0, len(images), PART)
    parts = [network(normalised(pixels(images[start : start + PART], device))).float() for start in starts]
    return torch.cat(parts).softmax(1).cpu().numpy()


def make_map(
    network: EmbeddingNetwork, images: ImageSet, progress: Callable[[int], None] | None = None
) -> EmbeddingMap:
    """Embed every image of a set. Without a class head, the nearest training images on the map vote for each label."""
    parts = []
    for number, split in enumerate(SPLITS):
        pictures, labels = images.split(split)
        done = sum(map(len, parts))
        embedded = embed(network, pictures, progress and (lambda n, done=done: progress(done + n)))
        probabilities = embedded.probabilities if network.classifier else np.zeros((len(labels), 1), np.float32)
        parts.append(
            EmbeddingMap(
                index=np.arange(len(labels)),
                split=np.full(len(labels), number),
                x=embedded.coordinates[:, 0],
                y=embedded.coordinates[:, 1],
                label=labels,
                prediction=probabilities.argmax(1) if network.classifier else np.full(len(labels), -1),
                confidence=probabilities.max(1) if network.classifier else np.full(len(labels), np.nan, np.float32),
                error=reconstruction_errors(network, embedded, pictures),
            )
        )
    whole = EmbeddingMap(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})
    return whole if network.classifier else voted(whole)
