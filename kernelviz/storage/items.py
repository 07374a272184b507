"""The items of a recommender: what each is like, and what someone new would give them.

A recommender of items has an output for every user it was trained on, and none for anyone else. What all of them would
give, predicted, says how ratings of items go together: mean m_i and covariance K_ij over the users. Someone new is one
more draw of the same kind, so some ratings r of theirs give all others by the formula of a Gaussian process,

    p = m + K (K + noise I)^-1 (r - m)     (rows and columns of the items that were rated, where r stands)

which is linear in r: what each rating does to each prediction can be told apart.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int, Shaped
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.storage.record import BrokenRun

FILE = "items.parquet"
FACTORS = 64  # at most
EXTENT, GRID, SPARSITY = 4.0, (30, 30), 0.5  # of the 2-D kernel layer that makes the map


@dataclass(frozen=True, eq=False)
class Items:
    """What a run keeps of its items, and of no user.

    Args:
        item: what the data calls each.
        count: how many ratings of it were learned from.
        mean: m, what all users would give it on average.
        taste: the strongest directions of the covariance, K = taste taste^T.
        places: (x, y) on the map of items.
    """

    item: Shaped[np.ndarray, " n"]
    count: Int[np.ndarray, " n"]
    mean: Float[np.ndarray, " n"]
    factors: Float[np.ndarray, "n tastes"]
    coordinates: Float[np.ndarray, "n 2"]

    def __len__(self) -> int:
        return len(self.item)

    def save(self, folder: Path) -> None:
        """Write items.parquet."""
        columns = {"item": self.item, "count": self.count, "mean": self.mean}
        columns |= {"x": self.coordinates[:, 0], "y": self.coordinates[:, 1]}
        columns |= {f"taste{at}": self.factors[:, at] for at in range(self.factors.shape[1])}
        with replacing(folder / FILE) as partial:
            parquet.write_table(pa.table(columns), partial, compression="zstd")


def load_items(folder: Path) -> Items:
    """The items in a run's folder; a BrokenRun says what is wrong with them."""
    path = folder / FILE
    try:
        table = parquet.read_table(path)
        columns = {name: table[name].to_numpy() for name in table.column_names}
        tastes = [columns[name] for name in table.column_names if name.startswith("taste")]
        factors, coordinates = (np.stack(part, 1).astype(np.float32) for part in (tastes, [columns["x"], columns["y"]]))
        mean = columns["mean"].astype(np.float32)
        if not (np.isfinite(factors).all() and np.isfinite(mean).all()):
            raise ValueError("some of its numbers are not finite")
        return Items(columns["item"], columns["count"].astype(np.int64), mean, factors, coordinates)
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise BrokenRun(f"{path} is no table of items ({error}); train the run again") from None


def item_factors(
    codes: Float[np.ndarray, "n units"], weight: Float[np.ndarray, "units users"], bias: Float[np.ndarray, " users"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n tastes"]]:
    """m and taste of what a recommender predicts, P = codes weight + bias, without making P."""
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
    """What someone who gave some items these ratings would give every item, and what each rating adds to that.

    `noise` is the variance of a rating about what is predicted: the recommender's squared error. The predictions are
    the means plus the sums of what is added.
    """
    factors = items.factors.astype(np.float64)
    own = factors[rows]
    precision = own.T @ own / noise + np.eye(own.shape[1])
    added = factors @ np.linalg.solve(precision, own.T) * ((given - items.mean[rows]) / noise)
    return items.mean + added.sum(1), added
