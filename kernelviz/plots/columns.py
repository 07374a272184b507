"""The columns of a user's own table, as points are coloured by them: numbers, dates, and categories."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Int, Shaped
from pandas.api import types

from kernelviz.plots.colours import UNKNOWN, class_colours, palette
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.item_table import own_columns

MAX_COLUMNS = 40  # of a table
MAX_GROUPS = 20  # values of a column that have colours of their own
OTHER = "#5d6b78"  # the colour of all other values
MISSING = "no value"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a table.

    Attributes:
        key: its name between Python and the page, which is not the user's.
        name: as it is shown.
        form: "number", "date" or "category".
        values: of each row: numbers, or days since 1970, NaN where there is none; or the index of a group, -1 for none.
        groups: of categories, name and colour of each; the last is for rows without a value.
    """

    key: str
    name: str
    form: str
    values: Shaped[np.ndarray, " n"]
    groups: tuple[tuple[str, str], ...] = ()

    def where(self, rows: np.ndarray) -> "Column":
        """The column of some rows."""
        return replace(self, values=self.values[rows])


def columns_of(table: pd.DataFrame, taken: Collection[str]) -> list[Column]:
    """The columns by which points may be coloured, under names that none of the taken ones is."""
    found: list[Column] = []
    for name, column in own_columns(table, taken).items():
        made = _column(f"column {len(found)}", name, table[column])
        if made and len(found) < MAX_COLUMNS:
            found.append(made)
    return found


def group_of(
    points: EmbeddingMap, classes: tuple[str, ...], colouring: str, column: Column | None = None
) -> tuple[Int[np.ndarray, " n"], Sequence[tuple[str, str]]]:
    """The number of each point's group, and name and colour of each group, by a colouring or a column of categories."""
    if column:
        return np.where(column.values < 0, len(column.groups) - 1, column.values), column.groups
    groups = palette(classes, colouring)
    if colouring == "right or wrong":
        unknown = (points.label < 0) | (points.prediction < 0)
        return np.where(unknown, 2, points.prediction != points.label), groups
    group = points.label if colouring == "label" else points.prediction
    return np.where(group < 0, len(classes), group), groups


def kind_of(values: pd.Series) -> str:
    """Whether a column has numbers, dates or categories."""
    inferred = types.infer_dtype(values, skipna=True)
    if types.is_bool_dtype(values) or inferred == "boolean":
        return "category"
    if types.is_datetime64_any_dtype(values) or inferred in ("date", "datetime", "datetime64"):
        return "date"
    return "number" if types.is_numeric_dtype(values) or inferred == "decimal" else "category"


def as_numbers(values: pd.Series) -> Shaped[np.ndarray, " n"]:
    """Numbers, or dates as days since 1970; NaN where there is none."""
    if kind_of(values) == "date":
        dates = pd.to_datetime(values, errors="coerce", utc=True)
        return ((dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(np.float64)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def as_texts(values: pd.Series) -> pd.Series:
    """Categories as texts; None where there is none."""
    named = values.astype(object).map(
        lambda value: {True: "yes", False: "no"}.get(value, value) if _bool(value) else value
    )
    texts = named.map(lambda value: str(value).strip() or None, na_action="ignore")
    return texts.astype(object).where(texts.notna(), None)


def _bool(value: object) -> bool:
    return isinstance(value, bool | np.bool_)


def _column(key: str, name: str, values: pd.Series) -> Column | None:
    """The column; None where all values are missing or, as texts, differ."""
    kind = kind_of(values)
    if kind == "category":
        return _categories(key, name, as_texts(values))
    numbers = as_numbers(values).astype(np.float32)
    return Column(key, name, kind, numbers) if np.isfinite(numbers).any() else None


def _categories(key: str, name: str, texts: pd.Series) -> Column | None:
    counts = texts.value_counts()
    if not len(counts) or (counts.iloc[0] == 1 and len(counts) > MAX_GROUPS):
        return None
    frequent = counts.index[:MAX_GROUPS].tolist()
    number = {text: at for at, text in enumerate(frequent)}
    codes = [-1 if text is None else number.get(text, len(frequent)) for text in texts]
    n = len(frequent)
    groups = [*zip(frequent, class_colours(n), strict=True)]
    others = [("other", OTHER)] if len(counts) > n else []
    return Column(key, name, "category", np.array(codes, np.int16), (*groups, *others, (MISSING, UNKNOWN)))
