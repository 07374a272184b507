"""The page of a run that is not there yet: its map, redrawn as it grows."""

import streamlit as st

from kernelviz.disk import runs_folder
from kernelviz.plots.maps import map_figure
from kernelviz.storage.growing import load_growing
from kernelviz.storage.record import FILE

HEIGHT = 640  # pixels
SECONDS = 2.0  # between two looks at what the training has written


@st.fragment(run_every=SECONDS)
def growing(name: str) -> None:
    """Show how far the training of that name is, until it has become a run."""
    folder = runs_folder() / name
    if (folder / FILE).is_file():
        st.rerun()
    points = load_growing(folder)
    if points is None:
        st.info(
            "Its pictures are being read. The map appears here after the first epoch.",
            icon=":material/hourglass_top:",
        )
        return
    share = points.epoch / points.epochs
    st.progress(share, f"epoch {points.epoch:,} of {points.epochs:,}")
    st.plotly_chart(
        map_figure(points.as_map, points.extent, points.classes, "label"),
        key="growing",
        config={"displayModeBar": False},
        height="stretch",
    )
    st.caption(f"{len(points.labels):,} of its images. The whole map, with pictures and search, opens when it is done.")
