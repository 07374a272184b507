"""Two to four runs side by side: their curves, metrics and settings."""

import html
from collections.abc import Sequence

import streamlit as st

from kernelviz.plots.curves import histories_figure
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import of_kind
from kernelviz.ui.compare.records import show_metrics, show_settings
from kernelviz.ui.runs.details import picture_of
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.page_frame import link

MOST_COMPARED = 4
OF_THE_MACHINE = ("epoch", "seconds", "images_per_second")  # of a row of a history: no curve
CURVES = {  # as people read them
    "loss": "training loss",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
    "validation_5nn": "5-NN on validation",
    "train_rmse": "training RMSE",
    "validation_rmse": "validation RMSE",
}


def compared_runs(runs: Sequence[Run]) -> None:
    """Show which runs are compared, and where the maps of two are side by side."""
    pictures = [picture_of(run) + f"<p>{html.escape(run.name)}</p>" for run in runs]
    st.html('<div class="run-pictures">' + "".join(f"<div>{one}</div>" for one in pictures) + "</div>")
    if len(runs) == 2 == len(of_kind(runs, EmbeddingRun)):
        link("Compare", "Both maps, linked", left=runs[0].name, right=runs[1].name)
    st.caption("Their curves, metrics and settings are below the table.")


def comparison(runs: Sequence[Run]) -> None:
    """Show the runs side by side."""
    names = [run.name for run in runs]
    curves, metrics, settings = st.tabs(["Curves", "Metrics", "Settings"])
    with curves:
        _curves(runs)
    with metrics:
        show_metrics(runs, names, with_meaning=False)
    with settings:
        show_settings(runs, names)


def _curves(runs: Sequence[Run]) -> None:
    known = dict.fromkeys(key for run in runs for row in run.history for key in row if key not in OF_THE_MACHINE)
    if not known:
        st.caption("None of these runs has a history.")
        return
    labels = {key: CURVES.get(key, plain(key.replace("_", " "))) for key in known}
    key = st.segmented_control("Curve", labels, default=next(iter(labels)), format_func=labels.get, required=True)
    figure = histories_figure({run.name: run.history for run in runs}, key, labels[key])
    alt = f"{labels[key]} of {', '.join(run.name for run in runs)} over the epochs"
    st.plotly_chart(figure, key="curves-of-runs", config={"displayModeBar": False}, alt=alt)
    without = [run.name for run in runs if not any(key in row for row in run.history)]
    if without:
        st.caption(f"{', '.join(without)}: not measured.")
