"""Networks of one structure that are trained at once, each on batches of its own."""

import copy
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional


class Together:
    """Some networks as one, their weights stacked, so that a processor has enough to do."""

    def __init__(self, networks: Sequence[nn.Module], device: str = "cpu"):
        self.n, self.device = len(networks), device
        weights, _ = stack_module_state(list(networks))
        self.weights = {name: nn.Parameter(stack.detach().to(device)) for name, stack in weights.items()}
        self.one = copy.deepcopy(networks[0]).to("meta")

    def logits(self, images: Float[Tensor, "networks n ..."]) -> Float[Tensor, "networks n classes"]:
        """What each network says of its own images."""
        return torch.vmap(lambda weights, own: functional_call(self.one, weights, (own,)))(self.weights, images)

    def train(
        self,
        images: Float[Tensor, "m ..."],
        labels: Int[Tensor, " m"],
        *,
        epochs: int,
        batch: int,
        rate: float,
        l2: float,
        generator: torch.Generator,
        progress: Callable[[int, int], None],
    ) -> None:
        """Adam on the softmax cross-entropy with a one-cycle rate of that peak, and l2 / 2 sum w^2 over all weights.

        Every network has its own order of the images. `progress` is called with the step and the number of steps.
        """
        per_epoch = len(images) // batch
        optimizer = torch.optim.Adam(self.weights.values(), lr=rate, weight_decay=l2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * per_epoch)
        for step in range(epochs * per_epoch):
            if step % per_epoch == 0:
                order = torch.stack([torch.randperm(len(images), generator=generator) for _ in range(self.n)])
            chosen = order[:, step % per_epoch * batch :][:, :batch].to(self.device)
            logits = self.logits(images[chosen])
            loss = functional.cross_entropy(logits.flatten(0, 1), labels[chosen].flatten(), reduction="sum") / batch
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress(step + 1, epochs * per_epoch)

    @torch.inference_mode()
    def accuracies(self, images: Float[Tensor, "m ..."], labels: Int[Tensor, " m"], part: int = 1000) -> list[float]:
        """Share of the images that each network names rightly."""
        right = torch.zeros(self.n)
        for some, named in zip(images.split(part), labels.split(part), strict=True):
            right += (self.logits(some.expand(self.n, *some.shape)).argmax(-1) == named).sum(1).cpu()
        return (right / len(labels)).tolist()
