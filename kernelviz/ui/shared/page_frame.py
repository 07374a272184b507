"""The frame around every page: set-up, navigation, and a bar with the heading and the choice of the run."""

import gc
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Timer

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from kernelviz.disk import own_file, runs_folder
from kernelviz.errors import UserError
from kernelviz.evaluation.depths import depth_of
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import NAME, hidden_runs, of_kind, readable_runs, run_names
from kernelviz.ui.shared import caches, sharing
from kernelviz.ui.shared.labels import aims, message, plain

REGISTERED = "pages"  # in the session, by their titles
DEFAULT_RUN = "mnist-neighbours"
PAGES = {  # title and icon by address
    "": ("Explore", "map"),
    "probe": ("Probe", "my_location"),
    "depth": ("Depth", "layers"),
    "compare": ("Compare", "compare"),
    "upload": ("Upload", "upload"),
    "train": ("Train", "model_training"),
    "runs": ("Runs", "folder_open"),
    "kernels": ("Kernels", "graph_2"),
    "recommend": ("Recommend", "recommend"),
    "results": ("Results", "checklist"),
}
# They choose among the runs themselves, and have their own bar.
PAGES_OF_ALL_RUNS = ("depth", "compare", "train", "runs", "recommend", "results")
HEADINGS = {  # of the other pages, but for Explore, whose heading counts what is shown
    "probe": "Decode any position of the map",
    "upload": "Your own pictures on the map",
    "kernels": "What a kernel layer does",
}
WITHOUT_RUNS = ("train", "runs")  # pages that show themselves where there is no map, too
BROKEN, HIDDEN = "broken runs", "hidden runs"  # of the session: a sentence for each
CHOOSER = 230  # pixels: width of a chooser in the bar
CSS = Path(__file__).with_name("page_frame.css")  # in the page that a browser gets first
SOON = 2.0  # seconds after the first page, in which the browser fetches what it shows
FEW_MODULES = 100  # whose objects are not worth a stop
_frozen = 0  # modules that were imported when their objects were last set aside
awaited: set[str] = set()  # runs that the server was started to show, whose training may be about to begin


def show() -> None:
    """Set the dashboard up and show the chosen page with the chosen run."""
    icon = str(own_file("assets", "icon.png"))
    st.set_page_config(page_icon=icon, layout="wide")  # before the navigation, which would fetch an icon from afar
    st.logo(str(own_file("assets", "logo.svg")), size="large")
    pages = [
        st.Page(
            lambda: _page(address, what),
            title=title,
            icon=f":material/{face}:",
            url_path=url,
            default=not url,
            visibility="hidden" if url == "train" and not sharing.may_train() else "visible",
        )
        for url, (title, face) in PAGES.items()
    ]
    st.session_state[REGISTERED] = {one.title: one for one in pages}
    page = st.navigation(pages, position="top")
    address, title = page.url_path, PAGES[page.url_path][0]
    st.set_page_config(title_of(address))
    st.html(f"<style>:root {{ --page-name: '{title}'; }}</style>")
    runs, st.session_state[BROKEN] = readable_runs()
    st.session_state[HIDDEN] = hidden_runs()
    mapped, asked = of_kind(runs, EmbeddingRun), st.query_params.get("run", "")
    if not address and _is_coming(asked):
        top_bar(f"{plain(asked)} is being trained")
        import_module("kernelviz.ui.explore.growing").growing(asked)
    elif not mapped and address not in WITHOUT_RUNS:
        _invite()
    elif address not in WITHOUT_RUNS and asked and asked not in {run.name for run in mapped}:
        _say_unknown(asked, _default(mapped))
    else:
        what = runs if address in PAGES_OF_ALL_RUNS else _chosen(address, mapped)
        try:
            page.run()
        except UserError as error:
            st.error(message(sharing.for_the_visitor(str(error))), icon=":material/error:")
    freeze_modules()
    _import_what_decodes()


def freeze_modules() -> None:
    """Spare Python the search for garbage among what is imported, once much has been.

    Streamlit has it look through all objects after each run of a page, while nothing else can run: among those of torch
    and the other modules that takes longer than most pages.
    """
    global _frozen
    if len(sys.modules) > _frozen + FEW_MODULES:
        _frozen = len(sys.modules)
        gc.collect()
        gc.freeze()


@cache
def _import_what_decodes() -> None:
    """Have torch imported, which takes seconds, when the first page is there and before an image is decoded."""
    later = Timer(SOON, import_module, ("kernelviz.ui.shared.network_cache",))
    later.daemon = True
    later.start()


def title_of(address: str) -> str:
    """What the tab of the browser says on a page."""
    return f"{PAGES[address][0]} · kernelviz"


def top_bar(heading: str) -> DeltaGenerator:
    """Show the bar of a page: its heading, place for a chooser and a line, and which runs cannot be read."""
    row = st.container(key="bar", horizontal=True, vertical_alignment="center", gap="medium")
    row.title(heading, anchor=False, width="content")
    bar = row.container(key="choice", horizontal=True, vertical_alignment="center", gap="small")
    _tell(row, st.session_state.get(BROKEN), "cannot be read", ":material/broken_image:")
    _tell(row, st.session_state.get(HIDDEN), "hidden", ":material/content_copy:")
    return bar


def _tell(row: DeltaGenerator, reasons: list[str] | None, what: str, icon: str) -> None:
    """Show in the bar how many runs are not as they should be, and behind it the reasons."""
    if not reasons:
        return
    how_many = "1 run" if len(reasons) == 1 else f"{len(reasons)} runs"
    with row.popover(f"{how_many} {what}", icon=icon, type="tertiary"):
        for reason in reasons:
            st.warning(message(sharing.for_the_visitor(reason)))


def choose(bar: DeltaGenerator, label: str, names: list[str], key: str, default: str = "") -> str:
    """Have one of some names chosen in the bar; the address of the page has it, too."""
    first = names.index(default) if default in names else 0
    return bar.selectbox(label, names, first, key=key, bind="query-params", label_visibility="collapsed", width=CHOOSER)


def _page(address: str, what: Run | list[Run]) -> None:
    """Show a page with a run, or with all of them.

    The page is imported here because torch takes seconds to import and Explore shows its map without it.
    """
    import_module(f"kernelviz.ui.{address or 'explore'}.page").page(what)


def _is_coming(name: str) -> bool:
    """Whether a run of that name is being trained, or about to be."""
    if not NAME.fullmatch(name) or name in run_names():
        return False
    return name in awaited or (runs_folder() / name).is_dir()


def _chosen(address: str, runs: list[EmbeddingRun]) -> EmbeddingRun:
    """Show the bar of a page of one run; returns the run that is chosen in it."""
    names = [run.name for run in runs]
    asked = st.session_state.get("run") or st.query_params.get("run") or _default(runs)
    bar = top_bar(_heading(address, runs[names.index(asked)] if asked in names else runs[0]))
    run = runs[names.index(choose(bar, "Run", names, "run", _default(runs)))]
    bar.caption(f"{plain(run.data['name'])}, trained to {aims(run.recipe['objectives'])}", help=_details(run))
    return run


def _default(runs: list[EmbeddingRun]) -> str:
    """The name of the run that is shown where none is asked for."""
    return DEFAULT_RUN if DEFAULT_RUN in {run.name for run in runs} else runs[0].name


def _heading(address: str, run: EmbeddingRun) -> str:
    """What a page of one run is, in a few words."""
    if address in HEADINGS:
        return HEADINGS[address]
    things = "digits" if run.preprocess.name == "digit" else run.unit
    try:
        splits = caches.splits_of(run)
        asked = st.session_state.get("split") or st.query_params.get("split")
        split = asked if asked in splits else "test" if "test" in splits else splits[0]
        return f"A map of {caches.sizes_of(run)[split]:,} {split} {things}"
    except (UserError, IndexError):  # the page says why
        return f"A map of {things}"


def _details(run: EmbeddingRun) -> str:
    """More about a run than fits into a line."""
    rows, columns = run.grid
    return (
        f"**{run.unit.capitalize()}** {plain(run.data['name'])} ({len(run.classes)} classes)  \n"
        + (f"**Backbone** {plain(run.backbone['network'])}, {plain(depth_of(run))}  \n" if run.backbone else "")
        + f"**Trained to** {aims(run.recipe['objectives'])}, {run.recipe['epochs']} epochs  \n"
        f"**Kernel layer** {rows} × {columns} units, Gaussian of width {run.arguments['width']:g}, λ = {run.sparsity:g}"
    )


def _invite() -> None:
    """Say how to train a network, where no run can be read."""
    top_bar("No map yet")
    st.info("There is no trained network yet. Train one in less than a minute, then reload this page:")
    st.code("kernelviz train digits-autoencoder", language="bash")


def _say_unknown(name: str, default: str) -> None:
    """Say that the run in the address cannot be shown, and offer another one."""
    known = NAME.fullmatch(name) and name in run_names()
    top_bar("This run cannot be shown" if known else "No such run")
    why = "cannot be read, or has no map" if known else "is not among the runs on this machine"
    st.warning(f"The address asks for **{plain(name)}**, which {why}.", icon=":material/search_off:")
    st.button(f"Show {default}", on_click=st.query_params.update, args=({"run": default},))


def link(title: str, label: str, **address: str) -> None:
    """Show a link to the page of that title, which keeps the session; keywords go into its address."""
    page = st.session_state[REGISTERED][title]
    st.page_link(page, label=label, icon=page.icon, query_params=address)
