"""The images of some points beside a map."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from jaxtyping import UInt8
from PIL import Image, ImageOps

from kernelviz.data.images import SETS
from kernelviz.plots.images import enlarged
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.files import offer_download
from kernelviz.ui.shared.labels import plain

IMAGES_PER_PAGE = 60
SQUARE = 168  # pixels: side of a picture in the gallery, twice what it takes on the page


def gallery(run: EmbeddingRun, points: EmbeddingMap, rows: np.ndarray, caption: Callable[[int], str]) -> None:
    """Show the images of some points of one split, a page at a time; nothing where the points have no images."""
    page = rows[_page_of(len(rows)) :][:IMAGES_PER_PAGE]
    pictures = caches.pictures_at(run, points.where(page))
    if pictures is not None:
        shown = [_in_a_square(picture) for picture in pictures]
        captions = [caption(row) for row in page.tolist()]
        st.image(shown, caption=captions, width=84, alt=captions)


def _in_a_square(picture: UInt8[np.ndarray, "h w *c"]) -> UInt8[np.ndarray, "H W *C"]:
    """The picture at the size of the gallery; one that is not square lies whole in the middle of a clear one."""
    if picture.shape[0] == picture.shape[1]:
        return enlarged(picture)
    image = Image.fromarray(enlarged(picture)).convert("RGBA")
    return np.asarray(ImageOps.pad(image, (SQUARE, SQUARE), color=(0, 0, 0, 0)))


def explain_missing_images(run: EmbeddingRun) -> None:
    """Say what is shown where the images of a run are not on this machine, and offer to download them."""
    if caches.source_of(run) in ("thumbnails", "own"):
        return
    name = run.data["name"]
    if caches.has_table(run) and not run.decodes_images:
        st.caption("There are no pictures of these points.")
        return
    st.caption(
        f"The images of {plain(name)} are not on this machine"
        + (
            "; these images are decoded from their positions on the map."
            if run.has_decoder
            else ", and this network has no decoder to replace them."
        )
    )
    if name in SETS:
        offer_download(name)


def _page_of(n: int) -> int:
    """The first row of the chosen page of the gallery."""
    pages = -(-n // IMAGES_PER_PAGE)
    if pages <= 1:
        return 0
    return IMAGES_PER_PAGE * (st.number_input(f"Page of {pages}", 1, pages, key=f"page-of-{pages}") - 1)
