"""The items of a recommender: their factors, and what a new user would rate them.

A recommender of items has an output for every user it was trained on, and none for anyone else. The predicted ratings
of all these users say how ratings of items go together: mean m_i and covariance K_ij over the users. A new user is one
more sample of that distribution, so that some of their ratings r give all others by the formula of a Gaussian process,

    p = m + K (K + noise I)^-1 (r - m)     (r, and K beside it, only for the items that were rated)

which is linear in r: each prediction is a sum of contributions of the single ratings.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Shaped
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.storage.parquet_file import read_rows
from kernelviz.storage.record import BrokenRun

FILE = "items.parquet"
FACTORS = 64  # of an item, at most
EXTENT, GRID, SPARSITY = 4.0, (30, 30), 0.5  # of the 2-D kernel layer that makes the map


@dataclass(frozen=True, eq=False)
class Items:
    """What a run stores of its items; it stores nothing of any user.

    Args:
        item: the name of each item in the data.
        count: number of its ratings in the training part.
        mean: m, the mean of the ratings that all users are predicted to give it.
        factors: its part in the strongest directions of the covariance, K = factors factors^T.
        coordinates: (x, y) on the map of items.
        title: of each item in the user's own data, empty where it has none; None where there are no titles.
    """

    item: Shaped[np.ndarray, " n"]
    count: Int[np.ndarray, " n"]
    mean: Float[np.ndarray, " n"]
    factors: Float[np.ndarray, "n factors"]
    coordinates: Float[np.ndarray, "n 2"]
    title: Shaped[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.item)

    def save(self, folder: Path) -> None:
        """Write items.parquet."""
        columns = {"item": self.item, "count": self.count, "mean": self.mean}
        columns |= {"x": self.coordinates[:, 0], "y": self.coordinates[:, 1]}
        columns |= {} if self.title is None else {"title": pa.array(self.title, pa.string())}
        columns |= {f"taste{at}": self.factors[:, at] for at in range(self.factors.shape[1])}
        with replacing(folder / FILE) as partial:
            parquet.write_table(pa.table(columns), partial, compression="zstd")


def load_items(folder: Path) -> Items:
    """The items in a run's folder; a BrokenRun says what is wrong with them."""
    path = folder / FILE
    try:
        table = read_rows(path)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        factor_columns = [columns[name] for name in table.column_names if name.startswith("taste")]
        parts = (factor_columns, [columns["x"], columns["y"]])
        factors, coordinates = (np.stack(part, 1).astype(np.float32) for part in parts)
        mean = columns["mean"].astype(np.float32)
        if not (np.isfinite(factors).all() and np.isfinite(mean).all()):
            raise ValueError("some of its numbers are not finite")
        title = np.array([str(one or "") for one in columns["title"]], object) if "title" in columns else None
        return Items(columns["item"], columns["count"].astype(np.int64), mean, factors, coordinates, title)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise BrokenRun(f"{path} is no table of items ({error}); train the run again") from None


def item_factors(
    codes: Float[np.ndarray, "n units"], weight: Float[np.ndarray, "units users"], bias: Float[np.ndarray, " users"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n factors"]]:
    """Mean and factors of each item in what a recommender predicts, P = codes weight + bias, without computing P."""
    weight, bias = weight.astype(np.float64), bias.astype(np.float64)
    apart = np.vstack([weight - weight.mean(1, keepdims=True), bias - bias.mean()])  # [units + 1, users]
    known = np.hstack([codes, np.ones((len(codes), 1))])
    values, vectors = np.linalg.eigh(apart @ apart.T / apart.shape[1])
    spread = known @ (vectors * np.sqrt(values.clip(0)))  # [n, units + 1], K = spread spread^T
    values, vectors = np.linalg.eigh(spread.T @ spread)
    strongest = vectors[:, ::-1][:, : min(FACTORS, len(codes))]
    mean = codes @ weight.mean(1) + bias.mean()
    return mean.astype(np.float32), (spread @ strongest).astype(np.float32)


def fold_in(
    items: Items, rows: Int[np.ndarray, " k"], given: Float[np.ndarray, " k"], noise: float
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n k"]]:
    """The ratings that a new user is predicted to give every item, and what each of their own ratings adds to them.

    The predictions are the means plus the sums of what is added.

    Args:
        rows, given: the rows of the items that the new user rated, and these ratings.
        noise: variance of a rating about its prediction: the recommender's squared error.
    """
    factors = items.factors.astype(np.float64)
    own = factors[rows]
    precision = own.T @ own / noise + np.eye(own.shape[1])
    added = factors @ np.linalg.solve(precision, own.T) * ((given - items.mean[rows]) / noise)
    return items.mean + added.sum(1), added
