"""What a recommender learns: the ratings of each item from themselves, by the squared error over what is rated."""

import math

import numpy as np
import torch
from torch import Tensor

from kernelviz.data.ratings import Ratings
from kernelviz.networks.recommender import Rated, Recommender, rated, root_mean_square_error
from kernelviz.tasks.recipes import Recipe


class Recommending:
    """A recommender, its training ratings, and what they cost: 1/2 sum (p - r)^2 over them, plus the penalties l2 and
    sparsity of the recipe, which stand among its objectives."""

    first_probe = backbone = None

    def __init__(self, recipe: Recipe, ratings: Ratings, seed: int, device: str):
        self.recipe, self.range = recipe, ratings.range
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = Recommender(len(ratings.users), **recipe.network).to(device)
        parts = ratings.split(seed, recipe.validation)
        self.matrix = ratings.matrix(parts["train"])
        self.train, self.validation = (rated(ratings.matrix(parts[name]), device) for name in ("train", "validation"))
        self.device = device

    @property
    def size(self) -> int:
        """Number of items."""
        return self.matrix.shape[0]

    def loss(self, chosen: np.ndarray, probe: None, generator: torch.Generator) -> Tensor:
        """The cost of some items, all of them where the batch is the whole set; the penalties count by their share."""
        part = self.train if len(chosen) == self.size else rated(self.matrix[np.sort(chosen)], self.device)
        weights = self.network.weights()
        errors = self.network.predict(self.network.codes(part, weights), weights, part) - part.values
        penalty = self.network.penalty(weights, self.recipe.objectives["l2"], self.recipe.objectives["sparsity"])
        return errors.square().sum() / 2 + penalty * (len(chosen) / self.size)

    def validate(self, probe: None) -> tuple[None, dict[str, float]]:
        """RMSE of the ratings that it learns from, and of the validation part where there is one."""
        figures = {"train_rmse": self._error(self.train)}
        if len(self.validation.values):
            figures["validation_rmse"] = self._error(self.validation)
        if self.network.gates:
            figures["density"] = self.network.density()
        return None, figures

    def _error(self, part: Rated) -> float:
        return root_mean_square_error(self.network(self.train, part), part.values, self.range)


ITERATIONS, MEMORY = 50, 10  # of a round


class RoundsOfRprop(torch.optim.Rprop):
    """RPROP: a step is a round of ITERATIONS."""

    def step(self, closure) -> Tensor:
        """One round; returns the cost before its last iteration."""
        for _ in range(ITERATIONS):
            loss = super().step(closure)
        return loss


class RoundsOfLBFGS(torch.optim.Optimizer):
    """SciPy's L-BFGS-B as an optimizer of torch: a step is a round of up to ITERATIONS, from a fresh memory."""

    def __init__(self, weights: list[Tensor]):
        super().__init__(weights, {"lr": math.nan})  # it finds its own

    def step(self, closure) -> Tensor:
        """One round; returns the cost at its end."""
        from scipy.optimize import minimize  # slow to import, and needed only here

        weights = [weight for group in self.param_groups for weight in group["params"]]

        def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
            _put(at, weights)
            with torch.enable_grad():
                value = closure()
            gradient = torch.cat([weight.grad.reshape(-1) for weight in weights])
            return value.item(), gradient.cpu().numpy()

        # float32, as wide as the weights: SciPy keeps several copies, and widens what it computes with
        start = torch.cat([weight.detach().reshape(-1) for weight in weights]).cpu().numpy()
        options = {"maxiter": ITERATIONS, "maxcor": MEMORY}
        found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
        _put(found.x, weights)
        return torch.tensor(found.fun)


@torch.no_grad()
def _put(flat: np.ndarray, weights: list[Tensor]) -> None:
    """The numbers of a flat array into the weights, one after the other."""
    parts = torch.from_numpy(flat).float().split([weight.numel() for weight in weights])
    for weight, part in zip(weights, parts, strict=True):
        weight.copy_(part.view_as(weight))
