"""A training in the terminal: data, progress bar, checkpoints, Ctrl-C, and the finished run."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.progress import Progress

from kernelviz.data.images import ImageSet, Preprocess, load
from kernelviz.data.ratings import Ratings, load_ratings
from kernelviz.networks import Backbone
from kernelviz.runs.record import Run, new_folder
from kernelviz.runs.weights import stand_on
from kernelviz.tasks.recipes import Recipe
from kernelviz.training import checkpoint
from kernelviz.training.finish import finish
from kernelviz.training.loop import Training, best_device

SHOWN = {  # figures of a row of the history
    "validation_loss": "on validation",
    "validation_accuracy": "accuracy",
    "validation_5nn": "5-NN",
    "train_rmse": "RMSE",
    "validation_rmse": "on validation",
    "density": "density",
}


def train_run(recipe: Recipe, name: str, seed: int, resume: bool, command: str, bar: Progress) -> Run | None:
    """Train a recipe to a run of that name under a progress bar; None if Ctrl-C stopped it.

    `command` is what the user typed: the run records it, and a stop says it again with --resume.
    """
    fetching = bar.add_task("data", total=1, note="")
    data = _data(recipe, lambda share, note: bar.update(fetching, completed=share, note=note))
    backbone = stand_on(recipe.backbone, recipe.weights, recipe.kept) if recipe.backbone else None
    bar.remove_task(fetching)
    folder = new_folder(name)
    checkpoint.refuse_to_overwrite(folder, resume)
    training = _prepare(recipe, data, backbone, seed, bar)
    if resume:
        checkpoint.resume(training, folder)
    if not _fit(training, folder, bar):
        again = command if "--resume" in command else f"{command} --resume"
        at = f"stopped at step {training.progress.step} of {training.steps}"
        bar.console.print(f"{at}; go on with `{again}`", markup=False, soft_wrap=True)
        return None
    placing = bar.add_task("map", total=len(data), note=f"placing all {data.unit}")
    run = finish(training, data, folder, command, lambda done: bar.update(placing, completed=done))
    checkpoint.remove(folder)
    return run


def _data(recipe: Recipe, progress: Callable[[float, str], None]) -> ImageSet | Ratings:
    """What a recipe learns from."""
    if recipe.makes == "recommender":
        return load_ratings(recipe.data, progress)
    images = load(recipe.data, progress, preprocess=Preprocess(*recipe.pictures) if recipe.pictures else None)
    return replace(images, validation=recipe.validation)


def _prepare(recipe: Recipe, data: ImageSet | Ratings, backbone: Backbone | None, seed: int, bar: Progress) -> Training:
    """The training before its first step; the neighbours or the features of many images take a while."""
    note = "computing features" if backbone else "finding neighbours"
    task = bar.add_task(data.unit, total=len(data), note=note)
    training = Training(recipe, data, seed, best_device(), backbone, lambda done: bar.update(task, completed=done))
    bar.remove_task(task)
    return training


def _fit(training: Training, folder: Path, bar: Progress) -> bool:
    """Train with a checkpoint after every epoch and on Ctrl-C; whether it came to the end."""
    task = bar.add_task("train", total=training.steps, completed=training.progress.step, note="")
    with _ctrl_c() as pressed:
        for progress in training.run():
            bar.update(task, completed=progress.step, note=_standing(training))
            if pressed or progress.step % training.batches == 0:
                checkpoint.save(training, folder)
                if not bar.console.is_terminal:  # a log file has no moving bar: a line an epoch instead
                    bar.console.print(_standing(training), soft_wrap=True)
            if pressed:
                return False
    return True


@contextmanager
def _ctrl_c() -> Iterator[list[bool]]:
    """A list that is empty until Ctrl-C is pressed: a step is never cut in the middle."""
    pressed: list[bool] = []
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _standing(training: Training) -> str:
    """Epoch, loss, the newest validation figures and speed, for the progress bar."""
    progress = training.progress
    done = progress.step % training.batches
    last = progress.history[-1] if progress.history else {}
    loss = progress.loss_sum / done if done else last["loss"]
    speed = training.task.size * done / training.batches / progress.seconds if done else last["images_per_second"]
    figures = [f"{shown} {last[key]:.3f}" for key, shown in SHOWN.items() if key in last]
    epoch = f"epoch {-(-progress.step // training.batches)}/{training.recipe.epochs}"
    return ", ".join([epoch, f"loss {loss:.4f}", *figures, f"{speed:,.0f} {training.unit}/s"])
