"""How two runs were trained, and how well: their metrics and settings side by side."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from kernelviz.evaluation.quality import MEANING, NAMES
from kernelviz.library import comparing
from kernelviz.storage.record import Run
from kernelviz.ui.compare.pair import Pair
from kernelviz.ui.shared.labels import plain, shortened


def metrics(pair: Pair) -> None:
    """Show the metrics of both runs, the better value of each in bold where both are measured on the same data."""
    if pair.of_one_run:
        st.caption(f"Both maps are of {pair.left.run.name}.")
        show_metrics([pair.left.run], ["value"])
    else:
        show_metrics([pair.left.run, pair.right.run], ["left", "right"])


def show_metrics(runs: Sequence[Run], columns: Sequence[str], with_meaning: bool = True) -> None:
    """Show the metrics of some runs, each in its column, the best value of each bold where they can be compared.

    Args:
        with_meaning: whether a last column says what each means; else they have the names by which people know them.
    """
    comparable, found = comparing.are_comparable(runs), comparing.metrics_of(runs)
    texts = {
        name: compared(name, *values) if comparable else map(comparing.shown, values) for name, values in found.items()
    }
    rows = [(name, *text, MEANING[name]) if with_meaning else (NAMES[name], *text) for name, text in texts.items()]
    names = ["metric", *columns, *(["meaning"] if with_meaning else [])]
    st.table(pd.DataFrame(rows, columns=names), hide_index=True, border="horizontal")
    if comparable:
        st.caption("Measured on the test part of the same data. The best value is bold.")
    elif len(runs) > 1:
        st.caption("Measured on different data, so no value is better than the others.")


def compared(name: str, *values: float | None) -> tuple[str, ...]:
    """The values of a metric as Markdown, the best one bold."""
    best = comparing.best_of(name, values)
    texts = [comparing.shown(value) for value in values]
    return tuple(f"**{text}** :material/check:" if at in best else text for at, text in enumerate(texts))


def _all_shown(name: str, *values: float | None) -> tuple[str, ...]:
    return tuple(map(comparing.shown, values))


def settings(pair: Pair) -> None:
    """Show the settings that differ."""
    if pair.of_one_run:
        st.caption(f"Both maps are of {pair.left.run.name}.")
    else:
        show_settings([pair.left.run, pair.right.run], ["left", "right"])


def show_settings(runs: Sequence[Run], columns: Sequence[str]) -> None:
    """Show the settings in which some runs differ, each in its column."""
    rows = differing(*runs)
    if not rows:
        st.caption("The recipes and networks of these runs are equal.")
        return
    st.table(pd.DataFrame(rows, columns=["setting", *columns]), hide_index=True, border="horizontal")
    st.caption("Settings that differ; all others are equal.")


def differing(*runs: Run) -> list[tuple[str, ...]]:
    """Name and values, as texts, of each setting that differs (`library.comparing.differing`)."""
    return [(plain(name), *map(_text, values)) for name, values in comparing.differing(runs).items()]


def _text(value: object) -> str:
    text = comparing.written(value)
    return text if text == comparing.MISSING else shortened(", ".join(map(plain, text.split(", "))))
