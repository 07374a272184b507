"""A probe on a map of vectors: the items that are nearest to it, and the decoded vector as a file."""

import json

import numpy as np
import streamlit as st

from kernelviz.layers.probe import Probe
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.gallery import gallery
from kernelviz.ui.shared.labels import plain

NEAREST = 12


def nearest(run: EmbeddingRun, center: tuple[float, float]) -> None:
    """Show the items of all splits that are nearest to the probe on the map."""
    points, table = caches.points_of(run), caches.table_of(run)
    ((distances,), (rows,)) = points.nearest(np.array([center]), NEAREST)
    st.markdown(f"**Nearest to ({center[0]:.2f}, {center[1]:.2f})** on the map")
    if caches.source_of(run) is not None:
        gallery(run, points, rows, lambda row: plain(table[NAME].iloc[row]))
    found = table.iloc[rows]
    first = found[[NAME]].assign(distance=distances, label=found["label"], split=found["split"])
    own = [column for column in table.columns if column not in (*MAP_COLUMNS, NAME, PATH)]
    shown = first.join(found[own])
    st.dataframe(shown.dropna(axis=1, how="all"), hide_index=True, placeholder="–")


def decoded(run: EmbeddingRun, center: tuple[float, float], probe: Probe) -> None:
    """Say what the decoder gives, and show the buttons that save it."""
    from kernelviz.evaluation.inference import decode_probes  # torch takes seconds to import; the map needs none
    from kernelviz.ui.shared.network_cache import network_of

    (vector,) = decode_probes(network_of(run), np.array([center]), probe)
    name = f"{run.name}_{center[0]:.2f}_{center[1]:.2f}"
    numbers = vector.tolist()
    with st.container(horizontal=True, vertical_alignment="center"):
        _download("CSV", ",".join(map(str, numbers)) + "\n", f"{name}.csv", "text/csv")
        _download("JSON", json.dumps(numbers), f"{name}.json", "application/json")
        st.caption(f"The decoder of this run gives no image but a vector of {len(numbers):,} numbers.")


def _download(kind: str, data: str, name: str, mime: str) -> None:
    st.download_button(kind, data, name, mime, icon=":material/download:", on_click="ignore")
