"""A network with a map: what it learns from images, by a weighted sum of objectives."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from kernelviz.data.batches import Jitter, jitter, pixels, stored
from kernelviz.data.images import ImageSet, load
from kernelviz.data.pictures import PictureSet, VectorSet
from kernelviz.errors import UserError
from kernelviz.evaluation.calibrating import calibrate
from kernelviz.evaluation.inference import make_map
from kernelviz.evaluation.metrics import evaluate_map, knn_accuracy
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.layers.probe import Probe, fit_probe, gaussian_bump
from kernelviz.networks import Backbone, EmbeddingNetwork
from kernelviz.networks.devices import mixed_precision, on_device
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.epochs import EpochMaps, no_frames
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.weights import as_stored, pretrained_backbone, save_backbone
from kernelviz.tasks.objectives import OBJECTIVES, Batch
from kernelviz.tasks.pictures import load_pictures, save_pictures
from kernelviz.tasks.sampling import Part, part_of
from kernelviz.training.ranks import ALONE, Ranks
from kernelviz.training.task import Recipe, Report, RunTask

REFERENCE = 5000  # training images among which the 5-NN metric of an epoch looks for neighbours
FITTED = 1000  # of these, the images to whose bumps the probe is fitted
PROBED = 256  # random coordinates that a step of `round_trip` decodes and embeds again
PLACES = [(x, y) for y in (0.67, 0.0, -0.67) for x in (-0.67, 0.0, 0.67)]  # of the map, as shares of half its sides
PLACE_SIDE = 32  # pixels
CACHED = 4e9  # bytes of memory for the features of a frozen backbone, at most


@dataclass(frozen=True, kw_only=True)
class EmbeddingRecipe(Recipe):
    """Train a network with a map.

    Args:
        backbone, weights, depth: what the map is trained on: the name of a backbone (None: pixels; "": still to be
            chosen), the name of the run or the file that has its weights, and the depth at which it is truncated.
        pictures: how the pictures of a folder become images, the arguments of `Preprocess`; None: their sizes decide.
        network: arguments of the network that differ from its defaults; the images give the rest.
        objectives: weight of each cost, by its name in OBJECTIVES.
        smoothing: share of each label that `classify` spreads over all classes.
        bump_share: share of each batch that the decoder or class head sees as a probe at its own center of mass.
        bend: how strongly the decoder's cost bends a map with canonical bumps: how many times its gradient the centers
            take.
        jitter: how far the input images are moved at random while the targets stay; with the objective `neighbours`
            only an image's partner is moved.
        labels: share of the training labels that the objectives see.
        neighbours: how many nearest neighbours of an image may be its partner, for the objective of that name.
        views: 0: pictures become arrays. Else the features of a frozen backbone are computed once, of so many views of
            each picture, which may be of any number and size (`data.pictures`); without a backbone, the vectors of the
            source are what the map is made of.
        decoded: with views, side in pixels of the images that a decoder learns.
        column: where a picture's class comes from: a column of the source's table, or path:N.
        test: share of the pictures that is the test part, unless the source has one.
        scale: half the side of the map, in the units of the similarity of `neighbours`, `supervised_neighbours` and
            `round_trip`.
    """

    kind: ClassVar[str] = "embedding"

    epochs: int = 40
    batch: int = 512
    backbone: str | None = None
    weights: str = ""
    depth: int | str = ""
    pictures: tuple[str, int, int, int] | None = None
    network: dict = field(default_factory=dict)
    objectives: dict[str, float] = field(default_factory=lambda: {"reconstruct": 1.0})
    smoothing: float = 0.0
    bump_share: float = 0.4
    bend: float = 0.0
    jitter: Jitter = Jitter()
    labels: float = 1.0
    neighbours: int = 15
    scale: float = 30.0
    views: int = 0
    decoded: int = 64
    column: str = ""
    test: float = 0.2

    def load_data(self, progress: Callable[[float, str], None] | None = None) -> ImageSet | PictureSet:
        """The images of the recipe's data set."""
        if self.views:
            return load_pictures(asdict(self), progress)
        preprocess = Preprocess(*self.pictures) if self.pictures else None
        shares = {"validation": self.validation, "test": self.test}
        return load(self.data, progress, preprocess=preprocess, **shares, column=self.column)

    def task(
        self, data: ImageSet | PictureSet, seed: int, device: str, report: Report | None = None
    ) -> "EmbeddingTask":
        """The task with new weights; `report` is called with the number of images prepared."""
        if isinstance(data, PictureSet):
            return EmbeddingTask(self, data, seed, device, data.backbone, report)
        backbone = pretrained_backbone(self.backbone, self.weights, self.depth) if self.backbone else None
        return EmbeddingTask(self, data, seed, device, backbone, report)


class EmbeddingTask(RunTask):
    """An embedding network and its training images.

    Without jitter the features of a frozen backbone are computed once, if they fit into memory.
    """

    unit = "images"

    def __init__(
        self,
        recipe: EmbeddingRecipe,
        images: ImageSet | PictureSet,
        seed: int,
        device: str,
        backbone: Backbone | None = None,
        report: Report | None = None,
    ):
        self.schedule, self.seed, self.device, self.data = recipe, seed, device, images
        self.backbone = backbone
        self.network = new_network(recipe, images, seed, backbone).to(device)
        self.images, self.labels = images.split("train")
        self.cache, self.validation_cache = self._caches(report)
        wanted = {
            "neighbours": recipe.neighbours if "neighbours" in recipe.objectives else 0,
            "with_labels": "supervised_neighbours" in recipe.objectives,
        }
        self.train = part_of(images, "train", seed, share=recipe.labels, features=self.cache, report=report, **wanted)
        self.validation = part_of(images, "validation", seed, features=self.validation_cache, **wanted)
        self.probe = self.network.canonical or Probe(0.7, 1.0)

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.images)

    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """The weighted sum of the recipe's objectives for some images, moved at random, and their partners."""
        rows = self.train.rows(chosen, generator)
        own = [at[ranks.own] for at in rows]
        shown = pixels(self.images[own[0]], self.device)
        features = self._features(own, shown, generator, (sum(map(len, rows)), ranks.own_of(map(len, rows))))
        probes, decoded = self._decoded(shown[:0], generator, ranks)
        if len(decoded):
            features = torch.cat([features, self.network.features(decoded)])
        activations = self.network.activation_of(features).split([*map(len, own), len(decoded)])
        return self._loss(self.train, rows, probes, activations, shown, generator, ranks)

    def _features(
        self,
        rows: Sequence[np.ndarray],
        shown: Tensor,
        generator: torch.Generator,
        among: tuple[int, np.ndarray],
    ) -> Tensor:
        """What the encoder takes of some images, of their partners, and of those with a known label.

        Args:
            among: of how many, with those of all processes, these are which.
        """
        if self.cache is not None:
            views = self.cache.shape[1]
            view = torch.randint(views, (among[0],), generator=generator)[among[1]] if views > 1 else 0
            return on_device(self.cache[np.concatenate(rows), view], self.device).float()
        others = pixels(self.images[np.concatenate(rows[1:])], self.device)
        moved = jitter(torch.cat([shown, others]), self.schedule.jitter, generator, among)
        if len(rows[1]):  # with a partner, which is moved, the image itself is not
            moved = torch.cat([shown, moved[len(shown) :]])
        return self.network.features(moved)

    def _caches(self, report: Report | None) -> tuple[Tensor | None, Tensor | None]:
        """The features [n, views, ...] of the training and the validation images, where they are computed once."""
        splits = ("train", "validation")
        if self.data.features is not None:
            return tuple(torch.from_numpy(self.data.features[self.data.rows(split)]) for split in splits)
        with mixed_precision(self.schedule.mixed, self.device):
            train, validation = (self.data.split(split)[0] for split in splits)
            return self._cached(train, report), self._cached(validation)

    @torch.no_grad()
    def _cached(self, images: np.ndarray, report: Report | None = None) -> Tensor | None:
        """The features of some images, where each step would compute them again; else None."""
        if not self.network.backbone or self.schedule.jitter != Jitter() or not len(images):
            return None
        parts = []
        for start in range(0, len(images), self.schedule.batch):
            part = pixels(images[start : start + self.schedule.batch], self.device)
            parts.append(self.network.features(part).cpu())
            if parts[0][0].nbytes * len(images) > CACHED:
                return None
            if report:
                report(start + len(part))
        return torch.cat(parts)[:, None]

    @torch.no_grad()
    def _decoded(self, nothing: Tensor, generator: torch.Generator, ranks: Ranks) -> tuple[Tensor, Tensor]:
        """Random coordinates, and the images decoded from this process's; none and `nothing` if none are needed."""
        if "round_trip" not in self.schedule.objectives:
            return torch.zeros(0, 2, device=self.device), nothing
        grid = self.network.grid
        corner = grid.positions().amax(0)
        probes = on_device(corner * (2 * torch.rand(PROBED, 2, generator=generator) - 1), self.device)
        decoded = self.network.decode(self.network.clip(gaussian_bump(probes[ranks.own], grid, self.probe)))
        return probes, decoded.float()

    def _loss(
        self,
        part: Part,
        rows: tuple[np.ndarray, ...],
        probes: Tensor,
        activations: Sequence[Tensor],
        images: Tensor,
        generator: torch.Generator,
        ranks: Ranks,
    ) -> Tensor:
        """The weighted sum of the objectives, from the activations of a part's rows and of the decoded images.

        The rows and the probes are those of all processes, images and activations those of this one.
        """
        labels = part.labels[rows[0]]
        activation, partners, known, decoded = activations
        batch = Batch(
            images=images,
            n=len(labels),
            labels=on_device(torch.from_numpy(labels[ranks.own]), self.device),
            labelled=on_device(torch.from_numpy(np.flatnonzero(labels[ranks.own] >= 0)), self.device),
            n_labelled=int((labels >= 0).sum()),
            partners=partners,
            known=known,
            known_labels=on_device(torch.from_numpy(part.labels[rows[2]]), self.device),
            probes=probes,
            decoded=decoded,
            scale=self.schedule.scale,
            probe=self.probe,
            bump_share=self.schedule.bump_share,
            bend=self.schedule.bend,
            smoothing=self.schedule.smoothing,
            generator=generator,
            ranks=ranks,
        )
        costs = [
            weight * OBJECTIVES[name](self.network, activation, batch)
            for name, weight in self.schedule.objectives.items()
        ]
        return torch.stack(costs).sum()

    def validate(self) -> dict[str, float]:
        """Fits the probe again; loss, accuracy and 5-NN on the validation part, none where there is no such part.

        Raises a UserError where every activation is zero.
        """
        reference = self._activation(self.images[:REFERENCE], self.cache)
        if not (reference > 0).any():
            raise UserError("every activation became zero")
        if not self.network.canonical:
            self.probe = fit_probe(reference[:FITTED].float(), self.network.grid, self.network.clip)
        return self._metrics(reference) if len(self.validation.images) > 1 else {}

    def _metrics(self, reference: Float[Tensor, "n units"]) -> dict[str, float]:
        pictures, labels = self.validation.images, self.validation.labels
        activation = self._activation(pictures, self.validation_cache)
        generator = torch.Generator().manual_seed(self.seed)
        loss = 0.0
        for at in np.array_split(np.arange(len(pictures)), math.ceil(len(pictures) / self.schedule.batch)):
            rows = self.validation.rows(at, generator)
            shown = pixels(pictures[at], self.device)
            probes, decoded = self._decoded(shown[:0], generator, ALONE)
            activations = [*(activation[chosen] for chosen in rows), self.network.activation(decoded)]
            loss += len(at) * self._loss(self.validation, rows, probes, activations, shown, generator, ALONE).item()
        metrics = {"validation_loss": loss / len(pictures)}
        if self.network.classifier and (labels >= 0).any():
            named = self.network.class_logits(activation).argmax(1).cpu().numpy()
            metrics["validation_accuracy"] = float((named == labels)[labels >= 0].mean())
        if (labels >= 0).any():
            known, asked = (self.network.coordinates(part.float()).cpu().numpy() for part in (reference, activation))
            metrics["validation_5nn"] = knn_accuracy(known, self.labels[:REFERENCE], asked, labels, k=5)
        return metrics

    def no_frames(self) -> EpochMaps:
        """The first images of the validation part, or of the training part where there is no such part."""
        split = "validation" if len(self.validation.images) else "train"
        labels = self.data.split(split)[1]
        return no_frames(split, self.data.classes, self.network.grid.extent, self.schedule.epochs, labels)

    @torch.no_grad()
    def frame(self, film: EpochMaps) -> tuple[np.ndarray, np.ndarray | None]:
        """Where the images of a film are, and what the decoder makes of PLACES, if it makes images."""
        validation = film.split == "validation"
        images, cache = (self.validation.images, self.validation_cache) if validation else (self.images, self.cache)
        self.network.eval()
        with mixed_precision(self.schedule.mixed, self.device):
            activation = self._activation(images[: len(film.index)], cache).float()
            coordinates = self.network.coordinates(activation).cpu().numpy()
            decodes = self.network.decoder and not self.network.of_vectors
            decoded = self._at_places() if decodes else None
        self.network.train()
        return coordinates, decoded

    def _at_places(self) -> UInt8[np.ndarray, "places h w *c"]:
        """What is decoded at PLACES, at most PLACE_SIDE pixels a side."""
        grid = self.network.grid
        centers = torch.tensor(PLACES) * grid.positions().amax(0)
        bumps = self.network.clip(gaussian_bump(centers.to(self.device), grid, self.probe))
        decoded = self.network.decode(bumps).float()
        shrink = max(1, max(decoded.shape[2:]) / PLACE_SIDE)
        size = [round(side / shrink) for side in decoded.shape[2:]]
        return stored(functional.interpolate(decoded, size, mode="area"))

    def _activation(self, images: np.ndarray, cache: Tensor | None) -> Float[Tensor, "n units"]:
        """The activations of the first images of a part, from their features where these are cached."""
        parts = []
        for start in range(0, len(images), self.schedule.batch):
            rows = slice(start, min(start + self.schedule.batch, len(images)))
            if cache is None:
                parts.append(self.network.activation(pixels(images[rows], self.device)))
            else:
                parts.append(self.network.activation_of(on_device(cache[rows, 0], self.device).float()))
        return torch.cat(parts)

    def state(self) -> dict[str, Any]:
        """The probe so far, and the backbone that the weights belong to."""
        return {"probe": asdict(self.probe), "backbone": self.backbone and self.backbone.facts}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue with a probe; raises a ValueError where the state belongs to another backbone."""
        if state["backbone"] != self.state()["backbone"]:
            raise ValueError("it belongs to another backbone")
        self.probe = Probe(**state["probe"])

    def keep(self, folder: Path, report: Report | None) -> tuple[dict[str, Any], dict[str, float]]:
        """Write the map, what is usual for its images, and the backbone unless a run has it; the facts and metrics."""
        if self.backbone:
            save_backbone(self.backbone, folder)
        stored = as_stored(self.network, folder)
        points = make_map(stored, self.data, report)
        points.save(folder)
        usual = calibrate(stored, points, self.data)
        if usual:
            usual.save(folder)
        if isinstance(self.data, PictureSet):
            save_pictures(self.data, folder)
        facts = {
            "network": {"name": "embedding", "arguments": self.network.arguments},
            "data": self.data.facts,
            "probe": asdict(self.probe),
        }
        return facts, evaluate_map(stored, self.probe, points, self.data)


def load_data(run: EmbeddingRun, progress: Callable[[float, str], None] | None = None) -> ImageSet | PictureSet:
    """The images that a run was trained on."""
    if run.recipe.get("views"):
        return load_pictures(run.recipe, progress)
    return load(run.recipe["data"], progress, preprocess=run.preprocess, **run.shares)


def evaluate(run: EmbeddingRun, network: EmbeddingNetwork, images: ImageSet | PictureSet) -> dict[str, float]:
    """The metrics of a run."""
    return evaluate_map(network, Probe(**run.probe), load_map(run.folder), images)


def calibrate_run(run: EmbeddingRun, network: EmbeddingNetwork, images: ImageSet | PictureSet) -> None:
    """Store with a run what is usual for its images; a UserError says that there are too few of them."""
    usual = calibrate(network, load_map(run.folder), images)
    if not usual:
        raise UserError(f"the run {run.name!r} has too few images to say what is usual among them")
    usual.save(run.folder)


def new_network(
    recipe: EmbeddingRecipe, images: ImageSet | PictureSet, seed: int, backbone: Backbone | None = None
) -> EmbeddingNetwork:
    """The recipe's network for a set of images; the same seed gives the same weights."""
    if "classify" in recipe.objectives and not images.classes:
        raise UserError(f"the image set {images.name!r} has no labels to classify; give another --data or recipe")
    arguments = {
        "image_shape": images.image_shape,
        "of_vectors": isinstance(images, VectorSet),
        "decoded_shape": images.decoded_shape if isinstance(images, PictureSet) else None,
        "has_decoder": "reconstruct" in recipe.objectives,
        "classes": len(images.classes) if "classify" in recipe.objectives else 0,
        **recipe.network,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = EmbeddingNetwork(**arguments, backbone=backbone)
    if network.of_vectors and network.decoder:
        network.decoder[-1].fit(torch.from_numpy(images.split("train")[0][:, 0]))
    return network
