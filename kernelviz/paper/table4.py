"""Table 4: parameters and multiply-accumulates of the recommenders, and what sparsity costs."""

import math
from collections.abc import Callable
from dataclasses import replace

from kernelviz.data.ratings import load_ratings
from kernelviz.evaluation.quality import SPARSITY_FILE, measured_sparsity
from kernelviz.paper import table3
from kernelviz.paper.results_store import measured_table3
from kernelviz.plots.curves import sparsity_figure
from kernelviz.storage.measured_rows import store_rows
from kernelviz.tasks.recipes import RECIPES

TITLE = "Parameters, multiply-accumulates per prediction and error on ML-1M, and what sparsity costs"
COMMANDS = ("kernelviz reproduce table3", "kernelviz reproduce table4")
SPREAD = (
    "those of Table 3; one split for each weight of the sparsity. The paper's parameters of Sparse FC are those of "
    "locations of 50 dimensions, where its text has 5, as here"
)
PAPER = {  # by recipe: millions of parameters and of multiply-accumulates
    "ml1m-autorec-1": (6.05, 3.03, 0.831),
    "ml1m-kernelnet-1": (0.67, 3.03, 0.838),
    "ml1m-sparse-fc-1": (6.70, 2.77, 0.830),
    "ml1m-sparse-fc-2": (7.00, 2.23, 0.824),
}
TRIED = "ml100k-sparse-fc-2"
SPARSITIES = (0.0, 0.02, 0.03, 0.1, 0.3, 1.0)


def train(note: Callable[[str], None], again: bool) -> None:
    """Train TRIED with each of SPARSITIES, and store a row for each; the rows of Table 3 are measured by `table3`."""
    rows = [] if again else measured_sparsity()
    recipe = RECIPES[TRIED]
    for sparsity in SPARSITIES:
        if any((row["recipe"], row["sparsity"]) == (TRIED, sparsity) for row in rows):
            continue
        made = replace(recipe, sparsity=sparsity)
        metrics = table3.measured(made, load_ratings(recipe.data), 0, lambda said, at=sparsity: note(f"{at:g}: {said}"))
        rows.append({"recipe": TRIED, "sparsity": sparsity, **metrics})
        store_rows(SPARSITY_FILE, rows)


def rows() -> list[dict]:
    """Cost and error of each network on ML-1M, and of TRIED with each weight of the sparsity."""
    out = []
    for row in table3.summary(measured_table3()):
        if row["recipe"] in PAPER:
            parameters, macs, error = PAPER[row["recipe"]]
            paper = f"{parameters:.2f} M, {macs:.2f} M, {error:.3f}"
            ours = f"{_millions(row['parameters'])}, {_millions(row['macs'])}, {row['mean']:.4f}"
            out.append({"what": table3.name_of(row["recipe"]), "paper": paper, "ours": ours})
    for row in _tried():
        what = f"{table3.name_of(row['recipe'])}, λ₀ = {row['sparsity']:g}"
        ours = f"density {row['density']:.3f}, {row['macs'] / 1e6:.3f} M, {row['test_rmse']:.4f}"
        out.append({"what": what, "paper": "no number given", "ours": ours})
    return out


def figure():
    """The error over the density, for each weight of the sparsity, a Plotly figure."""
    return sparsity_figure(_tried())


def _millions(count: float) -> str:
    """A count in millions with two decimals, halves rounded up as in the paper: 3,025,000 is 3.03 M."""
    return f"{math.floor(count / 1e4 + 0.5) / 100:.2f} M"


def _tried() -> list[dict]:
    return sorted(measured_sparsity(), key=lambda row: row["sparsity"])
