"""The settings of a run, for another training like it."""

from typing import TYPE_CHECKING

from kernelviz.storage.record import Run

if TYPE_CHECKING:
    from kernelviz.training.task import Recipe

RENAMED = {"kept": "depth"}  # keys of the recipes of older runs
PENALTIES = ("l2", "sparsity")


def same_recipe(run: Run) -> "Recipe":
    """The recipe of a run, to be trained again or changed with `dataclasses.replace`.

    Settings that this version does not know are left out. Raises a UserError where the others are none of a recipe.
    """
    from kernelviz.tasks.recipes import recipe_of  # torch takes seconds to import

    recipe = {RENAMED.get(name, name): value for name, value in run.recipe.items()}
    if isinstance(recipe.get("jitter"), float | int):  # in older runs the shift alone
        recipe["jitter"] = {"shift": recipe["jitter"]}
    penalties = {name: weight for name, weight in recipe.get("objectives", {}).items() if name in PENALTIES}
    return recipe_of(run.kind, penalties | recipe)  # older recommenders have their penalties there
