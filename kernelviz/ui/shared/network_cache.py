"""The networks that the pages share between sessions, and what they draw."""

import numpy as np
import streamlit as st
from torch import nn

from kernelviz.evaluation.inference import draw_probes
from kernelviz.layers.probe import Probe
from kernelviz.runs.record import Run
from kernelviz.runs.weights import load_network


def network_of(run: Run) -> nn.Module:
    """The network of a run, shared by all sessions: only to be read."""
    return _network(run.name, run.weights_sha256, run)


def drawn_at(run: Run, places: np.ndarray) -> np.ndarray:
    """What the decoder draws at each of some places [n, 2], uint8; black where the place is NaN."""
    placed = np.isfinite(places).all(axis=1)
    drawn = draw_probes(network_of(run), places[placed], Probe(**run.probe))
    out = np.zeros((len(places), *drawn.shape[1:]), np.uint8)
    out[placed] = drawn
    return out


def dense_layers(decoder: nn.Module | None) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Weight [outputs, inputs] and bias of each layer, if a decoder is dense layers with ReLU between them; else
    None."""
    parts = list(decoder) if isinstance(decoder, nn.Sequential) else []
    wanted = [nn.Linear if at % 2 == 0 else nn.ReLU for at in range(len(parts))]
    if len(parts) % 2 == 0 or [type(part) for part in parts] != wanted:
        return None
    return [(layer.weight.numpy(), layer.bias.numpy()) for layer in parts[::2]]


@st.cache_resource(max_entries=8, show_spinner=False)
def _network(name: str, sha256: str, _run: Run) -> nn.Module:
    return load_network(_run)
