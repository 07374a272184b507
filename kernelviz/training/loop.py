"""The training loop: a one-cycle rate, mixed precision, and a stop at any step that loses nothing."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from kernelviz.errors import UserError
from kernelviz.networks.devices import mixed_precision
from kernelviz.training.optimizers import new_optimizer
from kernelviz.training.ranks import ALONE, Ranks, share_statistics
from kernelviz.training.standing import Standing
from kernelviz.training.task import Schedule, Task

UNREAD = 16  # steps of a GPU, at most, after which their losses are read


class TrainingStopped(UserError):
    """The training cannot go on; the message says at which step it stopped and what to do."""


@dataclass
class Progress:
    """How far a training is: `step` counts batches over all epochs; `history` has a row for each finished epoch."""

    step: int = 0
    loss_sum: float = 0.0  # over the steps of this epoch
    seconds: float = 0.0  # spent in the steps of this epoch
    history: list[dict] = field(default_factory=list)


class Training:
    """The training of a task by its schedule.

    Every random choice is a function of the seed and of the step, so a training that is resumed from a checkpoint makes
    the same choices, and ends with the same weights, as one that was never stopped.
    """

    def __init__(self, task: Task, seed: int, device: str, ranks: Ranks = ALONE):
        self.task, self.seed, self.device, self.ranks = task, seed, device, ranks
        self.batches = math.ceil(task.size / self.schedule.batch)
        if task.size // self.batches < ranks.size:
            raise UserError(
                f"{ranks.size} processes are too many for steps of {task.size // self.batches} {task.unit}; start fewer"
            )
        if ranks.size > 1:
            share_statistics(self.network)
        self.optimizer = new_optimizer(self.schedule, self.network)
        self.progress = Progress()

    @property
    def network(self) -> nn.Module:
        """The network that is trained."""
        return self.task.network

    @property
    def schedule(self) -> Schedule:
        """How the network is trained."""
        return self.task.schedule

    @property
    def steps(self) -> int:
        """Number of steps of the whole training."""
        return self.batches * self.schedule.epochs

    def run(self) -> Iterator[Progress]:
        """Train to the end; yields after every step, the last of an epoch with the epoch's row in the history.

        On a GPU it yields after the last of an epoch and every few steps: to read the losses is to wait for it.
        """
        every = 1 if self.device == "cpu" else UNREAD
        losses, started = [], time.perf_counter()
        while self.progress.step < self.steps:
            losses.append(self._step())
            at_epoch = self.progress.step % self.batches == 0
            if at_epoch or self.progress.step % every == 0:
                self._read(losses)
                self.progress.seconds += time.perf_counter() - started
                if at_epoch:
                    self.end_epoch()
                yield self.progress
                losses, started = [], time.perf_counter()

    @property
    def standing(self) -> Standing:
        """How far the training is."""
        progress = self.progress
        done = progress.step % self.batches
        last = progress.history[-1] if progress.history else {"loss": None, "seconds": 0.0}
        steps = done + self.batches * bool(progress.history)  # of this epoch and the last
        a_step = self.task.size / self.batches
        per_second = steps * a_step / (progress.seconds + last["seconds"]) if steps else None
        return Standing(
            stage="train",
            share=progress.step / self.steps,
            epoch=progress.step / self.batches,
            loss=progress.loss_sum / done if done else last["loss"],
            per_second=per_second,
            seconds_left=(self.steps - progress.step) * a_step / per_second if per_second else None,
        )

    def _step(self) -> Tensor:
        epoch, position = divmod(self.progress.step, self.batches)
        order = np.random.default_rng((self.seed, epoch)).permutation(self.task.size)
        chosen = np.array_split(order, self.batches)[position]
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(self.progress.step, self.steps, self.schedule.rate)
        generator = torch.Generator().manual_seed(_mixed(self.seed, self.progress.step))

        def cost() -> Tensor:
            with torch.random.fork_rng(devices=[]), mixed_precision(self.schedule.mixed, self.device):
                torch.manual_seed(_mixed(self.seed, self.progress.step, self.ranks.rank))  # for dropout and noise
                loss = self.task.loss(chosen, generator, self.ranks)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            return self.ranks.average(loss, self.network.parameters())

        loss = self.optimizer.step(cost)
        self.progress.step += 1
        return loss

    def _read(self, losses: list[Tensor]) -> None:
        """Count the losses of the last steps, all of which must be finite."""
        first = self.progress.step - len(losses)
        for step, loss in enumerate(torch.stack(losses).tolist(), first):
            if not math.isfinite(loss):
                self.progress.step = step
                raise self._stopped(f"the loss became {loss}", step)
            self.progress.loss_sum += loss

    def end_epoch(self) -> None:
        """Append the row of an epoch to the history: a whole one, or one that ends here."""
        progress = self.progress
        steps = (progress.step - 1) % self.batches + 1
        row = {
            "epoch": math.ceil(progress.step / self.batches),
            "loss": progress.loss_sum / steps,
            **self._validate(),
            "images_per_second": self.task.size * steps / self.batches / progress.seconds,
            "seconds": progress.seconds,
        }
        progress.history.append(row)
        progress.loss_sum = progress.seconds = 0.0

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self.network.eval()
        with mixed_precision(self.schedule.mixed, self.device):
            try:
                metrics = self.task.validate()
            except UserError as error:
                raise self._stopped(str(error), self.progress.step - 1) from None
        self.network.train()
        return metrics

    def _stopped(self, what: str, step: int) -> TrainingStopped:
        epoch, position = divmod(step, self.batches)
        done = len(self.progress.history)
        saved = f"the checkpoint after epoch {done} is kept" if done else "there was no checkpoint yet"
        return TrainingStopped(
            f"{what} in epoch {epoch + 1}, step {position + 1} of {self.batches}; {saved}. "
            f"Train again with a lower rate than {self.schedule.rate}"
        )


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Learning rate at a step: from peak / 25 up to the peak in the first three tenths, then down to 1e-4 of it, as
    cosines."""
    warm = 0.3 * steps
    if step < warm:
        return peak * (0.04 + 0.96 * (1 - math.cos(math.pi * step / warm)) / 2)
    return peak * (1e-4 + (1 + math.cos(math.pi * (step - warm) / (steps - warm))) / 2)


def _mixed(seed: int, step: int, rank: int = 0) -> int:
    return int(np.random.SeedSequence((seed, step, rank) if rank else (seed, step)).generate_state(1)[0])
