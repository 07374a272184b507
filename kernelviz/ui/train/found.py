"""What a source holds, found before anything is trained on it: counts, sizes, classes, what is left out, a sample."""

import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import UInt8
from PIL import Image, ImageOps

from kernelviz.data.images import SETS
from kernelviz.data.listings import listing_of
from kernelviz.data.named import SHAPES, file_of
from kernelviz.disk import data_folder
from kernelviz.errors import UserError
from kernelviz.ingest.files import Content, by_reason, on_all_cores
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.plots.images import sheet
from kernelviz.sources.listing import SPLITS, Listing
from kernelviz.tasks.choosing import Sizes, described, sizes_of
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.labels import as_text
from kernelviz.ui.train.folders import root_of, within
from kernelviz.ui.train.uploaded_data import FOLDER

SAMPLE, COLUMNS, SIDE = 24, 6, 96  # pictures of the sheet, side by side; pixels along a side of each
MOST_FOUND = 2  # sources that are remembered, with their listings
MOST_REASONS = 8
ROWS_SHOWN = 8  # of the table of classes, without scrolling

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Found:
    """What a source holds.

    Args:
        source: as `kernelviz train --data` takes it.
        listing: its items (`sources.listing`), shared by all sessions and not to be changed.
        sizes: of a sample of the pictures; None of vectors.
        classes: name and number of items of each class.
        splits: number of items that the source assigns to each split.
        sample: pictures spread over the source, [H, W, 3]; None of vectors.
        unreadable: how many of the pictures that the sample was to show cannot be read.
    """

    source: str
    listing: Listing
    sizes: Sizes | None
    classes: list[tuple[str, int]]
    splits: dict[str, int]
    sample: UInt8[np.ndarray, "H W 3"] | None
    unreadable: int

    @property
    def n(self) -> int:
        """How many items there are."""
        return len(self.listing)

    @property
    def unit(self) -> str:
        """What the items are, in the plural."""
        return "pictures" if self.listing.has_pictures else "vectors"

    @property
    def lines(self) -> list[str]:
        """What was found, in a few lines of plain text."""
        return described(self.listing, self.sizes)

    @property
    def left_out(self) -> list[tuple[str, list[str]]]:
        """The reason and the names of files that are left out, the most frequent reason first."""
        return list(by_reason(self.listing.rejected).items())


_found: OrderedDict[tuple, Found] = OrderedDict()
_lock = threading.Lock()


def checked_source(source: str) -> str:
    """A source that this visitor may train on: a named set, an upload, or a path in the data roots, links resolved.

    Raises a UserError for another one, and NotFound where there is nothing.
    """
    if source in SETS or source == SHAPES:
        if not sharing.may_train():
            raise UserError("training is off on this server")
        return source
    uploads = (data_folder() / FOLDER).resolve()
    roots = sharing.data_roots()
    return str(within(source, (*roots, uploads) if sharing.may_train() else roots))


def found_in(source: str, column: str = "", progress: Progress | None = None) -> Found:
    """What a source holds; remembered until the source itself, or the folder at its top, changes.

    Raises a UserError for a source that may not be read here, holds nothing, or holds pictures outside the data roots.

    Args:
        column: where the class of an item comes from (`listing_of`).
        progress: called with the share that is done and one line for a person. What it raises stops the search: a
            Streamlit element's, which another choice of the visitor interrupts.
    """
    source = checked_source(source)
    key = (source, column, _changed(source), sharing.data_roots())
    with _lock:
        if key in _found:
            _found.move_to_end(key)
            return _found[key]
    found = _look(source, column, progress or (lambda share, note: None))
    with _lock:
        _found[key] = found
        while len(_found) > MOST_FOUND:
            _found.popitem(last=False)
    return found


def look_again() -> None:
    """Forget what was found, as where files were added in a folder below the top."""
    with _lock:
        _found.clear()


def show_found(source: str, column: str = "") -> Found | None:
    """Show what a source holds; returns it, or None where the page says why it cannot be used."""
    place = st.empty()
    try:
        with place.container():
            bar = st.progress(0.0, "Looking at the data …")
            found = found_in(source, column, lambda share, note: bar.progress(share, note))
    except UserError as error:
        place.error(as_text(str(error), 600), icon=":material/block:")
        return None
    place.empty()
    left, right = st.columns([3, 2], gap="large")
    with left:
        _facts(found)
        help_ = "After files were added, changed or removed"
        st.button("Look again", icon=":material/refresh:", type="tertiary", on_click=look_again, help=help_)
    with right:
        _sample(found)
    return found


def _look(source: str, column: str, progress: Progress) -> Found:
    listing = listing_of(source, column, progress)
    if os.path.sep in source:
        _check_inside(listing, source)
    progress(0.5, f"{len(listing):,} found; reading a few of them")
    sizes = sizes_of(listing) if listing.has_pictures else None
    progress(0.8, "reading a sample")
    sample, unreadable = _sampled(listing)
    counts = Counter(listing.labels.tolist())
    named = Counter(SPLITS[split] for split in listing.splits.tolist() if split >= 0)
    classes = [(name, counts[at]) for at, name in enumerate(listing.classes)]
    return Found(source, listing, sizes, classes, dict(named), sample, unreadable)


def _check_inside(listing: Listing, source: str) -> None:
    """Raise a UserError where files of a listing lie outside the data roots, by links or by paths in a table."""
    roots, folders, outside = (*sharing.data_roots(), Path(source).resolve()), {}, []
    for file in map(os.fspath, filter(None, listing.files)):
        folder = os.path.dirname(file)
        if folder not in folders:
            folders[folder] = root_of(Path(folder).resolve(), roots) is not None
        if root_of(Path(file).resolve(), roots) is None if os.path.islink(file) else not folders[folder]:
            outside.append(file)
    if outside:
        raise UserError(
            f"{len(outside):,} files of {listing.name} lie outside the folders that may be read here, as "
            f"{os.path.basename(min(outside))}; copy them into it, or give their folder by --data-root"
        )


def _sampled(listing: Listing) -> tuple[UInt8[np.ndarray, "H W 3"] | None, int]:
    """A sheet of pictures from all over a listing, and how many of those for it cannot be read."""
    if not listing.has_pictures:
        return None, 0
    rows = np.unique(np.linspace(0, len(listing) - 1, SAMPLE).round().astype(int)).tolist()
    small = list(on_all_cores(_small, _contents(listing, rows)))
    readable = [one for one in small if one is not None]
    return (sheet(np.stack(readable), COLUMNS, 4, 128) if readable else None), len(small) - len(readable)


def _contents(listing: Listing, rows: list[int]) -> Iterator[Content]:
    for _, content in listing.contents(rows):
        yield content


def _small(content: Content) -> UInt8[np.ndarray, "side side 3"] | None:
    if isinstance(content, UnreadableImage):
        return None
    try:
        image = Image.fromarray(content) if isinstance(content, np.ndarray) else open_image(content, (SIDE, SIDE))
    except UnreadableImage:
        return None
    how = Image.Resampling.NEAREST if max(image.size) < SIDE else Image.Resampling.LANCZOS
    return np.asarray(ImageOps.fit(image.convert("RGB"), (SIDE, SIDE), how))


def _changed(source: str) -> int:
    """A number that changes with the file or folder of a source."""
    path = file_of(source) if source in SETS else Path(source)
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _facts(found: Found) -> None:
    first, *others = found.lines
    n_left_out = len(found.listing.rejected)
    st.markdown(f"**{as_text(first, 300)}**")
    labelled = bool(found.classes)
    for line in others[
        labelled : len(others) - len(found.left_out)
    ]:  # the classes have a table, what is left out a list
        st.caption(as_text(line, 400))
    if labelled:
        _classes(found)
    if n_left_out:
        with st.expander(f"{n_left_out:,} files are left out", icon=":material/filter_alt_off:"):
            for reason, names in found.left_out[:MOST_REASONS]:
                some = ", ".join(as_text(name, 60) for name in names[:3]) + (", …" if len(names) > 3 else "")
                st.markdown(f"**{len(names):,}** {as_text(reason, 300)}: {some}")


def _classes(found: Found) -> None:
    labelled = int((found.listing.labels >= 0).sum())
    words = f"{len(found.classes):,} classes"
    st.caption(words if labelled == found.n else f"{words}; {labelled:,} of the {found.n:,} {found.unit} have one")
    table = pd.DataFrame(found.classes, columns=["class", "items"]).sort_values("items", ascending=False)
    most = int(table["items"].max())
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(table) <= ROWS_SHOWN else 35 * (ROWS_SHOWN + 1) + 3,
        column_config={
            "class": st.column_config.TextColumn("Class"),
            "items": st.column_config.ProgressColumn(
                found.unit.capitalize(), format="%d", min_value=0, max_value=max(most, 1)
            ),
        },
    )


def _sample(found: Found) -> None:
    if found.sample is None:
        return
    st.image(found.sample, width="content", alt=f"Some of the {found.unit}")
    if found.unreadable:
        st.caption(
            f"{found.unreadable} of {SAMPLE} pictures that were looked at cannot be read; they will be left out."
        )
