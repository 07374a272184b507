"""Train: from data to a map."""

from kernelviz.storage.record import Run
from kernelviz.ui.shared import page_frame
from kernelviz.ui.train.data_browser import chosen_source
from kernelviz.ui.train.found import show_found


def page(runs: list[Run]) -> None:
    """Show the page."""
    page_frame.top_bar("A map of your own data")
    if source := chosen_source():
        show_found(source)
