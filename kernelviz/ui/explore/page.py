"""Explore: the map of a run, the images behind a selection, and how good the map is."""

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.evaluation.quality import MEANING, PUBLISHED, measured_peers
from kernelviz.plots.colours import COLOURINGS
from kernelviz.plots.curves import history_figure
from kernelviz.plots.maps import map_figure
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas import canvas
from kernelviz.ui.shared import caches, selection
from kernelviz.ui.shared.gallery import gallery, word_on_pictures
from kernelviz.ui.shared.labels import class_names
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import SIMPLE_MAP, simple_map_instead

SPREAD = 24  # images of the gallery at most, while nothing is selected
VIEWS = ("dots", "images")


def page(run: EmbeddingRun) -> None:
    """The whole page."""
    colouring, split, view = _controls(run)
    points = caches.points_of(run).of_split(split)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _word_on_colours(run, points, colouring)
        selected = _map(run, points, split, colouring, view)
    with right:
        images, quality, training = st.tabs(["Images", "Quality", "Training"])
        with images:
            _images(run, points, split, selected)
        with quality:
            _quality(run)
        with training:
            _training(run)


def _word_on_colours(run: EmbeddingRun, points: EmbeddingMap, colouring: str) -> None:
    """Why no point has a colour of its own, where none has."""
    if colouring == "reconstruction error" and not np.isfinite(points.error).any():
        reason = "this network has no decoder" if not run.has_decoder else "this map is from before it was kept"
        st.info(f"There is no reconstruction error: {reason}.", icon=":material/palette:")
    elif colouring == "kNN agreement" and (points.label < 0).all():
        st.info("There is no agreement with a label: these images have none.", icon=":material/palette:")


def _controls(run: EmbeddingRun) -> tuple[str, str, str]:
    colour, split, view, _ = st.columns([2, 2, 2, 3], vertical_alignment="bottom")
    shared = {"bind": "query-params"}
    return (
        colour.selectbox("Colour by", COLOURINGS, key="colour", **shared),
        _split(run, split),
        view.segmented_control("Draw", VIEWS, default="dots", required=True, key="view", **shared),
    )


def _split(run: EmbeddingRun, where: st.delta_generator.DeltaGenerator) -> str:
    """The split to show: of those that have images, the test part unless another one is chosen."""
    splits, asked = caches.splits_of(run), st.query_params.get("split")
    if asked in SPLITS and asked not in splits:
        st.info(f"This run has no {asked} images; these are the {splits[-1]} images.", icon=":material/filter_none:")
        del st.query_params["split"]
    return where.selectbox(
        "Images", splits, index=len(splits) - 1, key="split", bind="query-params", help="test: never trained on"
    )


def _map(run: EmbeddingRun, points: EmbeddingMap, split: str, colouring: str, view: str) -> np.ndarray:
    """Draw the map; returns the rows of `points` that are selected on it."""
    if simple_map_instead():
        return _simple_map(run, points, split, colouring)
    key, of = f"map-{run.name}-{split}", _what(run, split)
    found = st.session_state.get(f"search-{run.name}-{split}")
    heard = canvas(
        ImageMap(run), split, key, colouring=colouring, view=view, selection=selection.selection(of), found=found
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    selection.take(of, heard.selection)
    _word_on_points(points, split, "Click a point to pin its image; take the box or the lasso to select.")
    return selection.selection(of).rows


def _simple_map(run: EmbeddingRun, points: EmbeddingMap, split: str, colouring: str) -> np.ndarray:
    """The map as a Plotly chart; returns the rows of `points` that are selected on it."""
    with st.container(key="map"):
        event = st.plotly_chart(
            map_figure(points, run.extent, run.classes, colouring),
            on_select="rerun",
            key=f"simple-{run.name}-{split}-{colouring}",
            height="stretch",
            selection_mode=("points", "box", "lasso"),
            config=SIMPLE_MAP,
            alt=f"Map of {len(points)} {split} images",
        )
    _word_on_points(points, split, "Choose lasso or box at the top right of the map to see the images.")
    return np.array([int(point["customdata"][0]) for point in event.selection.points], dtype=int)


def _word_on_points(points: EmbeddingMap, split: str, how: str) -> None:
    unplaced = int((~points.placed).sum())
    st.caption(
        f"{len(points):,} {split} images, each at the center of mass of its bump. Scroll to zoom, drag to move. {how}"
        + (f" {unplaced:,} images have no place and are not shown." if unplaced else "")
    )


def _what(run: EmbeddingRun, split: str) -> str:
    return f"{run.weights_sha256} {split}"


def _images(run: EmbeddingRun, points: EmbeddingMap, split: str, selected: np.ndarray) -> None:
    number = st.number_input(
        "Search by number",
        0,
        len(points) - 1,
        value=None,
        placeholder=f"0 to {len(points) - 1}",
        key=f"search-{run.name}-{split}",
    )
    rows = np.array([number]) if number is not None else selected
    if not len(rows):
        st.info("Nothing selected yet: here are images spread over the map.", icon=":material/touch_app:")
        rows = _spread(points)
    elif number is None:
        found, clear = st.columns([3, 1], vertical_alignment="center")
        found.markdown(f"**{len(rows):,} selected**{_share_right(points.where(rows))}")
        clear.button("Clear", on_click=selection.choose, args=(_what(run, split), rows[:0]), width="stretch")
    word_on_pictures(run)
    gallery(run, points, rows, lambda row: _caption(run.classes, points, row))


def _share_right(points: EmbeddingMap) -> str:
    known = points.label >= 0
    right = points.label[known] == points.prediction[known]
    return f", {right.mean():.0%} of them taken for what they are" if known.any() else ""


def _caption(classes: tuple[str, ...], points: EmbeddingMap, row: int) -> str:
    named = class_names(classes)
    label, prediction = named[points.label[row]], named[points.prediction[row]]
    sure = points.confidence[row]
    says = label if label == prediction else f"{label} → {prediction}"
    return says if np.isnan(sure) else f"{says} · {sure:.0%}"


def _spread(points: EmbeddingMap) -> np.ndarray:
    """Rows of points far from each other: the first in each cell of a coarse lattice, from the top left."""
    rows = np.flatnonzero(points.placed)
    cells = np.floor(points.coordinates[rows]).astype(int)
    _, first = np.unique(cells[:, ::-1] * [-1, 1], axis=0, return_index=True)
    apart = rows[first]
    return apart[:: max(1, -(-len(apart) // SPREAD))]


def _quality(run: EmbeddingRun) -> None:
    names = [name for name in MEANING if name in run.metrics]
    values = [f"{run.metrics[name]:.4g}" for name in names]
    table = pd.DataFrame({"figure": names, "value": values, "meaning": [MEANING[name] for name in names]})
    st.table(table, hide_index=True, border="horizontal")
    st.caption(f"Measured on the test images; `kernelviz evaluate {run.name}` measures them again.")
    if run.data["name"] == "mnist":
        _beside_the_published(run)


def _beside_the_published(run: EmbeddingRun) -> None:
    st.markdown("**Beside what is published** for unseen MNIST digits in two dimensions")
    ours = {"method": f"kernelviz, {run.name}"} | {
        key: run.metrics.get(key) for key in ("map_1nn", "map_5nn", "test_mse")
    }
    if "place_mse" in run.metrics:
        ours["test_mse"] = run.metrics["place_mse"]
    peers = [row | {"method": f"{row['method']}, measured"} for row in measured_peers()]
    table = pd.DataFrame([ours, *peers, *PUBLISHED]).sort_values("map_5nn", ascending=False)
    table.columns = ["method", "1-NN", "5-NN", "MSE from 2 numbers"]
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(table, hide_index=True, column_config={name: number for name in table.columns[1:]})
    st.caption(
        "Fitted on the first 50,000 training images, scored on the 10,000 test images. Published figures: Sainburg, "
        "McInnes, Gentner 2021; `kernelviz bench peers` gives those marked as measured. A classifier's map has seen "
        "the labels; the others have not."
    )


def _training(run: EmbeddingRun) -> None:
    if run.history:
        st.plotly_chart(history_figure(run.history), key=f"history-{run.name}", config={"displayModeBar": False})
    made = run.made_by
    seconds = made["seconds"]
    time = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    st.caption(f"Trained in {time} on {made['device']}, seed {run.seed}:")
    st.code(made["command"], language="bash", wrap_lines=True)
    st.json({"recipe": run.recipe, "versions": made["versions"], "commit": made["commit"]}, expanded=False)
