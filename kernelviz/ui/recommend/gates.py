"""The gates of a recommender's layers as pictures: which inputs reach which outputs."""

import numpy as np
import streamlit as st
import torch
from jaxtyping import Float, UInt8

from kernelviz.layers import GatedLinear
from kernelviz.plots.colours import ABOVE, rgb
from kernelviz.storage.record import RecommenderRun
from kernelviz.storage.weights import load_network
from kernelviz.ui.shared.labels import percent

MAX_SIDE = 320  # pixels of a picture
CLOSED = "#2b2f3a"


def pictures(run: RecommenderRun) -> None:
    """Show a picture of every gated layer."""
    st.header("Which connections are left", anchor=False)
    found = _gates(run.name, run.weights_sha256, run)
    for column, (picture, (n_in, n_out), density, dead) in zip(st.columns(len(found)), found, strict=True):
        said = f"{n_in:,} → {n_out:,}: {percent(density, 1)} open, {percent(dead, 1)} of the locations dead"
        column.image(picture, caption=said, alt=said)
    st.caption(
        "Inputs run down and outputs across, both in the order of the strongest direction of their locations. Green "
        "gates are open, dark gates are closed, and their weights need no multiplication. All gates of a dead "
        "location are closed."
    )


@st.cache_resource(max_entries=4, show_spinner="Loading the network")
def _gates(name: str, sha256: str, _run: RecommenderRun) -> list[tuple[np.ndarray, tuple[int, int], float, float]]:
    layers = load_network(_run).layers
    return [(gate_picture(one), (len(one.u), len(one.v)), one.density(), one.dead()) for one in layers]


@torch.no_grad()
def gate_picture(layer: GatedLinear) -> UInt8[np.ndarray, "h w 3"]:
    """The mean of the gates in each part of the layer, sorted by the strongest direction of all locations."""
    both = torch.cat([layer.u, layer.v])
    direction = torch.linalg.svd(both - both.mean(0), full_matrices=False).Vh[0]
    rows, columns = (torch.argsort(at @ direction) for at in (layer.u, layer.v))
    gate = layer.gate()[rows][:, columns]
    parts = _means(_means(gate.numpy(), MAX_SIDE).T, MAX_SIDE).T
    closed, open_ = (np.array(rgb(colour)) for colour in (CLOSED, ABOVE))
    return (closed + parts[..., None] * (open_ - closed)).round().astype(np.uint8)


def _means(values: Float[np.ndarray, "n m"], most: int) -> Float[np.ndarray, "k m"]:
    """Means of neighbouring rows, so that at most `most` rows are left."""
    starts = np.unique(np.linspace(0, len(values), min(most, len(values)), endpoint=False).astype(int))
    return np.add.reduceat(values, starts) / np.diff([*starts, len(values)])[:, None]
