"""The training loop: one-cycle Adam, mixed precision, a checkpoint that continues to the same weights."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kernelviz.data.images import ImageSet
from kernelviz.networks import EmbeddingNetwork
from kernelviz.probe import Probe, fit_probe
from kernelviz.training.objectives import OBJECTIVES, Batch
from kernelviz.training.recipe import Recipe

PROBE_IMAGES = 2048  # training images that the probe's shape is fitted to, once an epoch


class TrainingStopped(Exception):
    """The training cannot go on; the message says where it stood and what to do."""


@dataclass
class Progress:
    """How far a training is: `step` counts batches over all epochs; `history` has a row for each finished epoch."""

    step: int = 0
    probe: Probe = Probe(0.7, 1.0)
    loss_sum: float = 0.0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)


class Training:
    """A network on its way through a recipe.

    Every random choice is a function of the seed and of the step, so a training that is resumed from a checkpoint
    makes the same choices, and ends with the same weights, as one that was never stopped.
    """

    def __init__(self, recipe: Recipe, images: ImageSet, seed: int, device: str):
        self.recipe, self.seed, self.device = recipe, seed, device
        self.network = new_network(recipe, images, seed).to(device)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=recipe.rate, fused=True)
        self.progress = Progress()
        self.train_images, self.train_labels = images.split("train")
        self.validation = images.split("validation")
        self.batches = math.ceil(len(self.train_images) / recipe.batch)

    @property
    def steps(self) -> int:
        return self.batches * self.recipe.epochs

    def run(self, folder: Path) -> Iterator[Progress]:
        """Train to the end; yields after every step. Leaves a checkpoint in `folder` after every epoch."""
        while self.progress.step < self.steps:
            started = time.perf_counter()
            self.progress.loss_sum += self._step()
            self.progress.seconds += time.perf_counter() - started
            if self.progress.step % self.batches == 0:
                self._finish_epoch()
                self.save(folder)
            yield self.progress

    def _step(self) -> float:
        epoch, position = divmod(self.progress.step, self.batches)
        generator = torch.Generator().manual_seed(_mixed(self.seed, self.progress.step))
        if position == 0 and self.progress.step:
            self.progress.probe = self._fitted_probe()
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.train_images))
        chosen = np.array_split(order, self.batches)[position]
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(self.progress.step, self.steps, self.recipe.rate)
        loss = self.loss(self.train_images[chosen], self.train_labels[chosen], generator)
        if not math.isfinite(loss.item()):
            raise TrainingStopped(self._not_finite(loss.item(), epoch, position))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.progress.step += 1
        return loss.item()

    def loss(self, images: np.ndarray, labels: np.ndarray, generator: torch.Generator) -> Tensor:
        """The weighted sum of the recipe's objectives on some images."""
        target = pixels(images, self.device)
        shown = jitter(target, self.recipe.jitter, generator) if self.network.training else target
        batch = Batch(
            target, torch.from_numpy(labels).to(self.device), self.progress.probe, self.recipe.bump_share, generator
        )
        with mixed_precision(self.recipe.precision, self.device):
            activation = self.network.activation(shown)
            return sum(
                weight * OBJECTIVES[name](self.network, activation, batch)
                for name, weight in self.recipe.objectives.items()
            )

    @torch.no_grad()
    def _finish_epoch(self) -> None:
        """Append the epoch's row to the history."""
        self.network.eval()
        generator = torch.Generator().manual_seed(self.seed)
        losses = [
            (len(part), self.loss(part, labels, generator).item())
            for part, labels in _in_parts(*self.validation, self.recipe.batch)
        ]
        self.network.train()
        row = {
            "epoch": self.progress.step // self.batches,
            "loss": self.progress.loss_sum / self.batches,
            "validation_loss": sum(n * loss for n, loss in losses) / max(1, len(self.validation[0])),
            "images_per_second": self.batches * self.recipe.batch / max(self.progress.seconds, 1e-9),
            "seconds": self.progress.seconds,
        }
        self.progress.history.append(row)
        self.progress.loss_sum = self.progress.seconds = 0.0

    @torch.no_grad()
    def _fitted_probe(self) -> Probe:
        self.network.eval()
        with mixed_precision(self.recipe.precision, self.device):
            activation = self.network.activation(pixels(self.train_images[:PROBE_IMAGES], self.device)).float()
        self.network.train()
        return fit_probe(activation, self.network.grid, self.network.clip)

    def _not_finite(self, loss: float, epoch: int, position: int) -> str:
        good = self.progress.history[-1]["epoch"] if self.progress.history else 0
        kept = f"the checkpoint after epoch {good} is kept" if good else "there was no checkpoint yet"
        return (
            f"the loss became {loss} in epoch {epoch + 1}, step {position + 1} of {self.batches}; {kept}. "
            f"Try a lower rate than {self.recipe.rate} or precision 'full'."
        )

    def save(self, folder: Path) -> None:
        """Write checkpoint.safetensors and history.json, each through a temporary name."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
        facts = {"recipe": asdict(self.recipe), "seed": self.seed, "progress": asdict(self.progress)}
        partial = folder / "checkpoint.partial"
        save_file({k: v.contiguous() for k, v in tensors.items()}, partial, {"kernelviz": json.dumps(facts)})
        os.replace(partial, folder / "checkpoint.safetensors")

    def resume(self, folder: Path) -> None:
        """Go on from the checkpoint in `folder`; a checkpoint of another recipe or seed is a ValueError."""
        path = folder / "checkpoint.safetensors"
        try:
            with safe_open(path, "pt", device=self.device) as file:
                facts = json.loads(file.metadata()["kernelviz"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except FileNotFoundError:
            raise ValueError(f"there is no checkpoint to resume at {path}; train without --resume") from None
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is not a checkpoint of kernelviz ({error}); train without --resume") from None
        wanted = json.loads(json.dumps({"recipe": asdict(self.recipe), "seed": self.seed}))
        if {"recipe": facts["recipe"], "seed": facts["seed"]} != wanted:
            raise ValueError(f"{path} belongs to another recipe or seed; give the same ones, or another --name")
        self._load(tensors, facts["progress"])

    def _load(self, tensors: dict[str, Tensor], progress: dict) -> None:
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            kind, rest = name.split(".", 1)
            if kind == "optimizer":
                index, key = rest.split(".")
                states.setdefault(int(index), {})[key] = value
        network = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        self.network.load_state_dict(network, strict=True)
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})
        self.progress = Progress(**{**progress, "probe": Probe(**progress["probe"])})


def new_network(recipe: Recipe, images: ImageSet, seed: int) -> EmbeddingNetwork:
    """The recipe's network for a set of images; the same seed gives the same weights and leaves torch's own alone."""
    arguments = {
        "image_shape": images.image_shape,
        "draws": "reconstruct" in recipe.objectives,
        "classes": len(images.classes) if "classify" in recipe.objectives else 0,
        **recipe.network,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return EmbeddingNetwork(**arguments)


def pixels(images: np.ndarray, device: str = "cpu") -> Tensor:
    """uint8 [n, h, w] or [n, h, w, 3] -> float32 [n, channels, h, w] in [0, 1]."""
    batch = torch.from_numpy(images).to(device).float() / 255
    return batch[:, None] if batch.ndim == 3 else batch.permute(0, 3, 1, 2)


def jitter(images: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Each image shifted by up to `share` of its side in either direction; what leaves the frame is lost."""
    if not share:
        return images
    shift = (2 * torch.rand(len(images), 2, generator=generator) - 1) * 2 * share
    affine = torch.eye(2, 3).repeat(len(images), 1, 1)
    affine[:, :, 2] = shift
    flow = torch.nn.functional.affine_grid(affine.to(images.device), list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, flow, align_corners=False)


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate: up to the peak over the first three tenths, down to nothing over the rest, both as cosines."""
    warm = 0.3 * steps
    if step < warm:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * step / warm)) / 2)
    return peak * (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2 + 1e-4 * peak


def best_device() -> str:
    """ "cuda" when there is one, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def mixed_precision(precision: str, device: str) -> AbstractContextManager:
    """bfloat16 products where the hardware has them and the recipe wants them; else float32."""
    fast = (
        torch.cuda.is_bf16_supported()
        if device == "cuda"
        else torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )
    return torch.autocast(device, torch.bfloat16) if fast and precision == "mixed" else nullcontext()


def _mixed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> 1)


def _in_parts(images: np.ndarray, labels: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(images), size):
        yield images[start : start + size], labels[start : start + size]


Report = Callable[[Progress], None]
