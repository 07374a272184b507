"""Ratings of a person: a search, lines of stars, and the ratings so far, which each session has for a set of items."""

import numpy as np
import streamlit as st

from kernelviz.storage.record import RecommenderRun
from kernelviz.ui.shared import browser_state, item_titles

N_SUGGESTIONS = 8  # items that many users have rated
ENOUGH_RATINGS = 5  # from which on no items are suggested
STAR_RANGE = (1.0, 5.0)  # of the ratings that stars can express


def given(run: RecommenderRun) -> dict[int, float]:
    """Show the search, the ratings and the suggested items; returns the ratings by row."""
    names = item_titles.names_of(run)
    given = st.session_state[f"given-{shared(run)}"] = browser_state.kept(f"given-{shared(run)}", dict)
    st.header("Your ratings", anchor=False)
    search("Search and rate", names, key=f"wanted-{shared(run)}", on_change=_add_searched, args=(run,))
    for row in reversed(given):  # the newest on top
        _one(run, row, names[row])
    if given:
        st.button("Clear all", on_click=_clear, args=(run,), icon=":material/delete:")
    if len(given) < ENOUGH_RATINGS:
        st.caption("Rate some items that you know; the recommendations follow at once. Many users have rated these:")
        known = np.argsort(-item_titles.items_of(run).count, kind="stable")[: N_SUGGESTIONS + len(given)]
        for row in [int(row) for row in known if row not in given][:N_SUGGESTIONS]:
            _one(run, row, names[row])
    return {row: value for row, value in given.items() if value is not None}


def search(label: str, names: list[str], **how) -> int | None:
    """A field that searches the names; returns the row of the chosen name."""
    rows, hint = range(len(names)), "Type part of a title"
    return st.selectbox(label, rows, index=None, format_func=lambda row: names[row], placeholder=hint, **how)


def shared(run: RecommenderRun) -> str:
    """A name for the items of a run: recommenders of the same items share their ratings."""
    return f"{run.data['name']}-{len(item_titles.items_of(run))}"


def _one(run: RecommenderRun, row: int, name: str) -> None:
    """Show a line with a name, its rating, and a button to remove it."""
    low, high = run.data["range"]
    key = f"stars-{shared(run)}-{row}"
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    line.markdown(title(name), width="stretch")
    given = st.session_state[f"given-{shared(run)}"]
    if (low, high) == STAR_RANGE:
        st.session_state.setdefault(key, None if given.get(row) is None else round(given[row]) - 1)
        line.feedback("stars", key=key, on_change=_rate, args=(run, row))
    else:
        value = given.get(row)
        line.slider(
            f"Rating of {title(name)}",
            low,
            high,
            (low + high) / 2 if value is None else value,
            key=key,
            on_change=_rate,
            args=(run, row),
            label_visibility="collapsed",
        )
    if row in given:
        line.button(
            "✕",
            key=f"remove-{shared(run)}-{row}",
            help="Remove the rating",
            on_click=_remove,
            args=(run, row),
            type="tertiary",
        )


def _add_searched(run: RecommenderRun) -> None:
    """Put the item that was searched for on top of the list, to be rated."""
    row = st.session_state[f"wanted-{shared(run)}"]
    given = st.session_state[f"given-{shared(run)}"]
    if row is not None:
        given[row] = given.pop(row, None)
        st.session_state[f"wanted-{shared(run)}"] = None


def _rate(run: RecommenderRun, row: int) -> None:
    value = st.session_state[f"stars-{shared(run)}-{row}"]
    given = st.session_state[f"given-{shared(run)}"]
    if value is None:
        given.pop(row, None)
    else:
        given[row] = float(value + 1 if tuple(run.data["range"]) == STAR_RANGE else value)


def _remove(run: RecommenderRun, row: int) -> None:
    st.session_state[f"given-{shared(run)}"].pop(row, None)
    st.session_state.pop(f"stars-{shared(run)}-{row}", None)


def _clear(run: RecommenderRun) -> None:
    for row in list(st.session_state[f"given-{shared(run)}"]):
        _remove(run, row)


def title(name: str) -> str:
    """A title as text: characters that Markdown interprets are escaped."""
    return "".join("\\" + letter if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in name[:80])
