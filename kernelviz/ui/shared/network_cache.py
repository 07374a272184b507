"""The networks that all sessions share, and the images that they decode."""

import numpy as np
import streamlit as st
from torch import nn

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.weights import load_network


def network_of(run: Run) -> nn.Module:
    """The network of a run, which all sessions share and none may change."""
    return _network(run.name, run.weights_sha256, run)


def decoded_at(run: EmbeddingRun, coordinates: np.ndarray) -> np.ndarray:
    """The image decoded at each of some coordinates [n, 2], uint8; a black image where they are NaN."""
    known = np.isfinite(coordinates).all(axis=1)
    decoded = decode_probes(network_of(run), coordinates[known], Probe(**run.probe))
    out = np.zeros((len(coordinates), *decoded.shape[1:]), np.uint8)
    out[known] = decoded
    return out


def dense_layers(decoder: nn.Module | None) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """The weight [outputs, inputs] and the bias of each layer of a decoder.

    None unless the decoder is a chain of dense layers with ReLU between them.
    """
    parts = list(decoder) if isinstance(decoder, nn.Sequential) else []
    wanted = [nn.Linear if at % 2 == 0 else nn.ReLU for at in range(len(parts))]
    if len(parts) % 2 == 0 or [type(part) for part in parts] != wanted:
        return None
    return [(layer.weight.numpy(), layer.bias.numpy()) for layer in parts[::2]]


@st.cache_resource(max_entries=8, show_spinner=False)
def _network(name: str, sha256: str, _run: Run) -> nn.Module:
    return load_network(_run)
