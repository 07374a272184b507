"""Where two maps agree: predictions, neighbours, and the images that are selected."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.evaluation.agreement import OUTCOMES, outcomes
from kernelviz.storage.embedding_map import AGREEING
from kernelviz.ui.compare.pair import Pair, Rows, Side
from kernelviz.ui.shared import selection
from kernelviz.ui.shared.gallery import IMAGES_PER_PAGE, gallery
from kernelviz.ui.shared.labels import class_names, percent

NUMBERS = {
    "images": st.column_config.NumberColumn(format="localized"),
    "share": st.column_config.NumberColumn(format="%.1f %%"),
}


def agreement(pair: Pair) -> None:
    """Show how often the maps agree, and on which images they do not; a click on a row selects these."""
    if not pair.linked:
        st.info("These maps have no images in common on which they could agree.", icon=":material/compare:")
        return
    left, right = (_named(side, rows) for side, rows in zip((pair.left, pair.right), pair.same, strict=True))
    known = ((left["prediction"] != "–") & (right["prediction"] != "–")).to_numpy()
    _numbers(pair, (left["prediction"] == right["prediction"]).to_numpy()[known])
    if not known.any():
        st.caption("There are no predictions to compare.")
        return
    st.caption("Tick a row to select its images on both maps.")
    some, all_pairs = st.columns([2, 3], gap="medium")
    with some:
        _outcomes(pair)
    with all_pairs:
        _disagreements(pair, left, right, known)


def _numbers(pair: Pair, same: np.ndarray) -> None:
    """The shares of equal predictions and of shared neighbours."""
    share = pair.shared_neighbours[np.isfinite(pair.shared_neighbours)]
    predictions, neighbours, _ = st.columns([2, 2, 3])
    if len(same):
        predictions.metric("Same prediction", percent(same.mean(), 1), help=f"{same.sum():,} of {len(same):,} images")
    if len(share):
        neighbours.metric(
            "Shared neighbours",
            percent(share.mean(), 1),
            help=f"Share of the {AGREEING} nearest neighbours of an image on one map that are among its {AGREEING} "
            f"nearest on the other. Maps without anything in common would share {percent(AGREEING / len(share), 1)}.",
        )


def _outcomes(pair: Pair) -> None:
    found = outcomes(*pair.shared)
    if (found < 0).all():
        return
    counts = np.bincount(found[found >= 0], minlength=len(OUTCOMES))
    table = pd.DataFrame({"correct": OUTCOMES, "images": counts, "share": 100 * counts / counts.sum()})
    st.markdown("**Correct predictions**")
    _selecting(pair, "outcomes", table, [np.flatnonzero(found == at) for at in range(len(OUTCOMES))])


def _disagreements(pair: Pair, left: pd.DataFrame, right: pd.DataFrame, known: np.ndarray) -> None:
    """A row for each label and two predictions that differ, the most frequent first."""
    columns = {"label": left["label"], "left predicts": left["prediction"], "right predicts": right["prediction"]}
    table = pd.DataFrame(columns)
    differ = table[known & (table["left predicts"] != table["right predicts"]).to_numpy()]
    st.markdown("**Different predictions**")
    if not len(differ):
        st.caption("Both maps predict the same of every image.")
        return
    groups = differ.groupby(list(columns), sort=False).groups
    ordered = sorted(groups, key=lambda group: -len(groups[group]))
    counted = pd.DataFrame(ordered, columns=list(columns)).assign(images=[len(groups[group]) for group in ordered])
    _selecting(pair, "disagreements", counted, [groups[group].to_numpy() for group in ordered])


def _selecting(pair: Pair, name: str, table: pd.DataFrame, rows: Sequence[Rows]) -> None:
    """A table; a click on a row selects images, given by their positions among those on both maps."""
    key = f"{name}-{pair.name}"
    st.dataframe(
        table,
        hide_index=True,
        column_config=NUMBERS,
        key=key,
        on_select=partial(_select, key, pair, rows),
        selection_mode="single-row",
    )


def _select(key: str, pair: Pair, rows: Sequence[Rows]) -> None:
    """Select the images of the row that was clicked; without one, clear the selection."""
    chosen = [row for row in st.session_state[key].selection.rows if 0 <= row < len(rows)]
    positions = rows[chosen[0]] if chosen else np.array([], int)
    selection.choose(pair.owner, pair.same[0][positions])


def _named(side: Side, rows: Rows) -> pd.DataFrame:
    """The names of label and prediction of some images."""
    names, points = np.array(class_names(side.run.classes), dtype=object), side.points.where(rows)
    return pd.DataFrame({"label": names[points.label], "prediction": names[points.prediction]})


def images(pair: Pair, rows: Rows) -> None:
    """Show the selected images, with what each map predicts of them."""
    if not len(rows):
        st.info(
            "No image selected. Use the box or the lasso on a map, or click a row under Agreement.",
            icon=":material/touch_app:",
        )
        return
    sides = (pair.left, pair.right)
    chosen = [np.flatnonzero(np.isin(common, rows)) for common in pair.rows]
    said = [_correct(side, own, title) for side, own, title in zip(sides, chosen, pair.titles, strict=True)]
    st.markdown(" · ".join([f"**{len(rows):,} selected**", *filter(None, said)]))
    alone = np.setdiff1d(chosen[1], pair.same[1])  # of images on both maps, the left one shows the pictures
    most = IMAGES_PER_PAGE if len(chosen[0]) and len(alone) else len(rows)
    for side, title, own in zip(sides, pair.titles, (chosen[0], alone), strict=True):
        if len(own) and len(own) < len(rows):
            st.caption(f"{len(own):,} on {title}" + (f", the first {most}" if len(own) > most else ""))
        if len(own):
            _gallery(pair, side, own[:most])


def _correct(side: Side, rows: Rows, title: str) -> str:
    """How many of some images a map predicts correctly; nothing where none of them has a label and a prediction."""
    points = side.points.where(rows)
    known = (points.label >= 0) & (points.prediction >= 0)
    share = (points.label == points.prediction)[known]
    return f"{percent(share.mean(), 1)} correct on {title}" if len(share) else ""


def _gallery(pair: Pair, side: Side, rows: Rows) -> None:
    """The images of some rows of a map, each with its label and what is predicted on the maps that have it."""
    own, there = _named(side, rows), {}
    if side is pair.left:
        left, right = pair.same
        there = dict(zip(left.tolist(), _named(pair.right, right)["prediction"], strict=True))
    captions = {
        row: f"{label}: " + " → ".join(filter(None, (prediction, there.get(row))))
        for row, label, prediction in zip(rows.tolist(), own["label"], own["prediction"], strict=True)
    }
    gallery(side.run, side.points, rows, captions.__getitem__)
