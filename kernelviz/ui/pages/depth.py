"""Depth: the maps of one set of images at several depths of a network, laid over each other (section 3.4, Figure 7)."""

from itertools import compress

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.data.intake import MAX_FILES, Picture, take
from kernelviz.depths import closest_pairs, confusions, depth_of, families, laid_over, placed_by, reach_of
from kernelviz.experiments.table2 import PAPER
from kernelviz.figures import confusion_figure, profile_figure
from kernelviz.maps import EmbeddingMap
from kernelviz.quality import measured_profile
from kernelviz.runs import Run
from kernelviz.ui import loaders, selection
from kernelviz.ui.canvas import canvas_of_depths, mark
from kernelviz.ui.gallery import gallery, word_on_pictures
from kernelviz.ui.simple import simple_map_instead
from kernelviz.ui.uploads import ENDINGS, say_rejected
from kernelviz.ui.wording import class_names, plain

SPLIT = "test"
SHOWN = 3  # maps at first
WIDEST = 760  # pixels: of the confusions
MOST = 20  # pictures placed at every depth
VIEWS = ("side by side", "moving")
_HOW = {
    "side by side": "Point at an image, select or come nearer in one map, and the others show the same images.",
    "moving": "The slider takes every image from its place at one depth to its place at the next.",
}
COLOURINGS = ("label", "right or wrong", "prediction", "confidence", "kNN agreement")


def page(runs: list[Run]) -> None:
    """The whole page."""
    known = families(runs)
    if not known:
        _invite()
        return
    with st.sidebar:
        name = st.selectbox("Network", list(known), key="network", bind="query-params")
    cuts, colouring, view = _controls(known[name])
    if not cuts:
        st.info("Choose at least one depth above.", icon=":material/layers:")
        return
    cuts, maps = _of_the_same_images(cuts)
    pictures = _pictures(cuts[0])
    of = " ".join([*(run.weights_sha256 for run in cuts), SPLIT])
    for run, points in zip(cuts, maps, strict=True):
        _hear_cell(f"confusion-{run.name}", points, of)
    _maps(cuts, maps, colouring, view, of, pictures)
    word_on_pictures(cuts[-1])
    st.dataframe(_table(cuts, maps), hide_index=True, column_config=_FORMATS)
    images, confusion, curve = st.tabs(["Images", "Confusions", "Every depth"])
    with images:
        _images(cuts, maps, selection.selected(of))
    with confusion:
        _confusion(cuts, maps)
    with curve:
        _profile(cuts)


def _invite() -> None:
    st.info(
        "There is no network to look into yet. A head on the lower part of a trained classifier makes a map of what "
        "that part keeps apart: train a few at different depths, then reload this page.",
        icon=":material/layers:",
    )
    st.code(
        "kernelviz train head --backbone resnet18 --weights FILE --keep layer3 --data FOLDER --name at-layer3\n"
        "kernelviz train head --backbone resnet18 --weights FILE --keep layer2 --data FOLDER --name at-layer2",
        language="bash",
    )


def _controls(cuts: list[Run]) -> tuple[list[Run], str, str]:
    """The cuts to show, the shallowest first; how to colour; and how to show them."""
    depths, colour, how = st.columns([4, 2, 3], vertical_alignment="bottom")
    names = {run.name: f"{depth_of(run)}" for run in cuts}
    chosen = depths.pills(
        "Layers kept",
        list(names),
        default=list(names)[-SHOWN:],
        format_func=names.get,
        selection_mode="multi",
        key=f"cuts-{cuts[0].backbone['sha256']}",
    )
    shared = {"bind": "query-params"}
    return (
        [run for run in cuts if run.name in chosen],
        colour.selectbox("Colour by", COLOURINGS, key="colour", **shared),
        how.segmented_control("Show", VIEWS, default=VIEWS[0], required=True, key="show", **shared),
    )


def _of_the_same_images(cuts: list[Run]) -> tuple[list[Run], list[EmbeddingMap]]:
    """The cuts whose maps show the images of the deepest one, and these maps; a word on the others."""
    maps = [loaders.points_of(run).of_split(SPLIT) for run in cuts]
    same = [np.array_equal(points.label, maps[-1].label) for points in maps]
    for run in compress(cuts, np.logical_not(same)):
        st.warning(f"**{run.name}** is left out: its images are others than those of {cuts[-1].name}.")
    return list(compress(cuts, same)), list(compress(maps, same))


def _maps(
    cuts: list[Run], maps: list[EmbeddingMap], colouring: str, view: str, of: str, pictures: list[Picture]
) -> None:
    reason = simple_map_instead()
    if reason:
        st.info("The maps of several depths need the full map.", icon=":material/layers:")
        return
    placements = laid_over(maps)
    key = f"depth-{view}-{len(cuts)}"
    heard = canvas_of_depths(
        cuts,
        placements,
        reach_of(maps, placements),
        SPLIT,
        key,
        moving=view == "moving",
        colouring=colouring,
        titles=[depth_of(run) for run in cuts],
        selected=selection.selected(of),
        turn=selection.turn(),
        marks=_marks(cuts, placements, pictures) if pictures else None,
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    selection.hear(of, key, heard.selection)
    st.caption(
        f"{len(maps[0]):,} {SPLIT} images at every depth; the maps are turned and mirrored so that the eye can follow. "
        + _HOW[view]
    )


def _pictures(run: Run) -> list[Picture]:
    """The pictures that were uploaded to be placed at every depth."""
    with st.sidebar:
        files = st.file_uploader(
            "Place pictures at every depth",
            accept_multiple_files=True,
            type=ENDINGS,
            key="depth-files",
            help=f"Up to {MOST} pictures",
        )
    taken, rejected = take(((file.name, file.getvalue()) for file in files[:MAX_FILES]), run.preprocess)
    say_rejected(rejected)
    if len(taken) > MOST:
        st.warning(f"The first {MOST} of {len(taken)} pictures are shown.", icon=":material/filter_list:")
    return taken[:MOST]


def _marks(cuts: list[Run], placements: list[np.ndarray], pictures: list[Picture]) -> list[list[dict]]:
    """For each depth a mark for each picture that has a place at every depth, and what it is taken for."""
    from kernelviz.inference import embed  # torch takes seconds to import, and the maps need none of it
    from kernelviz.ui.decoding import network_of

    pixels = np.stack([picture.pixels for picture in pictures])
    placed = [embed(network_of(run), pixels) for run in cuts]
    everywhere = np.all([np.isfinite(one.places).all(1) for one in placed], axis=0)
    for at in np.flatnonzero(~everywhere):
        st.warning(f"**{plain(pictures[at].name)}** has no place at some depth.", icon=":material/block:")
    marks = []
    for run, how, one in zip(cuts, placements, placed, strict=True):
        places = placed_by(how, one.places)
        named = class_names(run.classes)
        says = [f"{named[row.argmax()]}, {row.max():.0%}" if len(row) else "" for row in one.probabilities]
        marks.append(
            [
                mark(places[at], f"{plain(pictures[at].name)}: {says[at]}", pictures[at].pixels)
                for at in np.flatnonzero(everywhere)
            ]
        )
    return marks


def _table(cuts: list[Run], maps: list[EmbeddingMap]) -> pd.DataFrame:
    """A row for each depth."""
    rows = []
    for run, points in zip(cuts, maps, strict=True):
        named = class_names(run.classes)
        pairs = [f"{named[a]} – {named[b]} {share:.0%}" for a, b, share in closest_pairs(points, len(run.classes))]
        figures = [run.metrics.get(name) for name in ("test_accuracy", "map_1nn", "map_5nn", "silhouette")]
        rows.append([depth_of(run), *figures, ", ".join(pairs)])
    return pd.DataFrame(rows, columns=["kept", "accuracy", "1-NN", "5-NN", "silhouette", "classes that overlap most"])


_FORMATS = {
    "accuracy": st.column_config.NumberColumn(format="%.4f", help="share of the test images named rightly"),
    "1-NN": st.column_config.NumberColumn(format="%.4f", help="on the map, among the training images"),
    "5-NN": st.column_config.NumberColumn(format="%.4f", help="on the map, among the training images"),
    "silhouette": st.column_config.NumberColumn(format="%.3f", help="how far apart the classes lie, -1 to 1"),
    "classes that overlap most": st.column_config.TextColumn(
        width="large", help="mean share that either class has among the 15 nearest neighbours of the other"
    ),
}


def _images(cuts: list[Run], maps: list[EmbeddingMap], rows: np.ndarray) -> None:
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


def _caption(run: Run, maps: list[EmbeddingMap], row: int) -> str:
    named = class_names(run.classes)
    taken = [named[points.prediction[row]] for points in maps]
    return f"{named[maps[0].label[row]]}: {' → '.join(taken)}"


def _confusion(cuts: list[Run], maps: list[EmbeddingMap]) -> None:
    names = [depth_of(run) for run in cuts]
    at = st.segmented_control(
        "With", range(len(cuts)), default=len(cuts) - 1, format_func=names.__getitem__, required=True, key="confusion"
    )
    at = min(at, len(cuts) - 1)
    run, points = cuts[at], maps[at]
    st.plotly_chart(
        confusion_figure(confusions(points, len(run.classes)), tuple(class_names(run.classes)[:-1])),
        key=f"confusion-{run.name}",
        on_select="rerun",
        selection_mode="points",
        width=WIDEST,
        config={"displayModeBar": False},
        alt="Confusion matrix",
    )
    st.caption("Click a cell to select its images on every map.")


def _hear_cell(key: str, points: EmbeddingMap, of: str) -> None:
    """Select the images of the cell that was clicked, once; none when it was clicked away."""
    said = st.session_state.get(key)
    cells = [tuple(point["customdata"]) for point in said.selection.points] if said else []
    if cells == st.session_state.get(f"heard-{key}", []):
        return
    st.session_state[f"heard-{key}"] = cells
    chosen = [(points.label == is_) & (points.prediction == taken_for) for is_, taken_for in cells]
    selection.choose(of, np.flatnonzero(np.any(chosen, axis=0)) if cells else np.array([], int))


def _profile(cuts: list[Run]) -> None:
    rows = measured_profile(cuts[0].backbone["sha256"])
    if not rows:
        st.info(
            "This network was not measured at every depth yet. `kernelviz bench profile` does so for the ResNet-32 "
            "on CIFAR-10; a head for each depth gives the table above for any other.",
            icon=":material/show_chart:",
        )
        return
    paper = [(row["layers"], row["accuracy"]) for row in PAPER if row["layers"] < 32]
    st.plotly_chart(profile_figure(rows, paper), key="profile", config={"displayModeBar": False}, alt="Profile")
    st.caption("A head for the end of every block, `kernelviz bench profile`; crosses: Table 2 of the paper.")
