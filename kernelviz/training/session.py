"""A training from its recipe to its run: data, checkpoints, a stop at any step, and the finished run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kernelviz.networks.devices import best_device
from kernelviz.storage.record import Run
from kernelviz.storage.store import new_folder
from kernelviz.training import checkpoint
from kernelviz.training.finish import finish
from kernelviz.training.loop import Training
from kernelviz.training.task import Recipe


@dataclass
class Watcher:
    """The hooks of a training: each is called from the training's own thread.

    Args:
        loading: called with the share of the data that is loaded, in [0, 1], and one line for a person.
        preparing: called with the number of examples whose neighbours or features are known, and that of all.
        step: called with the training after each of its steps.
        placing: called with the number of examples that are embedded, and that of all.
        stopped: returns whether the training is to stop after this step.
    """

    loading: Callable[[float, str], None] = field(default=lambda share, note: None)
    preparing: Callable[[int, int], None] = field(default=lambda done, total: None)
    step: Callable[[Training], None] = field(default=lambda training: None)
    placing: Callable[[int, int], None] = field(default=lambda done, total: None)
    stopped: Callable[[], bool] = field(default=lambda: False)


class Stopped(Exception):
    """The training was stopped, and its checkpoint is on disk."""

    def __init__(self, training: Training):
        super().__init__(f"stopped at step {training.progress.step} of {training.steps}")


def train_run(recipe: Recipe, name: str, seed: int, resume: bool, command: str, watcher: Watcher) -> Run:
    """Train a recipe to a run of that name, with a checkpoint after every epoch.

    Raises Stopped where the watcher stops it, and a UserError for what cannot be trained or would be overwritten.

    Args:
        resume: whether to continue from the checkpoint of that name.
        command: what the user typed, for the record.
    """
    data = recipe.load_data(watcher.loading)
    folder = new_folder(name)
    checkpoint.refuse_to_overwrite(folder, resume)
    training = new_training(recipe, data, seed, best_device(), lambda done: watcher.preparing(done, len(data)))
    if resume:
        checkpoint.resume(training, folder)
    for progress in training.run():
        stopped = watcher.stopped()
        if stopped or progress.step % training.batches == 0:
            checkpoint.save(training, folder)
        if progress.step % training.batches == 0:
            training.task.sketch(folder, len(progress.history))
        watcher.step(training)
        if stopped:
            raise Stopped(training)
    run = finish(training, folder, command, lambda done: watcher.placing(done, len(data)))
    checkpoint.remove(folder)
    return run


def new_training(
    recipe: Recipe, data: Any, seed: int, device: str, report: Callable[[int], None] | None = None
) -> Training:
    """A recipe's training on some data, before its first step."""
    return Training(recipe.task(data, seed, device, report), seed, device)
