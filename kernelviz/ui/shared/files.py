"""Files that people choose: which may be chosen, and a word on those that were not taken."""

import streamlit as st

from kernelviz.ingest.files import RejectedFile
from kernelviz.ingest.image_file import FORMATS, MAX_BYTES
from kernelviz.ui.shared.labels import plain

ENDINGS = ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff", "zip"]  # for the dialog; the content decides
ALLOWED = f"{', '.join(FORMATS)} of up to {MAX_BYTES // 10**6} MB each, or a .zip of them"

REASONS = 6  # that are told


def say_rejected(rejected: list[RejectedFile]) -> None:
    """The files that were not taken, by the reason why; of many reasons the first few."""
    by_reason: dict[str, list[str]] = {}
    for one in rejected:
        by_reason.setdefault(one.reason, []).append(one.name)
    for reason, names in list(by_reason.items())[:REASONS]:
        st.warning(f"Not taken: {_listed(names)}. The reason: {reason}.", icon=":material/block:")
    others = sum(len(names) for names in list(by_reason.values())[REASONS:])
    if others:
        st.warning(f"{others:,} more files were not taken, for other reasons.", icon=":material/block:")


def _listed(names: list[str], most: int = 5) -> str:
    """The first few of some file names, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(f"**{plain(name)}**" for name in names[:most]) + more
