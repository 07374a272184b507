"""Settings that a search found beside the default ones, after the full training of both."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kernelviz.data.listings import listing_of
from kernelviz.networks.devices import best_device
from kernelviz.search.measuring import measured
from kernelviz.search.searching import Images, Watcher, new_search, searched
from kernelviz.search.space import with_settings
from kernelviz.search.trials import Search
from kernelviz.tasks.choosing import chosen_recipe, sizes_of
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.session import new_training

SOURCES = "digits", "shapes"
SEEDS = 0, 1
TRIALS, LONGEST = 10, 600.0  # trials of a search, whatever the minutes they take, up to so many


def report(note: Callable[[str], None]) -> dict:
    """A row for the default and one for the found settings of each source and seed: validation and test metrics."""
    rows = []
    for source in SOURCES:
        listing = listing_of(source)
        recipe, _ = chosen_recipe(source, listing, sizes_of(listing), None, None, None)
        images = recipe.load_data()
        for seed in SEEDS:
            rows += compared(source, recipe, images, seed, note)
    return {"rows": rows, "notes": [f"Searches of {TRIALS} trials; the settings are chosen on the validation part."]}


def compared(
    source: str, recipe: EmbeddingRecipe, images: Images, seed: int, note: Callable[[str], None]
) -> list[dict]:
    """The two rows of a source and a seed; the second has the metrics of the first where the default is best."""

    def say(search: Search) -> None:
        note(f"{source}, seed {seed}, trial {len(search.trials)}, {search.spent:.0f} s")

    search = new_search(recipe, images, seed, minutes=LONGEST, most=TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        search = searched(search, recipe, images, Path(folder), Watcher(time.monotonic, say))
    rows, metrics = [], {}
    for name, number in {"default": 0, "found": search.chosen}.items():
        note(f"{source}, seed {seed}, full training, {name}")
        settings = search.trials[number].settings
        if number or not metrics:
            metrics = trained(with_settings(recipe, settings), images, seed, search)
        values = ", ".join(f"{key} {value:g}" for key, value in settings.items())
        rows.append({"source": source, "seed": seed, "settings": name} | metrics | {"values": values})
    return rows


def trained(recipe: EmbeddingRecipe, images: Images, seed: int, search: Search) -> dict:
    """The validation and test metrics of a full training."""
    training = new_training(recipe, images, seed, best_device())
    for _ in training.run():
        pass
    metrics = {split: measured(training, search.measure, split) for split in ("validation", "test")}
    return {
        f"{split} {name}": value
        for split, values in metrics.items()
        for name, value in zip((search.measure, "place_mse"), values, strict=True)
    }
