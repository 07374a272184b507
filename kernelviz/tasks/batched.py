"""Networks of one structure that are trained in one batched network, each on its own order of the images."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional

from kernelviz.training.ranks import Ranks
from kernelviz.training.task import Schedule, Task


class BatchedNetworks(nn.Module):
    """Some networks as one, with stacked weights: one large product is faster."""

    def __init__(self, networks: Sequence[nn.Module]):
        super().__init__()
        stacked, _ = stack_module_state(list(networks))
        self.names = list(stacked)
        self.stacked = nn.ParameterList(nn.Parameter(stack.detach()) for stack in stacked.values())
        self.one = [copy.deepcopy(networks[0]).to("meta")]  # in a list: its weights are not this module's

    def forward(self, images: Float[Tensor, "networks n ..."]) -> Float[Tensor, "networks n classes"]:
        """The logits of each network for its own images."""
        weights = dict(zip(self.names, self.stacked, strict=True))
        return torch.vmap(lambda weights, own: functional_call(self.one[0], weights, (own,)))(weights, images)


class BatchedTask(Task):
    """Some classifiers at once, by the softmax cross-entropy and l2 / 2 sum w^2 over all weights.

    Args:
        networks: of one structure; each has its own order of the images.
        images, labels: the training set.
        schedule: how all of them are trained.
        l2: weight of the squared weights.
        seed: seed of the orders.
    """

    unit = "images"

    def __init__(
        self,
        networks: Sequence[nn.Module],
        images: Float[Tensor, "m ..."],
        labels: Int[Tensor, " m"],
        schedule: Schedule,
        l2: float,
        seed: int,
    ):
        self.network = BatchedNetworks(networks).to(images.device)
        self.schedule, self.images, self.labels, self.l2 = schedule, images, labels, l2
        generator = torch.Generator().manual_seed(seed)
        self.orders = torch.stack([torch.randperm(len(images), generator=generator) for _ in networks])

    @property
    def size(self) -> int:
        """Number of training images."""
        return len(self.images)

    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """The sum of the costs of all networks."""
        rows = self.orders[:, torch.from_numpy(chosen)].to(self.images.device)
        logits, labels = self.network(self.images[rows]), self.labels[rows]
        cost = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / len(chosen)
        return cost + self.l2 / 2 * sum(weight.square().sum() for weight in self.network.parameters())

    @torch.inference_mode()
    def accuracies(self, images: Float[Tensor, "m ..."], labels: Int[Tensor, " m"], part: int = 1000) -> list[float]:
        """Share of the images that each network classifies rightly; `part` images at a time."""
        n = len(self.orders)
        right = torch.zeros(n)
        for some, named in zip(images.split(part), labels.split(part), strict=True):
            right += (self.network(some.expand(n, *some.shape)).argmax(-1) == named).sum(1).cpu()
        return (right / len(labels)).tolist()
