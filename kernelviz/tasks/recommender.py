"""A recommender of items: the ratings of each item from themselves, by the squared error over the known ratings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from kernelviz.data.ratings import Ratings, load_ratings
from kernelviz.evaluation.metrics import evaluate_recommender
from kernelviz.networks.recommender import RatingMatrix, Recommender, rating_matrix, root_mean_square_error
from kernelviz.storage.items import load_items
from kernelviz.storage.record import RecommenderRun
from kernelviz.storage.weights import as_stored
from kernelviz.tasks.item_map import items_of
from kernelviz.training.ranks import Ranks
from kernelviz.training.task import Recipe, Report, RunTask

EVERY = 1 << 30  # items per step: all items


@dataclass(frozen=True, kw_only=True)
class RecommenderRecipe(Recipe):
    """Train a recommender.

    Args:
        network: arguments of `Recommender` beside the number of users.
        titles: file with the titles of the items, see `load_ratings`.
        l2, sparsity: weights of the squared weights and of the gates (lambda and lambda_0 of the paper).
    """

    kind: ClassVar[str] = "recommender"

    network: dict = field(default_factory=dict)
    titles: str = ""
    l2: float = 100.0
    sparsity: float = 0.0
    batch: int = EVERY
    optimizer: str = "lbfgs"
    validation: float = 0.0
    mixed: bool = False

    def load_data(self, progress: Callable[[float, str], None] | None = None) -> Ratings:
        """The ratings of the recipe's data set."""
        return load_ratings(self.data, progress, self.titles or None)

    def task(self, data: Ratings, seed: int, device: str, report: Report | None = None) -> "RecommenderTask":
        """The task with new weights."""
        return RecommenderTask(self, data, seed, device)


class RecommenderTask(RunTask):
    """A recommender and its training ratings: 1/2 sum (p - r)^2 over them, plus the penalties l2 and sparsity."""

    unit = "items"

    def __init__(self, recipe: RecommenderRecipe, ratings: Ratings, seed: int, device: str):
        self.schedule, self.seed, self.device, self.data = recipe, seed, device, ratings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Recommender(len(ratings.users), **recipe.network).to(device)
        self.parts = ratings.split(seed, recipe.validation)
        self.matrix = ratings.matrix(self.parts["train"])
        self.train, self.validation = (
            rating_matrix(ratings.matrix(self.parts[name]), device) for name in ("train", "validation")
        )

    @property
    def size(self) -> int:
        """Number of items."""
        return self.matrix.shape[0]

    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """The cost of some items, all of them where the batch is the whole set; the penalties count by their share."""
        part = self.train if len(chosen) == self.size else rating_matrix(self.matrix[np.sort(chosen)], self.device)
        weights = self.network.weights()
        errors = self.network.predict(self.network.codes(part, weights), weights, part) - part.values
        penalty = self.network.penalty(weights, self.schedule.l2, self.schedule.sparsity)
        return errors.square().sum() / 2 + penalty * (len(chosen) / self.size)

    def validate(self) -> dict[str, float]:
        """RMSE on the training ratings, and on the validation ratings where there are any; density of gated layers."""
        metrics = {"train_rmse": self._error(self.train)}
        if len(self.validation.values):
            metrics["validation_rmse"] = self._error(self.validation)
        if self.network.gates:
            metrics["density"] = self.network.density()
        return metrics

    def _error(self, part: RatingMatrix) -> float:
        return root_mean_square_error(self.network(self.train, part), part.values, self.data.range)

    def keep(self, folder: Path, report: Report | None) -> tuple[dict[str, Any], dict[str, float]]:
        """Write the items, and nothing of any user; return the facts of the run and its metrics."""
        stored = as_stored(self.network, folder)
        items = items_of(stored, self.data, self.parts["train"], self.seed)
        items.save(folder)
        facts = {
            "network": {"name": "recommender", "arguments": {"users": len(self.data.users)} | self.schedule.network},
            "data": {"name": self.data.name, "range": list(self.data.range)},
        }
        return facts, evaluate_recommender(stored, self.data, self.parts, items)


def load_data(run: RecommenderRun, progress: Callable[[float, str], None] | None = None) -> Ratings:
    """The ratings that a run was trained on."""
    return load_ratings(run.recipe["data"], progress)


def evaluate(run: RecommenderRun, network: nn.Module, ratings: Ratings) -> dict[str, float]:
    """The metrics of a run, on the test part of its own split."""
    parts = ratings.split(run.seed, run.recipe["validation"])
    return evaluate_recommender(network, ratings, parts, load_items(run.folder))
