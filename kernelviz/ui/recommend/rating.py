"""Ratings by hand: a search, lines of stars, and what was given so far. Kept for each session and set of items."""

import numpy as np
import streamlit as st

from kernelviz.storage.record import RecommenderRun
from kernelviz.ui.shared import item_titles

FIRST, FEW = 8, 5  # well-known items that are offered, while fewer are rated than that
STARS = (1.0, 5.0)  # the range that stars can say


def given(run: RecommenderRun) -> dict[int, float]:
    """What was rated, by row: searched for, or among what most people know."""
    names, given = item_titles.names_of(run), st.session_state.setdefault(f"given-{shared(run)}", {})
    st.subheader("Your ratings", anchor=False)
    search("Search and rate", names, key=f"wanted-{shared(run)}", on_change=_take, args=(run,))
    for row in reversed(given):  # the newest on top
        _one(run, row, names[row])
    if given:
        st.button("Clear all", on_click=_clear, args=(run,), icon=":material/delete:")
    if len(given) < FEW:
        st.caption("Rate some that you know, and everything beside follows at once. Many have rated these:")
        known = np.argsort(-item_titles.items_of(run).count, kind="stable")[: FIRST + len(given)]
        for row in [int(row) for row in known if row not in given][:FIRST]:
            _one(run, row, names[row])
    return {row: value for row, value in given.items() if value is not None}


def search(label: str, names: list[str], **how) -> int | None:
    """A field that finds one of the names; its row."""
    rows, hint = range(len(names)), "Type a part of a title"
    return st.selectbox(label, rows, index=None, format_func=lambda row: names[row], placeholder=hint, **how)


def shared(run: RecommenderRun) -> str:
    """What the ratings belong to: every recommender of the same items."""
    return f"{run.data['name']}-{len(item_titles.items_of(run))}"


def _one(run: RecommenderRun, row: int, name: str) -> None:
    """A line with a name, its rating, and a way to take it off."""
    low, high = run.data["range"]
    key = f"stars-{shared(run)}-{row}"
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    line.markdown(title(name), width="stretch")
    given = st.session_state[f"given-{shared(run)}"]
    if (low, high) == STARS:
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
            "✕", key=f"off-{shared(run)}-{row}", help="Take it off", on_click=_drop, args=(run, row), type="tertiary"
        )


def _take(run: RecommenderRun) -> None:
    """Put what was searched for on top of the list, to be rated."""
    row = st.session_state[f"wanted-{shared(run)}"]
    given = st.session_state[f"given-{shared(run)}"]
    if row is not None:
        given[row] = given.pop(row, None)
        st.session_state[f"wanted-{shared(run)}"] = None


def _rate(run: RecommenderRun, row: int) -> None:
    said = st.session_state[f"stars-{shared(run)}-{row}"]
    given = st.session_state[f"given-{shared(run)}"]
    if said is None:
        given.pop(row, None)
    else:
        given[row] = float(said + 1 if tuple(run.data["range"]) == STARS else said)


def _drop(run: RecommenderRun, row: int) -> None:
    st.session_state[f"given-{shared(run)}"].pop(row, None)
    st.session_state.pop(f"stars-{shared(run)}-{row}", None)


def _clear(run: RecommenderRun) -> None:
    for row in list(st.session_state[f"given-{shared(run)}"]):
        _drop(run, row)


def title(name: str) -> str:
    """A title as text: what Markdown takes for a sign is not."""
    return "".join("\\" + letter if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in name[:80])
