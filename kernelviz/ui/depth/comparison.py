"""Several depths compared: their metrics, predictions and confusions, and the profile of every depth."""

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
from kernelviz.ui.shared.labels import class_names, percent, plain

CONFUSION_WIDTH = 760  # pixels


def table(heads: list[EmbeddingRun], maps: list[EmbeddingMap]) -> None:
    """Show a row for each depth: how well it predicts and embeds the images, and which classes overlap there."""
    rows = []
    for run, points in zip(heads, maps, strict=True):
        named = class_names(run.classes)
        pairs = [f"{named[a]} – {named[b]} {percent(share)}" for a, b, share in closest_pairs(points, len(run.classes))]
        metrics = [run.metrics.get(name) for name in ("test_accuracy", "map_1nn", "map_5nn", "silhouette")]
        rows.append([depth_of(run), *metrics, ", ".join(pairs)])
    columns = ["depth", "accuracy", "1-NN", "5-NN", "silhouette", "classes that overlap most"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True, column_config=_FORMATS, placeholder="–")


_FORMATS = {
    "accuracy": st.column_config.NumberColumn(
        format="%.4f", help="share of the test images that are predicted correctly"
    ),
    "1-NN": st.column_config.NumberColumn(
        format="%.4f", help="share of the test images that their nearest training images on the map predict correctly"
    ),
    "5-NN": st.column_config.NumberColumn(
        format="%.4f", help="share of the test images that their nearest training images on the map predict correctly"
    ),
    "silhouette": st.column_config.NumberColumn(format="%.3f", help="how far apart the classes lie, -1 to 1"),
    "classes that overlap most": st.column_config.TextColumn(
        width="large", help="mean share that either class has among the 15 nearest neighbours of the other"
    ),
}


def images(heads: list[EmbeddingRun], maps: list[EmbeddingMap], rows: np.ndarray) -> None:
    """Show the selected images, with the class that is predicted at each depth."""
    if not len(rows):
        st.info(
            "No image selected. Use the box or the lasso on a map, or click a cell under Confusions.",
            icon=":material/touch_app:",
        )
        return
    correct = [
        f"{percent(_share_correct(points.where(rows)))} at {plain(depth_of(run))}"
        for run, points in zip(heads, maps, strict=True)
    ]
    st.markdown(f"**{len(rows):,} selected** · correct: {', '.join(correct)}")
    gallery(heads[-1], maps[-1], rows, lambda row: _caption(heads[-1], maps, row))


def _share_correct(points: EmbeddingMap) -> float:
    known = points.label >= 0
    return float((points.label == points.prediction)[known].mean()) if known.any() else 0.0


def _caption(run: EmbeddingRun, maps: list[EmbeddingMap], row: int) -> str:
    named = class_names(run.classes)
    predicted = [named[points.prediction[row]] for points in maps]
    return f"{named[maps[0].label[row]]}: {' → '.join(predicted)}"


def confusion(heads: list[EmbeddingRun], maps: list[EmbeddingMap], owner: str) -> None:
    """Show the confusions at one depth; a click on a cell selects its images in the selection of `owner`."""
    names = [depth_of(run) for run in heads]
    at = st.segmented_control(
        "Depth",
        range(len(heads)),
        default=len(heads) - 1,
        format_func=names.__getitem__,
        required=True,
        key="confusion",
    )
    at = min(at, len(heads) - 1)
    run, points = heads[at], maps[at]
    st.plotly_chart(
        confusion_figure(confusions(points, len(run.classes)), tuple(class_names(run.classes)[:-1])),
        key=f"confusion-{run.name}",
        on_select=partial(_choose_cells, f"confusion-{run.name}", points, owner),
        selection_mode="points",
        width=CONFUSION_WIDTH,
        config={"displayModeBar": False},
        alt="Confusion matrix",
    )
    st.caption("Click a cell to select its images on every map.")


def _choose_cells(key: str, points: EmbeddingMap, owner: str) -> None:
    """Select the images of the clicked cell; without a cell, clear the selection."""
    cells = _cells(st.session_state[key].selection.points)
    chosen = [(points.label == label) & (points.prediction == prediction) for label, prediction in cells]
    selection.choose(owner, np.flatnonzero(np.any(chosen, axis=0)) if cells else np.array([], int))


def _cells(points: list[dict]) -> list[tuple[int, int]]:
    """The classes of each cell that the browser names; an empty list where it sends something else."""
    try:
        return [(int(label), int(prediction)) for label, prediction in (point["customdata"] for point in points)]
    except (TypeError, KeyError, ValueError):
        return []


def profile(heads: list[EmbeddingRun]) -> None:
    """Show the metrics at every depth of the network, where they are measured."""
    rows = measured_profile(heads[0].backbone["sha256"])
    if not rows:
        st.info(
            "This network has not been measured at every depth yet. `kernelviz bench profile` measures the ResNet-32 "
            "on CIFAR-10; for other networks, train a head at each depth and compare them in the table above.",
            icon=":material/show_chart:",
        )
        return
    st.plotly_chart(
        profile_figure(
            rows,
            [*PUBLISHED_DEPTHS.items()],
            [(run.backbone["layers"], run.metrics["test_accuracy"]) for run in heads if "test_accuracy" in run.metrics],
        ),
        key="profile",
        config={"displayModeBar": False},
        alt="Profile",
    )
    st.caption(
        "The curve: a head at the end of every block, each trained for 6 epochs on images as they are "
        "(`kernelviz bench profile`), without convolutions of its own. The dots: the heads of the table above, trained "
        "for longer. Crosses: Table 2 of the paper."
    )
