"""Train: from data to a map, and the trainings that wait, run or were stopped."""

import streamlit as st

from kernelviz.jobs.folder import jobs
from kernelviz.storage.record import Run
from kernelviz.ui.shared import page_frame, sharing
from kernelviz.ui.train import job_list, settings
from kernelviz.ui.train.data_browser import chosen_source
from kernelviz.ui.train.found import show_found


def page(runs: list[Run]) -> None:
    """Show the page."""
    page_frame.top_bar("A map of your own data")
    if not sharing.may_train():
        st.info("Training is off on this server.", icon=":material/lock:")
        return
    job_list.show()
    if not jobs():
        _new()
        return
    with st.expander("Make another map", icon=":material/add:", expanded=settings.AGAIN in st.session_state):
        _new()


def _new() -> None:
    """Show the choice of data, what is in it, and the settings of a training on it."""
    again = settings.settings_again()
    source = again.data if again else chosen_source()
    if source and (found := show_found(source)):
        settings.show(found, again)
