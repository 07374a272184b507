"""The page of a run that is not there yet: its map, as it grows."""

import streamlit as st

from kernelviz.ui.canvas import film


def growing(name: str) -> None:
    """Show how far the training of that name is, until it has become a run."""
    if film(name, live=True, key=f"growing-{name}"):
        st.rerun()
    st.caption("The whole map, with pictures and search, opens when the training is done.")
