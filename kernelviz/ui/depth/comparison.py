"""What several maps of the same images say beside each other: figures, images, confusions, and every depth."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.evaluation.depths import closest_pairs, confusions, depth_of
from kernelviz.evaluation.quality import PUBLISHED_DEPTHS, measured_profile
from kernelviz.plots.curves import profile_figure
from kernelviz.plots.maps import confusion_figure
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import selection
from kernelviz.ui.shared.gallery import gallery
from kernelviz.ui.shared.labels import class_names

WIDEST = 760  # pixels: of the confusions


def table(cuts: list[EmbeddingRun], maps: list[EmbeddingMap]) -> None:
    """A row for each depth: how well it names and places the images, and which classes overlap there."""
    rows = []
    for run, points in zip(cuts, maps, strict=True):
        named = class_names(run.classes)
        pairs = [f"{named[a]} – {named[b]} {share:.0%}" for a, b, share in closest_pairs(points, len(run.classes))]
        metrics = [run.metrics.get(name) for name in ("test_accuracy", "map_1nn", "map_5nn", "silhouette")]
        rows.append([depth_of(run), *metrics, ", ".join(pairs)])
    columns = ["kept", "accuracy", "1-NN", "5-NN", "silhouette", "classes that overlap most"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, column_config=_FORMATS)


_FORMATS = {
    "accuracy": st.column_config.NumberColumn(format="%.4f", help="share of the test images named rightly"),
    "1-NN": st.column_config.NumberColumn(format="%.4f", help="on the map, among the training images"),
    "5-NN": st.column_config.NumberColumn(format="%.4f", help="on the map, among the training images"),
    "silhouette": st.column_config.NumberColumn(format="%.3f", help="how far apart the classes lie, -1 to 1"),
    "classes that overlap most": st.column_config.TextColumn(
        width="large", help="mean share that either class has among the 15 nearest neighbours of the other"
    ),
}


def images(cuts: list[EmbeddingRun], maps: list[EmbeddingMap], rows: np.ndarray) -> None:
    """The images that are selected, and what each depth takes them for."""
    if not len(rows):
        st.info(
            "Nothing selected yet: take the lasso or the box on a map, or click a cell under Confusions.",
            icon=":material/touch_app:",
        )
        return
    right = [f"{_right(points.where(rows)):.0%} at {depth_of(run)}" for run, points in zip(cuts, maps, strict=True)]
    st.markdown(f"**{len(rows):,} selected**, taken for what they are: {', '.join(right)}")
    gallery(cuts[-1], maps[-1], rows, lambda row: _caption(cuts[-1], maps, row))


def _right(points: EmbeddingMap) -> float:
    known = points.label >= 0
    return float((points.label == points.prediction)[known].mean()) if known.any() else 0.0


def _caption(run: EmbeddingRun, maps: list[EmbeddingMap], row: int) -> str:
    named = class_names(run.classes)
    taken = [named[points.prediction[row]] for points in maps]
    return f"{named[maps[0].label[row]]}: {' → '.join(taken)}"


def confusion(cuts: list[EmbeddingRun], maps: list[EmbeddingMap], of: str) -> None:
    """The confusions at one depth; a click on a cell selects its images, which are `of` what the maps show."""
    names = [depth_of(run) for run in cuts]
    at = st.segmented_control(
        "With", range(len(cuts)), default=len(cuts) - 1, format_func=names.__getitem__, required=True, key="confusion"
    )
    at = min(at, len(cuts) - 1)
    run, points = cuts[at], maps[at]
    st.plotly_chart(
        confusion_figure(confusions(points, len(run.classes)), tuple(class_names(run.classes)[:-1])),
        key=f"confusion-{run.name}",
        on_select=partial(_choose_cells, f"confusion-{run.name}", points, of),
        selection_mode="points",
        width=WIDEST,
        config={"displayModeBar": False},
        alt="Confusion matrix",
    )
    st.caption("Click a cell to select its images on every map.")


def _choose_cells(key: str, points: EmbeddingMap, of: str) -> None:
    """Select the images of the cell that was clicked; none when it was clicked away."""
    cells = _cells(st.session_state[key].selection.points)
    chosen = [(points.label == label) & (points.prediction == prediction) for label, prediction in cells]
    selection.choose(of, np.flatnonzero(np.any(chosen, axis=0)) if cells else np.array([], int))


def _cells(points: list[dict]) -> list[tuple[int, int]]:
    """The classes of each cell, as the browser says; what is no cell is none."""
    try:
        return [(int(label), int(prediction)) for label, prediction in (point["customdata"] for point in points)]
    except (TypeError, KeyError, ValueError):
        return []


def profile(cuts: list[EmbeddingRun]) -> None:
    rows = measured_profile(cuts[0].backbone["sha256"])
    if not rows:
        st.info(
            "This network was not measured at every depth yet. `kernelviz bench profile` does so for the ResNet-32 "
            "on CIFAR-10; a head for each depth gives the table above for any other.",
            icon=":material/show_chart:",
        )
        return
    st.plotly_chart(
        profile_figure(rows, [*PUBLISHED_DEPTHS.items()]),
        key="profile",
        config={"displayModeBar": False},
        alt="Profile",
    )
    st.caption("A head for the end of every block, `kernelviz bench profile`; crosses: Table 2 of the paper.")
