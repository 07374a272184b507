"""A training by several processes, as torchrun starts them: each computes its rows of every batch.

The batch of a recipe is that of all processes together, and every random choice is made for all of it, so that a
training is the same one, to rounding, on any number of them, and goes on with another number. Only dropout and noise
within a network are other random numbers of the same kind. The first process leads: it alone writes.
"""

import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

LONGEST = timedelta(days=7)  # that a process waits for another: the first may take long to prepare the data


@dataclass(frozen=True)
class Ranks:
    """Which of the processes of a training this is.

    Args:
        rank: number of this process, from 0.
        size: number of processes.
    """

    rank: int = 0
    size: int = 1

    @property
    def own(self) -> slice:
        """The rows of a batch that are those of this process."""
        return slice(self.rank, None, self.size)

    def own_of(self, lengths: Iterable[int]) -> Int[np.ndarray, " m"]:
        """The rows that are those of this process in each of some parts, numbered through all parts."""
        return np.flatnonzero(np.concatenate([np.arange(n) % self.size == self.rank for n in lengths]))

    def weight(self, own: int, n: int) -> float:
        """What the mean over a process's own rows counts, so that the mean over the processes is that over n rows."""
        return own * self.size / n

    def rows_of_all(self, own: Float[Tensor, "m d"], n: int) -> Float[Tensor, "n d"]:
        """The n rows of all processes in order, with their gradient, from this one's."""
        return _RowsOfAll.apply(own, n, self) if self.size > 1 and n else own

    def average(self, loss: Tensor, weights: Iterable[nn.Parameter]) -> Tensor:
        """Make the gradients of some weights the mean over the processes; returns that of the losses."""
        loss = loss.detach()
        if self.size > 1:
            parts = [loss, *(weight.grad for weight in weights if weight.grad is not None)]
            flat = torch.cat([part.flatten() for part in parts])
            distributed.all_reduce(flat)
            for part, mean in zip(parts, (flat / self.size).split([part.numel() for part in parts]), strict=True):
                part.copy_(mean.view_as(part))
        return loss

    def told(self, what: Any) -> Any:
        """What the first process says, which the others wait for."""
        said = [what]
        if self.size > 1:
            distributed.broadcast_object_list(said, 0, device=torch.device("cpu"))
        return said[0]

    @contextmanager
    def first_alone(self) -> Iterator[None]:
        """The first process does what is within, and then the others, who find on disk what it has stored."""
        if self.rank:
            self.told(None)
        yield
        if not self.rank:
            self.told(None)


ALONE = Ranks()


@contextmanager
def together(device: str) -> Iterator[Ranks]:
    """The processes that torchrun has started, which within it wait for each other; else this one alone."""
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield ALONE
        return
    on_gpus = torch.device(device).type == "cuda"
    if on_gpus:
        torch.cuda.set_device(device)
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpus else "gloo", timeout=LONGEST)
    try:
        yield Ranks(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


class _RowsOfAll(torch.autograd.Function):
    """`Ranks.rows_of_all`: every process is given as many rows, so that those of the shorter ones are filled up."""

    @staticmethod
    def forward(ctx, own: Tensor, n: int, ranks: Ranks) -> Tensor:
        ctx.ranks = ranks
        filled = functional.pad(own, (0, 0, 0, math.ceil(n / ranks.size) - len(own)))
        parts = [torch.empty_like(filled) for _ in range(ranks.size)]
        distributed.all_gather(parts, filled)
        return torch.stack(parts, 1).flatten(0, 1)[:n]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _summed(gradient)[ctx.ranks.own], None, None


class _Sum(torch.autograd.Function):
    """The sum over all processes, with its gradient."""

    @staticmethod
    def forward(ctx, own: Tensor) -> Tensor:
        return _summed(own)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(own: Tensor) -> Tensor:
    total = own.clone(memory_format=torch.contiguous_format)
    distributed.all_reduce(total)
    return total


class BatchNormOfAll(nn.Module):
    """A BatchNorm, of which it takes weights and buffers, by the mean and variance of the batches of all processes."""

    # torch's SyncBatchNorm needs GPUs
    def __init__(self, of: BatchNorm):
        super().__init__()
        self.weight, self.bias, self.eps, self.momentum = of.weight, of.bias, of.eps, of.momentum
        for name, value in of.named_buffers():
            self.register_buffer(name, value)

    def forward(self, x: Float[Tensor, "n channels *size"]) -> Float[Tensor, "n channels *size"]:
        mean, variance = self.running_mean, self.running_var
        if not self.training:
            return functional.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)
        own = x.float().movedim(1, -1).flatten(0, -2)  # a row of channels for each image, and for each of its pixels
        sums = _Sum.apply(torch.cat([own.sum(0), own.new_full((1,), len(own))]))
        mean, n = sums[:-1] / sums[-1], sums[-1].detach()
        variance = _Sum.apply((own - mean).square().sum(0)) / n
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * n / (n - 1), self.momentum)
        shape = (1, -1, *[1] * (x.ndim - 2))
        scale = (variance + self.eps).rsqrt() * self.weight
        return (x * scale.view(shape) + (self.bias - mean * scale).view(shape)).to(x.dtype)


def share_statistics(network: nn.Module) -> None:
    """Have every BatchNorm of a network that is trained look at the batches of all processes."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, BatchNorm) and child.weight.requires_grad:
                setattr(module, name, BatchNormOfAll(child))
