"""The networks that the pages share between sessions, and what they draw."""

import numpy as np
import streamlit as st
from torch import nn

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.weights import load_network


def network_of(run: Run) -> nn.Module:
    """The network of a run, shared by all sessions: only to be read."""
    return _network(run.name, run.weights_sha256, run)


def decoded_at(run: EmbeddingRun, coordinates: np.ndarray) -> np.ndarray:
    """The image decoded at each of some coordinates [n, 2], uint8; black where they are NaN."""
    placed = np.isfinite(coordinates).all(axis=1)
    decoded = decode_probes(network_of(run), coordinates[placed], Probe(**run.probe))
    out = np.zeros((len(coordinates), *decoded.shape[1:]), np.uint8)
    out[placed] = decoded
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
