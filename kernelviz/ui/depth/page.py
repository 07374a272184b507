"""Depth: the maps of one set of images at several depths of a network, laid over each other (section 3.4, Figure 7)."""

from itertools import chain, compress, islice

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kernelviz.evaluation.depths import depth_of, families, laid_over, placed_by, reach_of
from kernelviz.ingest.files import Picture, RejectedFile, contents, ingest
from kernelviz.ingest.image_file import MAX_BYTES
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.ui.canvas import LinkedMap, canvas_of_maps, mark
from kernelviz.ui.canvas.messages import MarkTold
from kernelviz.ui.depth import comparison
from kernelviz.ui.shared import caches, page_frame, selection
from kernelviz.ui.shared.files import ENDINGS, warn_of_a_full_disk, warn_of_rejected
from kernelviz.ui.shared.gallery import explain_missing_images
from kernelviz.ui.shared.labels import class_names, grade_words, plain, verdict
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import simple_map_instead

SPLIT = "test"
FIRST_MAPS = 3  # depths that are shown at first
MAX_PICTURES = 20  # uploads shown at every depth
VIEWS = ("side by side", "moving")
VIEW_HELP = {
    "side by side": "Point at an image, select, or zoom in on one map, and the other maps show the same images.",
    "moving": "The slider moves every image from its position at one depth to its position at the next.",
}
COLOURINGS = ("label", "right or wrong", "prediction", "confidence", "kNN agreement")


def page(runs: list[Run]) -> None:
    """Show the page."""
    bar = page_frame.top_bar("One network at several depths")
    known = families(runs)
    if not known:
        _invite()
        return
    name = page_frame.choose(bar, "Network", list(known), "network")
    heads, colouring, view = _controls(known[name])
    if not heads:
        st.info("Choose at least one depth above.", icon=":material/layers:")
        return
    heads, maps = _with_equal_images(heads)
    pictures = _pictures(heads[0], bar)
    owner = " ".join([*(run.weights_sha256 for run in heads), SPLIT])
    _maps(heads, maps, colouring, view, owner, pictures)
    explain_missing_images(heads[-1])
    comparison.table(heads, maps)
    images, confusion, curve = st.tabs(["Images", "Confusions", "Every depth"])
    with images:
        comparison.images(heads, maps, selection.selection(owner).rows)
    with confusion:
        comparison.confusion(heads, maps, owner)
    with curve:
        comparison.profile(heads)


def _invite() -> None:
    st.info(
        "There is no truncated network yet. A head on a truncated classifier makes a map of the classes that are apart "
        "at that depth. Train a few heads at different depths, then reload this page:",
        icon=":material/layers:",
    )
    st.code(
        "kernelviz train head --backbone resnet18 --weights FILE --depth layer3 --data FOLDER --name at-layer3\n"
        "kernelviz train head --backbone resnet18 --weights FILE --depth layer2 --data FOLDER --name at-layer2",
        language="bash",
    )


def _controls(heads: list[EmbeddingRun]) -> tuple[list[EmbeddingRun], str, str]:
    """The heads to show, the shallowest first; what to colour by; and the view."""
    row = st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium")
    names = {run.name: plain(depth_of(run)) for run in heads}
    chosen = row.pills(
        "Depths",
        list(names),
        default=list(names)[-FIRST_MAPS:],
        format_func=names.get,
        selection_mode="multi",
        key=f"heads-{heads[0].backbone['sha256']}",
    )
    shared = {"bind": "query-params"}
    return (
        [run for run in heads if run.name in chosen],
        row.selectbox("Colour by", COLOURINGS, key="colour", width=250, **shared),
        row.segmented_control("Show", VIEWS, default=VIEWS[0], required=True, key="show", **shared),
    )


def _with_equal_images(heads: list[EmbeddingRun]) -> tuple[list[EmbeddingRun], list[EmbeddingMap]]:
    """The heads whose maps show the images of the deepest one, and these maps; a warning names the others."""
    maps = [caches.points_of(run).of_split(SPLIT) for run in heads]
    same = [np.array_equal(points.label, maps[-1].label) for points in maps]
    for run in compress(heads, np.logical_not(same)):
        st.warning(f"**{run.name}** is left out: its map shows other images than the map of {heads[-1].name}.")
    return list(compress(heads, same)), list(compress(maps, same))


def _maps(
    heads: list[EmbeddingRun], maps: list[EmbeddingMap], colouring: str, view: str, owner: str, pictures: list[Picture]
) -> None:
    reason = simple_map_instead()
    if reason:
        st.info("Maps at several depths need the full map, which cannot run in this browser.", icon=":material/layers:")
        return
    placements = laid_over(maps)
    marks = _marks(heads, placements, pictures) if pictures else [()] * len(heads)
    heard = canvas_of_maps(
        [
            LinkedMap(ImageMap(run), SPLIT, depth_of(run), placement, marks=own)
            for run, placement, own in zip(heads, placements, marks, strict=True)
        ],
        reach_of(maps, placements),
        f"depth-{view}-{len(heads)}",
        colouring=colouring,
        moving=view == "moving",
        selection=selection.selection(owner),
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    selection.adopt(owner, heard.selection)
    st.caption(
        f"{len(maps[0]):,} {SPLIT} images at every depth; the maps are rotated and mirrored to match each other. "
        + VIEW_HELP[view]
        + _convolutions(heads)
    )


def _convolutions(heads: list[EmbeddingRun]) -> str:
    """Which heads begin with layers of their own, so that their maps are not of the depth alone; empty if none."""
    own = {run.name: len(run.network["arguments"].get("convolutions") or ()) for run in heads}
    said = ", ".join(f"{plain(name)} with {number}" for name, number in own.items() if number)
    return f" Heads that begin with convolutions of their own: {said}." if said else ""


def _pictures(run: EmbeddingRun, where: DeltaGenerator) -> list[Picture]:
    """The pictures that are uploaded to be shown at every depth."""
    with where.popover("Add pictures", icon=":material/add_photo_alternate:"):
        warn_of_a_full_disk()
        files = st.file_uploader(
            "Pictures to place at every depth",
            accept_multiple_files=True,
            type=ENDINGS,
            key="depth-files",
            max_upload_size=MAX_BYTES // 10**6,
            help=f"Up to {MAX_PICTURES} pictures",
        )
    found = chain.from_iterable(contents(file.name, file) for file in files)
    results = list(ingest(islice(found, MAX_PICTURES), run.preprocess))
    warn_of_rejected([one for one in results if isinstance(one, RejectedFile)])
    if next(found, None):
        st.warning(f"Only the first {MAX_PICTURES} files are shown.", icon=":material/filter_list:")
    return [one for one in results if isinstance(one, Picture)]


def _marks(heads: list[EmbeddingRun], placements: list[np.ndarray], pictures: list[Picture]) -> list[list[MarkTold]]:
    """For each depth, a mark with what the network says for every picture that has coordinates at every depth."""
    from kernelviz.evaluation.novelty import GRADES, project  # torch takes seconds to import; the maps need none of it
    from kernelviz.ui.shared.network_cache import network_of

    pixels = np.stack([picture.pixels for picture in pictures])
    projected = [project(network_of(run), caches.points_of(run), pixels, caches.calibration_of(run)) for run in heads]
    everywhere = np.all([one.placed for one in projected], axis=0)
    for at in np.flatnonzero(~everywhere):
        st.warning(f"**{plain(pictures[at].name)}** has no position at some of these depths.", icon=":material/block:")
    marks = []
    for run, placement, one in zip(heads, placements, projected, strict=True):
        coordinates = placed_by(placement, one.embedded.coordinates)
        named, digits = class_names(run.classes), run.preprocess.name == "digit"
        marks.append([])
        for at in np.flatnonzero(everywhere).tolist():
            grade, known = GRADES[one.grade[at]], one.prediction[at] >= 0
            predicted = verdict(grade, named[one.prediction[at]] if known else None, float(one.confidence[at]))
            words = [_warning(grade, one.reasons(at), digits), predicted]
            said = f"{plain(pictures[at].name)}: {'; '.join(filter(None, words))}"
            marks[-1].append(mark(coordinates[at], said, pictures[at].pixels, grade))
    return marks


def _warning(grade: str, reasons: list[str], digits: bool) -> str:
    """How unlike the training images a picture is, and which signals say so; empty where it is like them."""
    if grade == "usual":
        return ""
    return grade_words(grade, digits).lower() + (f" ({', '.join(reasons)})" if reasons else "")
