"""Probe: put a Gaussian bump on the grid, and see what the decoder draws there (Figure 6)."""

from dataclasses import replace

import numpy as np
import streamlit as st
import torch

from kernelviz.data.batches import pixels
from kernelviz.figures import clickable, map_figure, marked
from kernelviz.inference import draw, draw_probes
from kernelviz.networks import EmbeddingNetwork
from kernelviz.pictures import bump_picture, enlarged, gif, png, sheet
from kernelviz.probe import Probe, gaussian_bump
from kernelviz.runs import Run
from kernelviz.ui import loaders
from kernelviz.ui.decoding import network_of
from kernelviz.ui.wording import aims

WALK = 24  # pictures of a walk


def page(run: Run) -> None:
    """The whole page."""
    if not run.arguments["draws"]:
        st.info(
            f"**{run.name}** has no decoder: it was trained to {aims(run.recipe['objectives'])} only. "
            "Choose an autoencoder in the sidebar.",
            icon=":material/image_not_supported:",
        )
        return
    network = network_of(run)
    what = st.segmented_control(
        "Draw", ("one place", "a window", "a walk"), default="one place", required=True, key="what", bind="query-params"
    )
    {"one place": _place, "a window": _window, "a walk": _walk}[what](run, network)


@st.fragment
def _place(run: Run, network: EmbeddingNetwork) -> None:
    left, middle, right = st.columns([5, 3, 3], gap="medium")
    with middle:
        place = _chosen_place(run, ("x", "y"), _homes(run)[0])
        probe = _shape(run)
    with left:
        _click_map(run, [place], ["probe"], ("x", "y"))
    center = torch.tensor([place])
    activation = network.clip(gaussian_bump(center, network.grid, probe))
    image = draw(network, activation)[0]
    landed = network.place(network.activation(pixels(image[None])))
    with right:
        st.image(enlarged(image, 336), width="stretch", caption="What the decoder draws")
        back = float((landed - center).norm()) / network.grid.step
        st.caption(f"Embedded again, this picture lands {back:.2f} grid steps from the probe.")
        _download("PNG", png(image), f"{run.name}_{place[0]:g}_{place[1]:g}.png")
    with middle:
        bump = bump_picture(activation[0].numpy(), *run.arguments["grid"])
        st.image(enlarged(bump, 336), width="stretch", caption="The bump on the grid, after the clip of Eq. (9)")


def _window(run: Run, network: EmbeddingNetwork) -> None:
    extent = run.arguments["extent"]
    controls, drawing = st.columns([1, 3], gap="medium")
    with controls:
        probe = _shape(run)
        count = st.slider("Places along each side", 4, 32, 20, key="n", bind="query-params")
        size = st.slider("Side of the window", extent / 10, 2 * extent, 2 * extent, key="side", bind="query-params")
        low, high = -extent, extent - size
        left = _corner("Left edge", low, high, "left")
        bottom = _corner("Bottom edge", low, high, "bottom")
    x, y = np.meshgrid(left + size * _middles(count), bottom + size * _middles(count)[::-1])
    drawn = draw_probes(network, np.stack([x.ravel(), y.ravel()], axis=1), probe)
    picture = sheet(drawn, count)
    with drawing:
        st.image(enlarged(picture, 1000), width="stretch")
        st.caption(
            f"What the decoder draws at {count} × {count} places from ({left:.2f}, {bottom:.2f}) to "
            f"({left + size:.2f}, {bottom + size:.2f}), as in Figure 6 of the paper."
        )
        _download("PNG", png(enlarged(picture, 1000)), f"{run.name}_window.png")


def _walk(run: Run, network: EmbeddingNetwork) -> None:
    left, right = st.columns([3, 2], gap="medium")
    first, last = _homes(run)
    with right:
        moved = st.segmented_control("A click on the map moves the", ("start", "end"), default="start", required=True)
        start = _chosen_place(run, ("x1", "y1"), first, "start ")
        end = _chosen_place(run, ("x2", "y2"), last, "end ")
        probe = _shape(run)
    with left:
        _click_map(run, [start, end], ["start", "end"], ("x1", "y1") if moved == "start" else ("x2", "y2"))
    steps = np.linspace(0, 1, WALK)[:, None]
    drawn = draw_probes(network, (1 - steps) * start + steps * end, probe)
    strip = enlarged(sheet(drawn, WALK // 2), 1000)
    there_and_back = gif(np.stack([enlarged(image, 224) for image in [*drawn, *drawn[-2:0:-1]]]))
    with right:
        st.image(there_and_back, width=224, caption="The walk, there and back")
        as_gif, as_png = st.columns(2)
        with as_gif:
            _download("GIF", there_and_back, f"{run.name}_walk.gif")
        with as_png:
            _download("PNG", png(strip), f"{run.name}_walk.png")
    st.image(strip, width="stretch", caption="From the start (top left) to the end (bottom right)")


def _homes(run: Run) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two places where images live: the points nearest to the median of the first class and of the last."""
    points = loaders.points_of(run).of_split("test")
    points = points.where(points.placed)
    ends = [points.where(points.label == label) for label in (points.label.min(), points.label.max())]
    middles = np.stack([np.median(end.places, axis=0) for end in ends])
    _, rows = points.nearest(middles, 1)
    return tuple(tuple(float(part.round(2)) for part in points.places[row]) for row in rows[:, 0])


def _shape(run: Run) -> Probe:
    """Width and height of the bump, as the run's own unless changed."""
    usual = Probe(**run.probe)
    width = st.slider(
        "Width of the bump", 0.2, 3.0, 1.0, 0.05, format="%g ×", key="w", bind="query-params",
        help=f"1 is the run's usual width, {usual.width:.2f} before the clip",
    )  # fmt: skip
    amplitude = st.slider(
        "Height of the bump", 0.2, 3.0, 1.0, 0.05, format="%g ×", key="a", bind="query-params",
        help=f"1 is the run's usual height, {usual.amplitude:.2f} before the clip",
    )  # fmt: skip
    return replace(usual, width=width * usual.width, amplitude=amplitude * usual.amplitude)


def _chosen_place(run: Run, keys: tuple[str, str], start: tuple[float, float], label: str = "") -> tuple[float, float]:
    """A slider for each coordinate."""
    extent = run.arguments["extent"]
    columns = st.columns(2) if label else (st, st)
    return tuple(
        column.slider(f"{label}{axis}", -extent, extent, value, 0.01, key=key, bind="query-params")
        for column, axis, key, value in zip(columns, "xy", keys, start, strict=True)
    )


def _corner(label: str, low: float, high: float, key: str) -> float:
    """The corner of a window; a window over the whole map leaves no choice."""
    if high - low < 1e-6:
        return low
    return st.slider(label, low, high, low, key=key, bind="query-params")


def _click_map(run: Run, places: list[tuple[float, float]], texts: list[str], keys: tuple[str, str]) -> None:
    """The map with marks at some places; a click sets the sliders of these keys."""
    extent = run.arguments["extent"]
    points = loaders.points_of(run).of_split("test")
    figure = map_figure(points, extent, run.classes, "label").update_traces(marker_opacity=0.35)
    marked(clickable(figure, extent), np.array(places), texts)
    chart = f"place-{run.name}-{keys}"

    def moved() -> None:
        chosen = st.session_state[chart].selection.points
        if chosen:
            st.session_state.update(zip(keys, (float(chosen[0]["x"]), float(chosen[0]["y"])), strict=True))

    with st.container(key="map"):
        st.plotly_chart(
            figure,
            key=chart,
            height="stretch",
            on_select=moved,
            selection_mode="points",
            config={"scrollZoom": True, "displayModeBar": False},
            alt="Map of the test images with the probe",
        )
    st.caption("Click anywhere on the map to move there.")


def _download(kind: str, data: bytes, name: str) -> None:
    mime = {"PNG": "image/png", "GIF": "image/gif"}[kind]
    st.download_button(kind, data, name, mime, icon=":material/download:", width="stretch", on_click="ignore")


def _middles(n: int) -> np.ndarray:
    """The middles of n equal parts of [0, 1]."""
    return (np.arange(n) + 0.5) / n
