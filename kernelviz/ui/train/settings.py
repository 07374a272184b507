"""The settings of a new training: what it aims at, its features, grid and length, each with a default from the data."""

import shlex
from dataclasses import replace

import streamlit as st

from kernelviz.errors import UserError
from kernelviz.jobs import queue
from kernelviz.jobs.folder import State, job_of, jobs
from kernelviz.library.settings import same_recipe
from kernelviz.networks.timm_backbones import LITE0
from kernelviz.storage.record import ClassifierRun
from kernelviz.storage.store import NAME, load_mapped, of_kind, readable_runs, run_names
from kernelviz.tasks.choosing import (
    PIXELS,
    aimed,
    aims_for,
    chosen_recipe,
    expected_seconds,
    in_words,
    name_of,
    seconds_of_features,
)
from kernelviz.tasks.embedding import EmbeddingRecipe
from kernelviz.tasks.recipes import recipe_of
from kernelviz.ui.shared.labels import as_text
from kernelviz.ui.train.data_browser import CHOSEN
from kernelviz.ui.train.found import Found

AGAIN = "train_again"  # of the session: name of the run, or of the stopped training, whose settings are taken
OWN = "chosen by the data"
AIMS = {
    "alike": "What looks alike lies together",
    "labelled": "Alike and of one class lies together",
    "classes": "Classes are separated",
    "decoded": "Every position decodes well",
}
AIM_HELP = (
    "**Alike**: no label is used; the neighbours of a picture stay its neighbours. **Alike and of one class**: labels "
    "help. **Classes**: a classifier, whose confusions show. **Decoded**: the autoencoder of the paper."
)
FEATURES_HELP = (
    "What is compared: the pixels themselves, for small grey pictures; else the features of a network that knows "
    "pictures. A name of timm's may be entered, whose weights are on this machine."
)
DEPTH_HELP = "How much of that network is used: all but its classifier, a module (blocks.3), or a number of layers."
GRID_HELP = "Units along each side of the kernel layer. More units: finer maps, and more time."
LAMBDA_HELP = "How much of an activation is clipped away, from 0 to 1. Higher: one sharp bump; lower: a softer map."
WIDTH_HELP = "Width of the kernel, in units of the map, which is 8 wide. Wider: smoother maps."
SEARCH_HELP = (
    "Short trainings try other grids, lambdas, kernel widths and noises within these minutes, judged on the validation "
    "part by the map and by what is decoded; the best settings are trained. The settings above are tried first."
)
EPOCHS_HELP = "How often every picture is shown. More: a better map, up to a point; it can be finished early."


def settings_again() -> EmbeddingRecipe | None:
    """The recipe of the run or job that is to be trained with other settings, if the visitor came here for that."""
    name = st.session_state.get(AGAIN)
    if not name:
        return None
    try:
        if name in _stopped():
            plan = job_of(name).plan
            recipe = recipe_of(plan.kind, plan.recipe)
        else:
            recipe = same_recipe(load_mapped(name))
    except UserError as error:
        st.warning(as_text(str(error), 400), icon=":material/restart_alt:")
        return None
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"With the data and settings of **{as_text(name)}**", width="content")
    row.button("Choose other data", icon=":material/folder_open:", on_click=st.session_state.pop, args=(AGAIN,))
    return recipe


def show(found: Found, again: EmbeddingRecipe | None) -> None:
    """Show the settings for what was found, and the button that starts the training."""
    st.subheader("What to train", anchor=False)
    try:
        default, reason = (again, "the settings that it had") if again else _default(found)
        recipe = _changed(default, found)
        name = _name(found)
        _start(found, name, recipe, recipe == default)
        st.caption(as_text(f"{reason[:1].upper()}{reason[1:]}.", 300))
    except UserError as error:
        st.error(as_text(str(error), 600), icon=":material/block:")


def _default(found: Found) -> tuple[EmbeddingRecipe, str]:
    """The recipe that the data suggest, with the features that are asked for, and the reason."""
    features = None
    if found.listing.has_pictures:
        choices = [OWN, PIXELS, LITE0, *_classifiers()]
        left, right = st.columns(2)
        features = left.selectbox(
            "Features", choices, key="features", accept_new_options=True, help=FEATURES_HELP, bind="query-params"
        )
        features = None if features == OWN else features
        recipe, reason = chosen_recipe(found.source, found.listing, found.sizes, features, None, None)
        if recipe.backbone:
            depth = right.text_input("Depth", placeholder="all but its classifier", key="depth", help=DEPTH_HELP)
            if depth.strip():
                depth = depth.strip()
                recipe = replace(recipe, depth=int(depth) if depth.isdecimal() else depth)
        return recipe, reason
    return chosen_recipe(found.source, found.listing, found.sizes, features, None, None)


def _classifiers() -> list[str]:
    return [run.name for run in of_kind(readable_runs()[0], ClassifierRun)]


def _changed(default: EmbeddingRecipe, found: Found) -> EmbeddingRecipe:
    """The recipe with what is set on the page; the widgets begin anew with other defaults."""
    key = f"{found.source}-{default.backbone}-{default.depth}"
    recipe = default
    aims = aims_for(default, bool(found.classes)) if "neighbours" in default.objectives else []
    if len(aims) > 1:
        aim = st.radio("Aim", aims, format_func=AIMS.get, key=f"aim-{key}", horizontal=True, help=AIM_HELP)
        recipe = aimed(default, aim)
        key = f"{key}-{aim}"
    network = _layer(recipe)
    columns = st.columns(4)
    side = columns[0].number_input("Grid", 8, 64, network["grid"][0], help=GRID_HELP, key=f"grid-{key}", format="%d")
    sparsity = columns[1].number_input(
        "Lambda", 0.0, 0.99, network["sparsity"], 0.05, help=LAMBDA_HELP, key=f"lambda-{key}"
    )
    width = columns[2].number_input(
        "Kernel width", 0.1, 8.0, network["width"], 0.25, help=WIDTH_HELP, key=f"width-{key}"
    )
    epochs = columns[3].number_input(
        "Epochs", 1, 10_000, recipe.epochs, help=EPOCHS_HELP, key=f"epochs-{key}", format="%d"
    )
    chosen = {"grid": (side, side), "sparsity": sparsity, "width": width}
    changed = {name: value for name, value in chosen.items() if value != network[name]}
    return replace(recipe, epochs=int(epochs), network=recipe.network | changed)


def _layer(recipe: EmbeddingRecipe) -> dict:
    """Grid, lambda and kernel width of a recipe, the network's own where it says nothing."""
    return {"grid": (40, 40), "sparsity": 0.95, "width": 2.0} | {
        name: recipe.network[name] for name in ("grid", "sparsity", "width") if name in recipe.network
    }


def _name(found: Found) -> str:
    """The name of the new run: at first that of the data, with a number where it is taken."""
    if st.session_state.get(AGAIN) in _stopped():
        return st.session_state[AGAIN]
    taken = {*run_names(), *(job.name for job in jobs())}
    base = name_of(found.source)
    free = next(name for name in (base, *(f"{base[:60]}-{n}" for n in range(2, 1000))) if name not in taken)
    name = st.text_input("Name", free, key=f"name-{found.source}-{free}", max_chars=64, width=420).strip()
    if not NAME.fullmatch(name):
        st.warning("A name has letters, digits, dots, - and _, and begins with a letter or a digit.")
        return ""
    if name in taken:
        st.warning(f"There is a run or a training **{as_text(name)}** already; choose another name.")
        return ""
    return name


def _stopped() -> set[str]:
    """The names of the jobs that do not run or wait."""
    return {job.name for job in jobs() if job.state in (State.paused, State.failed)}


def _start(found: Found, name: str, recipe: EmbeddingRecipe, is_default: bool) -> None:
    minutes = _search_minutes(recipe)
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    a_picture = _seconds_of_features(recipe.backbone, recipe.weights, recipe.depth, recipe.views, recipe)
    seconds = expected_seconds(recipe, found.n, a_picture)
    if row.button("Start training", type="primary", icon=":material/play_arrow:", disabled=not name, key="start"):
        command = shlex.join(["kernelviz", "map", found.source, "--name", name])
        command += "" if is_default else "  # and the settings of the recipe, chosen on the page Train"
        plan = recipe.plan(0, command, minutes)
        if name in _stopped():
            queue.go_on(name, plan)
        else:
            queue.put(name, plan)
        for chosen in (AGAIN, CHOSEN):
            st.session_state.pop(chosen, None)
        st.rerun()
    after = f", after {minutes:g} minutes of search" if minutes else ""
    row.caption(f"About {in_words(seconds)}{after} on this machine, if it does nothing else", width="content")


def _search_minutes(recipe: EmbeddingRecipe) -> float | None:
    """The budget of a search for good settings before the training; None without one."""
    if "neighbours" not in recipe.objectives:
        return None
    row = st.container(horizontal=True, vertical_alignment="center", gap="medium")
    wanted = row.toggle("Find good settings first", key="search", help=SEARCH_HELP)
    label = "Minutes of search"
    minutes = (
        row.number_input(label, 1, 600, 10, key="minutes", width=160, label_visibility="collapsed") if wanted else 0
    )
    if wanted:
        row.caption("minutes", width="content")
    return float(minutes) or None


@st.cache_data(max_entries=20, show_spinner="Measuring this machine …")
def _seconds_of_features(backbone: str | None, weights: str, depth: int | str, views: int, _recipe) -> float:
    return seconds_of_features(_recipe)
