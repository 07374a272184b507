"""The record of a search: trials.json in the folder of its run, written after every epoch of every trial.

It is read without torch, and validated: the folder may be anybody's. It is all that a search needs to go on.
"""

from collections.abc import Sequence
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass
from pydantic_core import from_json, to_json

from kernelviz.disk import replacing
from kernelviz.errors import NotFound, UserError
from kernelviz.storage.schema import Count, Finite

FILE = "trials.json"
FORMAT = 1
LARGEST = 10_000_000  # bytes
TOLERANCE = 0.05  # by how much more than of the first trial the error of the best one may be, as a share

Number = Annotated[int, Ge(0)]
Seconds = Annotated[Finite, Ge(0)]
OWN = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=OWN)
class Trial:
    """A short training with some settings.

    Args:
        number: counted from 0, the trial of the default settings.
        settings: value of each setting that is varied, by its name in `search.space.SETTINGS`.
        state: "stopped" by the end of the budget or by the user; "failed" for a training that could not go on.
        history: quality of the map and error from the position after each epoch, on the validation part.
        seconds: that it took, its preparation included.
        reason: why it failed.
    """

    number: Number
    settings: dict[str, Finite]
    state: Literal["running", "complete", "pruned", "stopped", "failed"] = "running"
    history: list[tuple[Finite, Finite]] = field(default_factory=list)
    seconds: Seconds = 0.0
    reason: str = ""

    @property
    def epochs(self) -> int:
        """Number of epochs that are measured."""
        return len(self.history)

    @property
    def quality(self) -> float | None:
        """Quality of the map after the last epoch, the higher the better; None before the first."""
        return self.history[-1][0] if self.history else None

    @property
    def error(self) -> float | None:
        """Error from the position alone after the last epoch, the lower the better; None before the first."""
        return self.history[-1][1] if self.history else None


@dataclass(frozen=True, kw_only=True, config=OWN)
class Search:
    """A search and its trials.

    Args:
        recipe, seed: of the default settings, as plain values: what the trials vary.
        measure: the quality of a map: 5-NN accuracy, or trustworthiness where there are no labels.
        epochs: of every trial; the training of the chosen settings has those of the recipe.
        minutes: the budget.
        most: number of trials, at most; None: as many as the budget allows.
        spent: seconds of the budget that are used.
        state: "training" once the trials are over, until the run is there.
        chosen: number of the trial whose settings are trained, once that is decided.
    """

    recipe: dict[str, Any]
    seed: Number
    measure: Literal["map_5nn", "trustworthiness"]
    epochs: Count
    minutes: Annotated[Finite, Ge(0)]
    most: Count | None = None
    spent: Seconds = 0.0
    state: Literal["searching", "stopped", "training", "done"] = "searching"
    chosen: Number | None = None
    trials: list[Trial] = field(default_factory=list)
    format: Annotated[int, Ge(FORMAT), Le(FORMAT)] = FORMAT

    @property
    def complete(self) -> list[Trial]:
        """The trials that were trained to their end."""
        return [trial for trial in self.trials if trial.state == "complete"]

    @property
    def front(self) -> list[Trial]:
        """The complete trials that no other one surpasses in both, the best map first."""
        return pareto_front(self.complete)

    @property
    def best(self) -> Trial | None:
        """The best map whose error is at most TOLERANCE above that of the default settings; None before these.

        The default settings are among those that it is chosen of: on the validation part and at the length of a trial
        the map is never worse than theirs.
        """
        if not self.complete or self.trials[0].state != "complete":
            return None
        allowed = (1 + TOLERANCE) * self.trials[0].error
        return max(
            (trial for trial in self.complete if trial.error <= allowed),
            key=lambda trial: (trial.quality, -trial.error, -trial.number),
        )

    @property
    def training_seconds(self) -> float:
        """Expected seconds of the full training of the best settings so far; 0 before the first epoch."""
        return self._expected(self.best or (self.trials[0] if self.trials else None))

    @property
    def reserved(self) -> float:
        """Seconds of the budget for the full training: none where it takes over half of it, and comes on top.

        Which of them is so, the default settings decide.
        """
        first = self.trials[0] if self.trials else None
        return self.training_seconds if self._expected(first) <= 60 * self.minutes / 2 else 0.0

    def _expected(self, trial: Trial | None) -> float:
        return trial.seconds / trial.epochs * self.recipe["epochs"] if trial and trial.epochs else 0.0

    @property
    def facts(self) -> dict[str, Any]:
        """The chosen settings and all trials, as plain values."""
        chosen = None if self.chosen is None else self.trials[self.chosen].settings
        return {"settings": chosen, "trials": [asdict(trial) for trial in self.trials]}

    def resumed(self, known: "Search") -> "Search":
        """This search with the trials of an earlier one; a UserError where that one varied something else.

        The budget and the number of trials are those of this one.
        """
        for name in ("recipe", "seed", "measure", "epochs"):
            if to_json(getattr(known, name)) != to_json(getattr(self, name)):
                raise UserError(f"cannot go on with that search: its {name} was another one; give another --name")
        ended = known.state in ("training", "done")
        state, chosen = ("training", known.chosen) if ended else ("searching", None)
        return replace(self, trials=known.trials, spent=known.spent, state=state, chosen=chosen)

    def with_trial(self, trial: Trial, spent: float) -> "Search":
        """With a trial as it is now, in place of what was known of it, and the seconds spent so far."""
        return replace(self, trials=[*self.trials[: trial.number], trial], spent=spent)

    def save(self, folder: Path) -> None:
        """Write trials.json."""
        with replacing(folder / FILE) as partial:
            partial.write_bytes(to_json(asdict(self), indent=1))


def load_search(folder: Path) -> Search:
    """The search in the folder of a run; NotFound where there is none, a UserError says what is wrong with it."""
    path = folder / FILE
    if not path.is_file():
        raise NotFound(f"there is no search at {path}; start one with `kernelviz search`")
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has {path.stat().st_size / 1e6:.0f} MB, allowed are {LARGEST / 1e6:.0f} MB")
        search = TypeAdapter(Search).validate_python(from_json(path.read_bytes(), allow_inf_nan=False))
        _check(search)
        return search
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise UserError(f"{path} is not the record of a search ({reason}); delete it, and search again")


def _check(search: Search) -> None:
    """A ValueError where the parts of a record do not go together."""
    n = len(search.trials)
    if [trial.number for trial in search.trials] != [*range(n)]:
        raise ValueError("its trials are not numbered from 0 on")
    if search.chosen is not None and search.chosen >= n:
        raise ValueError(f"trial {search.chosen} is chosen of {n}")
    if not isinstance(search.recipe.get("epochs"), int):
        raise ValueError("its recipe has no epochs")
    if any(trial.state in ("complete", "pruned") and not trial.history for trial in search.trials):
        raise ValueError("a trial that ended has no epoch")


def pareto_front(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that no other one surpasses in quality without a larger error, the best map first."""
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (-trial.quality, trial.error, trial.number)):
        if not front or trial.error < front[-1].error:
            front.append(trial)
    return front
