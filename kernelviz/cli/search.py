"""`kernelviz search`: good settings for a source, found by short trainings, and the run of the best ones."""

import shlex
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from kernelviz.cli.output import (
    STOPPED,
    AsJson,
    Features,
    Labels,
    Seed,
    TestShare,
    Weights,
    print_json,
    print_metrics,
    print_table,
    progress_bar,
    say,
)
from kernelviz.errors import UserError
from kernelviz.jobs.folder import forget_stop
from kernelviz.search.trials import FILE, TOLERANCE, Search, Trial, load_search
from kernelviz.storage.store import claimed, new_folder
from kernelviz.training import files
from kernelviz.training.standing import STOPPING, Ask, Board, Standing, ask

if TYPE_CHECKING:
    from kernelviz.storage.record import Run
    from kernelviz.tasks.embedding import EmbeddingRecipe

# torch takes seconds to import: what needs it is imported in the functions.


def search(
    source: Annotated[str, typer.Argument(help="What `kernelviz map` takes: pictures, vectors or an image set.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="Budget, from when the features are known.")] = 10.0,
    trials: Annotated[int | None, typer.Option(min=1, help="Number of trials, at most.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run; that of the source if not given.")] = None,
    features: Features = None,
    weights: Weights = None,
    labels: Labels = None,
    test: TestShare = 0.2,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of the full training.")] = None,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option(help="Go on with the stopped search of this name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find good settings for a map of your pictures or vectors, and train it with them. Ctrl-C loses no trial."""
    from kernelviz.cli import map as making
    from kernelviz.tasks.choosing import name_of

    name = name or name_of(source)
    recipe = making.chosen(source, features, weights, labels, test, epochs, timed=False)
    folder = _folder(name, resume)
    command = shlex.join(["kernelviz", *sys.argv[1:]])
    run = searched_run(recipe, name, seed, minutes, trials, resume, command)
    found = load_search(folder)
    if as_json:
        return print_json({"run": run.name, "folder": str(run.folder), "metrics": run.metrics, **found.facts})
    print_trials(found)
    print_metrics(run.metrics)
    say(f"The run {run.name!r} is in {run.folder}; look at it with `kernelviz app`.", to=Console())


def searched_run(
    recipe: "EmbeddingRecipe",
    name: str,
    seed: int,
    minutes: float,
    trials: int | None,
    resume: bool,
    command: str,
) -> "Run":
    """Search settings around a recipe, train the best ones, and store the run; both as others see and ask it.

    Args:
        trials: number of trials, at most.
        resume: whether to go on with the search in the folder of that name.
        command: what the user typed, for the record.
    """
    from kernelviz.cli.train import trained
    from kernelviz.search.searching import chosen_recipe, finished

    forget_stop(name)
    folder = new_folder(name)
    with claimed(name):
        recipe.plan(seed, command, minutes).save(folder)
        found = _searched(recipe, folder, seed, minutes, trials, resume)
    run = trained(chosen_recipe(found, recipe), name, seed, files.is_begun(folder), command)
    finished(found, folder)
    return run


def _folder(name: str, resume: bool) -> Path:
    """The folder of the run; a UserError where a run, or a search that is not gone on with, is in it."""
    folder = new_folder(name)
    files.refuse_to_overwrite(folder, resume)
    if not resume and (folder / FILE).exists() and load_search(folder).complete:
        raise UserError(f"there is a search in {folder}; go on with it by --resume, or give another --name")
    return folder


def _searched(
    recipe: "EmbeddingRecipe", folder: Path, seed: int, minutes: float, trials: int | None, resume: bool
) -> Search:
    """The search of a recipe with a progress bar; Ctrl-C ends the program, and says how to go on."""
    from kernelviz.cli.train import ctrl_c
    from kernelviz.search.searching import Watcher, new_search, searched

    known, board = load_search(folder) if resume else None, Board(folder)
    with progress_bar() as bar:
        task = bar.add_task("data", total=1, note="")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the full training, which loads the data again, says what is left out

            def loading(share: float, note: str) -> None:
                board.write(Standing("data", share, note))
                bar.update(task, completed=share, note=note)

            images = recipe.load_data(loading)
        bar.remove_task(task)
        search = new_search(recipe, images, seed, minutes, trials)
        search = search.resumed(known) if known else search
        if search.state == "training":
            return search
        task = bar.add_task("search", total=round(60 * minutes), note=f"{search.epochs} epochs a trial")

        def show(spent: float, note: str) -> None:
            board.write(Standing("search", min(1.0, spent / (60 * minutes)), note))
            bar.update(task, completed=round(spent), note=note)

        with ctrl_c() as pressed:
            watcher = Watcher(
                time.monotonic,
                Shown(show).update,
                stopped=lambda: bool(pressed) or board.asked in STOPPING,
                enough=lambda: board.asked == Ask.finish,
            )
            search = searched(search, recipe, images, folder, watcher)
    ask(folder, None)
    if search.state == "stopped":
        done = f"stopped after {len(search.complete)} complete trials"
        say(f"{done}; go on with `kernelviz resume {folder.name}`")
        raise typer.Exit(STOPPED)
    return search


class Shown:
    """A search as a progress bar, and as lines: what is expected once it is known, and each trial as it ends.

    `show` is called with the seconds spent and a note.
    """

    def __init__(self, show: Callable[[float, str], None]):
        self.show, self.expected = show, False

    def update(self, search: Search) -> None:
        """Show the search after an epoch, or at the end of a trial."""
        trial = search.trials[-1]
        if trial.epochs and not self.expected:
            self.expected = True
            say(expectation(search))
        standing = f"{_values(trial)}, epoch {trial.epochs}/{search.epochs}" if trial.epochs else ""
        best = f"; best {_values(search.best)}" if search.best else ""
        self.show(search.spent, f"trial {trial.number + 1}: {standing}{best}")
        if trial.state != "running":
            line = f"trial {trial.number + 1} {trial.state} after {trial.seconds:.0f} s: {_values(trial)}"
            say(f"{line}; {_settings(trial)}")


def expectation(search: Search) -> str:
    """What the budget allows, in a sentence."""
    from kernelviz.tasks.choosing import in_words

    training, trial = search.training_seconds, search.trials[0].seconds / search.trials[0].epochs * search.epochs
    n = max(1, int((60 * search.minutes - search.reserved) / trial))
    text = f"expected: {n if search.most is None else min(n, search.most)} trials of about {in_words(trial)}"
    about = f"the full training of the best settings, about {in_words(training)}"
    return f"{text}, then {about}{', is part of the budget' if search.reserved else ', comes on top of the budget'}"


def print_trials(search: Search) -> None:
    """The trials as a table, and which of them is chosen."""
    more = f"{100 * TOLERANCE:.0f} %"
    rows = [(_named(trial), trial.state, *_cells(trial), _settings(trial)) for trial in search.trials]
    print_table(
        ("trial", "state", "map", "error", "settings"),
        rows,
        f"Map: {search.measure} of validation images; error: their place_mse.",
        f"Chosen: trial {search.chosen + 1}, the best map of those whose error is at most {more} above the default.",
    )


def _named(trial: Trial) -> str:
    return str(trial.number + 1) + ("" if trial.number else ", default")


def _cells(trial: Trial) -> tuple[str, str]:
    return (f"{trial.quality:.4f}", f"{trial.error:.4f}") if trial.epochs else ("", "")


def _values(trial: Trial) -> str:
    return f"map {trial.quality:.3f}, error {trial.error:.4f}" if trial.epochs else trial.reason or "no epoch"


def _settings(trial: Trial) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in trial.settings.items())
