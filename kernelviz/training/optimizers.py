"""The optimizers by name: AdamW, SGD, and two that take all examples at once in rounds of iterations."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from kernelviz.training.task import Schedule

MOMENTUM = 0.9
ITERATIONS, MEMORY = 50, 10  # iterations of a round, and steps that L-BFGS-B remembers


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
        super().__init__(weights, {"lr": math.nan})  # L-BFGS-B finds its own step

    def step(self, closure) -> Tensor:
        """One round; returns the cost at its end, or one on the way that is not finite."""
        from scipy.optimize import minimize  # slow to import, and needed only here

        weights, broken = [weight for group in self.param_groups for weight in group["params"]], []

        def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
            _put(at, weights)
            with torch.enable_grad():
                value = closure()
            gradient = torch.cat([weight.grad.reshape(-1) for weight in weights])
            if not value.isfinite():
                broken.append(value.item())
            return value.item(), gradient.cpu().numpy()

        # float32 as the weights: SciPy holds several copies, and computes in float64
        start = torch.cat([weight.detach().reshape(-1) for weight in weights]).cpu().numpy()
        options = {"maxiter": ITERATIONS, "maxcor": MEMORY}
        found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
        _put(found.x, weights)
        return torch.tensor(broken[0] if broken else found.fun)


@torch.no_grad()
def _put(flat: np.ndarray, weights: list[Tensor]) -> None:
    """Copy the numbers of a flat array into the weights, one after the other."""
    parts = torch.from_numpy(flat).float().split([weight.numel() for weight in weights])
    for weight, part in zip(weights, parts, strict=True):
        weight.copy_(part.view_as(weight))


def new_optimizer(schedule: Schedule, network: nn.Module) -> torch.optim.Optimizer:
    """The optimizer of a schedule for all trained weights; only the matrices of dense layers, of kernel grids and of
    convolutions decay."""
    learning = [(name, weight) for name, weight in network.named_parameters() if weight.requires_grad]
    decaying = [name.endswith(("weight", "alpha")) and weight.ndim > 1 for name, weight in learning]
    matrices = [weight for (_, weight), decays in zip(learning, decaying, strict=True) if decays]
    others = [weight for (_, weight), decays in zip(learning, decaying, strict=True) if not decays]
    groups = [{"params": matrices, "weight_decay": schedule.decay}, {"params": others, "weight_decay": 0.0}]
    weights = [weight for _, weight in learning]
    return OPTIMIZERS[schedule.optimizer](schedule, groups, weights)


OPTIMIZERS: dict[str, Callable[[Schedule, list[dict], list[Tensor]], torch.optim.Optimizer]] = {
    "adam": lambda schedule, groups, weights: torch.optim.AdamW(groups, lr=schedule.rate, fused=True),
    "sgd": lambda schedule, groups, weights: torch.optim.SGD(groups, schedule.rate, MOMENTUM, nesterov=True),
    "rprop": lambda schedule, groups, weights: RoundsOfRprop(weights, lr=schedule.rate),
    "lbfgs": lambda schedule, groups, weights: RoundsOfLBFGS(weights),
}
