"""What a map learns: an embedding network, its training images, and what they cost."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from kernelviz.data.batches import Jitter, jitter, pixels
from kernelviz.data.images import ImageSet
from kernelviz.evaluation.metrics import knn_accuracy
from kernelviz.layers.probe import Probe, fit_probe, gaussian_bump
from kernelviz.networks import Backbone, EmbeddingNetwork
from kernelviz.tasks.objectives import OBJECTIVES, Batch
from kernelviz.tasks.recipes import Recipe
from kernelviz.tasks.sampling import Part, part_of

REFERENCE = 5000  # training images among which an epoch's 5-NN figure looks
FITTED = 1000  # of these, to whose bumps the probe is fitted
PROBED = 256  # places whose drawings a step of `round_trip` looks at
CACHED = 4e9  # bytes: features of a frozen backbone that are kept in memory, at most


class Mapping:
    """An embedding network on its way through a recipe.

    Without jitter the features of a frozen backbone are computed once, if they fit into memory.
    """

    def __init__(
        self,
        recipe: Recipe,
        images: ImageSet,
        seed: int,
        device: str,
        backbone: Backbone | None,
        progress: Callable[[int], None] | None,
    ):
        self.recipe, self.seed, self.device = recipe, seed, device
        self.backbone = backbone
        self.network = new_network(recipe, images, seed, backbone).to(device)
        self.images, self.labels = images.split("train")
        self.train = part_of(images, "train", recipe, seed, progress)
        self.validation = part_of(images, "validation", recipe, seed)
        self.first_probe = self.network.canonical or Probe(0.7, 1.0)
        self.kept = self._keep_features(progress)

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.images)

    def loss(self, chosen: np.ndarray, probe: Probe, generator: torch.Generator) -> Tensor:
        """The weighted sum of the recipe's objectives for some images, moved at random, and their partners."""
        rows = self.train.rows(chosen, generator)
        shown = pixels(self.images[chosen], self.device)
        features = self._features(rows, shown, generator)
        probes, drawings = self._drawings(shown[:0], probe, generator)
        if len(drawings):
            features = torch.cat([features, self.network.features(drawings)])
        activations = self.network.activation_of(features).split([*map(len, rows), len(probes)])
        return self._loss(self.train, rows, probe, probes, activations, shown, generator)

    def _features(self, rows: tuple[np.ndarray, ...], shown: Tensor, generator: torch.Generator) -> Tensor:
        """What the encoder takes of some images, of their partners, and of those with a known label."""
        if self.kept is not None:
            return self.kept[np.concatenate(rows)].to(self.device)
        others = pixels(self.images[np.concatenate(rows[1:])], self.device)
        moved = jitter(torch.cat([shown, others]), self.recipe.jitter, generator)
        if len(rows[1]):  # an image itself stays where it is if it has a partner, which moves
            moved = torch.cat([shown, moved[len(shown) :]])
        return self.network.features(moved)

    @torch.no_grad()
    def _keep_features(self, progress: Callable[[int], None] | None) -> Tensor | None:
        """The features of every training image, where each step would compute the same ones again; else None."""
        if not self.network.lower or self.recipe.jitter != Jitter():
            return None
        parts = []
        for start in range(0, self.size, self.recipe.batch):
            part = pixels(self.images[start : start + self.recipe.batch], self.device)
            parts.append(self.network.features(part).cpu())
            if parts[0][0].nbytes * self.size > CACHED:
                return None
            if progress:
                progress(start + len(part))
        return torch.cat(parts)

    @torch.no_grad()
    def _drawings(self, nothing: Tensor, probe: Probe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random places on the grid and what the decoder draws there; no place and `nothing` if no objective asks."""
        if "round_trip" not in self.recipe.objectives:
            return torch.zeros(0, 2, device=self.device), nothing
        grid = self.network.grid
        corner = grid.positions().amax(0)
        probes = (corner * (2 * torch.rand(PROBED, 2, generator=generator) - 1)).to(self.device)
        drawings = self.network.draw(self.network.clip(gaussian_bump(probes, grid, probe)))
        return probes, drawings.float()

    def _loss(
        self,
        part: Part,
        rows: tuple[np.ndarray, ...],
        probe: Probe,
        probes: Tensor,
        activations: Sequence[Tensor],
        images: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        """The weighted sum of the recipe's objectives, from the activations of a part's rows and of the drawings."""
        chosen, _, known = (torch.from_numpy(part.labels[at]).to(self.device) for at in rows)
        activation, partners, gathered, drawings = activations
        batch = Batch(
            images=images,
            labels=chosen,
            partners=partners,
            known=gathered,
            known_labels=known,
            probes=probes,
            drawings=drawings,
            scale=self.recipe.scale,
            probe=probe,
            bump_share=self.recipe.bump_share,
            smoothing=self.recipe.smoothing,
            generator=generator,
        )
        costs = [
            weight * OBJECTIVES[name](self.network, activation, batch)
            for name, weight in self.recipe.objectives.items()
        ]
        return torch.stack(costs).sum()

    def validate(self, probe: Probe) -> tuple[Probe, dict[str, float]]:
        """The probe fitted again; loss, accuracy and 5-NN on the validation part, none where there is no such part.

        A ValueError where nothing is active any more.
        """
        reference = self._activation(self.images[:REFERENCE])
        if not (reference > 0).any():
            raise ValueError("no activation was above zero any more")
        if not self.network.canonical:
            probe = fit_probe(reference[:FITTED].float(), self.network.grid, self.network.clip)
        return probe, self._figures(reference, probe) if len(self.validation.images) > 1 else {}

    def _figures(self, reference: Float[Tensor, "n units"], probe: Probe) -> dict[str, float]:
        pictures, labels = self.validation.images, self.validation.labels
        activation = self._activation(pictures)
        generator = torch.Generator().manual_seed(self.seed)
        loss = 0.0
        for at in np.array_split(np.arange(len(pictures)), math.ceil(len(pictures) / self.recipe.batch)):
            rows = self.validation.rows(at, generator)
            shown = pixels(pictures[at], self.device)
            probes, drawings = self._drawings(shown[:0], probe, generator)
            activations = [*(activation[chosen] for chosen in rows), self.network.activation(drawings)]
            loss += len(at) * self._loss(self.validation, rows, probe, probes, activations, shown, generator).item()
        figures = {"validation_loss": loss / len(pictures)}
        if self.network.classifier and (labels >= 0).any():
            named = self.network.class_logits(activation).argmax(1).cpu().numpy()
            figures["validation_accuracy"] = float((named == labels)[labels >= 0].mean())
        if (labels >= 0).any():
            places = [self.network.place(part.float()).cpu().numpy() for part in (reference, activation)]
            figures["validation_5nn"] = knn_accuracy(places[0], self.labels[:REFERENCE], places[1], labels, k=5)
        return figures

    def _activation(self, images: np.ndarray) -> Float[Tensor, "n units"]:
        size = self.recipe.batch
        parts = (images[start : start + size] for start in range(0, len(images), size))
        return torch.cat([self.network.activation(pixels(part, self.device)) for part in parts])


def new_network(recipe: Recipe, images: ImageSet, seed: int, backbone: Backbone | None = None) -> EmbeddingNetwork:
    """The recipe's network for a set of images; the same seed gives the same weights."""
    if "classify" in recipe.objectives and not images.classes:
        raise ValueError(f"the image set {images.name!r} has no labels to classify; give another --data or recipe")
    if backbone and images.image_shape[0] != 3:
        raise ValueError(f"a backbone takes RGB images, and those of {images.name!r} are grey; give another --data")
    arguments = {
        "image_shape": images.image_shape,
        "draws": "reconstruct" in recipe.objectives,
        "classes": len(images.classes) if "classify" in recipe.objectives else 0,
        **recipe.network,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(**arguments, backbone=backbone)
