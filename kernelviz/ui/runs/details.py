"""One run in detail, and what can be done with it."""

import html
from collections.abc import Sequence

import streamlit as st

from kernelviz.library import bin, names
from kernelviz.library.handing_on import has_pictures, size_of
from kernelviz.library.notes import LONGEST_NOTE, MOST_TAGS, Notes, write_notes
from kernelviz.storage.record import EmbeddingRun, RecommenderRun, Run
from kernelviz.storage.store import is_shipped, of_kind
from kernelviz.ui.runs.routes import export_address, map_address, page_address
from kernelviz.ui.runs.state import TRAIN_AGAIN, done, tried
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.labels import aims, plain
from kernelviz.ui.shared.page_frame import PAGES, REGISTERED, link

DEVICES = {"cpu": "a CPU", "cuda": "a GPU", "mps": "a GPU"}
TRAIN = "train"  # the address of the page that trains
CONFIRM = "delete all the same"  # of the session: the run that is deleted though others need it


def details(run: Run, notes: Notes, tags: Sequence[str]) -> None:
    """Show a run; `tags` are those of all runs."""
    with st.container(border=True, key="run-details"):
        _head(run)
        _open(run)
        if sharing.read_only():
            _written(notes)
        elif is_shipped(run):
            st.caption("It travels with kernelviz and stays as it is. Export and import it for a copy of your own.")
        else:
            _edit(run, notes, tags)
            _delete(run)
        with st.expander("Command"):
            st.code(run.made_by["command"], language="bash", wrap_lines=True)


def picture_of(run: Run) -> str:
    """The picture of a run's map as HTML; nothing for a run without a map."""
    address = map_address(run)
    return f'<img src="{html.escape(address)}" alt="The map of {html.escape(run.name)}">' if address else ""


def _head(run: Run) -> None:
    epochs, seconds, device = run.recipe["epochs"], run.made_by["seconds"], run.made_by["device"]
    lines = [
        f"{plain(run.data['name'])}, trained to {aims(run.aims)}",
        f"{epochs} epochs in {_time(seconds)} on {DEVICES.get(device, plain(device))}",
    ]
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    st.html(f'<div class="run-head">{picture_of(run)}<div><h2>{html.escape(run.name)}</h2>{said}</div></div>')


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _open(run: Run) -> None:
    """Show where a run can be opened, trained again and handed on."""
    with st.container(horizontal=True, vertical_alignment="center", key="run-links"):
        if of_kind([run], EmbeddingRun):
            link("Explore", "Open", run=run.name)
        elif of_kind([run], RecommenderRun):
            link("Recommend", "Open", recommender=run.name)
        if TRAIN in PAGES and sharing.may_train():
            _train_again(run)
        _export(run, False, "Export")
        if has_pictures(run):
            _export(run, True, "Export with pictures")
        if of_kind([run], EmbeddingRun):
            st.html(
                f'<a class="run-export" href="{html.escape(page_address(run))}" download>Save as a page</a>',
                width="content",
            )


def _train_again(run: Run) -> None:
    if st.button("Train again with …", icon=":material/replay:", type="tertiary"):
        st.session_state[TRAIN_AGAIN] = run.name
        st.switch_page(st.session_state[REGISTERED][PAGES[TRAIN][0]])


def _export(run: Run, with_pictures: bool, label: str) -> None:
    size = max(0.1, size_of(run, with_pictures) / 1e6)
    address = html.escape(export_address(run, with_pictures))
    st.html(f'<a class="run-export" href="{address}" download>{label} ({size:,.1f} MB)</a>', width="content")


def _written(notes: Notes) -> None:
    if notes.tags:
        st.caption("Tags: " + ", ".join(map(plain, notes.tags)))
    if notes.note:
        st.text(notes.note)


def _edit(run: Run, notes: Notes, tags: Sequence[str]) -> None:
    with st.form(f"edit-{run.name}", border=False):
        name = st.text_input("Name", run.name, max_chars=64)
        chosen = st.multiselect(
            "Tags",
            tags,
            notes.tags,
            accept_new_options=True,
            max_selections=MOST_TAGS,
            placeholder="Add tags",
        )
        note = st.text_area("Note", notes.note, max_chars=LONGEST_NOTE, height=90)
        saved = st.form_submit_button("Save", icon=":material/save:")
    if not saved:
        return

    def save() -> None:
        if (tuple(chosen), note) != (notes.tags, notes.note):
            write_notes(run.name, chosen, note)
        if name != run.name:
            names.rename(run.name, name)

    heads = ", ".join(names.needing(run.name)) if name != run.name else ""
    if tried(save):
        finds = f" What was trained on it goes on finding it: {heads}." if heads else ""
        done(f"{run.name} is {name} now.{finds}" if name != run.name else "Saved.", chosen=(name,))
        st.rerun()


def _delete(run: Run) -> None:
    heads = ", ".join(names.needing(run.name)) if st.session_state.get(CONFIRM) == run.name else ""
    asked = bool(heads)
    if asked:
        st.warning(f"{heads} cannot be opened without {run.name}.", icon=":material/link:")
    label = "Delete all the same" if asked else "Delete"
    if not st.button(label, icon=":material/delete:", help="Move it to the bin, from which it can be restored."):
        return
    if not asked and names.needing(run.name):
        st.session_state[CONFIRM] = run.name
        st.rerun()
    st.session_state.pop(CONFIRM, None)
    if tried(lambda: bin.delete(run.name, even_if_needed=asked)):
        done(f"{run.name} is in the bin.", undo=run.name)
        st.rerun()
