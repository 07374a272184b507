"""The frame around every page: set-up, navigation, and the choice of the run."""

from importlib import import_module

import streamlit as st

from kernelviz.disk import own_file
from kernelviz.errors import UserError
from kernelviz.evaluation.depths import depth_of
from kernelviz.storage.record import EmbeddingRun, Run
from kernelviz.storage.store import NAME, of_kind, readable_runs, run_names
from kernelviz.ui.shared.labels import aims

REGISTERED = "pages"  # in the session, by their titles
DEFAULT_RUN = "mnist-neighbours"
PAGES_OF_ALL_RUNS = ("depth", "recommend", "results")  # they choose among the runs themselves

# Streamlit leaves a wide empty margin above and beside a page, and none between the images of a gallery. The map is as
# high as it is wide, with space for the legend below it.
STYLE = """
<style>
.stMainBlockContainer { padding: 4.2rem 2rem 2rem; }
[data-testid="stImageContainer"] { padding: 0 4px 4px 0; }
.stVerticalBlock.st-key-map { flex: none; aspect-ratio: 1 / 1.08; max-height: max(660px, 75vh); }
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 4.2rem 1rem 2rem; }
  .stVerticalBlock.st-key-map { aspect-ratio: 1 / 1.25; }
}
</style>
"""


def show() -> None:
    """Set the dashboard up and show the chosen page with the chosen run."""
    st.set_page_config(page_title="kernelviz", page_icon=str(own_file("assets", "icon.png")), layout="wide")
    st.logo(str(own_file("assets", "logo.svg")), icon_image=str(own_file("assets", "icon.png")), size="large")
    st.html(STYLE)
    pages = [
        st.Page(lambda: _page("explore", chosen), title="Explore", icon=":material/map:", default=True),
        st.Page(lambda: _page("probe", chosen), title="Probe", icon=":material/my_location:", url_path="probe"),
        st.Page(lambda: _page("depth", runs), title="Depth", icon=":material/layers:", url_path="depth"),
        st.Page(lambda: _page("upload", chosen), title="Upload", icon=":material/upload:", url_path="upload"),
        st.Page(lambda: _page("kernels", chosen), title="Kernels", icon=":material/graph_2:", url_path="kernels"),
        st.Page(lambda: _page("recommend", runs), title="Recommend", icon=":material/recommend:", url_path="recommend"),
        st.Page(lambda: _page("results", runs), title="Results", icon=":material/checklist:", url_path="results"),
    ]
    st.session_state[REGISTERED] = {one.title: one for one in pages}
    page = st.navigation(pages, position="top")
    runs, broken = readable_runs()
    asked = st.query_params.get("run", "")
    if page.url_path == "" and NAME.fullmatch(asked) and asked not in run_names():
        import_module("kernelviz.ui.explore.growing").growing(asked)
        st.stop()
    mapped = of_kind(runs, EmbeddingRun)
    if not mapped:
        _invite(broken)
        st.stop()
    with st.sidebar:
        chosen = None if page.url_path in PAGES_OF_ALL_RUNS else _choose_run(mapped)
        _warn_of_broken(broken)
    try:
        page.run()
    except UserError as error:
        st.error(str(error), icon=":material/error:")


def _page(name: str, what: Run | list[Run]) -> None:
    """Show a page with a run, or with all of them.

    The page is imported here because torch takes seconds to import and Explore shows its map without it.
    """
    import_module(f"kernelviz.ui.{name}.page").page(what)


def _choose_run(runs: list[EmbeddingRun]) -> EmbeddingRun:
    names = [run.name for run in runs]
    first = names.index(DEFAULT_RUN) if DEFAULT_RUN in names else 0
    run = runs[names.index(st.selectbox("Run", names, index=first, key="run", bind="query-params"))]
    _describe(run)
    return run


def _invite(broken: list[str]) -> None:
    """Say how to train a network, where no run can be read."""
    st.info("There is no trained network yet. Train one in less than a minute, then reload this page:")
    st.code("kernelviz train digits-autoencoder", language="bash")
    _warn_of_broken(broken)


def _warn_of_broken(reasons: list[str]) -> None:
    for reason in reasons:
        st.warning(reason, icon=":material/broken_image:")


def _describe(run: EmbeddingRun) -> None:
    rows, columns = run.grid
    st.caption(
        f"**{run.unit.capitalize()}** {run.data['name']} ({len(run.classes)} classes)  \n"
        + (f"**Backbone** {run.backbone['network']}, {depth_of(run)}  \n" if run.backbone else "")
        + f"**Trained to** {aims(run.recipe['objectives'])}, {run.recipe['epochs']} epochs  \n"
        f"**Kernel layer** {rows} × {columns} units, Gaussian of width {run.arguments['width']:g}, λ = {run.sparsity:g}"
    )


def link(title: str, label: str, **address: str) -> None:
    """Show a link to the page of that title, which keeps the session; keywords go into its address."""
    page = st.session_state[REGISTERED][title]
    st.page_link(page, label=label, icon=page.icon, query_params=address)
