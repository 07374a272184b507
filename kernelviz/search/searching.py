"""The search: trial after trial within a budget of time, each stopped early where it has no prospects."""

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from kernelviz.data.images import ImageSet
from kernelviz.data.pictures import PictureSet
from kernelviz.errors import UserError
from kernelviz.networks.devices import best_device
from kernelviz.search.measuring import measure_of, measured
from kernelviz.search.proposals import proposed
from kernelviz.search.space import settings_of, with_settings
from kernelviz.search.trials import Search, Trial
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.loop import TrainingStopped
from kernelviz.training.session import new_training

STEPS = 120  # of a trial, in whole epochs, and no more of these than the full training has
COMPARED = 4  # earlier trials that it takes to prune one; two prune within the noise of a few hundred images
WARM = 1 / 4  # share of a trial's epochs before which it is not pruned
Images = ImageSet | PictureSet


@dataclass
class Watcher:
    """The hooks of a search, called from its own thread.

    Args:
        changed: called with the search after every epoch and at the end of every trial.
        stopped: returns whether the search is to stop after this step.
        enough: returns whether it is to choose among the trials that it has, once one is complete.
        clock: gives seconds.
    """

    clock: Callable[[], float]
    changed: Callable[[Search], None] = field(default=lambda search: None)
    stopped: Callable[[], bool] = field(default=lambda: False)
    enough: Callable[[], bool] = field(default=lambda: False)


def new_search(recipe: EmbeddingRecipe, images: Images, seed: int, minutes: float, most: int | None = None) -> Search:
    """A search around the settings of a recipe, before its first trial.

    Args:
        minutes: the budget. What the trials leave of it is for the full training, if that takes at most half of it.
        most: number of trials, at most.
    """
    batches = math.ceil(len(images.split("train")[0]) / recipe.batch)
    return Search(
        recipe=asdict(recipe),
        seed=seed,
        measure=measure_of(images),
        epochs=min(recipe.epochs, math.ceil(STEPS / batches)),
        minutes=minutes,
        most=most,
    )


def chosen_recipe(search: Search, recipe: EmbeddingRecipe) -> EmbeddingRecipe:
    """The recipe with the settings that the search chose."""
    return with_settings(recipe, search.trials[search.chosen].settings)


def searched(search: Search, recipe: EmbeddingRecipe, images: Images, folder: Path, watcher: Watcher) -> Search:
    """Try settings until the budget or the number of trials is used up; the best ones are chosen then.

    trials.json is written after every epoch. Where the watcher stops it, the trial that runs is lost, no other, and
    nothing is chosen. A UserError says so where the budget does not allow the first trial, that of the recipe itself.
    """
    started = watcher.clock() - search.spent
    trials = [trial for trial in search.trials if trial.state in ("complete", "pruned", "failed")]
    search = replace(search, trials=trials, state="searching")

    def left() -> float:
        return 60 * search.minutes - search.reserved - (watcher.clock() - started)

    def ended() -> bool:
        return watcher.stopped() or left() <= 0 or enough()

    def enough() -> bool:
        return search.best is not None and watcher.enough()

    while _may_begin(search, left()) and not enough():
        settings = proposed(settings_of(recipe), search.trials, search.seed)
        new = Trial(number=len(search.trials), settings=settings)
        for trial in tried(new, search, recipe, images, ended, watcher.clock):
            search = search.with_trial(trial, watcher.clock() - started)
            search.save(folder)
            watcher.changed(search)
            if not watcher.stopped():
                _check_first(search)
        if search.trials[-1].state == "stopped":
            break
    stopped = watcher.stopped()
    chosen = None if stopped else search.best.number
    search = replace(search, state="stopped" if stopped else "training", chosen=chosen, spent=watcher.clock() - started)
    search.save(folder)
    return search


def finished(search: Search, folder: Path) -> None:
    """Write that the run of a search is there."""
    replace(search, state="done").save(folder)


def tried(
    trial: Trial, search: Search, recipe: EmbeddingRecipe, images: Images, ended: Callable[[], bool], clock: Callable
) -> Iterator[Trial]:
    """Train one trial; yields it as it is before the first epoch, after each, and at its end.

    Args:
        search: whose earlier trials it is compared with.
        ended: returns whether it is to be stopped after this step.
    """
    started = clock()
    short = replace(with_settings(recipe, trial.settings), epochs=search.epochs)
    yield trial
    try:
        training = new_training(short, images, search.seed, best_device())
        for progress in training.run():
            if progress.step % training.batches == 0:
                values = measured(training, search.measure)
                if not all(map(math.isfinite, values)):
                    raise TrainingStopped("no image has a position on the map")
                trial = replace(trial, history=[*trial.history, values], seconds=clock() - started)
                if trial.epochs == search.epochs:
                    break
                if has_no_prospects(trial, search):
                    yield replace(trial, state="pruned")
                    return
                yield trial
            if ended():
                yield replace(trial, state="stopped", seconds=clock() - started)
                return
    except TrainingStopped as error:
        yield replace(trial, state="failed", seconds=clock() - started, reason=str(error))
        return
    yield replace(trial, state="complete")


def has_no_prospects(trial: Trial, search: Search) -> bool:
    """Whether a trial is to be pruned: both its map and its error are worse than the median of the earlier trials.

    The median is that at the same epoch. Optuna's own pruners know one aim only.
    """
    epoch = trial.epochs
    earlier = [one.history[epoch - 1] for one in search.trials[: trial.number] if one.epochs >= epoch]
    if epoch < WARM * search.epochs or len(earlier) < COMPARED:
        return False
    qualities, errors = zip(*earlier, strict=True)
    return trial.quality < median(qualities) and trial.error > median(errors)


def _may_begin(search: Search, left: float) -> bool:
    """Whether there is time for another trial: at least as much as the first one took."""
    if search.most is not None and len(search.trials) >= search.most:
        return False
    return left >= (search.trials[0].seconds if search.trials else 0)


def _check_first(search: Search) -> None:
    """A UserError once it is known that the first trial, that of the default settings, cannot be completed."""
    first = search.trials[0]
    if first.state == "failed":
        raise UserError(f"the default settings cannot be trained: {first.reason}")
    if first.state == "stopped" or (first.state == "running" and _needed(search) > 60 * search.minutes):
        raise UserError(_too_short(search))


def _needed(search: Search) -> float:
    """Expected seconds of the first trial; 0 before its first epoch."""
    first = search.trials[0]
    return first.seconds / first.epochs * search.epochs if first.epochs else 0.0


def _too_short(search: Search) -> str:
    enough = math.ceil(max(3 * _needed(search) / 60, 1.1 * search.minutes))
    return (
        f"{search.minutes:g} minutes are too few for even one trial of {search.epochs} epochs; give {enough} minutes "
        "or more"
    )
