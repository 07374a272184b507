"""Table 4: parameters and multiply-accumulates of the recommenders, and what sparsity costs."""

import math
from collections.abc import Callable
from dataclasses import replace

from kernelviz.data.ratings import load_ratings
from kernelviz.evaluation.measured_rows import store_rows
from kernelviz.evaluation.quality import NAMES, SPARSITY_FILE, measured_sparsity
from kernelviz.paper import table3
from kernelviz.paper.beside import NO_NUMBER, beside, percent, verdict
from kernelviz.paper.results_store import measured_table3
from kernelviz.plots.curves import sparsity_figure
from kernelviz.tasks.recipes import RECIPES

TITLE = "Parameters, multiply-accumulates and error on ML-1M; what sparsity costs on ML-100K"
SHOWS = (
    "Parameters, multiply-accumulates per predicted movie and RMSE of the recommenders on ML-1M: Sparse FC needs fewer "
    "multiplications than a dense network of its size."
)
FIGURE = (
    "Ours, beyond the paper: on ML-100K, the error over the share of the weights that the gates leave, one network for "
    "each weight λ₀ of the sparsity."
)
VERDICT = (
    "Sparse FC (1) does best with every gate open here, so that it saves no multiplications; Sparse FC (2) saves as "
    "many as the paper's. The paper counts the parameters of Sparse FC as if its locations had 50 dimensions, where "
    "its text has 5, as here; the two counts are not compared."
)
COMMANDS = ("kernelviz reproduce table3", "kernelviz reproduce table4")
SPREAD = "those of Table 3; one split for each weight of the sparsity"
PAPER = {  # by recipe: millions of parameters and of multiply-accumulates, RMSE
    "ml1m-autorec-1": (6.05, 3.03, 0.831),
    "ml1m-kernelnet-1": (0.67, 3.03, 0.838),
    "ml1m-sparse-fc-1": (6.70, 2.77, 0.830),
    "ml1m-sparse-fc-2": (7.00, 2.23, 0.824),
}
COUNTED_OTHERWISE = (("ml1m-sparse-fc-1", "parameters"), ("ml1m-sparse-fc-2", "parameters"))  # see VERDICT
ROUNDING = 0.01  # millions: counts that differ by less agree
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
            out += _costs(row, *PAPER[row["recipe"]])
    for row in _tried():
        what = f"{table3.name_of(row['recipe'])}, λ₀ = {row['sparsity']:g}"
        out.append(
            beside(what, f"{percent(row['density'])} open, {_millions(row['macs'], 3)}, RMSE {row['test_rmse']:.4f}")
        )
    return out


def _costs(row: dict, parameters: float, macs: float, error: float) -> list[dict]:
    """A row for each of three numbers of a network; the fewer or smaller the better."""
    name = table3.name_of(row["recipe"])
    counts = [
        beside(
            f"{name}: {NAMES[key]}",
            _millions(row[key]),
            f"{paper:.2f} M",
            NO_NUMBER
            if (row["recipe"], key) in COUNTED_OTHERWISE
            else verdict(row[key] / 1e6, paper, ROUNDING, lower_is_better=True),
        )
        for key, paper in (("parameters", parameters), ("macs", macs))
    ]
    judged = verdict(row["mean"], error, table3.tolerance(row), lower_is_better=True)
    return [*counts, beside(f"{name}: {NAMES['test_rmse']}", f"{row['mean']:.4f}", f"{error:.3f}", judged)]


def figure():
    """The error over the density, for each weight of the sparsity, a Plotly figure."""
    return sparsity_figure(_tried())


def _millions(count: int | float, decimals: int = 2) -> str:
    """A count in millions, halves rounded up as in the paper: 3,025,000 is 3.03 M."""
    step = 10 ** (6 - decimals)
    return f"{math.floor(count / step + 0.5) / 10**decimals:.{decimals}f} M"


def _tried() -> list[dict]:
    return sorted(measured_sparsity(), key=lambda row: row["sparsity"])
