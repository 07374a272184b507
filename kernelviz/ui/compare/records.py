"""How two runs were trained, and how well: their metrics and settings side by side."""

from typing import Any

import pandas as pd
import streamlit as st

from kernelviz.evaluation.quality import LOWER_IS_BETTER, MEANING
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.compare.pair import Pair
from kernelviz.ui.shared.labels import plain, shortened

MISSING = "–"
OF_THE_MACHINE = ("seconds_per_10000",)  # says nothing of a network that was measured on another one
RENAMED = {"draws": "has decoder", "kept": "depth"}  # keys on disk that have a better name
LEFT_OUT = ("network", "data.preprocess", "backbone.sha256", "backbone.mean", "backbone.std")


def metrics(pair: Pair) -> None:
    """Show the metrics of both runs, the better value of each in bold where both are measured on the same data."""
    runs = (pair.left.run, pair.right.run)
    if pair.of_one_run:
        st.caption(f"Both maps are of {runs[0].name}.")
        runs = runs[:1]
    names = [
        name for name in MEANING if name not in OF_THE_MACHINE and any(_number(run, name) is not None for run in runs)
    ]
    values = {name: [_number(run, name) for run in runs] for name in names}
    comparable = len({run.data["name"] for run in runs}) == 1 < len(runs)
    texts = [compared(name, *values[name]) if comparable else tuple(map(_shown, values[name])) for name in names]
    rows = [(name, *text, MEANING[name]) for name, text in zip(names, texts, strict=True)]
    sides = ["left", "right"] if len(runs) > 1 else ["value"]
    st.table(pd.DataFrame(rows, columns=["metric", *sides, "meaning"]), hide_index=True, border="horizontal")
    if comparable:
        st.caption("Measured on the test images. The better value is bold.")
    elif len(runs) > 1:
        st.caption("Measured on the test images of different data, so no value is better than the other.")


def compared(name: str, left: float | None, right: float | None) -> tuple[str, str]:
    """Two values of a metric as Markdown, the better one bold."""
    texts = [_shown(left), _shown(right)]
    if left is not None and right is not None and texts[0] != texts[1]:
        better = (left > right) == (name in LOWER_IS_BETTER)
        texts[better] = f"**{texts[better]}** :material/check:"
    return texts[0], texts[1]


def _shown(value: float | None) -> str:
    return MISSING if value is None else f"{value:.4g}"


def _number(run: EmbeddingRun, name: str) -> float | None:
    """A metric of a run, if it is a number."""
    value = run.metrics.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def settings(pair: Pair) -> None:
    """Show the settings that differ."""
    runs = (pair.left.run, pair.right.run)
    if pair.of_one_run:
        st.caption(f"Both maps are of {runs[0].name}.")
        return
    rows = differing(*runs)
    if not rows:
        st.caption("The recipes and networks of both runs are equal.")
        return
    st.table(pd.DataFrame(rows, columns=["setting", "left", "right"]), hide_index=True, border="horizontal")
    st.caption("Settings that differ; all others are equal.")


def differing(left: EmbeddingRun, right: EmbeddingRun) -> list[tuple[str, str, str]]:
    """Name and both values of each setting of recipe, network and seed that differs; unset is MISSING.

    A setting that is zero or empty does not differ from one that is unset, as in runs of older versions.
    """
    settings = [_settings(run) for run in (left, right)]
    names = dict.fromkeys([*settings[0], *settings[1]])
    pairs = [(name, *(one.get(name) for one in settings)) for name in names]
    return [
        (plain(name), _written(one), _written(other))
        for name, one, other in pairs
        if one != other and not (None in (one, other) and not (one or other))
    ]


def _settings(run: EmbeddingRun) -> dict[str, Any]:
    nested = run.recipe | {"network": None} | dict(run.arguments) | {"seed": run.seed}
    return {name: value for name, value in _flat(nested).items() if name not in LEFT_OUT}


def _flat(nested: dict[str, Any], above: str = "") -> dict[str, Any]:
    """The values of nested settings, by the names on the way to each."""
    flat = {}
    for name, value in nested.items():
        path = f"{above}{RENAMED.get(name, name)}"
        flat |= _flat(value, f"{path}.") if isinstance(value, dict) else {path: value}
    return flat


def _written(value: object) -> str:
    """A setting as text."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, list | tuple):
        return shortened(", ".join(map(_written, value)))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else plain(str(value))
