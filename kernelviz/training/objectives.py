"""The costs: each takes the network, a batch's activation and what the batch should become, and gives one number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from kernelviz.networks import EmbeddingNetwork
from kernelviz.probe import Probe, gaussian_bump


@dataclass(frozen=True)
class Batch:
    """What an objective may look at: the images, their labels (-1 = none), the probe shape, and the randomness."""

    images: Float[Tensor, "n channels height width"]
    labels: Int[Tensor, " n"]
    probe: Probe
    bump_share: float
    generator: torch.Generator


def reconstruct(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Binary cross-entropy per pixel in nats, mean over pixels and images (section 3.3)."""
    logits = network.pixel_logits(partly_probes(network, activation, batch))
    return functional.binary_cross_entropy_with_logits(logits.float(), batch.images)


def classify(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Softmax cross-entropy in nats over the images that have a label (section 3.3)."""
    labelled = batch.labels >= 0
    if not labelled.any():
        return 0 * activation.sum()  # nothing to learn, but a gradient all the same
    logits = network.class_logits(partly_probes(network, activation, batch)[labelled])
    return functional.cross_entropy(logits.float(), batch.labels[labelled])


OBJECTIVES: dict[str, Callable[..., Tensor]] = {"reconstruct": reconstruct, "classify": classify}


def partly_probes(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch
) -> Float[Tensor, "n units"]:
    """The activation with a share of its rows, chosen at random, replaced by probes at their centers."""
    # Departure: what follows the kernel layer sees a share of the images not as their own activation but as a probe
    # at their own center, and so learns to work from the place alone. The center takes no gradient: with it, the map
    # decays.
    chosen = torch.rand(len(activation), generator=batch.generator) < batch.bump_share
    bumps = probes_at_centers(network, activation, batch.probe)
    return torch.where(chosen.to(activation.device)[:, None], bumps, activation)


@torch.no_grad()
def probes_at_centers(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], probe: Probe
) -> Float[Tensor, "n units"]:
    """The activation of a probe at each activation's center of mass; an activation without a place stays as it is."""
    centers = network.place(activation.float())
    bumps = network.clip(gaussian_bump(centers, network.grid, probe))
    return torch.where(centers.isfinite().all(1, keepdim=True), bumps, activation.float()).to(activation.dtype)
