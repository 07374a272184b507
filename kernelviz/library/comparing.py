"""Runs side by side: the settings in which they differ, and their metrics."""

from collections.abc import Sequence
from typing import Any

from kernelviz.evaluation.quality import LOWER_IS_BETTER, MEANING
from kernelviz.storage.record import Run

MISSING = "–"
OF_THE_MACHINE = ("seconds_per_10000",)  # says nothing of a network that was measured on another one
RENAMED = {"draws": "has decoder", "kept": "depth"}  # keys on disk that have a better name
LEFT_OUT = ("network", "data.preprocess", "backbone.sha256", "backbone.mean", "backbone.std")


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The value of each run, None where it is unset, of each setting of recipe, network and seed that is not the same.

    A setting that is zero or empty does not differ from one that is unset, as in runs of older versions.
    """
    settings = [_settings(run) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    found = {name: [one.get(name) for one in settings] for name in names}
    return {name: values for name, values in found.items() if _differ(values)}


def metrics_of(runs: Sequence[Run]) -> dict[str, list[float | None]]:
    """The value of each run, None where it was not measured, of each metric that says something of the network."""
    found = {name: [_number(run, name) for run in runs] for name in MEANING if name not in OF_THE_MACHINE}
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def are_comparable(runs: Sequence[Run]) -> bool:
    """Whether there are several runs, measured on the same data: else no metric is better than another."""
    return len(runs) > 1 and len({run.data["name"] for run in runs}) == 1


def best_of(name: str, values: Sequence[float | None]) -> set[int]:
    """Which values of a metric are the best, by what is shown of them; none where all that were measured agree."""
    texts = [shown(value) for value in values if value is not None]
    if len(set(texts)) < 2:
        return set()
    best = (min if name in LOWER_IS_BETTER else max)(value for value in values if value is not None)
    return {at for at, value in enumerate(values) if value is not None and shown(value) == shown(best)}


def shown(value: float | None) -> str:
    """A metric as text."""
    return MISSING if value is None else f"{value:.4g}"


def written(value: object) -> str:
    """A setting as text."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, list | tuple):
        return ", ".join(map(written, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _differ(values: list[Any]) -> bool:
    first = values[0]
    return any(one != first and not (None in (one, first) and not (one or first)) for one in values[1:])


def _number(run: Run, name: str) -> float | None:
    """A metric of a run, if it is a number."""
    value = run.metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _settings(run: Run) -> dict[str, Any]:
    nested = run.recipe | {"network": None} | dict(run.arguments) | {"seed": run.seed}
    return {name: value for name, value in _flat(nested).items() if name not in LEFT_OUT}


def _flat(nested: dict[str, Any], above: str = "") -> dict[str, Any]:
    """The values of nested settings, by the names on the way to each."""
    flat = {}
    for name, value in nested.items():
        path = f"{above}{RENAMED.get(name, name)}"
        flat |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat
