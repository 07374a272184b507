"""The page of a run that is not there yet: its map, redrawn as it grows."""

import streamlit as st

from kernelviz.disk import runs_folder
from kernelviz.plots.maps import map_figure
from kernelviz.storage.epochs import load_epochs
from kernelviz.storage.record import FILE

HEIGHT = 640  # pixels
SECONDS = 2.0  # between two looks at what the training has written


@st.fragment(run_every=SECONDS)
def growing(name: str) -> None:
    """Show how far the training of that name is, until it has become a run."""
    folder = runs_folder() / name
    if (folder / FILE).is_file():
        st.rerun()
    maps = load_epochs(folder)
    if maps is None:
        st.info(
            "Its pictures are being read. The map appears here after the first epoch.",
            icon=":material/hourglass_top:",
        )
        return
    epoch = float(maps.epochs[-1])
    st.progress(min(1.0, epoch / maps.total), f"epoch {epoch:,.1f} of {maps.total:,}")
    st.plotly_chart(
        map_figure(maps.points(-1), maps.extent, maps.classes, "label"),
        key="growing",
        config={"displayModeBar": False},
        height="stretch",
    )
    st.caption(f"{len(maps.labels):,} of its images. The whole map, with pictures and search, opens when it is done.")
