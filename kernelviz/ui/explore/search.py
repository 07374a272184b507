"""Search and filter: which images of a split match what a person asks for. They become the selection of the map."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import PurePath

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import Bool, Int

from kernelviz.plots.columns import as_numbers, as_texts, kind_of
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches, selection
from kernelviz.ui.shared.labels import plain, shortened

MAX_CHOICES = 500  # values of a column that can be chosen, the most frequent ones
MAX_FILTERS = 40  # columns that can be filtered
LARGEST_WHOLE = 2**53 - 1  # of a slider in a browser
PLACEHOLDER = "Search by name, label, prediction, column or number"

Test = Callable[[pd.DataFrame], Bool[np.ndarray, " n"]]
Where = st.delta_generator.DeltaGenerator


@dataclass(frozen=True)
class Field:
    """What can be filtered by: its form is "wrong only", "category" with choices, "number" or "date" with two ends."""

    name: str
    form: str
    values: tuple = ()


def controls(run: EmbeddingRun, split: str, row: Where) -> None:
    """Show the field for the search and the filter; what they find is selected as soon as they change.

    A large map has no filter, and what its search finds is selected by the map.
    """
    large = caches.is_large(run)
    changed = {} if large else {"on_change": _select, "args": (run, split)}
    placeholder = "Search by name, label, prediction or number" if large else PLACEHOLDER
    row.text_input(
        "Search", key=_key(run, split, "text"), placeholder=placeholder, label_visibility="collapsed", **changed
    )
    if large:
        return
    active = len(_tests(run, split))
    with row.popover(f"Filter ({active})" if active else "Filter", icon=":material/filter_alt:"):
        for field in _fields_of(run, split):
            _widget(field, _key(run, split, field.name), changed)


def asked(run: EmbeddingRun, split: str) -> str:
    """The text that is searched for; empty for none."""
    return str(st.session_state.get(_key(run, split, "text")) or "").strip()


def found(run: EmbeddingRun, split: str) -> Int[np.ndarray, " m"] | None:
    """The rows of a split that match; None where nothing is asked for."""
    text = asked(run, split)
    tests = _tests(run, split)
    if not text and not tests:
        return None
    table = _table(run, split)
    chosen = np.ones(len(table), bool)
    for test in tests:
        chosen &= test(table)
    if text:
        chosen &= matching(_searchable(run.name, caches.version(run), split, run), NAME in table, text)
    return np.flatnonzero(chosen)


def matching(texts: pd.Series, named: bool, text: str) -> Bool[np.ndarray, " n"]:
    """Which rows have a text; of a number, where no row has it or rows have no names, the row of that number."""
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    numbered = np.arange(len(texts)) == number
    if not named and numbered.any():
        return numbered
    has = texts.str.contains(text.casefold(), regex=False).to_numpy(bool)
    return has if has.any() else numbered


def searchable(table: pd.DataFrame) -> pd.Series:
    """For each row its name, the name of its file, label, prediction and the user's own columns, a line for each."""
    names = [name for name in table.columns if name not in MAP_COLUMNS or name in ("label", "prediction")]
    lines = [_texts(table[name], name).tolist() for name in names]
    return pd.Series(["\n".join(row).casefold() for row in zip(*lines, strict=True)], dtype=object)


def forget() -> None:
    """Ask for nothing any more."""
    st.session_state["search turn"] = st.session_state.get("search turn", 0) + 1


def _select(run: EmbeddingRun, split: str) -> None:
    rows = found(run, split)
    selection.choose(selection.owner(run, split), np.array([], int) if rows is None else rows)


def _key(run: EmbeddingRun, split: str, what: str) -> str:
    """The key of a field in the session, another one after everything was cleared."""
    return f"search-{run.name}-{split}-{what}-{st.session_state.get('search turn', 0)}"


def _table(run: EmbeddingRun, split: str) -> pd.DataFrame:
    table = caches.table_of(run)
    return table[table["split"] == split]


@st.cache_resource(max_entries=4, show_spinner=False)
def _searchable(name: str, version: str, split: str, _run: EmbeddingRun) -> pd.Series:
    return searchable(_table(_run, split))


def _texts(values: pd.Series, name: str) -> pd.Series:
    if name == PATH:
        return values.map(lambda path: PurePath(path).name)
    if kind_of(values) == "number":
        return values.map(lambda value: "" if pd.isna(value) else f"{value:.10g}").astype(object)
    texts = as_texts(values)
    return texts.where(texts.notna(), "")


# The filter


def fields(table: pd.DataFrame) -> list[Field]:
    """What the rows of a split can be filtered by: of columns those in which rows differ."""
    own = [name for name in table.columns if name not in (*MAP_COLUMNS, NAME, PATH)]
    known = table["label"].notna() & table["prediction"].notna()
    made = [_field(name, table[name]) for name in ("label", "prediction", "confidence", *own[:MAX_FILTERS])]
    wrong = [Field("wrong only", "wrong only")] if known.any() else []
    return [*wrong, *(field for field in made if len(field.values) > 1 and field.values[0] != field.values[-1])]


def _field(name: str, values: pd.Series) -> Field:
    kind = kind_of(values)
    if kind == "category":
        counts = as_texts(values).value_counts()
        choices = counts.index[:MAX_CHOICES] if counts.max() > 1 else ()  # where all differ, the search finds one
        return Field(name, kind, tuple(choices))
    numbers = as_numbers(values)
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return Field(name, kind)
    if kind == "date":
        return Field(name, kind, tuple(_day(np.floor(end)) for end in (known.min(), known.max())))
    exact = int if (known == np.round(known)).all() and abs(known).max() < LARGEST_WHOLE else float
    return Field(name, kind, (exact(known.min()), exact(known.max())))


def _day(days: float) -> date:
    return (pd.Timestamp(0) + pd.Timedelta(days=days)).date()


def _fields_of(run: EmbeddingRun, split: str) -> list[Field]:
    return _fields(run.name, caches.version(run), split, run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _fields(name: str, version: str, split: str, _run: EmbeddingRun) -> list[Field]:
    return fields(_table(_run, split))


def _widget(field: Field, key: str, changed: dict) -> None:
    """A toggle, a choice of values, or a range."""
    label = plain(field.name)
    if field.form == "wrong only":
        st.toggle("Wrong only", key=key, **changed)
    elif field.form == "category":
        st.multiselect(label, field.values, key=key, format_func=shortened, **changed)
    else:
        low, high = field.values
        st.slider(label, low, high, (low, high), key=key, **changed)


def _tests(run: EmbeddingRun, split: str) -> list[Test]:
    """A test for each field of the filter that leaves something out."""
    asked = [(field, st.session_state.get(_key(run, split, field.name))) for field in _fields_of(run, split)]
    return [partial(passes, field, value) for field, value in asked if value and _tuple(value) != field.values]


def _tuple(value: object) -> tuple:
    """The value of a field as a tuple."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def passes(field: Field, value: object, table: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    """Which rows a field leaves where it has a value; a row without a value does not pass."""
    if field.form == "wrong only":
        known = table["label"].notna() & table["prediction"].notna()
        return (known & (table["label"] != table["prediction"])).to_numpy(bool)
    if field.form == "category":
        return as_texts(table[field.name]).isin(value).to_numpy(bool)
    numbers, (low, high) = as_numbers(table[field.name]), value
    if field.form == "date":
        numbers = np.floor(numbers)
        low, high = ((pd.Timestamp(day) - pd.Timestamp(0)) / pd.Timedelta(days=1) for day in (low, high))
    return (numbers >= low) & (numbers <= high)
