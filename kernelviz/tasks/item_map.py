"""The items of a trained recommender: their factors, and a map of them."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from kernelviz.data.ratings import Ratings
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.devices import device_of
from kernelviz.networks.recommender import Recommender, rating_matrix
from kernelviz.storage.items import EXTENT, GRID, SPARSITY, Items, item_factors
from kernelviz.tasks.objectives import neighbour_cost
from kernelviz.training.loop import Training
from kernelviz.training.ranks import Ranks
from kernelviz.training.task import Schedule, Task

NEIGHBOURS, SCALE = 15, 20.0  # of an item, one of which is its partner; half the map's side, in units of the similarity
STEPS, BATCH, RATE = 500, 512, 5e-3
SHAPE = {"encoder": (200,), "decoder": (), "extent": EXTENT, "grid": GRID, "width": 4.0, "sparsity": SPARSITY}


@torch.no_grad()
def items_of(network: Recommender, ratings: Ratings, known: Bool[np.ndarray, " n"], seed: int) -> Items:
    """The items of a trained recommender; `known` are the ratings that it was trained on."""
    matrix = ratings.matrix(known)
    weights = network.weights()
    codes = network.codes(rating_matrix(matrix, device_of(network)), weights).cpu().numpy().astype(np.float64)
    mean, factors = item_factors(codes, weights[-1].cpu().numpy(), network.layers[-1].bias.cpu().numpy())
    count = np.diff(matrix.indptr).astype(np.int64)
    return Items(ratings.items, count, mean, factors, map_of_items(factors, seed), ratings.titles)


def map_of_items(factors: Float[np.ndarray, "n factors"], seed: int) -> Float[np.ndarray, "n 2"]:
    """Coordinates on a 2-D kernel layer that learns to put items together whose ratings go together."""
    task = ItemMapTask(factors, seed)
    with torch.enable_grad():
        for _ in Training(task, seed, "cpu").run():
            pass
    with torch.no_grad():
        return task.network.eval().coordinates(task.network.activation(task.shown)).numpy()


class ItemMapTask(Task):
    """A map of items: those whose factors have a large cosine are neighbours, at the cost of `neighbours`."""

    unit = "items"

    def __init__(self, factors: Float[np.ndarray, "n factors"], seed: int):
        unit = factors / np.linalg.norm(factors, axis=1, keepdims=True).clip(1e-9)
        self.size = len(unit)
        k = min(NEIGHBOURS, self.size - 1)
        near = NearestNeighbors(n_neighbors=k + 1).fit(unit)
        self.partners = near.kneighbors(unit, return_distance=False)[:, 1:]
        batches = -(-self.size // BATCH)
        self.schedule = Schedule(epochs=max(1, STEPS // batches), batch=BATCH, rate=RATE, mixed=False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = EmbeddingNetwork(image_shape=(1, 1, unit.shape[1]), has_decoder=False, **SHAPE)
        self.shown = torch.from_numpy(unit)[:, None, None, :]

    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """The cost of `objectives.neighbours`, each item with one of its partners."""
        column = torch.randint(self.partners.shape[1], (len(chosen),), generator=generator).numpy()
        pairs = np.concatenate([chosen, self.partners[chosen, column]])
        coordinates = self.network.coordinates(self.network.activation(self.shown[pairs]))
        return neighbour_cost(coordinates * (SCALE / self.network.grid.extent))
