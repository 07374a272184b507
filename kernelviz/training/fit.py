"""The training loop: Adam on a one-cycle rate, mixed precision, and a stop at any step that loses nothing."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from kernelviz.data.batches import jitter, pixels
from kernelviz.data.images import ImageSet
from kernelviz.metrics import knn_accuracy
from kernelviz.networks import EmbeddingNetwork
from kernelviz.probe import Probe, fit_probe, gaussian_bump
from kernelviz.training.objectives import OBJECTIVES, Batch
from kernelviz.training.recipe import Recipe
from kernelviz.training.sampling import Part, part_of

REFERENCE = 5000  # training images among which an epoch's 5-NN figure looks
FITTED = 1000  # of these, to whose bumps the probe is fitted
PROBED = 256  # places whose drawings a step of `round_trip` looks at


class TrainingStopped(ValueError):
    """The training cannot go on; the message says where it stood and what to do."""


@dataclass
class Progress:
    """How far a training is: `step` counts batches over all epochs; `history` has a row for each finished epoch."""

    step: int = 0
    probe: Probe = Probe(0.7, 1.0)
    loss_sum: float = 0.0  # of this epoch's steps
    seconds: float = 0.0  # in this epoch's steps
    history: list[dict] = field(default_factory=list)


class Training:
    """A network on its way through a recipe.

    Every random choice is a function of the seed and of the step, so a training that goes on from a checkpoint makes
    the same choices, and ends with the same weights, as one that was never stopped. `progress` is called with the
    number of images whose neighbours are found, where the recipe needs them.
    """

    def __init__(
        self,
        recipe: Recipe,
        images: ImageSet,
        seed: int,
        device: str,
        progress: Callable[[int], None] | None = None,
    ):
        self.recipe, self.seed, self.device = recipe, seed, device
        self.network = new_network(recipe, images, seed).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=recipe.rate, fused=True)
        self.images, self.labels = images.split("train")
        self.train = part_of(images, "train", recipe, seed, progress)
        self.validation = part_of(images, "validation", recipe, seed)
        self.batches = math.ceil(len(self.images) / recipe.batch)
        self.progress = Progress(probe=self.network.canonical or Probe(0.7, 1.0))

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.batches * self.recipe.epochs

    def run(self) -> Iterator[Progress]:
        """Train to the end; yields after every step, the last of an epoch with the epoch's row in the history."""
        while self.progress.step < self.steps:
            started = time.perf_counter()
            self.progress.loss_sum += self._step()
            self.progress.seconds += time.perf_counter() - started
            if self.progress.step % self.batches == 0:
                self._finish_epoch()
            yield self.progress

    def _step(self) -> float:
        epoch, position = divmod(self.progress.step, self.batches)
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.images))
        chosen = np.array_split(order, self.batches)[position]
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(self.progress.step, self.steps, self.recipe.rate)
        generator = torch.Generator().manual_seed(_mixed(self.seed, self.progress.step))
        rows = self.train.rows(chosen, generator)
        shown = pixels(self.images[np.concatenate(rows)], self.device)
        moved = jitter(shown, self.recipe.jitter, generator)
        n = len(chosen)
        if len(rows[1]):  # an image itself stays where it is if it has a partner, which moves
            moved = torch.cat([shown[:n], moved[n:]])
        with mixed_precision(self.recipe.mixed, self.device):
            probes, drawings = self._drawings(shown[:0], generator)
            activations = self.network.activation(torch.cat([moved, drawings])).split([*map(len, rows), len(probes)])
            loss = self._loss(self.train, rows, probes, activations, shown[:n], generator)
        if not math.isfinite(loss.item()):
            raise self._stopped(f"the loss became {loss.item()}", self.progress.step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.progress.step += 1
        return loss.item()

    @torch.no_grad()
    def _drawings(self, nothing: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Random places on the grid and what the decoder draws there; no place and `nothing` if no objective asks."""
        if "round_trip" not in self.recipe.objectives:
            return torch.zeros(0, 2, device=self.device), nothing
        grid = self.network.grid
        corner = grid.positions().amax(0)
        probes = (corner * (2 * torch.rand(PROBED, 2, generator=generator) - 1)).to(self.device)
        drawings = self.network.draw(self.network.clip(gaussian_bump(probes, grid, self.progress.probe)))
        return probes, drawings.float()

    def _loss(
        self,
        part: Part,
        rows: tuple[np.ndarray, ...],
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
            probe=self.progress.probe,
            bump_share=self.recipe.bump_share,
            generator=generator,
        )
        costs = [
            weight * OBJECTIVES[name](self.network, activation, batch)
            for name, weight in self.recipe.objectives.items()
        ]
        return torch.stack(costs).sum()

    def _finish_epoch(self) -> None:
        """Fit the probe to the network as it is now, and append the epoch's row to the history."""
        progress = self.progress
        row = {
            "epoch": progress.step // self.batches,
            "loss": progress.loss_sum / self.batches,
            **self._validate(),
            "images_per_second": len(self.images) / progress.seconds,
            "seconds": progress.seconds,
        }
        progress.history.append(row)
        progress.loss_sum = progress.seconds = 0.0

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        """Loss, accuracy and 5-NN on the validation part; none where there is no such part. Refits the probe."""
        self.network.eval()
        with mixed_precision(self.recipe.mixed, self.device):
            reference = self._activation(self.images[:REFERENCE])
            if not (reference > 0).any():
                raise self._stopped("no activation was above zero any more", self.progress.step - 1)
            if not self.network.canonical:
                self.progress.probe = fit_probe(reference[:FITTED].float(), self.network.grid, self.network.clip)
            figures = self._validation_figures(reference) if len(self.validation.images) > 1 else {}
        self.network.train()
        return figures

    def _validation_figures(self, reference: Float[Tensor, "n units"]) -> dict[str, float]:
        pictures, labels = self.validation.images, self.validation.labels
        activation = self._activation(pictures)
        generator = torch.Generator().manual_seed(self.seed)
        loss = 0.0
        for at in np.array_split(np.arange(len(pictures)), math.ceil(len(pictures) / self.recipe.batch)):
            rows = self.validation.rows(at, generator)
            shown = pixels(pictures[at], self.device)
            probes, drawings = self._drawings(shown[:0], generator)
            activations = [*(activation[chosen] for chosen in rows), self.network.activation(drawings)]
            loss += len(at) * self._loss(self.validation, rows, probes, activations, shown, generator).item()
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

    def _stopped(self, what: str, step: int) -> TrainingStopped:
        epoch, position = divmod(step, self.batches)
        done = len(self.progress.history)
        kept = f"the checkpoint after epoch {done} is kept" if done else "there was no checkpoint yet"
        return TrainingStopped(
            f"{what} in epoch {epoch + 1}, step {position + 1} of {self.batches}; {kept}. "
            f"Train again with a lower rate than {self.recipe.rate}"
        )


def new_network(recipe: Recipe, images: ImageSet, seed: int) -> EmbeddingNetwork:
    """The recipe's network for a set of images; the same seed gives the same weights."""
    if "classify" in recipe.objectives and not images.classes:
        raise ValueError(f"the image set {images.name!r} has no labels to classify; give another --data or recipe")
    arguments = {
        "image_shape": images.image_shape,
        "draws": "reconstruct" in recipe.objectives,
        "classes": len(images.classes) if "classify" in recipe.objectives else 0,
        **recipe.network,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(**arguments)


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate: from a 25th up to the peak over the first three tenths, then down to nearly none, as cosines."""
    warm = 0.3 * steps
    if step < warm:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * step / warm)) / 2)
    return peak * (1e-4 + (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2)


def best_device() -> str:
    """The GPU if there is one, else the processor."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def mixed_precision(wanted: bool, device: str) -> AbstractContextManager:
    """bfloat16 products if wanted and the hardware has them, else float32."""
    if device == "cuda":
        has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        has_it = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device, torch.bfloat16) if wanted and has_it else nullcontext()


def _mixed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])
