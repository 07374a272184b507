"""What the loop knows of a training: a schedule, and a task that has a network and a loss."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from kernelviz.errors import UserError
from kernelviz.storage.epochs import EpochMaps
from kernelviz.training.plan import LARGEST_SEED, Plan
from kernelviz.training.ranks import Ranks

Report = Callable[[int], None]  # is told how many images (or items) are done


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How a network is trained, whatever it learns.

    Args:
        epochs, batch, rate: number of epochs, images or items per step, and peak of the one-cycle learning rate.
        optimizer, decay: a key of OPTIMIZERS ("rprop" and "lbfgs" take all items at once; an epoch is then a round of
            50 iterations), and its weight decay.
        mixed: bfloat16 products where the processor has them, else float32 throughout.
    """

    epochs: int
    batch: int
    rate: float = 2e-3
    optimizer: str = "adam"
    decay: float = 0.0
    mixed: bool = True


class Task(ABC):
    """What a network learns, and from what.

    Attributes:
        network: the network that is trained.
        schedule: how it is trained; for a task with a run, its recipe.
        unit: what the data consist of, in the plural: "images".
        size: number of training examples.
    """

    network: nn.Module
    schedule: Schedule
    unit: str
    size: int

    @abstractmethod
    def loss(self, chosen: np.ndarray, generator: torch.Generator, ranks: Ranks) -> Tensor:
        """The cost of the chosen training examples; all randomness comes from the generator.

        With several processes the cost is the mean of what each of them returns: of its own examples or of all.
        """

    def validate(self) -> dict[str, float]:
        """Metrics of the validation part, none where there is no such part; called after each epoch.

        Raises a UserError where the training cannot go on.
        """
        return {}

    def state(self) -> dict[str, Any]:
        """What a checkpoint stores beside the weights, as plain values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:  # noqa: B027 (most tasks have nothing beside the weights)
        """Continue from a state; raises a ValueError where it is not of this task."""


class RunTask(Task):
    """A task whose finished training becomes a run."""

    def no_frames(self) -> EpochMaps | None:
        """What a film of the training shows, before its first frame; None for a task without a map."""
        return None

    def frame(self, film: EpochMaps) -> tuple[np.ndarray, np.ndarray | None]:
        """Where the images of a film are now, [n, 2], and what is decoded at a few coordinates."""
        raise NotImplementedError

    @abstractmethod
    def keep(self, folder: Path, report: Report | None) -> tuple[dict[str, Any], dict[str, float]]:
        """Write what belongs to the run beside its weights; return its facts ("network", "data", ...) and its metrics.

        Both are those of the weights as stored. `report` is called with the number of examples done.
        """


@dataclass(frozen=True, kw_only=True)
class Recipe(Schedule, ABC):
    """What to train, as plain values: what `kernelviz train` takes and what a run records.

    Args:
        data: name of a data set, a folder, or a file.
        validation: share of the training part that is held out to choose settings by.

    Attributes:
        kind: of the run that it becomes.
    """

    kind: ClassVar[str]

    data: str
    validation: float = 1 / 6

    def plan(self, seed: int, command: str, minutes: float | None = None) -> Plan:
        """The plan to train it, after a search of so many minutes around its settings."""
        if not 0 <= seed <= LARGEST_SEED:
            raise UserError(f"the seed is a number from 0 to {LARGEST_SEED}, not {seed}")
        return Plan(kind=self.kind, recipe=asdict(self), seed=seed, command=command, minutes=minutes)

    @abstractmethod
    def load_data(self, progress: Callable[[float, str], None] | None = None) -> Any:
        """The data that is learned from; `progress` is called with the share done and one line for a person."""

    @abstractmethod
    def task(self, data: Any, seed: int, device: str, report: Report | None = None) -> RunTask:
        """The task with new weights; `report` is called with the number of examples prepared."""
