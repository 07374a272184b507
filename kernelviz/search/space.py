"""The settings that a search varies: their ranges, which of them a recipe has, and a recipe with other values."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from kernelviz.networks import EmbeddingNetwork
from kernelviz.tasks.embedding import EmbeddingRecipe

SCALED = {"neighbours", "supervised_neighbours", "round_trip"}  # objectives that see the scale
MOVED = ("turn", "shift", "zoom")  # of the jitter
DEFAULTS = {name: one.default for name, one in inspect.signature(EmbeddingNetwork).parameters.items()}


@dataclass(frozen=True)
class Setting:
    """What may be varied, and between which values.

    Args:
        value: that of a recipe; None where it does not apply to it.
        log: whether factors count, not differences.
        step: between the values of a whole number; None: any number.
    """

    value: Callable[[EmbeddingRecipe], float | int | None]
    low: float
    high: float
    log: bool = False
    step: int | None = None


def _of_network(name: str) -> Callable[[EmbeddingRecipe], float | int]:
    return lambda recipe: recipe.network.get(name, DEFAULTS[name])


def _of_jitter(name: str) -> Callable[[EmbeddingRecipe], float | None]:
    return lambda recipe: None if recipe.views else getattr(recipe.jitter, name)


SETTINGS = {
    "grid": Setting(lambda recipe: max(recipe.network.get("grid", DEFAULTS["grid"])), 16.0, 50.0, step=2),
    "sparsity": Setting(_of_network("sparsity"), 0.0, 0.95),
    "width": Setting(_of_network("width"), 0.5, 6.0, log=True),
    "scale": Setting(lambda recipe: recipe.scale if SCALED & recipe.objectives.keys() else None, 5.0, 80.0, log=True),
    "noise": Setting(lambda recipe: recipe.network.get("noise") if recipe.views else None, 0.0, 1.2),
    "turn": Setting(_of_jitter("turn"), 0.0, 20.0),
    "shift": Setting(_of_jitter("shift"), 0.0, 0.1),
    "zoom": Setting(_of_jitter("zoom"), 0.0, 0.15),
}


def settings_of(recipe: EmbeddingRecipe) -> dict[str, float]:
    """The value of each setting that applies to a recipe.

    The grid is that of a square one; neither images of features nor vectors are moved, noise is added to them instead.
    """
    values = {name: setting.value(recipe) for name, setting in SETTINGS.items()}
    return {name: float(value) for name, value in values.items() if value is not None}


def with_settings(recipe: EmbeddingRecipe, settings: Mapping[str, float]) -> EmbeddingRecipe:
    """A recipe with other values of some settings; the others stay."""
    network = {name: settings[name] for name in ("sparsity", "width", "noise") if name in settings}
    if "grid" in settings:
        network["grid"] = 2 * (int(settings["grid"]),)
    moved = {name: settings[name] for name in MOVED if name in settings}
    return replace(
        recipe,
        network=recipe.network | network,
        scale=settings.get("scale", recipe.scale),
        jitter=type(recipe.jitter)(**asdict(recipe.jitter) | moved),
    )
