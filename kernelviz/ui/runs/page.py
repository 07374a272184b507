"""Runs: all runs in a table, one of them in detail, or up to four of them compared."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import streamlit as st

from kernelviz.library.handing_on import size_of
from kernelviz.library.notes import Notes, read_notes
from kernelviz.storage import record
from kernelviz.storage.record import Run
from kernelviz.storage.store import is_shipped
from kernelviz.ui.runs import files
from kernelviz.ui.runs.comparison import MOST_COMPARED, compared_runs, comparison
from kernelviz.ui.runs.details import details
from kernelviz.ui.runs.routes import map_address
from kernelviz.ui.runs.state import CHOSEN
from kernelviz.ui.shared import page_frame, sharing
from kernelviz.ui.shared.labels import aims

ROW, MOST_HIGH = 52, 620  # pixels: height of a row, and of the table
SHARES = {"map_5nn": "5-NN", "test_accuracy": "Accuracy"}  # metrics that are a share of 1
ERRORS = {"test_rmse": "RMSE"}
SHIPPED = "with kernelviz"  # shown among the tags of a run that travels with it


@dataclass(frozen=True)
class Listed:
    """A run, what people write of it, and when it was made or renamed; None for one that travels with kernelviz."""

    run: Run
    notes: Notes
    changed: datetime | None

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; a run that travels with kernelviz has one that says so."""
        return (SHIPPED,) if is_shipped(self.run) else self.notes.tags

    def has(self, text: str) -> bool:
        """Whether its name, its data, its tags or its note have each word of a text."""
        own = " ".join([self.run.name, self.run.data["name"], *self.run.aims, *self.tags, self.notes.note]).casefold()
        return all(word in own for word in text.casefold().split())


def page(runs: list[Run]) -> None:
    """Show the page."""
    page_frame.top_bar("No runs yet" if not runs else "1 run" if len(runs) == 1 else f"{len(runs)} runs")
    files.tell_what_was_done()
    if not runs:
        st.info("A run is a trained network with its map. Train one, or bring in one that was handed on.")
        st.code("kernelviz train digits-autoencoder", language="bash")
        return files.import_and_bin()
    listed = [Listed(run, read_notes(run.folder), _changed(run)) for run in runs]
    listed.sort(key=lambda one: one.changed or datetime.min, reverse=True)  # one's own first, the newest before
    shown = _filtered(listed)
    table, beside = st.columns([62, 38], gap="medium")
    with table:
        chosen = _table(shown)
    with beside:
        _beside(listed, chosen)
        files.import_and_bin()
    if 2 <= len(chosen) <= MOST_COMPARED:
        comparison([one.run for one in chosen])


def _beside(listed: list[Listed], chosen: list[Listed]) -> None:
    """Show what can be done with the chosen runs."""
    if len(chosen) == 1:
        (one,) = chosen
        tags = sorted({tag for other in listed for tag in other.notes.tags}, key=str.casefold)
        details(one.run, one.notes, tags)
    elif not chosen:
        st.caption(
            "Tick one run to open it, train again with its settings or hand it on"
            + ("; " if sharing.read_only() else ", to rename or delete it; ")
            + "two to four to compare them."
        )
    elif len(chosen) <= MOST_COMPARED:
        compared_runs([one.run for one in chosen])
    else:
        st.caption(f"Up to four runs can be compared; {len(chosen)} are ticked.")


def _filtered(listed: list[Listed]) -> list[Listed]:
    """The runs that are searched for, and have all of the chosen tags."""
    row = st.container(key="controls", horizontal=True, vertical_alignment="center", gap="medium")
    text = row.text_input(
        "Search", key="search-runs", placeholder="Search name, data, tag or note", label_visibility="collapsed"
    )
    tags = sorted({tag for one in listed for tag in one.tags}, key=str.casefold)
    wanted = row.pills("Tags", tags, selection_mode="multi", key="tags-of-runs", label_visibility="collapsed")
    return [one for one in listed if one.has(text) and {*wanted} <= {*one.tags}]


def _table(shown: list[Listed]) -> list[Listed]:
    """Show the runs as a table; returns those that are ticked."""
    if not shown:
        st.info("No run has all of that.", icon=":material/search_off:")
        return []
    names = [one.run.name for one in shown]
    before = st.session_state.get(CHOSEN, ())
    table = pd.DataFrame([_row(one) for one in shown])
    told = st.dataframe(
        table.dropna(axis="columns", how="all"),
        key=f"runs-{hashlib.sha256('/'.join(names).encode()).hexdigest()[:12]}",  # of other runs, other rows are ticked
        column_config=COLUMNS,
        hide_index=True,
        row_height=ROW,
        height=min(MOST_HIGH, (len(shown) + 1) * ROW),
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [at for at, name in enumerate(names) if name in before]}},
        alt="All runs with their metrics, size, date and tags",
    )
    chosen = [shown[at] for at in told.selection.rows if at < len(shown)]
    st.session_state[CHOSEN] = tuple(one.run.name for one in chosen)
    return chosen


def _row(one: Listed) -> dict:
    """What the table says of a run."""
    run = one.run
    return {
        "map": map_address(run),
        "name": run.name,
        "data": run.data["name"],
        **{shown: _metric(run, name, 100.0) for name, shown in SHARES.items()},
        **{shown: _metric(run, name) for name, shown in ERRORS.items()},
        "tags": list(one.tags),
        "size": size_of(run, with_pictures=True) / 1e6,
        "changed": one.changed,
        "trained to": aims(run.aims),
    }


def _metric(run: Run, name: str, times: float = 1.0) -> float | None:
    value = run.metrics.get(name)
    return times * value if isinstance(value, float) else None


def _changed(run: Run) -> datetime | None:
    if is_shipped(run):
        return None
    try:
        return datetime.fromtimestamp((run.folder / record.FILE).stat().st_mtime)
    except OSError:
        return None


def _columns() -> dict:
    column = st.column_config
    shares = {
        shown: column.NumberColumn(shown, format="%.1f %%", width=76, help=f"{shown} on the test images")
        for shown in SHARES.values()
    }
    return {
        "map": column.ImageColumn("", width=56),
        "name": column.TextColumn("Run", width=168),
        "data": column.TextColumn("Data", width=80),
        **shares,
        **{shown: column.NumberColumn(shown, format="%.3f", width=64) for shown in ERRORS.values()},
        "tags": column.ListColumn("Tags", width=116),
        "size": column.NumberColumn("Size", format="%.1f MB", width=76),
        "changed": column.DatetimeColumn("Date", format="D MMM YYYY", width=100),
        "trained to": column.TextColumn("Trained to", width=260),
    }


COLUMNS = _columns()
