"""A training from its recipe to its run: data, checkpoints, a stop at any step, and the finished run."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

from kernelviz.disk import leads, runs_folder
from kernelviz.networks.devices import best_device
from kernelviz.storage.record import Run
from kernelviz.storage.store import claimed, new_folder
from kernelviz.training import checkpoint, files
from kernelviz.training.film import Film
from kernelviz.training.finish import finish
from kernelviz.training.loop import Training
from kernelviz.training.ranks import ALONE, Ranks, together
from kernelviz.training.standing import STOPPING, Ask, Board, Standing, ask
from kernelviz.training.task import Recipe


@dataclass
class Watcher:
    """The hooks of a training: each is called from the training's own thread.

    Args:
        loading: called with the share of the data that is loaded, in [0, 1], and one line for a person.
        preparing: called with the number of examples whose neighbours or features are known, and that of all.
        step: called with the training after each of its steps.
        placing: called with the number of examples that are embedded, and that of all.
        stopped: returns whether the training is to stop, after this step or before the first one.
    """

    loading: Callable[[float, str], None] = field(default=lambda share, note: None)
    preparing: Callable[[int, int], None] = field(default=lambda done, total: None)
    step: Callable[[Training], None] = field(default=lambda training: None)
    placing: Callable[[int, int], None] = field(default=lambda done, total: None)
    stopped: Callable[[], bool] = field(default=lambda: False)


class Stopped(Exception):
    """The training was stopped; what it had done is on disk."""


def train_run(recipe: Recipe, name: str, seed: int, resume: bool, command: str, watcher: Watcher) -> Run:
    """Train a recipe to a run of that name, with a checkpoint after every epoch.

    Raises Stopped where the watcher stops it, or someone by `standing.ask`, and a UserError for what cannot be trained,
    would be overwritten, or is being trained by another process.

    Args:
        resume: whether to continue from the checkpoint of that name.
        command: what the user typed, for the record.
    """
    device = best_device()
    if not leads():
        _help(recipe, name, seed, resume, device)
    with claimed(name), _folder(name) as folder, _obeyed(folder):
        files.refuse_to_overwrite(folder, resume)
        recipe.plan(seed, command).save(folder)
        board = Board(folder)
        watcher = _posted(watcher, board)
        with together(device) as ranks:
            with ranks.first_alone():
                data = recipe.load_data(watcher.loading)
                training = new_training(
                    recipe, data, seed, device, lambda done: watcher.preparing(done, len(data)), ranks
                )
            checkpoint.check_space(training, folder)
            if resume:
                checkpoint.resume(training, folder)
            _train(training, folder, watcher, board)
        run = _finished(training, folder, command, lambda done: watcher.placing(done, len(data)))
        files.remove(folder)
        return run


def _help(recipe: Recipe, name: str, seed: int, resume: bool, device: str) -> NoReturn:
    """Compute for the training that another process leads, and end this one with it."""
    with together(device) as ranks:
        with ranks.first_alone():
            training = new_training(recipe, recipe.load_data(), seed, device, ranks=ranks)
        if resume:
            checkpoint.resume(training, runs_folder() / name)
        if not ranks.told(None):
            for _ in training.run():
                if ranks.told(None):
                    break
    raise SystemExit


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    """The folder of a training; one that was made for it goes away again if there is nothing to go on from."""
    new = not (runs_folder() / name).exists()
    folder = new_folder(name)
    try:
        yield folder
    except BaseException:
        if new and not files.is_begun(folder):
            shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _obeyed(folder: Path) -> Iterator[None]:
    """Nothing is asked any more of a training that has stopped."""
    try:
        yield
    except Stopped:
        ask(folder, None)
        raise


def _posted(watcher: Watcher, board: Board) -> Watcher:
    """A watcher that also writes to a board what it is told, and stops before the first step where that is wanted."""

    def told(stage: str, hook: Callable) -> Callable:
        def tell(done: float | int, second: int | str) -> None:
            if stage != "map" and (watcher.stopped() or board.asked in STOPPING):
                raise Stopped(f"stopped before the first step of {board.folder.name}")
            total, note = (1, second) if isinstance(second, str) else (second, "")
            board.write(Standing(stage, done / max(1, total), note))
            hook(done, second)

        return tell

    def step(training: Training) -> None:
        board.write(training.standing)
        watcher.step(training)

    told_of = {"loading": told("data", watcher.loading), "preparing": told("prepare", watcher.preparing)}
    return replace(watcher, **told_of, placing=told("map", watcher.placing), step=step)


def _train(training: Training, folder: Path, watcher: Watcher, board: Board) -> None:
    """Train to the end, or until it is asked to stop; Stopped says that it was stopped."""
    film = Film(training, folder)
    if training.ranks.told(training.progress.step and board.asked == Ask.finish):  # it was killed as it finished
        return
    for progress in training.run():
        asked = training.ranks.told(Ask.pause if watcher.stopped() else board.asked)
        at_epoch = progress.step % training.batches == 0
        if asked == Ask.finish and not at_epoch:
            training.end_epoch()
        if asked or at_epoch:
            checkpoint.save(training, folder)
        film.take(at_epoch or bool(asked))
        watcher.step(training)
        if asked in STOPPING:
            raise Stopped(f"stopped at step {progress.step} of {training.steps}")
        if asked == Ask.finish:
            return


def _finished(training: Training, folder: Path, command: str, report: Callable[[int], None]) -> Run:
    """The run of a training; an OSError says that its checkpoint is kept."""
    try:
        return finish(training, folder, command, report)
    except OSError as error:
        raise OSError(
            f"the training of {folder.name} is done, and its run cannot be written to {folder} "
            f"({error.strerror or error}); {files.remedy(error, folder)}"
        ) from None


def new_training(
    recipe: Recipe,
    data: Any,
    seed: int,
    device: str,
    report: Callable[[int], None] | None = None,
    ranks: Ranks = ALONE,
) -> Training:
    """A recipe's training on some data, before its first step."""
    return Training(recipe.task(data, seed, device, report), seed, device, ranks)
