"""Table 3: the error of predicted ratings on MovieLens, of three kinds of networks."""

from collections.abc import Callable

import numpy as np

from kernelviz.data.ratings import Ratings, load_ratings
from kernelviz.evaluation.measured_rows import store_rows
from kernelviz.evaluation.metrics import evaluate_recommender
from kernelviz.networks.devices import best_device
from kernelviz.paper.beside import NO_NUMBER, TOLERANCE, beside, verdict
from kernelviz.paper.results_store import TABLE3_FILE, measured_table3
from kernelviz.plots.curves import errors_figure
from kernelviz.tasks.item_map import items_of
from kernelviz.tasks.recipes import RECIPES
from kernelviz.tasks.recommender import RecommenderRecipe
from kernelviz.training.session import new_training

TITLE = "Error of predicted ratings on MovieLens (RMSE), and what else is published"
SHOWS = (
    "RMSE of the predicted ratings on ML-10M, ML-1M and ML-100K: of KernelNet and Sparse FC with one and two hidden "
    "layers, beside I-AutoRec and other published methods."
)
FIGURE = "Ours as dots with two standard errors, the paper's as crosses; further left is better."
COMMANDS = ("kernelviz reproduce table3",)
SPREAD = (
    "mean ± standard error over the stated number of random splits; weights of the last iteration; settings chosen by "
    "validation ratings"
)
VERDICT = (
    "On ML-100K every network is as good as the paper's or better. On ML-1M KernelNet is better, and the "
    "others are as good within the standard error between splits. "
    "Beside the paper's: plain matrix factorisation, once it is tuned, reaches 0.772 on ML-10M (Rendle, Zhang, Koren "
    "2019), where the paper has 0.784 and 0.769. GLocal-K chose its best epoch on the test part."
)
PAPER = {  # by recipe
    "ml100k-sparse-fc-1": 0.890,
    "ml100k-sparse-fc-2": 0.894,
    "ml100k-autorec-1": 0.895,
    "ml100k-kernelnet-1": 0.898,
    "ml100k-kernelnet-2": 0.901,
    "ml1m-sparse-fc-1": 0.830,
    "ml1m-sparse-fc-2": 0.824,
    "ml1m-autorec-1": 0.831,
    "ml1m-kernelnet-1": 0.838,
}
# RMSE of other methods on MovieLens, as in the paper's Table 3, and one of 2021.
OTHERS = [
    {"method": "LLORMA", "ml-1m": 0.833, "ml-100k": 0.898},
    {"method": "GC-MC", "ml-1m": 0.832, "ml-100k": 0.910},
    {"method": "I-CFN", "ml-1m": 0.832, "ml-100k": None},
    {"method": "CF-NADE (2)", "ml-1m": 0.829, "ml-100k": None},
    {"method": "GLocal-K (2021)", "ml-1m": 0.823, "ml-100k": 0.889},
]
NAMES = {"sparse-fc": "Sparse FC", "autorec": "I-AutoRec", "kernelnet": "KernelNet"}
SETS = {"ml-100k": "ML-100K", "ml-1m": "ML-1M"}
COSTS = ("density", "parameters", "macs", "new_rmse")
SPLITS = 5
ROUNDING = 0.0005  # of the paper's numbers
NOT_TRAINED = "not trained here"


def train(note: Callable[[str], None], again: bool, splits: int | None = None) -> None:
    """Train every network of PAPER on random splits, SPLITS of them if no number is given, and store a row for each.

    What is measured already, on this machine or in the shipped files, is measured again only if `again` is true.
    """
    rows = [] if again else measured_table3()
    for name in PAPER:
        recipe = RECIPES[name]
        for seed in range(splits or SPLITS):
            if any((row["recipe"], row["seed"]) == (name, seed) for row in rows):
                continue

            def step(said: str, at: str = f"{name_of(name)}, split {seed}") -> None:
                note(f"{at}, {said}")

            rows.append({"recipe": name, "seed": seed, **measured(recipe, load_ratings(recipe.data), seed, step)})
            store_rows(TABLE3_FILE, rows)


def measured(recipe: RecommenderRecipe, ratings: Ratings, seed: int, note: Callable[[str], None]) -> dict[str, float]:
    """The metrics of a recommender that is trained on the split of a seed."""
    training = new_training(recipe, ratings, seed, best_device())
    for progress in training.run():
        note(f"step {progress.step} of {training.steps}")
    network, parts = training.network.requires_grad_(False), ratings.split(seed, recipe.validation)
    items = items_of(network, ratings, parts["train"], seed)
    seconds = sum(row["seconds"] for row in training.progress.history)
    dense = {"density": 1.0, "dead_share": 0.0}
    return dense | evaluate_recommender(network, ratings, parts, items) | {"seconds": round(seconds, 1)}


def rows() -> list[dict]:
    """Mean and standard error beside the paper's numbers; then other methods, which are not trained here."""
    ours = [
        beside(
            name_of(row["recipe"]),
            said(row),
            f"{PAPER[row['recipe']]:.3f}",
            verdict(row["mean"], PAPER[row["recipe"]], tolerance(row), lower_is_better=True),
        )
        for row in summary(measured_table3())
    ]
    others = [
        beside(f"{SETS[data]}, {row['method']}", NOT_TRAINED, f"{row[data]:.3f}", NO_NUMBER)
        for data in SETS
        for row in OTHERS
        if row[data]
    ]
    return ours + others if ours else []


def figure():
    """Our errors beside the paper's, a Plotly figure."""
    rows = summary(measured_table3())
    return errors_figure([(name_of(row["recipe"]), row["mean"], tolerance(row), PAPER[row["recipe"]]) for row in rows])


def tolerance(row: dict) -> float:
    """How far a mean may lie from the paper's to agree; of a single split, by what the paper rounds."""
    return ROUNDING if row["splits"] == 1 else TOLERANCE * row["error"]


def summary(rows: list[dict]) -> list[dict]:
    """For each recipe: mean and standard error of the test error, number of splits, means of COSTS."""
    out = []
    for name in PAPER:
        own = [row for row in rows if row["recipe"] == name]
        if own:
            errors = [row["test_rmse"] for row in own]
            spread = float(np.std(errors, ddof=1) / np.sqrt(len(own))) if len(own) > 1 else float("nan")
            means = {key: float(np.mean([row[key] for row in own])) for key in COSTS}
            out.append({"recipe": name, "splits": len(own), "mean": float(np.mean(errors)), "error": spread, **means})
    return out


def name_of(recipe: str) -> str:
    """The name of a recipe in the table: "ML-1M, Sparse FC (2)"."""
    made = RECIPES[recipe]
    return f"{SETS[made.data]}, {NAMES[made.network['kind']]} ({len(made.network['hidden'])})"


def said(row: dict) -> str:
    """Mean ± standard error and number of splits, as text."""
    if row["splits"] == 1:
        return f"{row['mean']:.4f} (1 split)"
    return f"{row['mean']:.4f} ± {row['error']:.4f} ({row['splits']} splits)"
