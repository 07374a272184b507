"""What the page Runs remembers in the session."""

import streamlit as st

CHOSEN = "chosen runs"  # names of those that are ticked
DONE = "done with runs"  # a sentence, and the name of a run that can be restored, or ""
TRAIN_AGAIN = "train_again"  # name of the run whose settings the page Train takes


def done(sentence: str, undo: str = "", chosen: tuple[str, ...] = ()) -> None:
    """Say what was done when the page is shown next, with these runs ticked; `undo` is a run that can be restored."""
    st.session_state[DONE] = (sentence, undo)
    st.session_state[CHOSEN] = chosen
