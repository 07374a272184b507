"""What the pages share between sessions: records, maps, images. Keyed by name and by the weights' hash."""

import os
from dataclasses import replace

import numpy as np
import streamlit as st

from kernelviz.data.images import ImageSet, Preprocess, is_local, load
from kernelviz.disk import data_folder
from kernelviz.runs.embedding_map import SPLITS, EmbeddingMap, load_map
from kernelviz.runs.record import BrokenRun, Run, load_run, run_names
from kernelviz.ui.recommend import item_titles


def readable_runs() -> tuple[list[Run], list[str]]:
    """The runs that can be read, and what is wrong with the others."""
    runs, broken = [], []
    for name in run_names():
        try:
            runs.append(load_run(name))
        except BrokenRun as error:
            broken.append(str(error))
    return runs, broken


def shown(run: Run) -> Run:
    """The run as one whose map the canvas can show."""
    return item_titles.on_map(run) if run.recommends else run


def points_of(run: Run) -> EmbeddingMap:
    """The map of a run; of a recommender, that of its items."""
    return item_titles.points_of(run) if run.recommends else _points(run.name, run.weights_sha256, run)


def version(run: Run) -> str:
    """What the weights and the map of a run are called on their way to the browser: another name where they change."""
    if run.recommends:
        return item_titles.version(run)
    return f"{run.weights_sha256[:12]}-{(run.folder / 'map.parquet').stat().st_mtime_ns:x}"


def images_of(run: Run) -> ImageSet | None:
    """The images of a run's set, if they are on this machine and are those that the map was made of."""
    source = run.recipe["data"]
    if run.recommends or not is_local(source):
        return None
    try:
        validation = run.recipe.get("validation", 1 / 6)  # runs from before it could be chosen have a sixth
        images = _images(source, os.fspath(data_folder()), validation, run.preprocess)
    except (OSError, ValueError):
        return None
    return images if _belong(images, points_of(run)) else None


def source_of(run: Run) -> str | None:
    """Where the pictures of a run's points come from: "own" images, "drawn" by the decoder, or nowhere."""
    return "own" if images_of(run) else "drawn" if run.arguments["draws"] else None


def pictures_at(run: Run, points: EmbeddingMap) -> np.ndarray | None:
    """The images of some points of one split, uint8; where they are not on this machine, what the decoder draws at
    their places; None where there is no decoder either."""
    images = images_of(run)
    if images:
        return images.split(SPLITS[points.split[0]])[0][points.index]
    if not run.arguments["draws"]:
        return None
    from kernelviz.ui.shared.network_cache import drawn_at  # torch takes seconds to import, and only this needs it

    return drawn_at(run, points.places)


def _belong(images: ImageSet, points: EmbeddingMap) -> bool:
    return all(np.array_equal(points.of_split(split).label, images.split(split)[1]) for split in SPLITS)


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, sha256: str, _run: Run) -> EmbeddingMap:
    try:
        return load_map(_run.folder)
    except ValueError as error:
        raise BrokenRun(str(error)) from None


@st.cache_resource(max_entries=3, show_spinner=False)
def _images(name: str, folder: str, validation: float, preprocess: Preprocess) -> ImageSet:
    return replace(load(name, allow_download=False, preprocess=preprocess), validation=validation)
