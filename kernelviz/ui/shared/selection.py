"""Which images are selected. The session stores the selection; a map, or the page beside it, changes it.

Each change has the next revision number, wherever it is made. A selection replaces another one only if its revision is
newer, so that an older selection, which a map still remembers, does not come back. `owner` says whose rows are
selected: those of which run or runs, and of which split.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from jaxtyping import Int

from kernelviz.storage.record import Run

Rows = Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Selection:
    """Some rows, and the number of the change that selected them."""

    revision: int
    rows: Rows


def owner(run: Run, split: str) -> str:
    """Whose rows a selection has: those of a run and a split."""
    return f"{run.weights_sha256} {split}"


def selection(owner: str) -> Selection:
    """The current selection; without rows if those that are selected belong to other runs or another split."""
    known, current = _current()
    return current if known == owner else Selection(current.revision, np.array([], int))


def choose(owner: str, rows: Rows) -> None:
    """Select rows from the page; an empty array clears the selection."""
    adopt(owner, Selection(_current()[1].revision + 1, rows))


def adopt(owner: str, heard: Selection | None) -> bool:
    """Make the selection that a map reports the current one, if it is newer; returns whether it is."""
    newer = heard is not None and heard.revision > _current()[1].revision
    if newer:
        st.session_state["selection"] = (owner, heard)
    return newer


def _current() -> tuple[str, Selection]:
    return st.session_state.get("selection", ("", Selection(0, np.array([], int))))
