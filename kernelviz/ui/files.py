"""Files that people choose: which may be chosen, and a word on those that were not taken."""

import streamlit as st

from kernelviz.data.decode import FORMATS, MAX_BYTES
from kernelviz.data.intake import Rejected
from kernelviz.ui.wording import plain

ENDINGS = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "zip"]  # for the dialog; the content decides
ALLOWED = f"{', '.join(FORMATS)} of up to {MAX_BYTES // 10**6} MB each, or a .zip of them"


def say_rejected(rejected: list[Rejected]) -> None:
    """The files that were not taken, by the reason why."""
    for reason in dict.fromkeys(one.reason for one in rejected):
        names = _listed([one.name for one in rejected if one.reason == reason])
        st.warning(f"Not taken: {names}. The reason: {reason}.", icon=":material/block:")


def _listed(names: list[str], most: int = 5) -> str:
    """The first few of some file names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(f"**{plain(name)}**" for name in names[:most]) + more
