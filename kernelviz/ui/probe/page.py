"""Probe: put a Gaussian bump on the grid, and see the image decoded from it (Figure 6), or what lies near it."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from kernelviz.layers.probe import Probe
from kernelviz.plots.images import enlarged, png
from kernelviz.plots.maps import map_figure, marked
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import of_kind, readable_runs
from kernelviz.ui.canvas import canvas, probe_of
from kernelviz.ui.canvas.messages import ProbeStanding
from kernelviz.ui.probe import vectors
from kernelviz.ui.server.paths import corners_of
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import aims
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.shared.plotly_fallback import SIMPLE_MAP, simple_map_instead

MIN_SCALE, MAX_SCALE = 0.2, 3.0  # times the run's usual width or height of the bump


def page(run: EmbeddingRun) -> None:
    """Show the page."""
    if not run.has_decoder:
        _offer_others(run)
        return
    if run.is_of_vectors:
        center, probe = _simple_choice(run) if simple_map_instead() else _choice_on_canvas(run)
        vectors.nearest(run, center)
        vectors.decoded(run, center, probe)
        return
    simple = simple_map_instead()
    center, probe = _simple_choice(run) if simple else _choice_on_canvas(run)
    _embedded_again(run, center, probe, decoded_here=simple)


def _offer_others(run: EmbeddingRun) -> None:
    """Say that a run has no decoder, and offer those that have one."""
    st.info(
        f"**{run.name}** has no decoder: it was trained to {aims(run.recipe['objectives'])} only. These have one:",
        icon=":material/image_not_supported:",
    )
    with st.container(horizontal=True):
        for other in of_kind(readable_runs()[0], EmbeddingRun):
            if other.has_decoder:
                st.button(other.name, key=f"probe {other.name}", on_click=_choose, args=(other.name,))


def _choose(name: str) -> None:
    st.session_state["run"] = name


def _choice_on_canvas(run: EmbeddingRun) -> tuple[tuple[float, float], Probe]:
    """Show the probe on the map; returns its center and shape where it was last released.

    The address of the page has them, too.
    """
    standing = st.session_state.setdefault("probes", {})  # by the weights' hash
    if run.weights_sha256 not in standing:
        standing[run.weights_sha256] = _first_standing(run, from_address=not standing)
    probe, path = standing[run.weights_sha256]
    heard = canvas(ImageMap(run), _split(run), f"probe-{run.name}", probe=probe_of(run, probe, path))
    if heard.failed:
        simple_map_instead(heard.failed)
    probe = heard.probe or probe
    standing[run.weights_sha256] = (probe, path if heard.path is None else _path(heard.path, run))
    return (probe.x, probe.y), Probe(probe.width, probe.amplitude)


def _first_standing(run: EmbeddingRun, from_address: bool) -> tuple[ProbeStanding, list[list[float]]]:
    """Where the probe stands at first, and its path: both from the address, which is about the first run only."""
    usual, extent, address = run.probe, run.extent, st.query_params if from_address else {}
    x, y = (_number(address, axis, home, -extent, extent) for axis, home in zip("xy", home_of(run), strict=True))
    width, amplitude = (_number(address, size, 1.0, MIN_SCALE, MAX_SCALE) for size in "wa")
    probe = ProbeStanding(x, y, width * usual["width"], amplitude * usual["amplitude"])
    return probe, _path(address.get("path", ""), run)


def _path(text: str, run: EmbeddingRun) -> list[list[float]]:
    """The corners of a path; an empty list where the text is no path."""
    try:
        return corners_of(text, run.extent).tolist()
    except ValueError:
        return []


def _simple_choice(run: EmbeddingRun) -> tuple[tuple[float, float], Probe]:
    """Center and shape of the probe from sliders, beside a map that only shows the center."""
    extent, home = run.extent, home_of(run)
    left, right = st.columns([5, 3], gap="medium")
    with right:
        center = tuple(
            st.slider(axis, -extent, extent, value, 0.01, key=axis, bind="query-params")
            for axis, value in zip("xy", home, strict=True)
        )
        probe = _shape(run)
    with left, st.container(key="map"):
        figure = map_figure(caches.points_of(run).of_split(_split(run)), extent, run.classes, "label")
        marked(figure.update_traces(marker_opacity=0.35), np.array([center]), ["probe"])
        st.plotly_chart(figure, key=f"simple-probe-{run.name}", height="stretch", config=SIMPLE_MAP, alt="Map")
    return center, probe


def _embedded_again(run: EmbeddingRun, center: tuple[float, float], probe: Probe, decoded_here: bool) -> None:
    """Say where the decoded image lies when it is embedded again."""
    from kernelviz.evaluation.inference import decode_probes, embed  # torch takes seconds to import; the map needs none
    from kernelviz.ui.shared.network_cache import network_of

    network = network_of(run)
    image = decode_probes(network, np.array([center]), probe)
    back = math.dist(embed(network, image).coordinates[0], center) / network.grid.step
    with st.container(horizontal=True, vertical_alignment="center"):
        if decoded_here:
            st.image(enlarged(image[0], 224), caption="The decoded image", alt="The decoded image")
        _download(png(image[0]), f"{run.name}_{center[0]:.2f}_{center[1]:.2f}.png")
        st.caption(
            f"Embedded again, the image decoded at ({center[0]:.2f}, {center[1]:.2f}) lies {back:.2f} grid steps away."
            if math.isfinite(back)
            else "Embedded again, the decoded image has no position: its activation is zero everywhere."
        )


def _split(run: EmbeddingRun) -> str:
    """The split that is shown: the test images, or where there are none the first that there is."""
    splits = caches.splits_of(run)
    return "test" if "test" in splits else splits[0]


def home_of(run: EmbeddingRun) -> tuple[float, float]:
    """A position where images lie: the point nearest to the median of the first class."""
    points = caches.points_of(run).of_split(_split(run))
    points = points.where(points.placed)
    middle = np.median(points.coordinates[points.label == points.label.min()], axis=0)
    _, ((row,),) = points.nearest(middle[None], 1)
    return tuple(float(part.round(2)) for part in points.coordinates[row])


def _number(address: Mapping[str, str], name: str, otherwise: float, low: float, high: float) -> float:
    """A number of the address, moved within bounds; `otherwise` where the address has no such number."""
    try:
        value = float(address.get(name, otherwise))
    except ValueError:
        return otherwise
    return min(max(value, low), high) if math.isfinite(value) else otherwise


def _shape(run: EmbeddingRun) -> Probe:
    """Width and height of the bump from sliders, which start at those of the run."""
    usual = Probe(**run.probe)
    width = st.slider(
        "Width of the bump", MIN_SCALE, MAX_SCALE, 1.0, 0.05, format="%g ×", key="w", bind="query-params",
        help=f"1 is the run's usual width, {usual.width:.2f} before the clip",
    )  # fmt: skip
    amplitude = st.slider(
        "Height of the bump", MIN_SCALE, MAX_SCALE, 1.0, 0.05, format="%g ×", key="a", bind="query-params",
        help=f"1 is the run's usual height, {usual.amplitude:.2f} before the clip",
    )  # fmt: skip
    return replace(usual, width=width * usual.width, amplitude=amplitude * usual.amplitude)


def _download(data: bytes, name: str) -> None:
    st.download_button("PNG", data, name, "image/png", icon=":material/download:", on_click="ignore")
