"""From a trained recommender to its items: what they are like, and a map of them."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from kernelviz.data.ratings import Ratings
from kernelviz.networks import EmbeddingNetwork
from kernelviz.networks.recommender import Recommender, rated
from kernelviz.runs.items import EXTENT, GRID, SPARSITY, Items, tastes
from kernelviz.tasks.objectives import cauchy

NEIGHBOURS, SCALE = 15, 20.0  # of an item that may be its partner; half the side of the map for their similarity
STEPS, BATCH, RATE = 500, 512, 5e-3
SHAPE = {"encoder": (200,), "decoder": (), "extent": EXTENT, "grid": GRID, "width": 4.0, "sparsity": SPARSITY}


@torch.no_grad()
def items_of(network: Recommender, ratings: Ratings, known: Bool[np.ndarray, " n"], seed: int) -> Items:
    """The items of some ratings, of which it knows a part: those that it was trained on."""
    matrix = ratings.matrix(known)
    weights = network.weights()
    codes = network.codes(rated(matrix), weights).numpy().astype(np.float64)
    mean, taste = tastes(codes, weights[-1].numpy(), network.layers[-1].bias.numpy())
    return Items(ratings.items, np.diff(matrix.indptr).astype(np.int64), mean, taste, map_of_items(taste, seed))


def map_of_items(taste: Float[np.ndarray, "n tastes"], seed: int) -> Float[np.ndarray, "n 2"]:
    """Places on a 2-D kernel layer that learns to keep items together whose ratings go the same way.

    What goes the same way is told by the cosine of their tastes; the cost is that of the objective `neighbours`.
    """
    unit = taste / np.linalg.norm(taste, axis=1, keepdims=True).clip(1e-9)
    k = min(NEIGHBOURS, len(unit) - 1)
    partners = NearestNeighbors(n_neighbors=k + 1).fit(unit).kneighbors(unit, return_distance=False)[:, 1:]
    generator = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        network = EmbeddingNetwork(image_shape=(1, 1, unit.shape[1]), classes=0, draws=False, **SHAPE)
        shown = torch.from_numpy(unit)[:, None, None, :]
        optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
        for _ in range(STEPS):
            rows = generator.permutation(len(unit))[:BATCH]
            pairs = np.concatenate([rows, partners[rows, generator.integers(k, size=len(rows))]])
            optimizer.zero_grad()
            _cost(network, network.activation(shown[pairs])).backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return network.eval().place(network.activation(shown)).numpy()


def _cost(network: EmbeddingNetwork, activation: Float[Tensor, "m units"]) -> Tensor:
    """That of `objectives.neighbours`, each of the first half with its partner in the second."""
    z = network.place(activation) * (SCALE / network.grid.extent)
    n = len(z) // 2
    return torch.log1p((z[:n] - z[n:]).square().sum(1)).mean() + torch.log(cauchy(z).sum(1)).mean()
