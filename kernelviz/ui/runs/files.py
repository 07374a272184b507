"""Runs that come in as files, and those in the bin."""

from collections.abc import Collection

import streamlit as st

from kernelviz.disk import runs_folder
from kernelviz.errors import UserError
from kernelviz.library import bin
from kernelviz.library.importing import import_run, name_in
from kernelviz.library.names import unused_name
from kernelviz.library.portable import ENDING
from kernelviz.storage import record
from kernelviz.storage.store import run_names
from kernelviz.ui.runs.state import DONE, done, tried
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.files import warn_of_a_full_disk
from kernelviz.ui.shared.labels import message, plain

MAX_MB = 200  # of a file that is dropped: server.maxUploadSize
NOTICE = 480  # pixels: width of what says what was done
TURN = "turn of imports"  # of the session: after each import the field is empty again
EMPTY = "empty the bin"  # of the session: whether to ask again


def tell_what_was_done() -> None:
    """Say once what was done; a deletion stays in sight with a button that takes it back."""
    sentence, undo = st.session_state.get(DONE, ("", ""))
    if not undo:
        st.session_state.pop(DONE, None)
        if sentence:
            st.toast(sentence, icon=":material/check:")
        return
    row = st.container(horizontal=True, vertical_alignment="center", key="done")
    row.success(sentence, icon=":material/check:", width=NOTICE)
    if row.button("Undo", icon=":material/undo:"):
        _restore(next((one for one in bin.deleted_runs() if one.name == undo), None))


def import_and_bin(known: Collection[str]) -> None:
    """Show where files are dropped, what cannot be read (all but the known runs), and what is in the bin."""
    if sharing.read_only():
        return
    turn = st.session_state.setdefault(TURN, 0)
    warn_of_a_full_disk()
    dropped = st.file_uploader(
        f"Import a run: drop a {ENDING} file of up to {MAX_MB} MB",
        [ENDING],
        accept_multiple_files=True,
        max_upload_size=MAX_MB,
        key=f"import-{turn}",
        help="Larger ones come in with `kernelviz import FILE`. Everything in a file is checked before.",
    )
    _import(dropped)
    _broken(known)
    _bin()


def _import(dropped: list) -> None:
    came = []
    for file in dropped:
        try:
            wanted = name_in(file)
            came.append((wanted, import_run(file, unused_name(wanted)).name))
        except (UserError, OSError) as error:
            st.error(f"**{plain(file.name)}** was not imported: {message(str(error))}", icon=":material/block:")
    if came:
        st.session_state[TURN] += 1
        said = [f"{name} is here." if name == wanted else f"{wanted} is here as {name}." for wanted, name in came]
        done(" ".join(said), chosen=tuple(name for _, name in came))
        if len(came) == len(dropped):
            st.rerun()


def _broken(known: Collection[str]) -> None:
    """Offer to delete the user's runs that cannot be read; the bar of the page says why they cannot."""
    broken = [name for name in run_names() if name not in known and (runs_folder() / name / record.FILE).exists()]
    if not broken:
        return
    with st.expander(f"Cannot be read ({len(broken)})", icon=":material/broken_image:"):
        for name in broken:
            row = st.container(horizontal=True, vertical_alignment="center")
            row.markdown(f"**{name}**")
            asked = row.button("Delete", key=f"delete-{name}", icon=":material/delete:", type="tertiary")
            if asked and tried(lambda name=name: bin.delete(name)):
                done(f"{name} is in the bin.", undo=name)
                st.rerun()


def _bin() -> None:
    deleted = bin.deleted_runs()
    if not deleted:
        return
    with st.expander(f"Bin ({len(deleted)})", icon=":material/delete:"):
        for at, one in enumerate(deleted):
            row = st.container(horizontal=True, vertical_alignment="center")
            row.markdown(f"**{one.name}**, deleted on {one.when.astimezone():%-d %b %Y at %H:%M}")
            if row.button("Restore", key=f"restore-{at}", icon=":material/restore_from_trash:", type="tertiary"):
                _restore(one)
        asked = st.session_state.get(EMPTY, 0) == len(deleted)
        label = f"Remove {'it' if len(deleted) == 1 else f'all {len(deleted)}'} for good" if asked else "Empty the bin"
        if st.button(label, icon=":material/delete_forever:", type="primary" if asked else "secondary"):
            st.session_state[EMPTY] = 0 if asked else len(deleted)
            if asked and tried(bin.empty_bin):
                done("The bin is empty.")
            st.rerun()


def _restore(one: bin.Deleted | None) -> None:
    if one is None:
        done("It is not in the bin any more.")
        st.rerun()
    name = unused_name(one.name)
    if tried(lambda: bin.put_back(one, name)):
        done(f"{name} is back." if name == one.name else f"{one.name} is back as {name}.", chosen=(name,))
        st.rerun()
