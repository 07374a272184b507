"""Plotly charts of maps: points, marks, and the confusion matrix beside them."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int

from kernelviz.plots.colours import DOTS_SCALE, PROBE, VALUES, WRONG, reach, rgb
from kernelviz.plots.columns import Column, group_of
from kernelviz.storage.embedding_map import EmbeddingMap

NAMED = 20  # marks on a map, at most, that have their texts beside them
POINTS_MARGIN = 1.06  # reach of the axes, over the extent


def map_figure(
    points: EmbeddingMap, extent: float, classes: tuple[str, ...], colouring: str, column: Column | None = None
) -> go.Figure:
    """The map of some points (the unplaced ones left out), coloured by one of COLOURINGS, or by a column of a table.

    Every point carries its row in `points` as customdata.
    """
    rows = np.flatnonzero(points.placed)
    shown = points.where(rows)
    if colouring in VALUES or (column and not column.groups):
        values = column.values[rows] if column else VALUES[colouring](shown, extent)
        low, high = reach(values)
        scale = {"colorscale": DOTS_SCALE, "cmin": low, "cmax": high, "colorbar": _bar(colouring)}
        traces = [_dots(shown, rows, classes, color=values, **scale)]
    else:
        group, groups = group_of(shown, classes, colouring, column and column.where(rows))
        parts = [(name, colour, group == at) for at, (name, colour) in enumerate(groups)]
        traces = [
            _dots(shown.where(mask), rows[mask], classes, name=f"{name} ({mask.sum():,})", color=colour)
            for name, colour, mask in parts
            if mask.any()
        ]
    return as_map(go.Figure(traces), extent)


def _dots(points: EmbeddingMap, rows: np.ndarray, classes: tuple[str, ...], name: str = "", **marker) -> go.Scattergl:
    named = np.array([*classes, "–"])  # -1 is the last
    return go.Scattergl(
        x=points.x,
        y=points.y,
        mode="markers",
        name=name,
        marker={"size": 5 if len(points) < 20_000 else 3, "opacity": 0.85, **marker},
        customdata=np.stack(
            [rows.astype(object), points.index, named[points.label], named[points.prediction]]
            + [points.confidence.round(3)],
            axis=1,
        ),
        hovertemplate="no. %{customdata[1]}<br>label %{customdata[2]}, predicted as %{customdata[3]}"
        "<br>confidence %{customdata[4]}<extra></extra>",
        showlegend=bool(name),
    )


def _bar(title: str) -> dict:
    position = {"orientation": "h", "y": -0.01, "yanchor": "top", "x": 0, "xanchor": "left", "len": 0.6}
    return {"title": {"text": title, "side": "bottom"}, "thickness": 12, "outlinewidth": 0, **position}


def as_map(figure: go.Figure, extent: float, height: int | None = None) -> go.Figure:
    """The figure with equal axes and nothing but the points; without a height it fills the element that shows it."""
    far = POINTS_MARGIN * extent
    axis = {"range": [-far, far], "showgrid": False, "zeroline": False, "ticks": "", "showticklabels": False}
    axis["constrain"] = "domain"  # with "range", a map that was too flat at first would stay small
    figure.update_layout(
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        height=height,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        dragmode="pan",
        legend={"itemsizing": "constant", "orientation": "h", "y": -0.01, "yanchor": "top", "x": 0},
        hoverlabel={"font": {"size": 12}},
    )
    return figure


def marked(
    figure: go.Figure, coordinates: Float[np.ndarray, "n 2"], texts: list[str], colour: str = PROBE
) -> go.Figure:
    """The map with crosses at some coordinates; of more than NAMED crosses the texts show only under the pointer."""
    figure.add_trace(
        go.Scattergl(  # rendered over the dots: SVG would be under them
            x=coordinates[:, 0],
            y=coordinates[:, 1],
            mode="markers+text" if len(texts) <= NAMED else "markers",
            text=texts,
            textposition="top center",
            textfont={"size": 13},
            marker={"symbol": "x", "size": 12, "color": colour, "line": {"width": 1.5, "color": "white"}},
            hovertemplate="%{text} (%{x:.2f}, %{y:.2f})<extra></extra>",
            showlegend=False,
        )
    )
    return figure


def confusion_figure(counts: Int[np.ndarray, "n n"], classes: tuple[str, ...]) -> go.Figure:
    """How many images of each class (a row) are predicted as each class (a column), the errors in colour.

    Every cell can be clicked, and carries the two classes by number as customdata.
    """
    n = len(classes)
    share = counts / counts.sum(1, keepdims=True).clip(1)
    errors = np.where(np.eye(n, dtype=bool), 0.0, share)
    down, across = np.mgrid[:n, :n].reshape(2, -1)
    clear, full = (f"rgba{(*rgb(WRONG), opacity)}" for opacity in (0, 1))
    figure = go.Figure(go.Heatmap(z=errors, colorscale=[(0, clear), (1, full)], showscale=False, hoverinfo="skip"))
    figure.add_trace(
        go.Scatter(  # a heatmap cannot be clicked in a page of Streamlit, and points can
            x=across,
            y=down,
            mode="markers+text",
            text=[str(count) if count else "" for count in counts.ravel()],
            textfont={
                "color": ["#ffffff" if strong else "#7d8791" for strong in (errors > 0.5 * errors.max()).ravel()]
            },
            marker={"symbol": "square", "size": 26, "color": clear},
            selected={"marker": {"color": full, "opacity": 0.5}},
            unselected={"marker": {"opacity": 1}},
            customdata=np.stack([down, across], 1).tolist(),  # an array would not be a list in the browser
            hovertemplate="%{text} images of %{y} predicted as %{x}<extra></extra>",
        )
    )
    axis = {"tickvals": list(range(n)), "ticktext": classes, "showgrid": False, "zeroline": False}
    axis |= {"minallowed": -0.5, "maxallowed": n - 0.5}
    figure.update_layout(
        xaxis=axis | {"title": "predicted as", "range": (-0.5, n - 0.5)},
        yaxis=axis | {"title": "label", "range": (n - 0.5, -0.5)},
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        height=max(300, 60 + 34 * n),
        dragmode="pan",  # the only mode in which a cell can be clicked; the axes cannot move
        clickmode="event+select",
        showlegend=False,
    )
    return figure
