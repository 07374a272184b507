"""The maps and images that all sessions share, cached by the name of a run and the hash of its weights."""

import os
from dataclasses import replace

import numpy as np
import streamlit as st

from kernelviz.data.images import ImageSet, Preprocess, is_local, load
from kernelviz.disk import data_folder
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, load_map
from kernelviz.storage.record import BrokenRun, EmbeddingRun


def points_of(run: EmbeddingRun) -> EmbeddingMap:
    """The map of a run."""
    return _points(run.name, run.weights_sha256, run)


def version(run: EmbeddingRun) -> str:
    """A text that names the weights and the map of a run in addresses, and changes with them."""
    try:
        written = (run.folder / "map.parquet").stat().st_mtime_ns
    except OSError as error:
        raise BrokenRun(f"{error.filename} cannot be read ({error.strerror}); train the run again") from None
    return f"{run.weights_sha256[:12]}-{written:x}"


def splits_of(run: EmbeddingRun) -> list[str]:
    """The splits that have points."""
    return [split for split in SPLITS if len(points_of(run).of_split(split))]


def images_of(run: EmbeddingRun) -> ImageSet | None:
    """The images of a run's set, if they are on this machine and the map was made of them."""
    source = run.recipe["data"]
    if not is_local(source):
        return None
    try:
        images = _images(source, os.fspath(data_folder()), run.validation, run.preprocess)
    except (OSError, ValueError):
        return None
    return images if _belong(images, points_of(run)) else None


def source_of(run: EmbeddingRun) -> str | None:
    """Where the pictures of a run's points come from: "own" images, "decoded" ones, or None."""
    return "own" if images_of(run) else "decoded" if run.has_decoder else None


def pictures_at(run: EmbeddingRun, points: EmbeddingMap) -> np.ndarray | None:
    """The images of some points of one split, uint8.

    Images that are not on this machine are decoded from their coordinates; None where there is no decoder either.
    """
    images = images_of(run)
    if images:
        return images.split(SPLITS[points.split[0]])[0][points.index]
    if not run.has_decoder:
        return None
    from kernelviz.ui.shared.network_cache import decoded_at  # torch takes seconds to import, and only this needs it

    return decoded_at(run, points.coordinates)


def _belong(images: ImageSet, points: EmbeddingMap) -> bool:
    return all(np.array_equal(points.of_split(split).label, images.split(split)[1]) for split in SPLITS)


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, sha256: str, _run: EmbeddingRun) -> EmbeddingMap:
    return load_map(_run.folder)


@st.cache_resource(max_entries=3, show_spinner=False)
def _images(name: str, folder: str, validation: float, preprocess: Preprocess) -> ImageSet:
    return replace(load(name, allow_download=False, preprocess=preprocess), validation=validation)
