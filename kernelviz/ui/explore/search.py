"""Search and filter: which images of a split match what a person asks for. They become the selection of the map."""

from collections.abc import Callable
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
HELP = "Part of a name, a label, a prediction, or a value of a column; or the number of an image."

Test = Callable[[pd.DataFrame], Bool[np.ndarray, " n"]]
Where = st.delta_generator.DeltaGenerator


def controls(run: EmbeddingRun, split: str, text: Where, how: Where) -> None:
    """Show the field for the search and the filter; what they find is selected as soon as they change."""
    changed = {"on_change": _select, "args": (run, split)}
    text.text_input("Search", key=_key(run, split, "text"), placeholder="name, label, number …", help=HELP, **changed)
    active = len(_filters(run, split))
    with how.popover(f"Filter ({active})" if active else "Filter", icon=":material/filter_alt:", width="stretch"):
        table = _table(run, split)
        for name in _filtered(table):
            _widget(table, name, _key(run, split, name), changed)


def found(run: EmbeddingRun, split: str) -> Int[np.ndarray, " m"] | None:
    """The rows of a split that match; None where nothing is asked for."""
    table = _table(run, split)
    text = str(st.session_state.get(_key(run, split, "text")) or "").strip()
    tests = _filters(run, split)
    if not text and not tests:
        return None
    chosen = np.ones(len(table), bool)
    for test in tests:
        chosen &= test(table)
    if text:
        chosen &= matching(table, text)
    return np.flatnonzero(chosen)


def matching(table: pd.DataFrame, text: str) -> Bool[np.ndarray, " n"]:
    """Which rows have a text in their name, label, prediction or own columns; of a number, where no row has it or there
    are no names, the row of that number."""
    number = int(text) if text.isdecimal() and len(text) < 10 else -1
    numbered = np.arange(len(table)) == number
    if NAME not in table and numbered.any():
        return numbered
    has = np.zeros(len(table), bool)
    for name in table.columns:
        if name not in MAP_COLUMNS or name in ("label", "prediction"):
            has |= _texts(table[name], name).str.contains(text, case=False, regex=False, na=False).to_numpy(bool)
    return has if has.any() else numbered


def clear(run: EmbeddingRun, split: str) -> None:
    """Forget what is asked for, and select nothing."""
    st.session_state["search turn"] = st.session_state.get("search turn", 0) + 1
    selection.choose(selection.owner(run, split), np.array([], int))


def _select(run: EmbeddingRun, split: str) -> None:
    rows = found(run, split)
    selection.choose(selection.owner(run, split), np.array([], int) if rows is None else rows)


def _key(run: EmbeddingRun, split: str, what: str) -> str:
    """The key of a field in the session, another one after everything was cleared."""
    return f"search-{run.name}-{split}-{what}-{st.session_state.get('search turn', 0)}"


def _table(run: EmbeddingRun, split: str) -> pd.DataFrame:
    table = caches.table_of(run)
    return table[table["split"] == split]


def _texts(values: pd.Series, name: str) -> pd.Series:
    if name == PATH:
        return values.map(lambda path: PurePath(path).name)
    if kind_of(values) == "number" and not values.isna().all():
        return values.map(lambda value: "" if pd.isna(value) else f"{value:.10g}")
    return as_texts(values).fillna("").astype(str)


# The filter


def _filtered(table: pd.DataFrame) -> list[str]:
    """The columns that can be filtered, and "wrong only"."""
    own = [name for name in table.columns if name not in (*MAP_COLUMNS, NAME, PATH)]
    known = table["label"].notna() & table["prediction"].notna()
    offered = ["label", "prediction", *(["wrong only"] if known.any() else []), "confidence", *own]
    return [name for name in offered if name == "wrong only" or table[name].nunique(dropna=True) > 1][:MAX_FILTERS]


def _widget(table: pd.DataFrame, name: str, key: str, changed: dict) -> None:
    """The field for a column: a toggle, a choice of values, or a range."""
    label = plain(name)
    if name == "wrong only":
        st.toggle("Wrong only", key=key, **changed)
        return
    kind = kind_of(table[name])
    if kind == "category":
        st.multiselect(label, _choices(table[name]), key=key, format_func=shortened, **changed)
        return
    low, high = _range(table[name], kind)
    if low < high:
        step = None if kind == "number" else pd.Timedelta(days=1).to_pytimedelta()
        st.slider(label, low, high, (low, high), step, key=key, **changed)


def _choices(values: pd.Series) -> list[str]:
    return as_texts(values).value_counts().index[:MAX_CHOICES].tolist()


def _range(values: pd.Series, kind: str) -> tuple:
    """The smallest and the largest value of a column, as the ends of a slider."""
    numbers = as_numbers(values)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    if kind == "number":
        return float(low), float(high)
    days = [pd.Timestamp(0) + pd.Timedelta(days=part) for part in (np.floor(low), np.floor(high))]
    return tuple(day.date() for day in days)


def _filters(run: EmbeddingRun, split: str) -> list[Test]:
    """A test for each field of the filter that leaves something out."""
    table, tests = _table(run, split), []
    for name in _filtered(table):
        value = st.session_state.get(_key(run, split, name))
        if not value:
            continue
        if name == "wrong only":
            tests.append(_is_wrong)
        elif kind_of(table[name]) == "category":
            tests.append(partial(_is_one_of, name, value))
        elif tuple(value) != _range(table[name], kind_of(table[name])):
            tests.append(partial(_is_within, name, value))
    return tests


def _is_wrong(table: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    known = table["label"].notna() & table["prediction"].notna()
    return (known & (table["label"] != table["prediction"])).to_numpy(bool)


def _is_one_of(name: str, values: list[str], table: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    return as_texts(table[name]).isin(values).to_numpy(bool)


def _is_within(name: str, ends: tuple, table: pd.DataFrame) -> Bool[np.ndarray, " n"]:
    """Whether a number, or the day of a date, lies within a range, its ends included."""
    numbers = as_numbers(table[name])
    if kind_of(table[name]) == "date":
        ends = [(pd.Timestamp(day) - pd.Timestamp(0)) / pd.Timedelta(days=1) for day in ends]
        numbers = np.floor(numbers)
    return (numbers >= ends[0]) & (numbers <= ends[1])
