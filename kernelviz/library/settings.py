"""The settings of a run, for another training like it."""

from typing import TYPE_CHECKING, Any

from kernelviz.storage.record import Run

if TYPE_CHECKING:
    from kernelviz.training.task import Recipe

RENAMED = {"kept": "depth"}  # keys of the recipes of older runs
PENALTIES = ("l2", "sparsity")


def settings_of(run: Run) -> dict[str, Any]:
    """What a run was trained with, as plain values: "run", "kind", "recipe", "seed" and "command"."""
    recipe = {RENAMED.get(name, name): value for name, value in run.recipe.items()}
    if isinstance(recipe.get("jitter"), float | int):  # in older runs the shift alone
        recipe["jitter"] = {"shift": recipe["jitter"]}
    penalties = {name: weight for name, weight in recipe.get("objectives", {}).items() if name in PENALTIES}
    recipe = penalties | recipe  # older recommenders have them there
    command = run.made_by["command"]
    return {"run": run.name, "kind": run.kind, "recipe": recipe, "seed": run.seed, "command": command}


def same_recipe(run: Run) -> "Recipe":
    """The recipe of a run, to be trained again or changed with `dataclasses.replace`.

    Settings that this version does not know are left out. Raises a UserError where the others are none of a recipe.
    """
    from kernelviz.tasks.recipes import recipe_of  # torch takes seconds to import

    return recipe_of(run.kind, settings_of(run)["recipe"])
