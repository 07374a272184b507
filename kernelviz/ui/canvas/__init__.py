"""The map as a component of our own: painted, searched and decoded in the page, from what `ui.server` serves.

Python says what to show (`Told`), the page says what was selected and where the probe was released (`Heard`). Points,
images and weights never pass through here: the page fetches them once (js/core/fetching.mjs).
"""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np
import streamlit as st
from jaxtyping import Float, Int, UInt8
from PIL import Image

from kernelviz.evaluation.depths import Placement
from kernelviz.plots.colours import ABOVE, BELOW, COLOURINGS, DOTS_SCALE, PROBE, VALUES, palette
from kernelviz.plots.images import data_url
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas import payloads
from kernelviz.ui.canvas.film import film
from kernelviz.ui.canvas.heard import checked
from kernelviz.ui.canvas.messages import (
    DecoderTold,
    Heard,
    ImagesTold,
    InspectorTold,
    LargeTold,
    MapTold,
    MarkTold,
    PlaygroundTold,
    ProbeShape,
    ProbeStanding,
    ProbeTold,
    SelectionTold,
    Told,
    UploadsTold,
)
from kernelviz.ui.canvas.mounting import FOLDER, SCRIPT, SCRIPTS, STAMP, mounted
from kernelviz.ui.canvas.packing import masked
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.map_source import MapSource
from kernelviz.ui.shared.selection import Selection

__all__ = [
    "FOLDER",
    "SCRIPTS",
    "STAMP",
    "LinkedMap",
    "canvas",
    "canvas_of_maps",
    "film",
    "mark",
    "playground",
    "probe_of",
    "told_of",
]


def canvas(
    source: MapSource,
    split: str,
    key: str,
    *,
    colouring: str = "label",
    view: str = "dots",
    selection: Selection | None = None,
    found: int | None = None,
    marks: Sequence[MarkTold] = (),
    probe: ProbeTold | None = None,
    uploads: UploadsTold | None = None,
    inspector: InspectorTold | None = None,
    text: str = "",
) -> Heard:
    """Show the map of a split.

    Args:
        text: on a large map, selects the points that have it.
        selection: the rows that are selected.
        found: a row to pin.
        marks: images to pin to the map.
        probe: a probe, of which the decoded image is shown.
        uploads: makes the map one that pictures can be uploaded to.
        inspector: shows beside the map what is pinned and selected.
    """
    told = told_of(source, split, colouring, selection, marks)
    decoder = None if probe or uploads else told.decoder
    told = replace(told, view=view, found=found, decoder=decoder, probe=probe, uploads=uploads, inspector=inspector)
    if told.large:
        told = replace(told, large=LargeTold(text))
    return _shown(source, key, told)


def told_of(
    source: MapSource,
    split: str,
    colouring: str = "label",
    selection: Selection | None = None,
    marks: Sequence[MarkTold] = (),
) -> Told:
    """What the page is told of a single map of a split, of which the decoder decodes what is pointed to."""
    shown = MapTold(_base(source), source.picture_source(), marks=marks)
    told = _told(source, split, [shown], source.extent, colouring, selection)
    return replace(told, decoder=_decoder_told(source))


@dataclass(frozen=True)
class LinkedMap:
    """A map to show beside others.

    Args:
        placement: lays it over the others.
        rows: for each of its images the row among those of all maps; None where these are its own.
        marks: images to pin to it.
    """

    source: MapSource
    split: str
    title: str
    placement: Placement
    rows: Int[np.ndarray, " n"] | None = None
    marks: Sequence[MarkTold] = ()


def canvas_of_maps(
    maps: Sequence[LinkedMap],
    extent: float,
    key: str,
    *,
    colouring: str,
    total: int | None = None,
    linked: str = "images",
    moving: bool = False,
    selection: Selection | None = None,
) -> Heard:
    """Show maps side by side and linked, or one whose images move from each of them to the next.

    Args:
        total: rows of all maps; None where all show the images of the first in its order.
        linked: "images" where maps show the same images, "view" where they only zoom and move together.
        selection: the rows of all maps that are selected.
    """
    first = maps[0].source
    images = [_images_told(one.source, one.split) for one in maps]
    shown = [_linked_map_told(one, its if its != images[0] else None) for one, its in zip(maps, images, strict=True)]
    told = _told(first, maps[0].split, shown, extent, colouring, selection, total)
    return _shown(first, key, replace(told, moving=moving, linked=linked))


def playground(key: str) -> None:
    """Show kernels to play with: inputs on the plane, their field, and what the clip leaves of it (Figure 2)."""
    mounted()(key=key, data=asdict(PlaygroundTold(SCRIPT, PROBE, [BELOW, ABOVE])), on_failed_change=lambda: None)


def probe_of(run: EmbeddingRun, standing: ProbeStanding, path: list[list[float]]) -> ProbeTold:
    """The probe of a run where it stands, with a path to walk."""
    usual = ProbeShape(**run.probe)
    return ProbeTold(**asdict(standing), usual=usual, grid=run.grid, sparsity=run.sparsity, path=path)


def _decoder_told(source: MapSource) -> DecoderTold | None:
    """What the page needs to decode an image at the pointer; None where the run decodes no images."""
    if source.image_shape is None or not source.run.has_decoder:
        return None
    return DecoderTold(ProbeShape(**source.run.probe), source.grid, source.sparsity)


def _base(source: MapSource) -> str:
    return f"kernelviz/runs/{source.run.name}/{source.version}"


def _linked_map_told(one: LinkedMap, images: ImagesTold | None) -> MapTold:
    rows = np.arange(0) if one.rows is None else one.rows
    first = int(rows[0]) if len(rows) else 0
    follow = np.array_equal(rows, first + np.arange(len(rows)))
    return MapTold(
        _base(one.source),
        one.source.picture_source(),
        one.title,
        one.placement.tolist(),
        one.marks,
        first if follow else 0,
        "" if follow else base64.b64encode(rows.astype("<i4").tobytes()).decode(),
        images,
    )


def _told(
    source: MapSource,
    split: str,
    maps: Sequence[MapTold],
    extent: float,
    colouring: str,
    selection: Selection | None,
    total: int | None = None,
) -> Told:
    n = source.count(split) if total is None else total
    return Told(
        **vars(_images_told(source, split)),
        scripts=SCRIPT,
        accent=PROBE,
        total=n,
        sheet=payloads.SHEET,
        extent=extent,
        colouring=colouring,
        scale=DOTS_SCALE,
        view="dots",
        maps=maps,
        selection=_selection_told(selection, n),
        keeps=not sharing.read_only(),
        large=LargeTold() if source.is_large() else None,
    )


def _images_told(source: MapSource, split: str) -> ImagesTold:
    n = source.count(split)
    palettes = {name: palette(source.classes, name) for name in COLOURINGS if name not in VALUES}
    palettes |= {column.key: column.groups for column in source.columns(split) if column.groups}
    return ImagesTold(
        split=split,
        what=f"{n:,} {source.unit}" if source.unit == "items" else f"{n:,} {split} {source.unit}",
        classes=[plain(name) for name in source.classes],
        palettes={name: [(plain(group), colour) for group, colour in groups] for name, groups in palettes.items()},
        shape=source.image_shape,
        sides=payloads.tile_sides(source),
    )


def _selection_told(selection: Selection | None, n: int) -> SelectionTold:
    """A selection among n rows; without rows it is short, for it is told at every run of the script."""
    if selection is None:
        return SelectionTold()
    return SelectionTold(selection.revision, masked(selection.rows, n) if len(selection.rows) else "")


def _shown(source: MapSource, key: str, told: Told) -> Heard:
    """Put the component on the page, and check what it says."""
    changes = {f"on_{field.name}_change": lambda: None for field in fields(Heard)}
    with st.container(key=f"canvas-{key}"):  # the style of the page reserves the space of the map
        said = mounted()(key=key, data=asdict(told), **changes)
    return checked(said, told.total, 2 * source.extent)


def mark(
    coordinates: Float[np.ndarray, "2"], name: str, picture: UInt8[np.ndarray, "h w *c"], grade: str = "usual"
) -> MarkTold:
    """An image to pin to a map."""
    x, y = map(float, coordinates)
    return MarkTold(x, y, name, data_url(Image.fromarray(picture)), grade)
