"""The choice of data to train on: a folder or file on the server's machine, an upload, or an image set by name."""

from pathlib import Path

import streamlit as st

from kernelviz.data.images import SETS, is_local
from kernelviz.data.named import SHAPES
from kernelviz.errors import UserError
from kernelviz.sources.names import counted
from kernelviz.storage.store import readable_runs
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.files import offer_download
from kernelviz.ui.shared.labels import as_text
from kernelviz.ui.train import folders
from kernelviz.ui.train.folders import Entry, Folder, within
from kernelviz.ui.train.uploaded_data import uploaded_data

WAYS = ("Folder or file", "Upload", "Image set")
MAX_MOST_ENTRIES = 40  # entries of a folder; a search finds the others
RECENT = 4  # sources of former runs
BETWEEN = "\u2003"  # a wide space
CHOSEN, AT, SEARCH = "data folder", "data browser at", "data browser search"  # in the session

st_cached = st.cache_data(ttl=60, max_entries=100, show_spinner=False)


def chosen_source() -> str | None:
    """Show the choice of data, and return what is chosen, as `kernelviz train --data` takes it; None before that."""
    if not sharing.may_train():
        how = "" if sharing.read_only() else " It is switched on with `kernelviz app --data-root FOLDER`."
        st.info(f"Training is off on this server.{how}", icon=":material/lock:")
        return None
    way = st.segmented_control("Data", WAYS, default=WAYS[0], required=True, key="data way", bind="query-params")
    return {WAYS[0]: chosen_folder, WAYS[1]: uploaded_data, WAYS[2]: named_set}[way]()


def chosen_folder() -> str | None:
    """Show a browser of the data roots, and return the whole path of the folder or file that is chosen in it.

    None where nothing is chosen yet, or where no folder may be read.
    """
    roots = sharing.data_roots()
    if not roots:
        st.info("No folder of this machine may be read here. Upload pictures instead.", icon=":material/lock:")
        return None
    row = st.container(horizontal=True, vertical_alignment="center", key="chosen-data")
    browser = st.empty()  # an element that replaces a block removes at once what was in it
    chosen = _still(st.session_state.get(CHOSEN), roots)
    if not chosen:
        with browser.container(key="data-browser"):
            _browser(roots)
        return None
    row.markdown(f":material/check_circle: **{as_text(str(chosen))}**", width="content")
    row.button("Choose another", icon=":material/folder_open:", on_click=st.session_state.pop, args=(CHOSEN,))
    return str(chosen)


def named_set() -> str | None:
    """Show the image sets known by name, and return the one that is chosen, if it is on this machine or can be made."""
    names = {name: _set_words(name) for name in (*SETS, SHAPES)}
    name = st.selectbox(
        "Image set",
        list(names),
        index=None,
        format_func=names.get,
        key="named set",
        width=420,
        placeholder="Choose one",
    )
    if name in SETS and not is_local(name):
        st.caption(f"{name} is not on this machine yet.")
        offer_download(name)
        return None
    return name


def size_words(n_bytes: int) -> str:
    """The size of a file in words, as "1.2 MB"."""
    for unit, of in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n_bytes >= of:
            return f"{n_bytes / of:.1f} {unit}"
    return f"{n_bytes} B"


@st.fragment
def _browser(roots: tuple[Path, ...]) -> None:
    """The recently used sources, the path, a search, and what lies in the folder where the browser is."""
    _recent(roots)
    at = _still(st.session_state.get(AT), roots) or roots[0]
    _crumbs(at, roots)
    typed = st.text_input(
        "Search in this folder, or enter a path",
        key=SEARCH,
        type="search",
        live=True,
        placeholder="Search in this folder, or enter a path",
        label_visibility="collapsed",
        icon=":material/search:",
    ).strip()
    if typed.startswith(("/", "~")) or Path(typed).is_absolute():
        _entered(typed, roots)
        return
    try:
        found = _listed(str(at), at.stat().st_mtime_ns, roots)
    except (UserError, OSError) as error:
        st.warning(as_text(str(error)), icon=":material/folder_off:")
        return
    _use(at, found)
    _entries(at, found, typed)


def _recent(roots: tuple[Path, ...]) -> None:
    """Show the sources that the newest runs were trained on, as far as they are still there and may be read."""
    sources = [path for source in _sources() if (path := _allowed(source, roots))][:RECENT]
    if not sources:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="recent-data"):
        st.caption("Recent", width="content")
        for path in sources:
            label = as_text(path.name or str(path), 40)
            if st.button(label, key=f"recent-{path}", icon=":material/history:", help=as_text(str(path))):
                _choose(path)


def _crumbs(at: Path, roots: tuple[Path, ...]) -> None:
    """Show the path as buttons, each of which goes to a folder above; other roots come first."""
    root = folders.root_of(at, roots) or roots[0]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="crumbs"):
        for other in roots:
            if other != root:
                st.button(as_text(other.name, 40), key=f"root-{other}", icon=":material/home_storage:", **_goes(other))
        for path in [one for one in (*reversed(at.parents), at) if one.is_relative_to(root)]:
            icon = ":material/home_storage:" if path == root else None
            label = as_text(path.name or str(path), 40)
            if path == at:
                st.markdown(f"{icon or ''} **{label}**", width="content")
            else:
                st.button(f"{label} /", key=f"crumb-{path}", type="tertiary", icon=icon, **_goes(path))


def _use(at: Path, found: Folder) -> None:
    """Show the button that chooses the folder itself, and how many pictures it holds."""
    n, sources, whole = _below(str(at), at.stat().st_mtime_ns)
    words = ("" if whole else "more than ") + counted(n, "picture", "pictures")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="use-folder"):
        if st.button("Use this folder", type="primary", icon=":material/check:", disabled=whole and not n + sources):
            _choose(at)
        here = len(found.pictures)
        st.caption(words + (" in it and its folders" if n > here else ""), width="content")


def _entries(at: Path, found: Folder, typed: str) -> None:
    """Show the sub-folders, and the files that are a source, whose names have what was typed."""
    matching = [one for one in found.entries if typed.casefold() in one.name.casefold()]
    with st.container(key="data-entries", gap=None):
        for one in matching[:MAX_MOST_ENTRIES]:
            _entry(at, one)
    notes = []
    if len(matching) > MAX_MOST_ENTRIES:
        notes.append(f"{len(matching) - MAX_MOST_ENTRIES:,} more: type a part of the name to find them")
    if typed and not matching:
        notes.append("no folder or source has this in its name")
    if found.pictures and not typed:
        some = ", ".join(as_text(name, 40) for name in found.pictures[:3])
        notes.append(
            f"{counted(len(found.pictures), 'picture', 'pictures')} here: {some}"
            + (", …" if len(found.pictures) > 3 else "")
        )
    if found.others:
        notes.append(counted(found.others, "other file", "other files"))
    if found.left_out:
        notes.append(f"{found.left_out:,} not shown: outside of what may be read here, or unreadable")
    for note in notes:
        st.caption(note)


def _entry(at: Path, one: Entry) -> None:
    label, path = as_text(one.name), at / one.name
    if one.is_folder:
        words = f"{label}{BETWEEN}:small[:gray[{one.inside}]]" if one.inside else label
        st.button(words, key=f"open-{path}", type="tertiary", icon=":material/folder:", **_goes(path))
    elif st.button(
        f"{label}{BETWEEN}:small[:gray[{size_words(one.size)}]]",
        key=f"open-{path}",
        type="tertiary",
        icon=":material/draft:",
        width="stretch",
    ):
        _choose(path)


def _entered(typed: str, roots: tuple[Path, ...]) -> None:
    """Offer to go to a path that was entered, or say why not."""
    try:
        path = within(typed, roots)
    except UserError as error:
        st.caption(as_text(str(error), 300))
        return
    if path.is_dir():
        st.button(f"Open {as_text(str(path))}", icon=":material/folder_open:", **_goes(path))
    elif st.button(f"Use {as_text(str(path))}", icon=":material/check:"):
        _choose(path)


def _goes(path: Path) -> dict:
    """What makes a button go to a folder."""
    return {"on_click": _go, "args": (str(path),)}


def _go(path: str) -> None:
    st.session_state[AT], st.session_state[SEARCH] = path, ""


def _choose(path: Path) -> None:
    """Choose a folder or file, and show the rest of the page."""
    st.session_state[CHOSEN] = str(path)
    st.rerun()


def _still(path: str | None, roots: tuple[Path, ...]) -> Path | None:
    """A path of the session, if it is there and may be read now; else it is forgotten, and said why."""
    try:
        return within(path, roots) if path else None
    except UserError as error:
        st.session_state.pop(CHOSEN, None)
        st.session_state.pop(AT, None)
        st.warning(as_text(str(error), 300), icon=":material/folder_off:")
        return None


def _allowed(source: str, roots: tuple[Path, ...]) -> Path | None:
    try:
        return within(source, roots)
    except UserError:
        return None


def _set_words(name: str) -> str:
    if name == SHAPES:
        return "shapes · 1,800 pictures that kernelviz paints"
    return f"{name} · {'on this machine' if is_local(name) else 'to be downloaded'}"


@st.cache_data(ttl=10, max_entries=1, show_spinner=False)
def _sources() -> list[str]:
    """The paths that runs were trained on, those of the newest runs first."""
    runs, _ = readable_runs()
    dated = sorted(runs, key=lambda run: -(run.folder / "run.json").stat().st_mtime)
    sources = [str(run.recipe.get("data", "")) for run in dated]
    return list(dict.fromkeys(source for source in sources if source.startswith(("/", "~"))))[:100]


@st_cached
def _listed(path: str, changed: int, roots: tuple[Path, ...]) -> Folder:
    return folders.listed(Path(path), roots)


@st_cached
def _below(path: str, changed: int) -> tuple[int, int, bool]:
    return folders.below(Path(path))
