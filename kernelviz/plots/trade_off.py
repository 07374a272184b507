"""The trade-off of a search: how good the map is against what is decoded from its positions, a dot for each trial."""

import plotly.graph_objects as go

from kernelviz.plots.colours import ABOVE, PROBE, UNKNOWN
from kernelviz.search.trials import Search, Trial

QUALITIES = {"map_5nn": "5-NN on the map", "trustworthiness": "trustworthiness of the map"}
STATES = {  # name, symbol and colour of the trials of each state
    "complete": ("complete", "circle", ABOVE),
    "pruned": ("pruned", "x-thin-open", UNKNOWN),
    "running": ("running", "circle-open", PROBE),
    "stopped": ("stopped", "circle-open", UNKNOWN),
}


def trade_off_figure(search: Search) -> go.Figure:
    """Error from the position over the quality of the map for each trial that has an epoch; the best is bottom right.

    A line joins those that no other complete one surpasses in both, rings mark the default and the best settings. Every
    dot carries the number of its trial as customdata. The colours stand on a light and on a dark background.
    """
    figure = go.Figure()
    front = search.front
    if len(front) > 1:
        figure.add_scatter(
            x=[trial.quality for trial in front],
            y=[trial.error for trial in front],
            name="not surpassed",
            mode="lines",
            line={"color": ABOVE, "width": 1.5, "dash": "dot", "shape": "hv"},
            hoverinfo="skip",
        )
    for state, (name, symbol, colour) in STATES.items():
        trials = [trial for trial in search.trials if trial.state == state and trial.epochs]
        if trials:
            marker = {"symbol": symbol, "size": 10, "color": colour, "line": {"width": 2 if "open" in symbol else 0}}
            figure.add_trace(_dots(trials, name, marker))
    default = search.trials[0] if search.trials and search.trials[0].epochs else None
    for trial, name, colour, size in ((default, "default", UNKNOWN, 17), (search.best, "best", PROBE, 22)):
        if trial:
            ring = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 2}}
            figure.add_scatter(
                x=[trial.quality], y=[trial.error], name=name, mode="markers", marker=ring, hoverinfo="skip"
            )
    figure.update_xaxes(title=QUALITIES[search.measure], tickformat=".1~%" if search.measure == "map_5nn" else None)
    figure.update_yaxes(title="error from the position (MSE)")
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(height=340, margin={"l": 0, "r": 0, "t": 8, "b": 0}, legend=legend)


def _dots(trials: list[Trial], name: str, marker: dict) -> go.Scatter:
    return go.Scatter(
        x=[trial.quality for trial in trials],
        y=[trial.error for trial in trials],
        customdata=[trial.number for trial in trials],
        text=[_said(trial) for trial in trials],
        name=name,
        mode="markers",
        marker=marker,
        hovertemplate="%{text}<extra></extra>",
    )


def _said(trial: Trial) -> str:
    """What a trial is, for a hover: only numbers and names of our own."""
    settings = "<br>".join(f"{name} {value:g}" for name, value in trial.settings.items())
    return (
        f"trial {trial.number}, {trial.epochs} epochs<br>map {trial.quality:.4f}, error {trial.error:.4f}<br>{settings}"
    )
