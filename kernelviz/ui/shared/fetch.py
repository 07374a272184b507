"""The button that downloads a named image set."""

import streamlit as st

from kernelviz.data.images import SETS, download


def offer_download(name: str) -> None:
    """Show a button that downloads the set with a progress bar; a failed download says what to do."""
    megabytes = SETS[name].download_bytes / 1e6
    if not st.button(f"Download {name} ({megabytes:.0f} MB)", icon=":material/download:", key=f"fetch-{name}"):
        return
    bar = st.progress(0.0, f"Downloading {name} …")
    try:
        download(name, lambda share, note: bar.progress(min(share, 1.0), note))
    except OSError as error:
        bar.empty()
        st.error(str(error), icon=":material/cloud_off:")
    else:
        st.rerun()
