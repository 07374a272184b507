"""Which images are selected: what was chosen on a map, or by the page beside it. Kept for each session.

`of` says of what the rows are: of which run or runs, and of which split.
"""

import numpy as np
import streamlit as st
from jaxtyping import Int

Rows = Int[np.ndarray, " n"]


def selected(of: str) -> Rows:
    """The rows that are selected."""
    known, rows = st.session_state.get("selection", ("", []))
    return np.array(rows if known == of else [], dtype=int)


def turn() -> int:
    """A number that changes when the page has chosen, and the map is to follow."""
    return st.session_state.get("turn", 0)


def choose(of: str, rows: Rows) -> None:
    """Select rows from the page; none clears the selection."""
    st.session_state["selection"] = (of, rows)
    st.session_state["turn"] = turn() + 1


def hear(of: str, key: str, rows: Rows | None) -> None:
    """Take over what the map with that key says, once: else a selection that was cleared here would come back."""
    if rows is None or np.array_equal(rows, st.session_state.get(f"heard-{key}")):
        return
    st.session_state[f"heard-{key}"] = rows
    st.session_state["selection"] = (of, rows)
