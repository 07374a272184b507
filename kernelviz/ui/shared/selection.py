"""Which images are selected. The session keeps it; a map or the page beside it changes it.

Each change has the next revision number, wherever it is made. Whoever hears of a selection takes it over if its
revision is newer than the one known already, so that an older one, which a map still remembers, does not come back.
`of` says of what the rows are: of which run or runs, and of which split.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Int

Rows = Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Selection:
    """Some rows, and the number of the change that selected them."""

    revision: int
    rows: Rows


def selection(of: str) -> Selection:
    """What is selected; no rows if those that are selected are of something else."""
    known, found = _kept()
    return found if known == of else Selection(found.revision, np.array([], int))


def choose(of: str, rows: Rows) -> None:
    """Select rows from the page; none clears the selection."""
    take(of, Selection(_kept()[1].revision + 1, rows))


def take(of: str, heard: Selection | None) -> None:
    """Take over what a map says, if it is newer."""
    if heard is not None and heard.revision > _kept()[1].revision:
        st.session_state["selection"] = (of, heard)


def _kept() -> tuple[str, Selection]:
    return st.session_state.get("selection", ("", Selection(0, np.array([], int))))
