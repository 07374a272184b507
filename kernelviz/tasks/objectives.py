"""The objectives: each takes the network, the activation of a batch and the batch, and gives its cost, a number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from kernelviz.layers.probe import Probe, probes_at_centers
from kernelviz.networks import EmbeddingNetwork


@dataclass(frozen=True)
class Batch:
    """What an objective may look at.

    Args:
        images, labels: images of the batch and their labels; label -1 is none.
        partners: the activation of a neighbour of each image; no rows where no objective needs it.
        known, known_labels: activation and label of some images that have one; no rows where no objective needs them.
        probes, decoded: some random coordinates, and the activation of the images decoded from them; no rows where no
            objective needs them.
        scale: half the side of the map, in the units of the similarity of `neighbours`, `supervised_neighbours`
            and `round_trip`.
        probe, bump_share: which probe replaces the activation of an image, and for which share of the images.
        bend: how many times its gradient `reconstruct` passes on to the centers of canonical bumps.
        smoothing: share of each label that is spread over all classes.
        generator: the source of all randomness.
    """

    images: Float[Tensor, "n channels height width"]
    labels: Int[Tensor, " n"]
    partners: Float[Tensor, "partners units"]
    known: Float[Tensor, "m units"]
    known_labels: Int[Tensor, " m"]
    probes: Float[Tensor, "p 2"]
    decoded: Float[Tensor, "p units"]
    scale: float
    probe: Probe
    bump_share: float
    bend: float
    smoothing: float
    generator: torch.Generator


def reconstruct(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Binary cross-entropy per pixel in nats, mean over pixels and images (section 3.3); for vectors, `errors`."""
    code = network.code(activation, batch.bend) if network.canonical else partly_probes(network, activation, batch)
    decoded = network.pixel_logits(code).float()
    if network.of_vectors:
        return network.errors(decoded, batch.images).mean()
    return functional.binary_cross_entropy_with_logits(decoded, batch.images)


def classify(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Softmax cross-entropy in nats over the images that have a label (section 3.3)."""
    labelled = batch.labels >= 0
    if not labelled.any():
        return 0 * activation.sum()  # a cost of zero that still has a gradient
    logits = network.class_logits(partly_probes(network, activation, batch)[labelled])
    return functional.cross_entropy(logits.float(), batch.labels[labelled], label_smoothing=batch.smoothing)


def neighbours(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Neighbours together, all others apart: InfoNCE with a Cauchy similarity on the center of mass, in nats.

    With z = scale c / extent the coordinates of each of the n images and of their n partners,
    q(a, b) = 1 / (1 + |a - b|^2), and p the partner of a,

        loss = mean over all 2n points a of  -log( q(a, p) / sum over b != a of q(a, b) )

    The Cauchy similarity is that of t-SNE (van der Maaten and Hinton 2008) and, up to its two constants, of UMAP
    (McInnes, Healy and Melville 2018), where the k nearest neighbours attract too; InfoNCE (van den Oord, Li and
    Vinyals 2018) repels from the batch only, which is what makes t-SNE's aim one that a network can be trained on
    (contrastive neighbour embedding: Damrich, Boehm, Hamprecht and Kobak 2023; t-SimCNE: Boehm, Berens and Kobak 2023).
    """
    placed = (activation > 0).any(1) & (batch.partners > 0).any(1)
    n = int(placed.sum())
    if n == 0:
        return 0 * activation.sum()  # a cost of zero that still has a gradient
    z = scaled_coordinates(network, torch.cat([activation[placed], batch.partners[placed]]), batch)
    return neighbour_cost(z)


def supervised_neighbours(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch
) -> Float[Tensor, ""]:
    """Images of one class together, those of others apart, in nats; for the images that have a label.

    With q and z as in `neighbours`,

        loss = mean over the known images a of  -log( sum over b != a of the same class of q(a, b)
                                                      / sum over all b != a of q(a, b) )

    which is neighbourhood components analysis (Goldberger et al. 2005) with the similarity of t-SNE.
    """
    placed = (batch.known > 0).any(1)
    labels = batch.known_labels[placed]
    q = cauchy(scaled_coordinates(network, batch.known[placed], batch))
    same = (q * (labels[:, None] == labels)).sum(1)
    company = same > 0  # an image that is alone in its class has no part in the cost
    if not company.any():
        return 0 * activation.sum()  # a cost of zero that still has a gradient
    return (torch.log(q.sum(1)) - torch.log(same))[company].mean()


def round_trip(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """An image decoded from coordinates is to be embedded there: a Cauchy cost of its distance from them, in nats.

    With z as in `neighbours`, the mean over the probes of log(1 + |z(probe) - z(decoded)|^2): the encoder learns to
    invert the decoder (a latent regression, as of InfoGAN: Chen et al. 2016); the decoder learns nothing from it.
    """
    placed = (batch.decoded > 0).any(1)
    if not placed.any():
        return 0 * activation.sum()  # a cost of zero that still has a gradient
    off = network.coordinates(batch.decoded[placed].float()) - batch.probes[placed]
    return torch.log1p((off * (batch.scale / network.grid.extent)).square().sum(1)).mean()


def scaled_coordinates(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch
) -> Float[Tensor, "n 2"]:
    """z = scale c / extent."""
    return network.coordinates(activation.float()) * (batch.scale / network.grid.extent)


def neighbour_cost(z: Float[Tensor, "m 2"]) -> Float[Tensor, ""]:
    """The cost of `neighbours` for scaled coordinates, those of the partners after those of the images."""
    n = len(z) // 2
    attraction = torch.log1p((z[:n] - z[n:]).square().sum(1))
    return attraction.mean() + torch.log(cauchy(z).sum(1)).mean()


def cauchy(z: Float[Tensor, "n 2"]) -> Float[Tensor, "n n"]:
    """q(a, b) = 1 / (1 + |a - b|^2) of every pair, 0 on the diagonal."""
    square, one = z.square().sum(1, keepdim=True), torch.ones_like(z[:, :1])
    with torch.autocast(z.device.type, enabled=False):  # in bfloat16 a distance of 1 far from the origin is lost
        distance = torch.cat([-2 * z, square, one], 1) @ torch.cat([z, one, square], 1).T
    return (1 + distance.clamp_min(0)).reciprocal() * (1 - torch.eye(len(z), device=z.device))


OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    "reconstruct": reconstruct,
    "classify": classify,
    "neighbours": neighbours,
    "supervised_neighbours": supervised_neighbours,
    "round_trip": round_trip,
}


def partly_probes(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch
) -> Float[Tensor, "n units"]:
    """The activation with a share of its rows, chosen at random, replaced by probes at their own centers."""
    # Departure: what follows the kernel layer sees a share of the images not as their own activation but as a probe
    # at their own center, and so learns to work from the coordinates alone. The center takes no gradient: with one,
    # the map decays.
    chosen = torch.rand(len(activation), generator=batch.generator) < batch.bump_share
    bumps = probes_at_centers(activation, network.grid, network.clip, batch.probe)
    return torch.where(chosen.to(activation.device)[:, None], bumps, activation)
