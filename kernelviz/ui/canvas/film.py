"""A film on the canvas: how the map of a training grew, while it is trained and afterwards."""

from dataclasses import asdict

import streamlit as st

from kernelviz.storage.store import check_name, load_mapped
from kernelviz.ui.canvas.messages import FilmTold
from kernelviz.ui.canvas.mounting import SCRIPT, mounted
from kernelviz.ui.shared import caches


def film(name: str, live: bool, key: str) -> bool:
    """Show the points of a training as they move from epoch to epoch, and what the decoder makes of a few positions.

    Args:
        name: of a run that has a film; where `live`, of a training, whose new frames the page fetches by itself.
        key: of the component, unique on the page.

    Returns:
        Whether the training that was shown has become a run, or is gone: then the page has to look for it again.
    """
    told = _of_a_training(name) if live else _of_a_run(name)
    with st.container(key=f"canvas-film-{key}"):  # the style of the page reserves its space
        said = mounted()(key=key, data=asdict(told), on_ended_change=lambda: None, on_failed_change=lambda: None)
    if said.get("failed"):
        st.info("The film needs the full map, which cannot run in this browser.", icon=":material/movie:")
    return said.get("ended") is True


def _of_a_training(name: str) -> FilmTold:
    check_name(name)
    return FilmTold(SCRIPT, f"kernelviz/jobs/{name}/film", live=True, unit="points")


def _of_a_run(name: str) -> FilmTold:
    run = load_mapped(name)
    return FilmTold(SCRIPT, f"kernelviz/runs/{name}/{caches.version(run)}/film", live=False, unit=run.unit)
