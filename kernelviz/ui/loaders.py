"""What the pages share between sessions: records, maps, networks, images. Keyed by name and by the weights' hash."""

import os

import numpy as np
import streamlit as st

from kernelviz.data.images import ImageSet, is_local, load
from kernelviz.disk import data_folder
from kernelviz.maps import SPLITS, EmbeddingMap, draw_probes, load_map
from kernelviz.networks import EmbeddingNetwork
from kernelviz.runs import BrokenRun, Run, load_run, run_names


@st.cache_data(ttl=5, show_spinner=False)
def readable_runs() -> tuple[list[str], list[str]]:
    """Names of the runs that can be read, and what is wrong with the others."""
    names, broken = [], []
    for name in run_names():
        try:
            load_run(name)
            names.append(name)
        except BrokenRun as error:
            broken.append(str(error))
    return names, broken


def points_of(run: Run) -> EmbeddingMap:
    """The map of a run."""
    return _points(run.name, run.weights_sha256, run)


def network_of(run: Run) -> EmbeddingNetwork:
    """The network of a run, shared by all sessions: only to be read."""
    return _network(run.name, run.weights_sha256, run)


def images_of(run: Run) -> ImageSet | None:
    """The images of a run's set, if they are on this machine and are those that the map was made of."""
    source = run.recipe["data"]
    if not is_local(source):
        return None
    try:
        images = _images(source, os.fspath(data_folder()))
    except (OSError, ValueError):
        return None
    return images if _belong(images, points_of(run)) else None


def _belong(images: ImageSet, points: EmbeddingMap) -> bool:
    return all(np.array_equal(points.of_split(split).label, images.split(split)[1]) for split in SPLITS)


def drawn_map(run: Run, split: str) -> np.ndarray:
    """What the decoder draws at every place of a split, uint8; images without a place are black."""
    return _drawn_map(run.name, run.weights_sha256, split, run)


@st.cache_resource(max_entries=8, show_spinner="Opening the map …")
def _points(name: str, sha256: str, _run: Run) -> EmbeddingMap:
    try:
        return load_map(_run.folder)
    except ValueError as error:
        raise BrokenRun(str(error)) from None


@st.cache_resource(max_entries=4, show_spinner="Loading the network …")
def _network(name: str, sha256: str, _run: Run) -> EmbeddingNetwork:
    return _run.load_network()


@st.cache_resource(max_entries=3, show_spinner="Reading the images …")
def _images(name: str, folder: str) -> ImageSet:
    return load(name, allow_download=False)


@st.cache_resource(max_entries=4, show_spinner="Drawing every place of the map …")
def _drawn_map(name: str, sha256: str, split: str, _run: Run) -> np.ndarray:
    network, points = network_of(_run), points_of(_run).of_split(split)
    placed = np.flatnonzero(points.placed)
    drawn = draw_probes(network, points.places[placed], _run.default_probe)
    out = np.zeros((len(points), *drawn.shape[1:]), np.uint8)
    out[placed] = drawn
    return out
