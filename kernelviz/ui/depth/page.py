"""Depth: the maps of one set of images at several depths of a network, laid over each other (section 3.4, Figure 7)."""

from itertools import chain, compress, islice

import numpy as np
import streamlit as st

from kernelviz.evaluation.depths import depth_of, families, laid_over, placed_by, reach_of
from kernelviz.ingest.files import Picture, RejectedFile, contents, ingest
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.ui.canvas import canvas_of_depths, mark
from kernelviz.ui.canvas.messages import MarkTold
from kernelviz.ui.depth import comparison
from kernelviz.ui.shared import caches, selection
from kernelviz.ui.shared.files import ENDINGS, say_rejected
from kernelviz.ui.shared.gallery import word_on_pictures
from kernelviz.ui.shared.labels import class_names, plain
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import simple_map_instead

SPLIT = "test"
FIRST_MAPS = 3  # maps at first
MOST = 20  # pictures placed at every depth
VIEWS = ("side by side", "moving")
_HOW = {
    "side by side": "Point at an image, select or zoom in on one map, and the others show the same images.",
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
    _maps(cuts, maps, colouring, view, of, pictures)
    word_on_pictures(cuts[-1])
    comparison.table(cuts, maps)
    images, confusion, curve = st.tabs(["Images", "Confusions", "Every depth"])
    with images:
        comparison.images(cuts, maps, selection.selection(of).rows)
    with confusion:
        comparison.confusion(cuts, maps, of)
    with curve:
        comparison.profile(cuts)


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


def _controls(cuts: list[EmbeddingRun]) -> tuple[list[EmbeddingRun], str, str]:
    """The cuts to show, the shallowest first; how to colour; and how to show them."""
    depths, colour, how = st.columns([4, 2, 3], vertical_alignment="bottom")
    names = {run.name: depth_of(run) for run in cuts}
    chosen = depths.pills(
        "Layers kept",
        list(names),
        default=list(names)[-FIRST_MAPS:],
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


def _of_the_same_images(cuts: list[EmbeddingRun]) -> tuple[list[EmbeddingRun], list[EmbeddingMap]]:
    """The cuts whose maps show the images of the deepest one, and these maps; a word on the others."""
    maps = [caches.points_of(run).of_split(SPLIT) for run in cuts]
    same = [np.array_equal(points.label, maps[-1].label) for points in maps]
    for run in compress(cuts, np.logical_not(same)):
        st.warning(f"**{run.name}** is left out: its images are others than those of {cuts[-1].name}.")
    return list(compress(cuts, same)), list(compress(maps, same))


def _maps(
    cuts: list[EmbeddingRun], maps: list[EmbeddingMap], colouring: str, view: str, of: str, pictures: list[Picture]
) -> None:
    reason = simple_map_instead()
    if reason:
        st.info("The maps of several depths need the full map.", icon=":material/layers:")
        return
    placements = laid_over(maps)
    key = f"depth-{view}-{len(cuts)}"
    heard = canvas_of_depths(
        [ImageMap(run) for run in cuts],
        placements,
        reach_of(maps, placements),
        SPLIT,
        key,
        moving=view == "moving",
        colouring=colouring,
        titles=[depth_of(run) for run in cuts],
        selection=selection.selection(of),
        marks=_marks(cuts, placements, pictures) if pictures else None,
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    selection.take(of, heard.selection)
    st.caption(
        f"{len(maps[0]):,} {SPLIT} images at every depth; the maps are turned and mirrored so that the eye can follow. "
        + _HOW[view]
    )


def _pictures(run: EmbeddingRun) -> list[Picture]:
    """The pictures that were uploaded to be placed at every depth."""
    with st.sidebar:
        files = st.file_uploader(
            "Place pictures at every depth",
            accept_multiple_files=True,
            type=ENDINGS,
            key="depth-files",
            help=f"Up to {MOST} pictures",
        )
    found = chain.from_iterable(contents(file.name, file) for file in files)
    results = list(ingest(islice(found, MOST), run.preprocess))
    say_rejected([one for one in results if isinstance(one, RejectedFile)])
    if next(found, None):
        st.warning(f"Only the first {MOST} files are shown.", icon=":material/filter_list:")
    return [one for one in results if isinstance(one, Picture)]


def _marks(cuts: list[EmbeddingRun], placements: list[np.ndarray], pictures: list[Picture]) -> list[list[MarkTold]]:
    """For each depth a mark for each picture that has a place at every depth, and what it is taken for."""
    from kernelviz.evaluation.inference import embed  # torch takes seconds to import, and the maps need none of it
    from kernelviz.ui.shared.network_cache import network_of

    pixels = np.stack([picture.pixels for picture in pictures])
    placed = [embed(network_of(run), pixels) for run in cuts]
    everywhere = np.all([np.isfinite(one.coordinates).all(1) for one in placed], axis=0)
    for at in np.flatnonzero(~everywhere):
        st.warning(f"**{plain(pictures[at].name)}** has no place at some depth.", icon=":material/block:")
    marks = []
    for run, how, one in zip(cuts, placements, placed, strict=True):
        coordinates = placed_by(how, one.coordinates)
        named = class_names(run.classes)
        says = [f"{named[row.argmax()]}, {row.max():.0%}" if len(row) else "" for row in one.probabilities]
        marks.append(
            [
                mark(coordinates[at], f"{plain(pictures[at].name)}: {says[at]}", pictures[at].pixels)
                for at in np.flatnonzero(everywhere)
            ]
        )
    return marks
