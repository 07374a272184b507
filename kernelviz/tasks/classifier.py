"""A classifier without a map: a backbone, or a network of kernel grids, by the softmax cross-entropy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kernelviz.data.batches import Jitter, jitter, pixels
from kernelviz.data.images import ImageSet, load
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import class_probabilities
from kernelviz.evaluation.metrics import classification_metrics
from kernelviz.networks import NETWORKS, GridClassifier
from kernelviz.networks.backbones import normalised
from kernelviz.networks.devices import on_device
from kernelviz.storage.record import ClassifierRun
from kernelviz.storage.weights import as_stored
from kernelviz.tasks.pixel_layout import pixel_positions
from kernelviz.training.ranks import Ranks
from kernelviz.training.task import Recipe, Report, RunTask


@dataclass(frozen=True, kw_only=True)
class ClassifierRecipe(Recipe):
    """Train a classifier.

    Args:
        makes: name of the network, a key of NETWORKS.
        network: arguments of the network that differ from its defaults; the images give the rest. For kernel grids,
            `found` finds the positions of the pixels in the images.
        smoothing: share of each label that is spread over all classes.
        jitter: how far the training images are moved at random.
    """

    kind: ClassVar[str] = "classifier"

    makes: str
    network: dict = field(default_factory=dict)
    smoothing: float = 0.0
    jitter: Jitter = Jitter()

    def load_data(self, progress: Callable[[float, str], None] | None = None) -> ImageSet:
        """The images of the recipe's data set."""
        return load(self.data, progress, validation=self.validation)

    def task(self, data: ImageSet, seed: int, device: str, report: Report | None = None) -> "ClassifierTask":
        """The task with new weights."""
        return ClassifierTask(self, data, seed, device)


class ClassifierTask(RunTask):
    """A classifier and its training images; images without a label are left out."""

    unit = "images"

    def __init__(self, recipe: ClassifierRecipe, images: ImageSet, seed: int, device: str):
        grids = NETWORKS[recipe.makes] is GridClassifier
        _check(recipe.makes, images, grids)
        self.schedule, self.device, self.data = recipe, device, images
        self.arguments = {"classes": len(images.classes)}
        self.arguments |= ({"side": images.image_shape[1]} if grids else {}) | recipe.network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = NETWORKS[recipe.makes](**self.arguments)
        self.network: nn.Module = network.to(device, memory_format=torch.channels_last)
        pictures, labels = images.split("train")
        self.images, self.labels = pictures[labels >= 0], labels[labels >= 0]
        if recipe.network.get("found"):
            self.network.place_pixels(torch.from_numpy(pixel_positions(pictures, seed)).to(device))
        self.validation = images.split("validation")

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.images)

    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """Softmax cross-entropy in nats of some images, moved at random."""
        own, among = chosen[ranks.own], (len(chosen), ranks.own)
        shown = jitter(pixels(self.images[own], self.device), self.schedule.jitter, generator, among)
        labels = on_device(torch.from_numpy(self.labels[own]), self.device)
        logits = self.network(normalised(shown)).float()
        cost = functional.cross_entropy(logits, labels, label_smoothing=self.schedule.smoothing)
        return ranks.weight(len(own), len(chosen)) * cost

    def validate(self) -> dict[str, float]:
        """Loss and accuracy on the validation part."""
        pictures, labels = self.validation
        pictures, labels = pictures[labels >= 0], labels[labels >= 0]
        if not len(labels):
            return {}
        named = class_probabilities(self.network, pictures)
        own = named[np.arange(len(labels)), labels]
        accuracy = float((named.argmax(1) == labels).mean())
        return {"validation_loss": float(-np.log(own.clip(1e-12)).mean()), "validation_accuracy": accuracy}

    def keep(self, folder: Path, report: Report | None) -> tuple[dict[str, Any], dict[str, float]]:
        """The facts of the run and its metrics; there is nothing to write beside the weights."""
        stored = as_stored(self.network, folder).to(memory_format=torch.contiguous_format)
        facts = {
            "network": {"name": self.schedule.makes, "arguments": self.arguments},
            "data": self.data.facts,
        }
        return facts, evaluate_classifier(stored, self.data)


def load_data(run: ClassifierRun, progress: Callable[[float, str], None] | None = None) -> ImageSet:
    """The images that a run was trained on."""
    return load(run.recipe["data"], progress, preprocess=run.preprocess, **run.shares)


def evaluate(run: ClassifierRun, network: nn.Module, images: ImageSet) -> dict[str, float]:
    """The metrics of a run."""
    return evaluate_classifier(network, images)


def evaluate_classifier(network: nn.Module, images: ImageSet) -> dict[str, float]:
    """The accuracy on the test images."""
    pictures, labels = images.split("test")
    if not len(pictures):
        return {}
    return classification_metrics(class_probabilities(network, pictures), labels)


def _check(makes: str, images: ImageSet, grids: bool) -> None:
    kind, channels = ("grey", 1) if grids else ("RGB", 3)
    if not images.classes or images.image_shape[0] != channels:
        raise UserError(f"{makes} learns classes of {kind} images, which {images.name!r} does not have")
    height, width = images.image_shape[1:]
    if grids and height != width:
        raise UserError(f"{makes} learns square images; those of {images.name!r} are {height} x {width}")
