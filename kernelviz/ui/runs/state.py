"""What the page Runs remembers in the session."""

from collections.abc import Callable

import streamlit as st

from kernelviz.errors import UserError
from kernelviz.ui.shared.labels import message

CHOSEN = "chosen runs"  # names of those that are ticked
DONE = "done with runs"  # a sentence, and the name of a run that can be restored, or ""
TRAIN_AGAIN = "train_again"  # name of the run whose settings the page Train takes


def done(sentence: str, undo: str = "", chosen: tuple[str, ...] = ()) -> None:
    """Say what was done when the page is shown next, with these runs ticked; `undo` is a run that can be restored."""
    st.session_state[DONE] = (sentence, undo)
    st.session_state[CHOSEN] = chosen


def tried(action: Callable[[], object]) -> bool:
    """Do something with a run; False, and a red box that says why, where it cannot be done."""
    try:
        action()
    except (UserError, OSError) as error:
        st.error(message(str(error)), icon=":material/error:")
        return False
    return True
