"""A whole map of pictures: `kernelviz map` beside other tools, which are given the same features."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from kernelviz.benchmarks.measuring import alone
from kernelviz.benchmarks.million import peak_gb
from kernelviz.benchmarks.photographs import elsewhere
from kernelviz.benchmarks.tools.peers import PEERS, here, installed, measures, titled
from kernelviz.data.images import load
from kernelviz.data.pictures import directions
from kernelviz.evaluation.inference import embed_rows
from kernelviz.sources.reading import read_source
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.weights import load_network
from kernelviz.tasks.choosing import chosen_recipe, sizes_of
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.training.session import Watcher, train_run

PICTURES = 10_000  # of CIFAR-10
PARTS = ("train", "test")


def report(note: Callable[[str], None]) -> dict:
    """A row for each tool, in a process of its own: seconds, memory, and the metrics of what was held out."""
    tools, missing = here()
    images, labels = load("cifar10").split("train")
    with tempfile.TemporaryDirectory() as folder, elsewhere(Path(folder)):
        source = Path(folder) / "pictures.npz"
        np.savez(source, images=images[:PICTURES], labels=labels[:PICTURES])
        listing = read_source(source)
        recipe, _ = chosen_recipe(str(source), listing, sizes_of(listing), None, None, None)
        note("features")
        rows = [{"map": "features alone", **alone(_features, recipe, Path(folder))}]
        note("kernelviz map")
        rows += [{"map": "kernelviz map", **alone(_ours, recipe)}]
        for name in tools:
            note(name)
            rows += [{"map": titled(name), **alone(_peer, name, Path(folder))}]
    notes = [
        f"{PICTURES:,} pictures of CIFAR-10, features of {recipe.backbone}. The others take these at unit length, by "
        "their default settings. new: pictures held out, placed from their features.",
        "peak_GB is the memory of the whole process.",
        *missing,
    ]
    return {"rows": rows, "notes": notes}


def _features(recipe: EmbeddingRecipe, folder: Path) -> dict:
    """Compute the features, which everything after it has, and keep the directions for the others."""
    started = time.perf_counter()
    pictures = recipe.load_data()
    seconds = time.perf_counter() - started
    train, test = ((directions(pictures.features[pictures.rows(part), :1]), pictures.split(part)[1]) for part in PARTS)
    np.savez(folder / "directions.npz", known=train[0], labels=train[1], new=test[0], new_labels=test[1])
    return _row(seconds, None, *train, *test, test[0])


def _ours(recipe: EmbeddingRecipe) -> dict:
    started = time.perf_counter()
    run = train_run(recipe, "map", 0, False, "kernelviz bench map", Watcher())
    seconds, pictures = time.perf_counter() - started, recipe.load_data()
    points, network = load_map(run.folder).of_split("train"), load_network(run)
    new = pictures.features[pictures.rows("test"), :1]
    started = time.perf_counter()
    found = embed_rows(network, new[:, 0]).coordinates
    placed, labels = time.perf_counter() - started, pictures.split("test")[1]
    return _row(seconds, placed, points.coordinates, points.label, found, labels, directions(new))


def _peer(name: str, folder: Path) -> dict:
    with np.load(folder / "directions.npz") as kept:
        known, labels, new, new_labels = (kept[part] for part in ("known", "labels", "new", "new_labels"))
    tool, started = installed(name), time.perf_counter()
    coordinates, place = PEERS[name](tool, known, 0)
    fitted = time.perf_counter()
    found = place(new)
    return _row(fitted - started, time.perf_counter() - fitted, coordinates, labels, found, new_labels, new)


def _row(
    fit: float,
    placed: float | None,
    known: Float[np.ndarray, "m d"],
    labels: np.ndarray,
    found: Float[np.ndarray, "n d"],
    new_labels: np.ndarray,
    new: Float[np.ndarray, "n features"],
) -> dict:
    metrics = measures(known, labels, found, new_labels, new)
    return {"fit, s": fit, "new": len(found), "new, s": placed, **metrics, "peak_GB": peak_gb()}
