"""Plotly charts of curves: training, depths, dimensions, spectra; and of the locations of a layer."""

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float

from kernelviz.plots.colours import ABOVE, BELOW, CLASS_COLOURS, UNKNOWN, WRONG
from kernelviz.plots.maps import POINTS_MARGIN, as_map

PERCENT = {"ticksuffix": " %"}  # of an axis: as `ui.shared.labels.percent` writes it


def history_figure(history: list[dict]) -> go.Figure:
    """Training and validation loss over the epochs."""
    figure = go.Figure()
    for key, name in (("loss", "training"), ("validation_loss", "validation")):
        rows = [row for row in history if key in row]
        figure.add_scatter(x=[row["epoch"] for row in rows], y=[row[key] for row in rows], name=name, mode="lines")
    figure.update_layout(height=220, margin={"l": 0, "r": 0, "t": 8, "b": 0}, xaxis_title="epoch", yaxis_title="loss")
    return figure


def profile_figure(rows: list[dict], paper: list[tuple[int, float]], longer: list[tuple[int, float]] = ()) -> go.Figure:
    """Accuracy and 5-NN on the map over the depth, with single accuracies as (layers, accuracy).

    Those are the paper's, and those of heads that were trained for longer.
    """
    figure = go.Figure()
    layers = [row["layers"] for row in rows]
    for key, name, colour in (
        ("test_accuracy", "accuracy", CLASS_COLOURS[0]),
        ("map_5nn", "5-NN on the map", CLASS_COLOURS[1]),
    ):
        values = [100 * row[key] for row in rows]
        figure.add_scatter(x=layers, y=values, name=name, mode="lines+markers", line={"color": colour})
    for single, name, symbol, colour in (
        (longer, "accuracy, trained for longer", "circle", CLASS_COLOURS[0]),
        (paper, "accuracy, the paper", "x", WRONG),
    ):
        if single:
            at, accuracies = zip(*single, strict=True)
            marker = {"symbol": symbol, "size": 11, "color": colour}
            shares = [100 * accuracy for accuracy in accuracies]
            figure.add_scatter(x=at, y=shares, name=name, mode="markers", marker=marker)
    figure.update_layout(
        height=300,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis={"title": "depth (layers)", "tickvals": layers},
        yaxis=PERCENT,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def dimensions_figure(rows: list[dict]) -> go.Figure:
    """Test error over the dimension d for each kernel, mean and standard error: rows of kernel, dim, mean, error."""
    figure, ticks = go.Figure(), [1, 2, 5, 10, 20, 50]
    for kernel, colour in zip(dict.fromkeys(row["kernel"] for row in rows), CLASS_COLOURS, strict=False):
        own = [row for row in rows if row["kernel"] == kernel]
        figure.add_scatter(
            x=[row["dim"] for row in own],
            y=[100 * (1 - row["mean"]) for row in own],
            error_y={"type": "data", "array": [100 * row["error"] for row in own]},
            name=kernel,
            mode="lines+markers",
            line={"color": colour},
        )
    figure.update_layout(
        height=340,
        margin={"l": 0, "r": 0, "t": 8, "b": 0},
        xaxis={"title": "dimension d of the locations", "type": "log", "tickvals": [row["dim"] for row in rows]},
        yaxis={"title": "test error", "type": "log", "tickvals": ticks, "ticktext": [f"{at} %" for at in ticks]},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def locations_figure(u: Float[np.ndarray, "n 2"], alpha: Float[np.ndarray, " n"], extent: float) -> go.Figure:
    """The learned locations of a layer's inputs: size for the weight, colour for its sign, a frame for the grid."""
    size = 3 + 12 * np.sqrt(np.abs(alpha) / max(np.abs(alpha).max(), 1e-12))
    colour = np.where(alpha < 0, BELOW, ABOVE)
    dots = {"size": size, "color": colour, "opacity": 0.5, "line": {"width": 0}}
    texts = [f"α {value:.3g}" for value in alpha]
    figure = go.Figure(go.Scattergl(x=u[:, 0], y=u[:, 1], mode="markers", marker=dots, text=texts, hoverinfo="text"))
    figure.add_shape(type="rect", x0=-extent, y0=-extent, x1=extent, y1=extent, line={"color": UNKNOWN, "width": 1})
    far = max(POINTS_MARGIN * extent, float(np.percentile(np.abs(u), 99.5)))
    as_map(figure, far, height=440)
    return figure.update_layout(showlegend=False)


def values_figure(values: Float[np.ndarray, " k"], rank: int) -> go.Figure:
    """Singular values from the largest on, each over the largest, and the effective rank."""
    at = np.arange(1, len(values) + 1)
    shown = values > 1e-7 * values[0]  # smaller ones are rounding errors
    figure = go.Figure(go.Scatter(x=at[shown], y=values[shown] / values[0], mode="lines", line={"color": ABOVE}))
    figure.add_vline(x=rank, line={"color": WRONG, "dash": "dot"})
    figure.update_xaxes(title="number", type="log")
    figure.update_yaxes(title="share of the largest", type="log", exponentformat="power")
    return _small(figure)


def stored_figure(n_in: int, n_out: int, dim: int) -> go.Figure:
    """How many numbers locations take over their dimension, beside the weights of a dense layer."""
    dims = np.unique(np.geomspace(1, max(1000, 2 * dim), 60).round())
    figure = go.Figure(go.Scatter(x=dims, y=dims * (n_in + n_out), name="locations", line={"color": ABOVE}))
    figure.add_hline(y=n_in * n_out, line={"color": UNKNOWN, "dash": "dash"}, annotation_text="dense")
    marker = {"size": 11, "color": WRONG}
    figure.add_scatter(x=[dim], y=[dim * (n_in + n_out)], mode="markers", marker=marker, name="chosen")
    figure.update_xaxes(title="d", type="log")
    figure.update_yaxes(title="numbers", type="log", exponentformat="SI")
    return _small(figure)


def spectra_figure(spectra: dict[str, Float[np.ndarray, " n"]]) -> go.Figure:
    """Eigenvalues of each kernel's Gram matrix over their number, divided by the largest."""
    figure = go.Figure()
    for (name, values), colour in zip(spectra.items(), CLASS_COLOURS, strict=False):
        share = values / np.abs(values).max()
        figure.add_scatter(x=np.arange(1, len(values) + 1), y=share, name=name, mode="lines", line={"color": colour})
    figure.add_hline(y=0, line={"color": UNKNOWN, "width": 1})
    figure.update_xaxes(title="number")
    return _small(figure).update_layout(height=340, showlegend=True)


def noise_figure(rows: list[dict], shift: int) -> go.Figure:
    """Accuracy over the uncertainty of the pixels' positions: rows of noise, test_accuracy, shifted_accuracy."""
    figure, noise = go.Figure(), [row["noise"] for row in rows]
    for key, name, colour in (
        ("test_accuracy", "test images", CLASS_COLOURS[0]),
        ("shifted_accuracy", f"shifted by {shift} pixels", CLASS_COLOURS[1]),
    ):
        shares = [100 * row[key] for row in rows]
        figure.add_scatter(x=noise, y=shares, name=name, mode="lines+markers", line={"color": colour})
    figure.update_xaxes(title="noise on the positions in training, pixels")
    figure.update_yaxes(title="accuracy", **PERCENT)
    return _small(figure).update_layout(showlegend=True)


def _small(figure: go.Figure) -> go.Figure:
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=260, margin={"l": 0, "r": 0, "t": 8, "b": 0}, showlegend=False, legend=legend)


def errors_figure(rows: list[tuple[str, float, float, float]]) -> go.Figure:
    """RMSE of networks beside the paper's: rows of name, ours, its reach to either side, the paper's."""
    names, ours, reach, paper = zip(*rows, strict=True)
    figure = go.Figure()
    figure.add_scatter(
        x=ours,
        y=names,
        error_x={"type": "data", "array": reach},
        name="ours",
        mode="markers",
        marker={"size": 9, "color": CLASS_COLOURS[0]},
    )
    figure.add_scatter(
        x=paper, y=names, name="the paper", mode="markers", marker={"symbol": "x", "size": 10, "color": WRONG}
    )
    figure.update_xaxes(title="RMSE")
    figure.update_yaxes(autorange="reversed")
    return _small(figure).update_layout(height=90 + 32 * len(rows), showlegend=True)


def sparsity_figure(rows: list[dict]) -> go.Figure:
    """Error over the density that each weight of the sparsity leaves; rows of sparsity, density, macs, test_rmse."""
    texts = [f"λ₀ = {row['sparsity']:g}" for row in rows]
    figure = go.Figure(
        go.Scatter(
            x=[100 * row["density"] for row in rows],
            y=[row["test_rmse"] for row in rows],
            customdata=[row["macs"] for row in rows],
            text=texts,
            textposition=["top left" if row["density"] == 1 else "top right" for row in rows],  # clear of the line
            mode="lines+markers+text",
            line={"color": ABOVE},
            hovertemplate="%{text}<br>density %{x:.1f} %<br>RMSE %{y:.4f}<br>%{customdata:,} MACs<extra></extra>",
        )
    )
    figure.update_xaxes(title="share of the weights that are not gated to zero", **PERCENT)
    figure.update_yaxes(title="RMSE")
    return _small(figure).update_layout(height=320)


def histories_figure(histories: dict[str, list[dict]], key: str, label: str) -> go.Figure:
    """One number of the histories of several runs, by their names, over the epochs."""
    figure = go.Figure()
    for (name, rows), colour in zip(histories.items(), CLASS_COLOURS, strict=False):
        known = [row for row in rows if key in row]
        x, y = [row["epoch"] for row in known], [row[key] for row in known]
        mode = "lines" if len(known) > 1 else "markers"
        figure.add_scatter(x=x, y=y, name=name, mode=mode, line={"color": colour})
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title=label)
    return _small(figure).update_layout(height=340, showlegend=True)
