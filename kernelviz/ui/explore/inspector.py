"""All that is known of one image, and the selection as a file."""

from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.plots.images import enlarged
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.tables import to_csv
from kernelviz.ui.server.items import described, missing, written
from kernelviz.ui.shared import caches

SIDE = 256  # pixels: longer side of the picture
STYLE = """
<style>
.facts { display: grid; grid-template-columns: minmax(5rem, auto) 1fr; gap: .2rem 1rem;
  margin: 0 !important; padding: 0 !important;
  font-size: .9rem; }
.facts dt { opacity: .7; overflow-wrap: anywhere; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
</style>
"""


def inspect(run: EmbeddingRun, split: str, row: int) -> None:
    """Show an image with its name and what the map and the user's table say of it."""
    points = caches.points_of(run).of_split(split)
    pictures = caches.pictures_at(run, points.where(np.array([row])))
    if pictures is not None:
        st.image(enlarged(pictures[0], SIDE), width=min(SIDE, enlarged(pictures[0], SIDE).shape[1]))
        _original(run, split, row)
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(run, split, row))
    st.html(f'{STYLE}<dl class="facts" aria-label="Inspector">{facts}</dl>')


def name_of(run: EmbeddingRun, split: str, row: int) -> str | None:
    """The name of an image; None in a run without a table."""
    return _row(run, split, row)[NAME] if caches.has_table(run) else None


def download(run: EmbeddingRun, split: str, rows: np.ndarray, where: st.delta_generator.DeltaGenerator) -> None:
    """Show the button that saves the selected images as a table."""
    where.download_button(
        "CSV",
        lambda: to_csv(selected_table(run, split, rows)),
        f"{run.name}_selection.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )


def listed(run: EmbeddingRun, split: str, rows: np.ndarray) -> None:
    """Show a table of some points of which there are no pictures."""
    shown = selected_table(run, split, rows).drop(columns=[PATH, "split", "index", "x", "y"])
    st.dataframe(shown.dropna(axis=1, how="all"), hide_index=True, placeholder="–")


def selected_table(run: EmbeddingRun, split: str, rows: np.ndarray) -> pd.DataFrame:
    """What is known of some images of a split: name and file first, the user's own columns last."""
    table = caches.table_of(run)
    first = [name for name in (NAME, PATH) if name in table]
    own = [name for name in table.columns if name not in (*MAP_COLUMNS, NAME, PATH)]
    return table[table["split"] == split].iloc[rows][[*first, *MAP_COLUMNS, *own]]


def _row(run: EmbeddingRun, split: str, row: int) -> pd.Series:
    table = caches.table_of(run)
    return table[table["split"] == split].iloc[row]


def _facts(run: EmbeddingRun, split: str, row: int) -> list[tuple[str, str]]:
    """Name and value, as texts, of all that is known of an image."""
    known = _row(run, split, row)
    shown = {"name": known.get(NAME), "number": f"{row} ({split})", "label": known["label"]}
    shown |= {"prediction": known["prediction"], "confidence": _share(float(known["confidence"]))}
    shown |= {"position": f"{known['x']:.2f}, {known['y']:.2f}"}
    return [(name, written(value)) for name, value in shown.items() if pd.notna(value)] + described(known)


def _share(value: float) -> str | None:
    return None if np.isnan(value) else f"{value:.0%}"


def _original(run: EmbeddingRun, split: str, row: int) -> None:
    """Show the link to the original file, where the image has one, or say where it has been."""
    path = _row(run, split, row)[PATH] if caches.has_table(run) else ""
    if path and (gone := missing(Path(path))):
        st.html(f"<small>{escape(gone)}</small>")
    elif path:
        address = f"/kernelviz/runs/{run.name}/{caches.version(run)}/original/{split}/{row}"
        st.link_button("Open original", address, icon=":material/open_in_new:")
