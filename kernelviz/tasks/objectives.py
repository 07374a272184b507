"""The objectives: each takes the network, the activation of a batch and the batch, and gives its cost, a number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from kernelviz.layers.probe import Probe, probes_at_centers
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import on_device
from kernelviz.training.ranks import Ranks


@dataclass(frozen=True)
class Batch:
    """What an objective may look at.

    Where several processes train, what has gone through the network is this one's share of it.

    Args:
        images, labels: images of this process and their labels; label -1 is none.
        n: number of images in the batches of all processes.
        labelled, n_labelled: which of the images have a label, and how many have one in all processes.
        partners: the activation of a neighbour of each image; no rows where no objective needs it.
        known: activation of some images that have a label; no rows where no objective needs them.
        known_labels: labels of these images in all processes.
        probes: some random coordinates; no rows where no objective needs them.
        decoded: the activation of the images that this process has decoded from its share of them.
        scale: half the side of the map, in the units of the similarity of `neighbours`, `supervised_neighbours`
            and `round_trip`.
        probe, bump_share: which probe replaces the activation of an image, and for which share of the images.
        bend: how many times its gradient `reconstruct` passes on to the centers of canonical bumps.
        smoothing: share of each label that is spread over all classes.
        generator: the source of all randomness, in every process the same.
        ranks: the processes.
    """

    images: Float[Tensor, "own channels height width"]
    n: int
    labels: Int[Tensor, " own"]
    labelled: Int[Tensor, " labelled"]
    n_labelled: int
    partners: Float[Tensor, "partners units"]
    known: Float[Tensor, "known units"]
    known_labels: Int[Tensor, " m"]
    probes: Float[Tensor, "p 2"]
    decoded: Float[Tensor, "decoded units"]
    scale: float
    probe: Probe
    bump_share: float
    bend: float
    smoothing: float
    generator: torch.Generator
    ranks: Ranks


def reconstruct(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Binary cross-entropy per pixel in nats, mean over pixels and images (section 3.3); for vectors, `errors`."""
    code = network.code(activation, batch.bend) if network.canonical else partly_probes(network, activation, batch)
    decoded, weight = network.pixel_logits(code).float(), batch.ranks.weight(len(code), batch.n)
    if network.of_vectors:
        return weight * network.errors(decoded, batch.images).mean()
    return weight * functional.binary_cross_entropy_with_logits(decoded, batch.images)


def classify(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """Softmax cross-entropy in nats over the images that have a label (section 3.3)."""
    if not batch.n_labelled:
        return 0 * activation.sum()  # a cost of zero that still has a gradient
    logits = network.class_logits(partly_probes(network, activation, batch)[batch.labelled]).float()
    if not len(logits):
        return logits.sum()  # the labels are with other processes
    weight = batch.ranks.weight(len(logits), batch.n_labelled)
    labels = batch.labels[batch.labelled]
    return weight * functional.cross_entropy(logits, labels, label_smoothing=batch.smoothing)


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
    z = coordinates_or_nan(network, torch.cat([activation, batch.partners])) * (batch.scale / network.grid.extent)
    pairs = batch.ranks.rows_of_all(torch.cat(z.chunk(2), 1), batch.n)
    return neighbour_cost(torch.cat(pairs.chunk(2, 1)))


def supervised_neighbours(
    network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch
) -> Float[Tensor, ""]:
    """Images of one class together, those of others apart, in nats; for the images that have a label.

    With q and z as in `neighbours`,

        loss = mean over the known images a of  -log( sum over b != a of the same class of q(a, b)
                                                      / sum over all b != a of q(a, b) )

    which is neighbourhood components analysis (Goldberger et al. 2005) with the similarity of t-SNE.
    """
    labels = batch.known_labels
    z = coordinates_or_nan(network, batch.known) * (batch.scale / network.grid.extent)
    z = batch.ranks.rows_of_all(z, len(labels))
    placed = z.isfinite().all(1)
    q = cauchy(torch.where(placed[:, None], z, 0.0)) * placed
    same = (q * (labels[:, None] == labels)).sum(1)
    company = placed & (same > 0)  # an image that is alone in its class has no part in the cost
    costs = log_where(company, q.sum(1)) - log_where(company, same)
    return costs.sum() / company.sum().clamp_min(1)


def round_trip(network: EmbeddingNetwork, activation: Float[Tensor, "n units"], batch: Batch) -> Float[Tensor, ""]:
    """An image decoded from coordinates is to be embedded there: a Cauchy cost of its distance from them, in nats.

    With z as in `neighbours`, the mean over the probes of log(1 + |z(probe) - z(decoded)|^2): the encoder learns to
    invert the decoder (a latent regression, as of InfoGAN: Chen et al. 2016); the decoder learns nothing from it.
    """
    off = coordinates_or_nan(network, batch.decoded) - batch.probes[batch.ranks.own]
    off = batch.ranks.rows_of_all(off, len(batch.probes))
    placed = off.isfinite().all(1)
    off = torch.where(placed[:, None], off, 0.0) * (batch.scale / network.grid.extent)
    return torch.log1p(off.square().sum(1)).sum() / placed.sum().clamp_min(1)


def coordinates_or_nan(network: EmbeddingNetwork, activation: Float[Tensor, "n units"]) -> Float[Tensor, "n 2"]:
    """The coordinates of activations; NaN, which passes no gradient on, where there are none."""
    placed = (activation > 0).any(1, keepdim=True)
    coordinates = network.coordinates(torch.where(placed, activation, 1.0).float())
    return torch.where(placed, coordinates, torch.nan)


def neighbour_cost(z: Float[Tensor, "m 2"]) -> Float[Tensor, ""]:
    """The cost of `neighbours` for scaled coordinates, those of the partners after those of the images.

    A pair with a NaN has no part in it. How many these are is not asked, for which a GPU would have to be waited for.
    """
    n = len(z) // 2
    placed = z.isfinite().all(1)
    placed = (placed[:n] & placed[n:]).repeat(2)
    z, pairs = torch.where(placed[:, None], z, 0.0), (placed.sum() / 2).clamp_min(1)
    attraction = torch.log1p((z[:n] - z[n:]).square().sum(1))
    with torch.autocast(z.device.type, enabled=False):
        repulsion = log_where(placed, Company.apply(z, placed.to(z.dtype)))
    return attraction.sum() / pairs + repulsion.sum() / (2 * pairs)


class Company(torch.autograd.Function):
    """The sum over b != a of w_b q(a, b) for each point a, as of `cauchy`; z has a gradient, the weights w have none.

    dq / dz_a = -2 q^2 (z_a - z_b): written out, it takes a third of the time and of the memory that autograd does.
    """

    @staticmethod
    def forward(ctx, z: Float[Tensor, "n 2"], w: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        q = cauchy(z)
        ctx.save_for_backward(z, w, q)
        return q @ w

    @staticmethod
    def backward(ctx, g: Float[Tensor, " n"]) -> tuple[Float[Tensor, "n 2"], None]:
        z, w, q = ctx.saved_tensors
        w, g = w[:, None], g[:, None]
        sums = q.square() @ torch.cat([w, w * z, g, g * z], 1)
        pulled, pulls = g * (z * sums[:, :1] - sums[:, 1:3]), w * (z * sums[:, 3:4] - sums[:, 4:])
        return -2 * (pulled + pulls), None


def log_where(counted: Bool[Tensor, " n"], x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """The logarithm of what is counted, else 0."""
    return torch.log(torch.where(counted, x, 1.0))


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
    chosen = torch.rand(batch.n, generator=batch.generator)[batch.ranks.own] < batch.bump_share
    bumps = probes_at_centers(activation, network.grid, network.clip, batch.probe)
    return torch.where(on_device(chosen, activation.device)[:, None], bumps, activation)
