"""A training from the command line: progress bars, and Ctrl-C, which stops it without losing anything."""

import math
import shlex
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.progress import Progress, TaskID

from kernelviz.cli.output import STOPPED, progress_bar, say
from kernelviz.disk import leads, runs_folder
from kernelviz.jobs.folder import forget_stop
from kernelviz.library.cleaning import clean
from kernelviz.storage.record import Run
from kernelviz.training.loop import Training
from kernelviz.training.session import Stopped, Watcher, train_run
from kernelviz.training.task import Recipe

PROGRESS_METRICS = {  # of a row of the history, with their names in the progress bar
    "validation_loss": "on validation",
    "validation_accuracy": "accuracy",
    "validation_5nn": "5-NN",
    "train_rmse": "RMSE",
    "validation_rmse": "on validation",
    "density": "density",
}


class Bars:
    """A bar for each stage of a training; the bars of loading and preparation are removed when they are done."""

    def __init__(self, bar: Progress):
        self.bar = bar
        self._stage, self._task = "", TaskID(0)

    def watcher(self, pressed: list[bool]) -> Watcher:
        """The hooks of a training, which stops once `pressed` is not empty."""
        return Watcher(
            loading=lambda share, note: self._show("data", share, 1, note),
            preparing=lambda done, total: self._show(
                "prepare", done, total, "finding neighbours or computing features"
            ),
            step=self._step,
            placing=lambda done, total: self._show("map", done, total, "embedding all of the data"),
            stopped=lambda: bool(pressed),
        )

    def _show(self, stage: str, done: float | int, total: int, note: str) -> None:
        if stage != self._stage:
            if self._stage in ("data", "prepare"):
                self.bar.remove_task(self._task)
            self._stage, self._task = stage, self.bar.add_task(stage, total=total, note=note)
        self.bar.update(self._task, completed=done, note=note)

    def _step(self, training: Training) -> None:
        self._show("train", training.progress.step, training.steps, _standing(training))
        at_epoch = training.progress.step % training.batches == 0
        if at_epoch and not self.bar.console.is_terminal:  # a log file has no moving bar: a line an epoch instead
            say(_standing(training), to=self.bar.console)


def trained(recipe: Recipe, name: str, seed: int, resume: bool, command: str = "") -> Run:
    """Train a recipe with progress bars; Ctrl-C ends the program, and says how to go on.

    Args:
        command: that the training was begun with; what was typed if not given.
    """
    command = command or shlex.join(["kernelviz", *sys.argv[1:]])
    if leads():
        clean()
        forget_stop(name)
    try:
        with warnings.catch_warnings(), progress_bar() as bar, ctrl_c() as pressed:
            warnings.showwarning = lambda message, *_: say(str(message), "yellow")
            return train_run(recipe, name, seed, resume, command, Bars(bar).watcher(pressed))
    except Stopped as stopped:
        kept = (runs_folder() / name).exists()  # not where it was stopped before its first step
        say(f"{stopped}; go on with `kernelviz resume {name}`" if kept else str(stopped))
        raise typer.Exit(STOPPED) from None


@contextmanager
def ctrl_c() -> Iterator[list[bool]]:
    """A list that is empty until Ctrl-C is pressed: a step is never cut in the middle."""
    pressed: list[bool] = []
    if threading.current_thread() is not threading.main_thread():  # the only thread that receives signals
        yield pressed
        return
    before = signal.signal(signal.SIGINT, lambda *_: pressed.append(True))
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _standing(training: Training) -> str:
    """Epoch, loss, the newest validation metrics and speed, for the progress bar."""
    at, history = training.standing, training.progress.history
    last = history[-1] if history else {}
    metrics = [f"{shown} {last[key]:.3f}" for key, shown in PROGRESS_METRICS.items() if key in last]
    epoch = f"epoch {math.ceil(at.epoch)}/{training.schedule.epochs}"
    return ", ".join([epoch, f"loss {at.loss:.4f}", *metrics, f"{at.per_second:,.0f} {training.task.unit}/s"])
