"""The images of some points beside a map."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from kernelviz.data.images import SETS
from kernelviz.plots.images import enlarged
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.fetch import offer_download

PAGE_SIZE = 60  # images of a page of the gallery


def gallery(run: EmbeddingRun, points: EmbeddingMap, rows: np.ndarray, caption: Callable[[int], str]) -> None:
    """Some points of one split by their images, a page at a time; nothing where there are no images of them."""
    part = rows[_page_of(len(rows)) :][:PAGE_SIZE]
    pictures = caches.pictures_at(run, points.where(part))
    if pictures is not None:
        st.image([enlarged(picture) for picture in pictures], caption=[caption(row) for row in part.tolist()], width=84)


def word_on_pictures(run: EmbeddingRun) -> None:
    """Where the images come from, if they are not a run's own, and a way to get these."""
    if caches.images_of(run):
        return
    name = run.data["name"]
    st.caption(
        f"The images of {name} are not on this machine"
        + (
            "; these are the decoder's own drawings at their places."
            if run.has_decoder
            else ", and this network cannot draw them."
        )
    )
    if name in SETS:
        offer_download(name)


def _page_of(n: int) -> int:
    """The first row of the gallery page that is chosen."""
    pages = -(-n // PAGE_SIZE)
    if pages <= 1:
        return 0
    return PAGE_SIZE * (st.number_input(f"Page of {pages}", 1, pages, key=f"page-of-{pages}") - 1)
