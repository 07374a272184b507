"""Ratings of items by users: a MovieLens set, or any table of users, items and ratings."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32, Int64, Shaped
from scipy import sparse

from kernelviz.data import movielens
from kernelviz.errors import NotFound, UserError

PARTS = ("train", "validation", "test")
OTHER_TEST = 0.1  # share of a table that is no MovieLens set
COLUMNS = "columns user, item, rating"
LONGEST_TITLE = 200  # letters
TABLE = f".csv, .tsv or .parquet with {COLUMNS}"
SEPARATORS = {".csv": ",", ".tsv": "\t", ".data": "\t", ".base": "\t", ".test": "\t", ".dat": "::"}


@dataclass(frozen=True, eq=False)
class Ratings:
    """Pairs of a user and an item, with their ratings.

    Args:
        user, item, value: of each rating, the row of its user in `users`, of its item in `items`, and the rating.
        users, items: the names of users and items in the file.
        tested: which ratings belong to an official test part; None where there is none.
        titles: of every item, empty where it has none; None where the table has no column of them.
    """

    name: str
    user: Int64[np.ndarray, " n"]
    item: Int64[np.ndarray, " n"]
    value: Float32[np.ndarray, " n"]
    users: Shaped[np.ndarray, " users"]
    items: Shaped[np.ndarray, " items"]
    tested: Bool[np.ndarray, " n"] | None = None
    titles: Shaped[np.ndarray, " items"] | None = None

    @property
    def unit(self) -> str:
        """What a recommender takes as examples, in the plural."""
        return "items"

    def __len__(self) -> int:
        return len(self.items)

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest rating that was given."""
        return float(self.value.min()), float(self.value.max())

    def matrix(self, chosen: Bool[np.ndarray, " n"]) -> sparse.csr_matrix:
        """The chosen ratings as a sparse float32 matrix [items, users]; entries that are not stored are not rated."""
        entries = self.value[chosen], (self.item[chosen], self.user[chosen])
        return sparse.csr_matrix(entries, shape=(len(self.items), len(self.users)))

    def split(self, seed: int, validation: float, test: float | None = None) -> dict[str, Bool[np.ndarray, " n"]]:
        """A mask over the ratings for each of PARTS, random by the seed alone; an official test part stays so.

        Args:
            validation: share of the ratings outside of the test part by which settings are chosen.
            test: share of all ratings in the test part; None: the paper's for a MovieLens set, else OTHER_TEST.
        """
        if test is None:
            test = movielens.SETS[self.name].test if self.name in movielens.SETS else OTHER_TEST
        n = len(self.value)
        order = np.random.default_rng(seed).permutation(n)
        n_test = round(test * n)
        if self.tested is not None:
            order = order[np.argsort(~self.tested[order], kind="stable")]
            n_test = int(self.tested.sum())
        ends = np.array([n_test, n_test + round(validation * (n - n_test))])
        rank = np.empty(n, np.int64)
        rank[order] = np.arange(n)
        part = np.searchsorted(ends, rank, side="right")  # 0: test, 1: validation, 2: train
        return {name: part == at for name, at in zip(PARTS, (2, 1, 0), strict=True)}


def load_ratings(
    source: str, progress: Callable[[float, str], None] | None = None, titles: str | None = None
) -> Ratings:
    """The MovieLens set of that name (downloaded unless it is there), or the table in that file.

    A table is .csv, .tsv, .parquet, or as GroupLens writes them (.data, .dat, .base): user, item, rating, in these
    columns where it names them, else in its first three. The test part of u1.base is u1.test, if that lies beside it.
    `titles` is a .csv, .tsv or .parquet with the columns item and title; else a column title of the table counts.
    Raises NotFound where there is no such set or file, a UserError where it is no table of ratings.
    """
    if source in movielens.SETS:
        named = movielens.SETS[source]
        folder = movielens.fetch(source, progress)
        return from_table(source, _separated(folder / named.ratings, named.separator))
    path = Path(source).expanduser()
    if not path.is_file():
        sets = ", ".join(movielens.SETS)
        raise NotFound(f"no ratings {source!r}; give one of {sets}, or a {TABLE}")
    beside = path.with_suffix(".test")
    official = path.suffix == ".base" and beside.is_file()
    ratings = _official(path, beside) if official else from_table(path.stem, _table(path))
    return replace(ratings, titles=_titles_in(titles, ratings.items)) if titles else ratings


def _official(train: Path, test: Path) -> Ratings:
    tables = [_named(_table(path), path.name) for path in (train, test)]
    ratings = from_table(train.stem, pd.concat(tables, ignore_index=True))
    doubled = sum(map(len, tables)) - len(ratings.value)
    if doubled:
        raise UserError(f"{doubled} pairs of user and item are given twice in {train.name} and {test.name}")
    return replace(ratings, tested=np.arange(len(ratings.value)) >= len(tables[0]))


def from_table(name: str, table: pd.DataFrame) -> Ratings:
    """Ratings from a table of users, items and ratings; of several ratings of one pair the last counts.

    Raises a UserError that says what is wrong with the table, and in which row.
    """
    titled = next((table[column] for column in table if str(column).strip().lower() == "title"), None)
    table = _named(table, name)
    if table.empty:
        raise UserError(f"{name} has no ratings; it needs {COLUMNS}, and a row for each rating")
    values = pd.to_numeric(table["rating"], errors="coerce").to_numpy(np.float32)
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise UserError(f"{name}: the rating in row {row + 1} is {table['rating'].iloc[row]!r}, which is no number")
    if table[["user", "item"]].isna().to_numpy().any():
        row = int(np.flatnonzero(table[["user", "item"]].isna().any(axis=1))[0])
        raise UserError(f"{name}: in row {row + 1} the user or the item is missing")
    rated = table.assign(rating=values).drop_duplicates(["user", "item"], keep="last")
    user, users = pd.factorize(rated["user"], sort=True)
    item, items = pd.factorize(rated["item"], sort=True)
    if min(len(users), len(items)) < 2:
        raise UserError(f"{name} has {len(users)} user(s) and {len(items)} item(s); it takes two of each")
    return Ratings(
        name,
        user.astype(np.int64),
        item.astype(np.int64),
        rated["rating"].to_numpy(np.float32),
        np.asarray(users),
        np.asarray(items),
        titles=None if titled is None else _titles_of(table["item"], titled, np.asarray(items)),
    )


def _titles_in(source: str, items: Shaped[np.ndarray, " items"]) -> Shaped[np.ndarray, " items"]:
    """The titles of items in a file of them; a UserError where it is none, or names none of these items."""
    path = Path(source).expanduser()
    if not path.is_file():
        raise NotFound(f"no titles {source!r}; give a .csv, .tsv or .parquet with the columns item and title")
    table = _table(path, header=0)
    alike = _alike(table)
    if not {"item", "title"} <= alike.keys():
        raise UserError(f"{path.name} has the columns {', '.join(map(str, table))}; it needs item and title")
    found = _titles_of(table[alike["item"]], table[alike["title"]], items)
    if not found.astype(bool).any():
        raise UserError(f"{path.name} has a title for none of the {len(items):,} items of the ratings")
    return found


def _titles_of(item: pd.Series, title: pd.Series, items: Shaped[np.ndarray, " items"]) -> Shaped[np.ndarray, " items"]:
    """The first title of each of some items, at most LONGEST_TITLE letters, empty where there is none."""
    known = pd.Series(title.to_numpy(), index=item.astype(str)).dropna()
    known = known[~known.index.duplicated()].reindex(items.astype(str))
    texts = [" ".join(str(one).split())[:LONGEST_TITLE] if pd.notna(one) else "" for one in known]
    return np.array(texts, object)


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns user, item and rating by their names, else the first three."""
    wanted = ["user", "item", "rating"]
    alike = _alike(table)
    if all(column in alike for column in wanted):
        return table[[alike[column] for column in wanted]].set_axis(wanted, axis=1)
    if len(table.columns) < len(wanted):
        raise UserError(f"{name} has {len(table.columns)} column(s); it needs {COLUMNS}")
    return table.iloc[:, : len(wanted)].set_axis(wanted, axis=1)


def _alike(table: pd.DataFrame) -> dict[str, Hashable]:
    """The columns by their names in small letters, without "id"; a movie is an item."""
    alike = {str(column).strip().lower().removesuffix("id").rstrip("_"): column for column in table}
    if "movie" in alike:
        alike.setdefault("item", alike["movie"])
    return alike


def _table(path: Path, header: int | None = None) -> pd.DataFrame:
    """The table in a file; `header` is the line of column names of a text file, None: see `_separated`."""
    if path.suffix == ".parquet":
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise UserError(f"{path.name} is no Parquet file ({error})") from None
    separator = SEPARATORS.get(path.suffix)
    if not separator:
        raise UserError(f"{path.name} has the ending {path.suffix!r}; give a {TABLE}")
    return _separated(path, separator, header)


def _separated(path: Path, separator: str, header: int | None = None) -> pd.DataFrame:
    """The table in a text file; where the line of names is not given, the first is one unless it has a rating."""
    columns = {"usecols": [0, 2, 4]} if separator == "::" else {}  # the fast reader splits at one character only
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline().rstrip("\n").split(separator)
        if header is None and not (len(first) > 2 and _is_number(first[2])):
            header = 0
        return pd.read_csv(path, sep=separator[0], header=header, encoding_errors="replace", **columns)
    except ValueError as error:  # pandas' own errors are ValueErrors too
        raise UserError(f"{path.name} is no table ({' '.join(str(error).split())}); it needs {COLUMNS}") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
