"""The map as a component of our own: drawn, searched and decoded in the page, from what `ui.server` serves.

Python says what to show (`canvas`), the page says what was selected and where the probe was let go. Points, images and
weights never pass through here: the page fetches them once (js/fetching.mjs).
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st
from jaxtyping import Float, Int, UInt8
from PIL import Image

from kernelviz.evaluation.depths import Placement
from kernelviz.plots.colours import ABOVE, BELOW, COLOURINGS, DOTS_SCALE, PROBE, VALUES, palette
from kernelviz.plots.images import data_url
from kernelviz.ui.canvas import payloads
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.map_source import MapSource

FOLDER = Path(__file__).parent
SCRIPTS = {path.name: path.read_bytes() for path in sorted((FOLDER / "js").glob("*.mjs"))}
STAMP = hashlib.sha256(b"".join(SCRIPTS.values())).hexdigest()[:16]
SCRIPT = f"/kernelviz/canvas/{STAMP}/main.mjs"

# The scripts import each other by relative addresses, which a script that Streamlit puts into the page cannot do.
LOADER = """
export default function (component) {
  const module = import(new URL(component.data.scripts, document.baseURI).href)
  module
    .then((canvas) => canvas.render(component))
    .catch((error) => component.setStateValue("failed", String(error)))
  return () => module.then((canvas) => canvas.remove(component.parentElement), () => {})
}
"""


@dataclass(frozen=True)
class Heard:
    """What the page has said: all of it is the browser's word, and checked here.

    Args:
        selection: rows of the split that are selected; None where nothing was said.
        probe: {"x", "y", "width", "amplitude"} where it was let go.
        path: a drawn path as in `paths`.
        chosen: when an upload was chosen on the map, and its number.
        failed: why the canvas cannot run in this browser.
    """

    selection: Int[np.ndarray, " n"] | None
    probe: dict[str, float] | None
    path: str | None
    chosen: tuple[int, int] | None
    failed: str | None


def canvas(source: MapSource, split: str, key: str, *, colouring: str = "label", view: str = "dots", **extra) -> Heard:
    """Show the map of a split; `extra` may have

    selected: rows to begin with; turn: a number that, when it changes, makes them the selection again; found: a row to
    pin;
    probe: {"x", "y", "width", "amplitude", "usual": {...}} to show a probe and what the decoder draws there; path: the
    corners of a path for it;
    intake: {"address", "way", "turn", "total", "picked", "digits", "allowed", "largest", "largestArchive"} to take
    pictures in and to show where they land, see js/intake.mjs.
    """
    of_the_map = _facts(source, split) | {"extent": source.extent, "source": source.picture_source()}
    return _shown(source, split, key, of_the_map | {"colouring": colouring, "view": view}, extra)


def canvas_of_depths(
    sources: Sequence[MapSource],
    placements: Sequence[Placement],
    extent: float,
    split: str,
    key: str,
    *,
    moving: bool,
    colouring: str,
    titles: Sequence[str],
    **extra,
) -> Heard:
    """Show maps of the same images, laid over each other: side by side and linked, or as one whose images move.

    `extra` has `selected`, `turn` and `found` as for `canvas`, and `marks`: for each run a list of [{"x", "y", "name",
    "picture"}] to pin, the picture as a data URL.
    """
    marks = extra.pop("marks", None) or [None] * len(sources)
    maps = [
        {
            "base": _base(source),
            "placement": how.tolist(),
            "title": title,
            "source": source.picture_source(),
            "marks": own,
        }
        for source, how, title, own in zip(sources, placements, titles, marks, strict=True)
    ]
    arranged = {"stages": maps} | maps[0] if moving else {"maps": maps}
    shared = {"extent": extent, "colouring": colouring, "view": "dots", "selectable": True}
    return _shown(sources[0], split, key, _facts(sources[0], split) | arranged | shared, extra)


def playground(key: str) -> None:
    """Show kernels to play with: inputs on the plane, their field, and what the clip leaves of it (Figure 2)."""
    told = {"playground": True, "scripts": SCRIPT, "accent": PROBE, "colours": [BELOW, ABOVE]}
    _mounted()(key=key, data=told, on_failed_change=lambda: None)


def _base(source: MapSource) -> str:
    return f"/kernelviz/runs/{source.run.name}/{source.version}"


def _facts(source: MapSource, split: str) -> dict:
    """What the page is told of a map."""
    n = len(source.points(split))
    return {
        "base": _base(source),
        "split": split,
        "total": n,
        "what": f"{n:,} {split} images" if source.image_shape else f"{n:,} {source.unit}",
        "grid": source.grid,
        "sparsity": source.sparsity,
        "shape": source.image_shape,
        "classes": [plain(name) for name in source.classes],
        "palettes": {name: _named_palette(source, name) for name in COLOURINGS if name not in VALUES},
        "side": payloads.tile_side(source),
        "across": payloads.SHEET // payloads.tile_side(source),
    }


def _shown(source: MapSource, split: str, key: str, data: dict, extra: dict) -> Heard:
    """Put the component on the page, and check what it says."""
    n = len(source.points(split))
    selected = extra.pop("selected", None)
    told = {
        "scripts": SCRIPT,
        "scale": DOTS_SCALE,
        "accent": PROBE,
        "selected": None if selected is None or not len(selected) else masked(selected, n),
    }
    said = _mounted()(
        key=key,
        data=data | told | extra,
        on_selection_change=lambda: None,
        on_probe_change=lambda: None,
        on_path_change=lambda: None,
        on_landed_change=lambda: None,
        on_chosen_change=lambda: None,
        on_failed_change=lambda: None,
    )
    failed, path, chosen = said.get("failed"), said.get("path"), said.get("chosen")
    return Heard(
        selection=unmasked(said.get("selection"), n),
        probe=_checked_probe(said.get("probe"), 2 * source.extent),
        path=path if isinstance(path, str) else None,
        chosen=_checked_pair(chosen),
        failed=str(failed)[:200] if failed else None,
    )


def mark(place: Float[np.ndarray, "2"], name: str, picture: UInt8[np.ndarray, "h w *c"]) -> dict:
    """An image to pin to a map."""
    address = data_url(Image.fromarray(picture))
    return {"x": float(place[0]), "y": float(place[1]), "name": name, "picture": address}


def masked(rows: Int[np.ndarray, " m"], n: int) -> str:
    """Some of n rows as a bit for each row, in base 64."""
    chosen = np.zeros(n, bool)
    chosen[rows] = True
    return base64.b64encode(np.packbits(chosen, bitorder="little").tobytes()).decode()


def unmasked(text: object, n: int) -> Int[np.ndarray, " m"] | None:
    """The rows again; None where it is no such text for n rows."""
    try:
        bits = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (TypeError, ValueError, binascii.Error):
        return None
    return np.flatnonzero(np.unpackbits(bits, bitorder="little")[:n]) if len(bits) == -(-n // 8) else None


def _checked_pair(said: object) -> tuple[int, int] | None:
    try:
        first, second = said
        return int(first), int(second)
    except (TypeError, ValueError, OverflowError):
        return None


def _checked_probe(said: object, reach: float) -> dict[str, float] | None:
    names = {"x": reach, "y": reach, "width": 1e6, "amplitude": 1e6}
    try:
        probe = {name: float(said[name]) for name in names}
    except (TypeError, KeyError, ValueError):
        return None
    fits = all(abs(probe[name]) <= most for name, most in names.items()) and min(probe["width"], probe["amplitude"]) > 0
    return probe if fits else None


def _named_palette(source: MapSource, colouring: str) -> list[tuple[str, str]]:
    return [(plain(name), colour) for name, colour in palette(source.classes, colouring)]


def _mounted():
    """The component, registered with the server that runs: when this file is imported, there is none yet."""
    css = (FOLDER / "canvas.css").read_text(encoding="utf-8")
    return st.components.v2.component("kernelviz_canvas", css=css, js=LOADER)
