"""The trade-off of a search: how good the map is against what is decoded from its positions, a dot for each trial."""

from collections.abc import Sequence

import plotly.graph_objects as go

from kernelviz.plots.colours import ABOVE, PROBE, UNKNOWN
from kernelviz.search.trials import Search, Trial

QUALITIES = {  # title, factor and unit of the axis
    "map_5nn": ("5-NN on the map", 100, " %"),
    "trustworthiness": ("trustworthiness of the map", 1, ""),
}
STATES = {  # symbol and colour of the trials of each state
    "complete": ("circle", ABOVE),
    "pruned": ("x-thin-open", UNKNOWN),
    "running": ("circle-open", PROBE),
    "stopped": ("circle-open", UNKNOWN),
}


def trade_off_figure(search: Search) -> go.Figure:
    """Error from the position over the quality of the map for each trial that has an epoch; the best is bottom right.

    A line joins those that no other complete one surpasses in both, rings mark the default and the best settings. Every
    dot carries the number of its trial as customdata. The colours have contrast on a light and on a dark background.
    """
    figure = go.Figure()
    if len(search.front) > 1:
        line = {"color": ABOVE, "width": 1.5, "dash": "dot", "shape": "hv"}
        figure.add_scatter(**_at(search, search.front), name="not surpassed", mode="lines", line=line, hoverinfo="skip")
    for state, (symbol, colour) in STATES.items():
        trials = [trial for trial in search.trials if trial.state == state and trial.epochs]
        if trials:
            marker = {"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2 if "open" in symbol else 0}}
            figure.add_trace(_dots(search, trials, marker))
    default = search.trials[0] if search.trials and search.trials[0].epochs else None
    for trial, name, colour, size in ((default, "default", UNKNOWN, 17), (search.best, "best", PROBE, 23)):
        if trial:
            ring = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 2}}
            figure.add_scatter(**_at(search, [trial]), name=name, mode="markers", marker=ring, hoverinfo="skip")
    title, _, unit = QUALITIES[search.measure]
    figure.update_xaxes(title=title, ticksuffix=unit)
    figure.update_yaxes(title="error from the position (MSE)")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend=legend, showlegend=True)


def _dots(search: Search, trials: Sequence[Trial], marker: dict) -> go.Scatter:
    return go.Scatter(
        **_at(search, trials),
        customdata=[trial.number for trial in trials],
        text=[_said(search, trial) for trial in trials],
        name=trials[0].state,
        mode="markers",
        marker=marker,
        hovertemplate="%{text}<extra></extra>",
    )


def _at(search: Search, trials: Sequence[Trial]) -> dict[str, list[float]]:
    """The x and the y of some trials."""
    _, factor, _ = QUALITIES[search.measure]
    return {"x": [factor * trial.quality for trial in trials], "y": [trial.error for trial in trials]}


def _said(search: Search, trial: Trial) -> str:
    """What a trial is, for a hover: only numbers, and names of our own."""
    title, factor, unit = QUALITIES[search.measure]
    settings = [f"{name} {value:g}" for name, value in trial.settings.items()]
    values = [f"{title}: {factor * trial.quality:.4g}{unit}", f"error: {trial.error:.4f}"]
    return "<br>".join([f"trial {trial.number + 1}, {trial.epochs} epochs", *values, *settings])
