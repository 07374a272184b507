"""What a network without a map learns: to name the class of each image, by the softmax cross-entropy alone."""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kernelviz.data.batches import jitter, pixels
from kernelviz.data.images import ImageSet
from kernelviz.evaluation.inference import class_probabilities
from kernelviz.networks import CLASSIFIERS, new_backbone
from kernelviz.networks.backbones import normalised
from kernelviz.tasks.pixel_layout import pixel_positions
from kernelviz.tasks.recipes import Recipe


class Classifying:
    """A backbone or another classifier, its training images, and what they cost; those without a label do not count."""

    first_probe = backbone = None

    def __init__(self, recipe: Recipe, images: ImageSet, seed: int, device: str):
        kind = "grey" if recipe.makes in CLASSIFIERS else "RGB"
        if not images.classes or images.image_shape[0] != {"grey": 1, "RGB": 3}[kind]:
            raise ValueError(f"{recipe.makes} learns classes of {kind} images, which {images.name!r} does not have")
        height, width = images.image_shape[1:]
        if recipe.makes in CLASSIFIERS and height != width:
            raise ValueError(f"{recipe.makes} learns square images; those of {images.name!r} are {height} x {width}")
        self.recipe, self.device = recipe, device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = new_classifier(recipe, images)
        self.network = network.to(device, memory_format=torch.channels_last)
        pictures, labels = images.split("train")
        self.images, self.labels = pictures[labels >= 0], labels[labels >= 0]
        if recipe.network.get("found"):
            self.network.place_pixels(torch.from_numpy(pixel_positions(pictures, seed)).to(device))
        self.validation = images.split("validation")

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.images)

    def loss(self, chosen: np.ndarray, probe: None, generator: torch.Generator) -> Tensor:
        """Softmax cross-entropy in nats of some images, moved at random."""
        shown = jitter(pixels(self.images[chosen], self.device), self.recipe.jitter, generator)
        labels = torch.from_numpy(self.labels[chosen]).to(self.device)
        logits = self.network(normalised(shown)).float()
        return functional.cross_entropy(logits, labels, label_smoothing=self.recipe.smoothing)

    def validate(self, probe: None) -> tuple[None, dict[str, float]]:
        """Loss and accuracy on the validation part."""
        pictures, labels = self.validation
        pictures, labels = pictures[labels >= 0], labels[labels >= 0]
        if not len(labels):
            return None, {}
        named = class_probabilities(self.network, pictures, self.device)
        own = named[np.arange(len(labels)), labels]
        accuracy = float((named.argmax(1) == labels).mean())
        return None, {"validation_loss": float(-np.log(own.clip(1e-12)).mean()), "validation_accuracy": accuracy}


def new_classifier(recipe: Recipe, images: ImageSet) -> nn.Module:
    """The network that a recipe makes, with new weights."""
    if recipe.makes in CLASSIFIERS:
        return CLASSIFIERS[recipe.makes](**arguments_of(recipe, images))
    return new_backbone(recipe.makes, len(images.classes))


def arguments_of(recipe: Recipe, images: ImageSet) -> dict:
    """What such a network is called with."""
    side = {"side": images.image_shape[1]} if recipe.makes in CLASSIFIERS else {}
    return {"classes": len(images.classes)} | side | recipe.network
