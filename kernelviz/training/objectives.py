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
    # Departure: a share of the images reaches the decoder not as its own activation but as a probe at its own center,
    # so that the decoder learns to draw from the place alone. The center takes no gradient: with it, the map decays.
    bumps = probes_at_centers(network, activation, batch.probe)
    chosen = torch.rand(len(activation), generator=batch.generator) < batch.bump_share
    shown = torch.where(chosen.to(activation.device)[:, None], bumps, activation)
    return functional.binary_cross_entropy_with_logits(network.pixel_logits(shown).float(), batch.images)


def classify(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Softmax cross-entropy in nats over the images that have a label (section 3.3)."""
    labelled = batch.labels >= 0
    if not labelled.any():
        return 0 * activation.sum()  # nothing to learn, but a gradient all the same
    return functional.cross_entropy(network.class_logits(activation[labelled]).float(), batch.labels[labelled])


OBJECTIVES: dict[str, Callable[..., Tensor]] = {"reconstruct": reconstruct, "classify": classify}


@torch.no_grad()
def probes_at_centers(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], probe: Probe
) -> Float[Tensor, "n units"]:
    """The activation of a probe at each activation's center of mass; an activation without a place stays as it is."""
    centers = network.place(activation.float())
    bumps = network.clip(gaussian_bump(centers, network.grid, probe))
    return torch.where(centers.isfinite().all(1, keepdim=True), bumps, activation.float()).to(activation.dtype)
