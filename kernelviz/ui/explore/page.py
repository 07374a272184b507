"""Explore: the map of a run with an inspector beside it, and how good the map is."""

from functools import partial
from pathlib import PurePath

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.evaluation.quality import MEANING, PUBLISHED, measured_peers
from kernelviz.plots.clusters import CLUSTER
from kernelviz.plots.colours import COLOURINGS, VALUES
from kernelviz.plots.columns import Column
from kernelviz.plots.curves import history_figure
from kernelviz.plots.maps import map_figure
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas import canvas, film
from kernelviz.ui.canvas.messages import InspectorTold
from kernelviz.ui.explore import search
from kernelviz.ui.shared import caches, selection
from kernelviz.ui.shared.gallery import explain_missing_images, gallery
from kernelviz.ui.shared.labels import class_names, percent, plain
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import SIMPLE_MAP, simple_map_instead
from kernelviz.ui.tiles.tile import COLOURINGS as OF_LARGE_MAPS

MAX_SPREAD_IMAGES = 24  # of the gallery while no image is selected
VIEWS = ("dots", "images")


def page(run: EmbeddingRun) -> None:
    """Show the page."""
    colouring, split, view = _controls(run)
    if caches.is_large(run):
        _large_map(run, split, colouring, view)
    else:
        _whole_map(run, split, colouring, view)
    explain_missing_images(run)
    _about(run)


@st.fragment
def _about(run: EmbeddingRun) -> None:
    """What is below the map; a tab is made when it is opened, as Plotly takes a browser long to load."""
    shown = {"Quality": _quality, "Training": _training} | ({"How it grew": _film} if caches.has_film(run) else {})
    for tab, show in zip(st.tabs(list(shown), key="about", on_change="rerun"), shown.values(), strict=True):
        if tab.open:
            with tab:
                show(run)


def _whole_map(run: EmbeddingRun, split: str, colouring: str, view: str) -> None:
    """Show a map of which the page has all points."""
    found = search.found(run, split)
    points = caches.points_of(run).of_split(split)
    _explain_missing_colours(run, points, colouring)
    if found is not None and not len(found):
        st.info(f"No {run.unit.removesuffix('s')} matches the search and the filter.", icon=":material/search_off:")
    if simple_map_instead():
        _simple_map(run, points, split, colouring)
    else:
        _map(run, points, split, colouring, view, found)


def _large_map(run: EmbeddingRun, split: str, colouring: str, view: str) -> None:
    """Show a map of which the page has tiles and the points in view; what is searched for is found by the server."""
    key, text = f"map-{run.name}-{split}", search.asked(run, split)
    inspector = InspectorTold(run.name, alike=False)
    heard = canvas(ImageMap(run), split, key, colouring=colouring, view=view, text=text, inspector=inspector)
    if heard.failed:
        st.error(f"{heard.failed} A map of so many {run.unit} has no simpler form.")
    st.caption(
        f"A map of {caches.sizes_of(run)[split]:,} {split} {run.unit}; similar {run.unit} lie together. Where they are "
        "too many to tell apart, their density is shown, in the mean of their colours. Zoom in with the wheel to see "
        "each of them, drag to move."
    )


def _explain_missing_colours(run: EmbeddingRun, points: EmbeddingMap, colouring: str) -> None:
    """Say why all points have the same colour, where they do."""
    if colouring == "reconstruction error" and not np.isfinite(points.error).any():
        reason = (
            "this network has no decoder" if not run.has_decoder else "this map was made before errors were recorded"
        )
        st.info(f"There is no reconstruction error: {reason}.", icon=":material/palette:")
    elif colouring == "certainty of position" and not np.isfinite(points.clarity).any():
        st.info("This map was made before the certainty of positions was recorded.", icon=":material/palette:")
    elif colouring == "kNN agreement" and (points.label < 0).all():
        st.info("There is no kNN agreement: these images have no labels.", icon=":material/palette:")


def _controls(run: EmbeddingRun) -> tuple[str, str, str]:
    row = st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium")
    shared = {"bind": "query-params"}
    colouring = row.selectbox("Colour by", _colourings(run), key="colour", width=250, **shared)
    chosen = _split(run, row)
    shown = row.segmented_control("Show as", VIEWS, default="dots", required=True, key="view", **shared)
    search.controls(run, chosen, row)
    return colouring, chosen, shown


def _colourings(run: EmbeddingRun) -> list[str]:
    """By what the points of a run may be coloured."""
    if caches.is_large(run):
        return list(OF_LARGE_MAPS)
    own = [column.name for column in caches.columns_in(run)]
    return [*own[:1], *VALUES, *own[1:]] if CLUSTER in own else [*COLOURINGS, *own]


def _split(run: EmbeddingRun, where: st.delta_generator.DeltaGenerator) -> str:
    """The split to show, of those that have images: the test images, unless another split is chosen."""
    splits, asked = caches.splits_of(run), st.query_params.get("split")
    if asked in SPLITS and asked not in splits:
        st.info(f"This run has no {asked} images; these are others.", icon=":material/filter_none:")
        del st.query_params["split"]
    return where.selectbox(
        "Images",
        splits,
        index=splits.index("test") if "test" in splits else 0,
        key="split",
        bind="query-params",
        width=210,
    )


def _map(
    run: EmbeddingRun, points: EmbeddingMap, split: str, colouring: str, view: str, found: np.ndarray | None
) -> None:
    """Show the map, and beside it what is pinned and selected."""
    owner, column = selection.owner(run, split), caches.colouring_of(run, colouring)
    alike = caches.source_of(run) in ("own", "thumbnails")
    heard = canvas(
        ImageMap(run),
        split,
        f"map-{run.name}-{split}",
        colouring=column.key if column else colouring,
        view=view,
        selection=selection.selection(owner),
        found=int(found[0]) if found is not None and len(found) == 1 else None,
        inspector=InspectorTold(run.name, alike),
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    if selection.adopt(owner, heard.selection) and found is not None and not len(heard.selection.rows):
        search.forget()  # what was found was cleared on the map
        st.rerun()
    _caption_of_map(points, split, run.unit, colouring)


def _simple_map(run: EmbeddingRun, points: EmbeddingMap, split: str, colouring: str) -> None:
    """Show the map as a Plotly chart, and beside it the images that are selected on it."""
    left, right = st.columns([3, 2], gap="medium")
    with left.container(key="map"):
        event = st.plotly_chart(
            map_figure(points, run.extent, run.classes, colouring, _column(run, points, colouring)),
            on_select="rerun",
            key=f"simple-{run.name}-{split}-{colouring}",
            height="stretch",
            selection_mode=("points", "box", "lasso"),
            config=SIMPLE_MAP,
            alt=f"Map of {len(points)} {split} images",
        )
    selected = np.array([int(point["customdata"][0]) for point in event.selection.points], dtype=int)
    with left:
        _caption_of_map(points, split, run.unit, colouring)
    with right:
        if len(selected):
            st.markdown(f"**{len(selected):,} selected**")
        else:
            st.info(
                f"No {run.unit.removesuffix('s')} selected: use the box or the lasso at the top right of the map. "
                f"These {run.unit} are spread over it.",
                icon=":material/touch_app:",
            )
        gallery(run, points, selected if len(selected) else _spread(points), partial(_caption, run, points, split))


def _column(run: EmbeddingRun, points: EmbeddingMap, colouring: str) -> Column | None:
    column = caches.colouring_of(run, colouring)
    return column and column.where(caches.points_of(run).rows_of(points))


def _caption_of_map(points: EmbeddingMap, split: str, unit: str, colouring: str) -> None:
    unplaced = int((~points.placed).sum())
    st.caption(
        f"Each dot is one of {len(points):,} {split} {unit}, at the center of mass of its activation; similar {unit} "
        "lie together. Zoom in with the wheel, drag to move."
        + (f" A cluster has the name that most of its {unit} share, or a number." if colouring == CLUSTER else "")
        + (f" {unplaced:,} {unit} have no position and are not shown." if unplaced else "")
    )


def _caption(run: EmbeddingRun, points: EmbeddingMap, split: str, row: int) -> str:
    named = class_names(run.classes)
    label, prediction = named[points.label[row]], named[points.prediction[row]]
    confidence = points.confidence[row]
    text = label if label == prediction else f"{label} → {prediction}"
    text = text if np.isnan(confidence) else f"{text} · {percent(confidence)}"
    name = caches.name_of(run, split, row)
    return f"{plain(PurePath(name).name)} · {text}" if name else text


def _spread(points: EmbeddingMap) -> np.ndarray:
    """Rows of points far from each other: the first point in each cell of a coarse lattice, from the top left."""
    rows = np.flatnonzero(points.placed)
    cells = np.floor(points.coordinates[rows]).astype(int)
    _, first = np.unique(cells[:, ::-1] * [-1, 1], axis=0, return_index=True)
    apart = rows[first]
    return apart[:: max(1, -(-len(apart) // MAX_SPREAD_IMAGES))]


def _quality(run: EmbeddingRun) -> None:
    names = [name for name in MEANING if name in run.metrics]
    values = [f"{run.metrics[name]:.4g}" for name in names]
    table = pd.DataFrame({"metric": names, "value": values, "meaning": [MEANING[name] for name in names]})
    st.table(table, hide_index=True, border="horizontal")
    st.caption(f"Measured on the test {run.unit}. `kernelviz evaluate {run.name}` repeats the measurement.")
    if run.data["name"] == "mnist":
        _compare_with_published(run)


def _compare_with_published(run: EmbeddingRun) -> None:
    st.markdown("**Compared with published maps** of unseen MNIST digits in two dimensions")
    ours = {"method": f"kernelviz, {run.name}"} | {
        key: run.metrics.get(key) for key in ("map_1nn", "map_5nn", "test_mse")
    }
    if "place_mse" in run.metrics:
        ours["test_mse"] = run.metrics["place_mse"]
    peers = [row | {"method": f"{row['method']}, measured"} for row in measured_peers()]
    table = pd.DataFrame([ours, *peers, *PUBLISHED]).sort_values("map_5nn", ascending=False)
    table.columns = ["method", "1-NN", "5-NN", "MSE from 2 numbers"]
    for name in table.columns[1:]:
        table[name] = ["–" if pd.isna(value) else f"{value:.4f}" for value in table[name]]
    st.table(table, hide_index=True, border="horizontal")  # st.dataframe is half a megabyte of scripts
    st.caption(
        "Every method is fitted on the first 50,000 training images and scored on the 10,000 test images. The "
        "published metrics are from Sainburg, McInnes, Gentner 2021; `kernelviz bench peers` measures those "
        "marked as measured. Only the map of a classifier is trained on labels."
    )


def _film(run: EmbeddingRun) -> None:
    film(run.name, live=False, key=f"film-{run.name}")


def _training(run: EmbeddingRun) -> None:
    if run.history:
        st.plotly_chart(history_figure(run.history), key=f"history-{run.name}", config={"displayModeBar": False})
    made = run.made_by
    seconds = made["seconds"]
    time = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    st.caption(f"Trained in {time} on {plain(made['device'])}, seed {run.seed}:")
    st.code(made["command"], language="bash", wrap_lines=True)
    st.json({"recipe": run.recipe, "versions": made["versions"], "commit": made["commit"]}, expanded=False)
