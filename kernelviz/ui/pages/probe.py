"""Probe: put a Gaussian bump on the grid, and see what the decoder draws there (Figure 6)."""

from dataclasses import replace

import numpy as np
import streamlit as st
import torch

from kernelviz.figures import bump_figure, clickable, map_figure, marked
from kernelviz.maps import draw, draw_probes
from kernelviz.networks import EmbeddingNetwork
from kernelviz.pictures import enlarged, gif, png, sheet
from kernelviz.probe import Probe, gaussian_bump
from kernelviz.runs import Run
from kernelviz.ui import loaders

WALK = 24  # pictures of a walk


def page(run: Run) -> None:
    """The whole page."""
    if not run.arguments["draws"]:
        st.info(
            f"**{run.name}** has no decoder: it was trained to {' and '.join(run.recipe['objectives'])} only. Choose an "
            "autoencoder in the sidebar.",
            icon=":material/image_not_supported:",
        )
        return
    network = loaders.network_of(run)
    what = st.segmented_control(
        "Draw", ("one place", "a window", "a walk"), default="one place", required=True, key="what", bind="query-params"
    )
    {"one place": _place, "a window": _window, "a walk": _walk}[what](run, network)


@st.fragment
def _place(run: Run, network: EmbeddingNetwork) -> None:
    left, middle, right = st.columns([5, 3, 3], gap="medium")
    extent = run.arguments["extent"]
    with middle:
        x, y = _coordinate("x", extent), _coordinate("y", extent)
        probe = _shape(run)
    with left:
        _click_map(run, np.array([[x, y]]), ["probe"], lambda at: {"x": at[0], "y": at[1]})
    field = gaussian_bump(torch.tensor([[x, y]]), network.grid, probe)
    activation = network.clip(field)
    image = draw(network, activation)[0]
    landed = network.place(
        network.activation(torch.from_numpy(image).reshape(1, *network.arguments["image_shape"]) / 255)
    )
    with right:
        st.image(enlarged(image, 336), width="stretch", caption="What the decoder draws")
        back = float((landed - torch.tensor([[x, y]])).norm()) / network.grid.step
        st.caption(f"Embedded again, this picture lands {back:.2f} grid steps from the probe.")
        st.download_button(
            "PNG", png(image), f"{run.name}_{x:g}_{y:g}.png", "image/png", icon=":material/download:", width="stretch"
        )
    with middle:
        st.plotly_chart(
            bump_figure(activation[0].numpy(), network.grid, 260), key="bump", config={"displayModeBar": False}
        )
        st.caption("The bump on the grid, after the clip of Eq. (9).")


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
        name = f"{run.name}_window.png"
        st.download_button("PNG", png(enlarged(picture, 1000)), name, "image/png", icon=":material/download:")


def _walk(run: Run, network: EmbeddingNetwork) -> None:
    extent = run.arguments["extent"]
    left, right = st.columns([3, 2], gap="medium")
    with right:
        which = st.segmented_control("A click on the map sets the", ("start", "end"), default="start", required=True)
        start_x, start_y = st.columns(2)
        end_x, end_y = st.columns(2)
        start = [
            _coordinate("x1", extent, "Start x", -extent / 2, start_x),
            _coordinate("y1", extent, "Start y", 0.0, start_y),
        ]
        end = [_coordinate("x2", extent, "End x", extent / 2, end_x), _coordinate("y2", extent, "End y", 0.0, end_y)]
        probe = _shape(run)
    keys = ("x1", "y1") if which == "start" else ("x2", "y2")
    with left:
        _click_map(run, np.array([start, end]), ["start", "end"], lambda at: dict(zip(keys, at, strict=True)))
    steps = np.linspace(0, 1, WALK)[:, None]
    drawn = draw_probes(network, (1 - steps) * start + steps * np.array(end), probe)
    strip = sheet(drawn, WALK // 2)
    there_and_back = gif(np.stack([enlarged(image, 224) for image in [*drawn, *drawn[-2:0:-1]]]))
    with right:
        st.image(there_and_back, width=224, caption="The walk, there and back")
        first, second = st.columns(2)
        for column, kind, data, mime in (
            (first, "GIF", there_and_back, "image/gif"),
            (second, "PNG", png(strip), "image/png"),
        ):
            column.download_button(
                kind, data, f"{run.name}_walk.{kind.lower()}", mime, icon=":material/download:", width="stretch"
            )
    st.image(enlarged(strip, 1000), width="stretch", caption="From the start (top left) to the end (bottom right)")


def _shape(run: Run) -> Probe:
    """Width and height of the bump, as the run's own unless changed."""
    usual = run.default_probe
    width = st.slider(
        "Width of the bump", 0.2, 3.0, 1.0, 0.05, format="%g ×", key="w", bind="query-params",
        help=f"1 is the width of this run's median bump: {usual.width:.2f} before the clip",
    )  # fmt: skip
    amplitude = st.slider(
        "Height of the bump", 0.2, 3.0, 1.0, 0.05, format="%g ×", key="a", bind="query-params",
        help=f"1 is the height of this run's median bump: {usual.amplitude:.2f} before the clip",
    )  # fmt: skip
    return replace(usual, width=width * usual.width, amplitude=amplitude * usual.amplitude)


def _coordinate(key: str, extent: float, label: str = "", value: float = 0.0, where=st) -> float:
    return where.slider(label or key, -extent, extent, value, extent / 200, format="%.2f", key=key, bind="query-params")


def _corner(label: str, low: float, high: float, key: str) -> float:
    """The corner of a window; a window over the whole map leaves no choice."""
    if high - low < 1e-6:
        return low
    return st.slider(label, low, high, low, key=key, bind="query-params")


def _click_map(run: Run, places: np.ndarray, texts: list[str], becomes) -> None:
    """The map with marks at some places; a click sets the widgets that `becomes` names for its place."""
    extent = run.arguments["extent"]
    points = loaders.points_of(run).of_split("test")
    figure = clickable(map_figure(points, extent, run.classes, "label"), extent)
    marked(figure, places, texts).update_traces(marker_opacity=0.35, selector={"mode": "markers", "showlegend": True})
    key = f"place-{run.name}"

    def moved() -> None:
        chosen = st.session_state[key].selection.points
        if chosen and "customdata" in chosen[0]:
            st.session_state.update(becomes([float(part) for part in chosen[0]["customdata"]]))

    st.plotly_chart(
        figure,
        key=key,
        on_select=moved,
        selection_mode="points",
        config={"scrollZoom": True, "displayModeBar": False},
        alt="Map of the test images with the probe",
    )
    st.caption("Click anywhere on the map to move there.")


def _middles(n: int) -> np.ndarray:
    """The middles of n equal parts of [0, 1]."""
    return (np.arange(n) + 0.5) / n
