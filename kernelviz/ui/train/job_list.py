"""The trainings that wait, run or were stopped: how far each is, what may be done with it, and the map as it grows."""

import contextlib
from collections.abc import Callable

import streamlit as st

from kernelviz.disk import runs_folder
from kernelviz.errors import UserError
from kernelviz.jobs import queue, workers
from kernelviz.jobs.folder import Job, State, jobs
from kernelviz.plots.curves import history_figure
from kernelviz.plots.trade_off import trade_off_figure
from kernelviz.search.trials import FILE as TRIALS
from kernelviz.search.trials import load_search, trials_table
from kernelviz.storage.epochs import FILE as FILM
from kernelviz.storage.store import run_names
from kernelviz.tasks.choosing import in_words
from kernelviz.training.files import load_history
from kernelviz.training.standing import Ask
from kernelviz.ui.canvas import film
from kernelviz.ui.shared import page_frame
from kernelviz.ui.shared.labels import as_text
from kernelviz.ui.train.settings import AGAIN

SECONDS = 1.0  # between two looks
BUSY, READY = "jobs seen", "runs made"  # of the session
STAGES = {
    "": "Starting",
    "data": "Reading the data",
    "search": "Finding good settings",
    "prepare": "Finding neighbours or computing features",
    "train": "Training",
    "map": "Placing all of the data",
}
STATES = {
    State.running: ":blue-badge[:material/autorenew: Running]",
    State.waiting: ":gray-badge[:material/hourglass_top: Waiting]",
    State.paused: ":orange-badge[:material/pause: Stopped]",
    State.failed: ":red-badge[:material/error: Failed]",
}
ASKED = {Ask.pause: "Stopping …", Ask.finish: "Finishing …", Ask.cancel: "Cancelling …"}


def show() -> None:
    """Show the trainings, if there are any; a list that looks again by itself, and the one that runs as it grows."""
    workers.start()  # those that waited when the machine was switched off
    found = jobs()
    _say_ready({job.name for job in found})
    if found:
        _list()
        running = [job.name for job in found if job.state == State.running]
        if running:
            _growing(running)


@st.fragment(run_every=SECONDS)
def _list() -> None:
    found = jobs()
    seen = {job.name: job.state for job in found}
    if st.session_state.get(BUSY, seen) != seen:
        st.session_state[BUSY] = seen
        st.rerun()
    st.session_state[BUSY] = seen
    for job in found:
        _row(job)


def _row(job: Job) -> None:
    with st.container(border=True, key=f"job-{job.name}"):
        top = st.container(horizontal=True, vertical_alignment="center", gap="small")
        top.markdown(f"**{as_text(job.name)}** {STATES[job.state]}", width="stretch")
        _buttons(job, top)
        if job.state == State.failed:
            st.error(as_text(job.error or "It ended without a word.", 600), icon=":material/error:")
        elif job.state != State.waiting:
            _progress(job)
        else:
            st.caption("It begins when the one before it is done.")


def _progress(job: Job) -> None:
    at = job.standing
    words = ASKED[job.asked] if job.asked and job.state == State.running else STAGES[at.stage if at else ""]
    if at and at.stage == "train":
        words += f", epoch {at.epoch:,.1f}"
        words += f" · loss {at.loss:.4f}" if at.loss is not None else ""
        if job.state == State.running:
            words += f" · {at.per_second:,.0f} images/s" if at.per_second else ""
            words += f" · {in_words(at.seconds_left)} left" if at.seconds_left else ""
    elif at and at.note:
        words += f": {as_text(at.note)}"
    st.progress(min(1.0, max(0.0, at.share)) if at else 0.0, words)


def _buttons(job: Job, where: st.delta_generator.DeltaGenerator) -> None:
    """The buttons of what may be done with a job now."""
    running = job.state == State.running and not job.asked
    if running and job.standing and job.standing.stage in ("train", "search"):
        help_ = "Make the map now, of what it has"
        _button(where, job, "Finish now", ":material/flag:", queue.finish, help_)
    if running or job.state == State.waiting:
        _button(where, job, "Pause", ":material/pause:", queue.pause, "Stop; nothing is lost")
    if job.state in (State.paused, State.failed):
        _button(where, job, "Go on", ":material/play_arrow:", queue.go_on, "From where it stopped")
        with_others = "Begin anew, with other settings"
        _button(where, job, "Other settings", ":material/tune:", _again, with_others)
    with where.popover("Log", icon=":material/notes:", type="tertiary"):
        st.code(job.log or "It has not said anything yet.", language=None, wrap_lines=True)
    with where.popover("Cancel", icon=":material/close:", type="tertiary"):
        st.markdown(f"End **{as_text(job.name)}** and delete what it has made?")
        _button(st, job, "Cancel the training", ":material/delete:", queue.cancel, None, type="primary")


def _button(where, job: Job, label: str, icon: str, act: Callable[[str], None], help_: str | None, **looks) -> None:
    if where.button(label, icon=icon, key=f"{label}-{job.name}", help=help_, **looks):
        try:
            act(job.name)
        except UserError as error:
            st.toast(as_text(str(error), 300), icon=":material/error:")
        st.rerun()


def _again(name: str) -> None:
    st.session_state[AGAIN] = name


def _growing(running: list[str]) -> None:
    """Show the map of a training that runs, and its curves."""
    name = running[0] if len(running) == 1 else st.segmented_control("Map of", running, default=running[0])
    if not name:
        return
    if (runs_folder() / name / TRIALS).exists() and not (runs_folder() / name / FILM).exists():
        return _search(name)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if film(name, live=True, key=f"film-{name}"):
            st.rerun()
    with right:
        _curves(name)


@st.fragment(run_every=2 * SECONDS)
def _search(name: str) -> None:
    """Show the trials of a search for good settings, if the job began with one."""
    with contextlib.suppress(UserError):
        search = load_search(runs_folder() / name)
        left, right = st.columns([2, 3], gap="large")
        left.plotly_chart(trade_off_figure(search), key=f"trade-off-{name}", config={"displayModeBar": False})
        right.dataframe(trials_table(search), hide_index=True, key=f"trials-{name}", height=260)
    if (runs_folder() / name / FILM).exists():  # the search is over
        st.rerun()


@st.fragment(run_every=2 * SECONDS)
def _curves(name: str) -> None:
    if history := load_history(runs_folder() / name):
        st.plotly_chart(history_figure(history), key=f"live-history-{name}", config={"displayModeBar": False})
        last = history[-1]
        shown = {"validation_5nn": "5-NN on validation", "validation_accuracy": "accuracy on validation"}
        st.caption(" · ".join(f"{words} {100 * last[key]:.1f} %" for key, words in shown.items() if key in last))


def _say_ready(now: set[str]) -> None:
    """Say which trainings became runs while this page was open."""
    ready = [name for name in st.session_state.get(READY, set()) - now if name in run_names()]
    st.session_state[READY] = now
    for name in ready:
        st.session_state.setdefault("ready names", []).append(name)
    for name in st.session_state.get("ready names", []):
        with st.container(horizontal=True, vertical_alignment="center", key=f"ready-{name}"):
            st.markdown(f":material/check_circle: **{as_text(name)}** is ready.", width="content")
            page_frame.link("Explore", "Open its map", run=name)
