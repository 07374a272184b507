"""A recommender's training on as many ratings as ML-10M has: its time and its memory."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from kernelviz.benchmarks.measuring import alone
from kernelviz.benchmarks.million import peak_gb
from kernelviz.data.ratings import load_ratings
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training import optimizers
from kernelviz.training.session import new_training

USERS, ITEMS, N = 69_878, 10_677, 10_000_054  # of ML-10M
HIDDEN = (500, 500)
ITERATIONS = 13  # in a round of L-BFGS-B or RPROP: enough to fill the memory of L-BFGS-B
METHODS = {"read only": None, "Adam": "sparse-fc-adam", "RPROP": "sparse-fc-rprop", "L-BFGS-B": "sparse-fc"}


def report(note: Callable[[str], None]) -> dict:
    """Seconds and greatest memory of a process that reads random ratings and trains on the processor, by optimizer."""
    rows = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.dat"
        note(f"{N:,} random ratings")
        alone(_write, path, USERS, ITEMS, N)
        for method, recipe in METHODS.items():
            note(method)
            rows.append({"method": method, **alone(_trained, path, recipe)})
    return {
        "rows": rows,
        "notes": [
            f"Sparse FC ({len(HIDDEN)}), {USERS:,} users and {ITEMS:,} items. Adam: an epoch; the others: {ITERATIONS} "
            "iterations. peak_GB is the memory of the whole process."
        ],
    }


def _write(path: Path, users: int, items: int, n: int) -> None:
    """Write random ratings in the format of GroupLens, user::item::rating::time."""
    random = np.random.default_rng(0)
    pairs = random.permutation(np.unique(random.integers(users * items, size=n + n // 50)))[:n]
    user, item = np.divmod(pairs, items)
    rating = random.integers(1, 11, len(pairs)) / 2
    columns = {"user": user, "": "", "item": item, " ": "", "rating": rating, "  ": "", "time": 0}
    pd.DataFrame(columns).to_csv(path, sep=":", header=False, index=False)


def _trained(path: Path, recipe: str | None) -> dict[str, float]:
    started = time.perf_counter()
    ratings = load_ratings(str(path))
    if recipe:
        optimizers.ITERATIONS = ITERATIONS
        network = RECIPES[recipe].network | {"hidden": HIDDEN}
        for _ in new_training(replace(RECIPES[recipe], network=network, epochs=1), ratings, 0, "cpu").run():
            pass
    return {"seconds": time.perf_counter() - started, "peak_GB": peak_gb()}
