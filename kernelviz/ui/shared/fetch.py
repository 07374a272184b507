"""The button that fetches a named image set."""

import streamlit as st

from kernelviz.data.images import SETS, download


def offer_download(name: str) -> None:
    """A button that fetches the set with a progress bar, and what to do where that fails."""
    megabytes = SETS[name].download_bytes / 1e6
    if not st.button(f"Fetch {name} ({megabytes:.0f} MB)", icon=":material/download:", key=f"fetch-{name}"):
        return
    bar = st.progress(0.0, f"Fetching {name} …")
    try:
        download(name, lambda share, note: bar.progress(min(share, 1.0), note))
    except OSError as error:
        bar.empty()
        st.error(str(error), icon=":material/cloud_off:")
    else:
        st.rerun()
