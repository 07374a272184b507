"""Compare: the maps of two runs, of two splits of one run, or of two epochs of its training, side by side."""

import streamlit as st

from kernelviz.evaluation.depths import reach_of
from kernelviz.plots.colours import COLOURINGS
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind
from kernelviz.ui.canvas import LinkedMap, canvas_of_maps
from kernelviz.ui.compare import differences, records
from kernelviz.ui.compare.pair import Pair, Side, epoch_names
from kernelviz.ui.shared import caches, page_frame, selection
from kernelviz.ui.shared.gallery import explain_missing_images
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.plotly_fallback import simple_map_instead

LEFT, RIGHT = "mnist-neighbours", "mnist-autoencoder"  # what is compared at first, where they are here
FIT = "Rotate, mirror and shift the right map so that its images lie as near as possible to those of the left one."
EARLIER = "an earlier epoch"
SHARED = {"bind": "query-params"}


def page(runs: list[Run]) -> None:
    """Show the page."""
    page_frame.top_bar("Two maps side by side")
    mapped = {run.name: run for run in of_kind(runs, EmbeddingRun)}
    if len(mapped) < 2:
        _invite()
    pair, colouring, fit = _controls(mapped)
    if not pair:
        return
    _maps(pair, colouring, fit)
    for run in {side.run.data["name"]: side.run for side in (pair.left, pair.right)}.values():
        explain_missing_images(run)
    agreement, images, metrics, settings = st.tabs(["Agreement", "Images", "Metrics", "Settings"])
    with agreement:
        differences.agreement(pair)
    with images:
        differences.images(pair, selection.selection(pair.owner).rows)
    with metrics:
        records.metrics(pair)
    with settings:
        records.settings(pair)


def _invite() -> None:
    st.info(
        "There is only one map yet. Train a second network on the same images to compare them; until then, two splits "
        "of the map can be compared.",
        icon=":material/compare:",
    )
    st.code("kernelviz train digits-neighbours --name second --seed 1", language="bash")


def _controls(runs: dict[str, EmbeddingRun]) -> tuple[Pair | None, str, bool]:
    """What to compare, what to colour by, and whether to turn the right map to fit the left one."""
    row = st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium")
    one = runs[_run(runs, row, "left", LEFT, 0)]
    other = runs[_run(runs, row, "right", RIGHT, 1)]
    splits = [name for name in caches.splits_of(one) if name in caches.splits_of(other)]
    if not splits:
        st.info(f"{one.name} and {other.name} show no split in common.", icon=":material/filter_none:")
        return None, "", False
    _forget_unknown("split", splits)
    chosen = row.selectbox("Images", splits, _at(splits, "test"), key="split", width=175, **SHARED)
    others = [name for name in splits if name != chosen]
    if one.name == other.name and caches.has_film(one):
        others.append(EARLIER)
    colouring = row.selectbox("Colour by", COLOURINGS, key="colour", width=215, **SHARED)
    if one.name != other.name:
        pair = Pair(Side(one, chosen), Side(other, chosen))
        fit = pair.linked and row.toggle("Fit the right map", value=True, key="fit", help=FIT, **SHARED)
        return pair, colouring, fit
    if others:
        _forget_unknown("against", others)
        second = row.selectbox("Against", others, key="against", width=200, **SHARED)
        if second == EARLIER:
            return _epochs(one, chosen, row), colouring, False
        return Pair(Side(one, chosen), Side(one, second)), colouring, False
    st.info(
        f"{one.name} shows {chosen} {one.unit} only. Choose another run on one side.", icon=":material/filter_none:"
    )
    return None, colouring, False


def _epochs(run: EmbeddingRun, split: str, where: st.delta_generator.DeltaGenerator) -> Pair | None:
    """The end of a training, and an epoch of it that is chosen."""
    kept, *names = caches.film_of(run).split, *epoch_names(run)[:-1]
    if split != kept:
        st.info(f"Of earlier epochs there are {kept} {run.unit} only.", icon=":material/movie:")
        st.button(f"Show {kept} {run.unit}", on_click=st.session_state.update, args=({"split": kept},))
        return None
    _forget_unknown("epoch", names)
    epoch = where.selectbox("Epoch", names, key="epoch", width=150, **SHARED)
    return Pair(Side(run, split, len(names)), Side(run, split, names.index(epoch)))


def _run(runs: dict[str, EmbeddingRun], where: st.delta_generator.DeltaGenerator, key: str, name: str, at: int) -> str:
    """The name of the run that is chosen for a side: at first one of that name, else the one at that position."""
    names = list(runs)
    _forget_unknown(key, names)
    return where.selectbox(key.capitalize(), names, _at(names, name, at), key=key, width=245, **SHARED)


def _forget_unknown(key: str, known: list[str]) -> None:
    """Say that what the address asks for is not here, and take it out of the address."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in known:
        st.warning(f"**{plain(asked)}** is not here; another one is shown.", icon=":material/search_off:")
        del st.query_params[key]


def _at(names: list[str], name: str, otherwise: int = 0) -> int:
    """Where a name is in a list; otherwise another position, if there is one."""
    return names.index(name) if name in names else min(otherwise, len(names) - 1)


def _maps(pair: Pair, colouring: str, fit: bool) -> None:
    """Show the maps."""
    if simple_map_instead():
        st.info("Maps side by side need the full map, which cannot run in this browser.", icon=":material/compare:")
        return
    sides, placements = (pair.left, pair.right), pair.placements(fit)
    heard = canvas_of_maps(
        [
            LinkedMap(side.source, side.split, title, placement, rows)
            for side, title, placement, rows in zip(sides, pair.titles, placements, pair.rows, strict=True)
        ],
        reach_of([side.points for side in sides], placements),
        f"compare-{pair.name}-{fit}",
        colouring=colouring,
        total=pair.total,
        linked="images" if pair.linked else "view",
        selection=selection.selection(pair.owner),
    )
    if heard.failed:
        simple_map_instead(heard.failed)
    selection.adopt(pair.owner, heard.selection)
    st.caption(_caption(pair, fit))


def _caption(pair: Pair, fit: bool) -> str:
    """What the maps have in common, and how they are linked."""
    left, right, n = pair.left, pair.right, len(pair.same[0])
    if pair.of_epochs:
        return (
            f"{left.what} of {left.run.name}, after its training and at {right.epoch}. "
            "Point at an image, select, or zoom in on one map, and the other shows the same images."
        )
    if pair.of_one_run:
        return f"{left.what} and {right.what} on one map. Zooming and moving are linked; no image is in both splits."
    if not pair.linked:
        return (
            f"{left.what} of {plain(left.run.data['name'])}, and {right.what} of {plain(right.run.data['name'])}: "
            "different images, so only zooming and moving are linked."
        )
    alone = [len(side.points) - n for side in (left, right)]
    return (
        f"{n:,} {left.split} {left.run.unit} on both maps"
        + (f", {alone[0]:,} on the left one only, {alone[1]:,} on the right one only. " if any(alone) else ". ")
        + "Point at an image, select, or zoom in on one map, and the other shows the same images."
        + (" The right map is rotated and mirrored to match the left one." if fit else "")
    )
