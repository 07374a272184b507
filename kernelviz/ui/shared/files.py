"""Files that people choose or download: which formats are allowed, why a file was rejected, how a set is fetched."""

import shutil
import tempfile

import pandas as pd
import streamlit as st

from kernelviz.data.images import SETS, download
from kernelviz.ingest.files import RejectedFile, by_reason
from kernelviz.ingest.image_file import ALLOWED as FORMATS
from kernelviz.ingest.image_file import MAX_BYTES
from kernelviz.text import visible
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.labels import message, plain

# For the dialog; the content decides.
ENDINGS = ["png", "jpg", "jpeg", "webp", "avif", "bmp", "gif", "tif", "tiff", "heic", "heif", "zip"]
ALLOWED = f"{', '.join(FORMATS)} of up to {MAX_BYTES // 10**6} MB each, or a .zip of them"

SPARE = 100_000_000  # bytes of free space for files on their way
MAX_REASONS = 6  # warnings on the page
MAX_NAMES = 5  # file names of a warning
MAX_ROWS = 10_000  # of the table of all


def warn_of_rejected(rejected: list[RejectedFile]) -> None:
    """Name the files that were rejected, grouped by the reason, the first few of many; and all of them in a table."""
    reasons = by_reason(rejected)
    for reason, names in list(reasons.items())[:MAX_REASONS]:
        st.warning(f"Rejected: {_listed(names)}. The reason: {message(reason)}.", icon=":material/block:")
    others = sum(len(names) for names in list(reasons.values())[MAX_REASONS:])
    if others:
        st.warning(f"{others:,} more files were rejected for other reasons.", icon=":material/block:")
    if others or any(len(names) > MAX_NAMES for names in reasons.values()):
        with st.expander(f"All {len(rejected):,} rejected files"):
            rows = [(visible(one.name), visible(one.reason)) for one in rejected[:MAX_ROWS]]
            st.dataframe(pd.DataFrame(rows, columns=["file", "reason"]), hide_index=True)


def warn_of_a_full_disk() -> None:
    """Say it before Streamlit's own chooser of files, whose word for a refusal is a number."""
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < SPARE:
        st.warning(
            f"The server's disk is nearly full ({free / 1e6:,.0f} MB are free): larger files will be refused.",
            icon=":material/hard_drive:",
        )


def offer_download(name: str) -> None:
    """Show a button that downloads a named image set with a progress bar; a failed download says what to do.

    Nothing where the dashboard is read-only.
    """
    megabytes = SETS[name].download_bytes / 1e6
    if sharing.read_only() or not st.button(
        f"Download {name} ({megabytes:.0f} MB)", icon=":material/download:", key=f"fetch-{name}"
    ):
        return
    bar = st.progress(0.0, f"Downloading {name} …")
    try:
        download(name, lambda share, note: bar.progress(min(share, 1.0), note))
    except OSError as error:
        bar.empty()
        st.error(message(str(error)), icon=":material/cloud_off:")
    else:
        st.rerun()


def _listed(names: list[str]) -> str:
    """The first few of some file names, and how many more there are."""
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return ", ".join(f"**{plain(name)}**" for name in names[:MAX_NAMES]) + more
