"""Results: a report of every figure and table of the paper beside our own, and the commands that reproduce them."""

from collections import Counter
from types import ModuleType

import numpy as np
import pandas as pd
import streamlit as st
from jaxtyping import UInt8
from PIL import Image

from kernelviz.errors import UserError
from kernelviz.evaluation.quality import MEANING, NAMES
from kernelviz.paper import AGREES, EXPERIMENTS, VERDICTS, experiment
from kernelviz.storage.record import BrokenRun, Run
from kernelviz.storage.store import load_run
from kernelviz.ui.shared.labels import message
from kernelviz.ui.shared.page_frame import link, top_bar

MAX_WIDTH = 900  # pixels
MAX_ROWS = 14  # of a table that does not scroll
SCROLLED = 420  # pixels: height of one that does
PICTURE_WIDTHS = {"figure4": 720, "figure5": 900, "figure6": 560, "figure7": 900}  # pixels on the page
COLOURS = dict(zip(VERDICTS, ("green", "blue", "orange", "gray"), strict=True))
LIVE = {  # by part: page, label, and what its address says
    "figure3": [("Kernels", "Kernels and their feature spaces", {})],
    "figure4": [("Kernels", "Receptive fields", {})],
    "figure5": [
        ("Explore", "Map (a)", {"run": "mnist-autoencoder"}),
        ("Explore", "Map (b)", {"run": "mnist-classifier"}),
    ],
    "figure6": [("Probe", "Probe this map", {"run": "mnist-autoencoder"})],
    "table2": [("Depth", "Compare the depths", {})],
    "figure7": [("Depth", "These maps, live", {})],
    "table3": [("Recommend", "The recommender of ML-1M", {"recommender": "ml1m-sparse-fc-2"})],
    "table4": [("Recommend", "Inside the recommender of ML-100K", {"recommender": "ml100k-sparse-fc-2"})],
}


def page(runs: list[Run]) -> None:
    """Show the page."""
    top_bar("The paper's results, and ours")
    found = {part: _rows(experiment(part)) for part in EXPERIMENTS}
    with st.container(width=MAX_WIDTH):
        st.markdown(
            "What the paper *Kernelized Synaptic Weight Matrices* (Muller, Martel, Indiveri, ICML 2018) reports, and "
            "what kernelviz measures."
        )
        _contents(found)
        pictures = [_part(part, rows, {run.name for run in runs}) for part, rows in found.items()]
        with st.expander("What the metrics mean"):
            rows = [{"metric": NAMES[name], "meaning": MEANING[name], "in JSON": name} for name in NAMES]
            st.dataframe(pd.DataFrame(rows), height="content", hide_index=True, key="meaning")
        for part, slot in filter(None, pictures):  # last, for they take a while
            _show_picture(part, slot)


def _rows(module: ModuleType) -> list[dict] | str:
    """The rows of a part, none where it has not been run; or why they cannot be read."""
    try:
        return module.rows()
    except FileNotFoundError:
        return []
    except (BrokenRun, KeyError) as error:
        return f"These results cannot be read: {error}"


def _named(part: str) -> str:
    return f"{part[:-1].capitalize()} {part[-1]}"


def _contents(found: dict[str, list[dict] | str]) -> None:
    lines = ["| | shows | ours beside the paper's |", "|---|---|---|"]
    for part, rows in found.items():
        lines.append(f"| [{_named(part)}](#{part}) | {experiment(part).TITLE} | {_summary(rows)} |")
    st.markdown("\n".join(lines))
    st.caption(
        "*Agrees*: within two standard errors of ours, those between seeds or splits or, of an accuracy, that of "
        "10,000 test images. *Not given*: the paper has no number."
    )


def _summary(rows: list[dict] | str) -> str:
    """How many rows have which verdict, as badges."""
    if not rows or isinstance(rows, str):
        return ":gray-badge[not run here]" if not rows else ":red-badge[cannot be read]"
    counts = Counter(row["verdict"] for row in rows)
    words = {one: "agree" if one == AGREES and counts[one] > 1 else one for one in VERDICTS}
    judged = [f":{COLOURS[one]}-badge[{counts[one]} {words[one]}]" for one in VERDICTS[:-1] if counts[one]]
    return " ".join(judged) or f":{COLOURS[VERDICTS[-1]]}-badge[{VERDICTS[-1]}]"


def _part(part: str, rows: list[dict] | str, runs: set[str]) -> tuple[str, st.delta_generator.DeltaGenerator] | None:
    """Show a part; returns where its picture belongs, if it has one."""
    module = experiment(part)
    st.header(f"{_named(part)}. {module.TITLE}", anchor=part)
    st.markdown(f"**The paper.** {module.SHOWS}")
    if isinstance(rows, str):
        st.warning(message(rows), icon=":material/broken_image:")
        return None
    if not rows:
        st.info("This has not been measured on this machine yet. Run:", icon=":material/terminal:")
        st.code("\n".join(module.COMMANDS), language="bash")
        return None
    if hasattr(module, "VERDICT"):
        st.markdown(f"**Ours.** {module.VERDICT}")
    slot = st.container(width=PICTURE_WIDTHS[part]).empty() if hasattr(module, "picture") else None
    if slot:
        slot.skeleton(height=PICTURE_WIDTHS[part] // 2)
    elif hasattr(module, "figure"):
        st.plotly_chart(module.figure(), key=part, config={"displayModeBar": False}, alt=module.FIGURE)
        st.caption(module.FIGURE)
    height = "content" if len(rows) <= MAX_ROWS else SCROLLED
    st.dataframe(pd.DataFrame(rows), height=height, hide_index=True, column_config={"what": ""}, key=f"rows-{part}")
    st.caption(f"Ours: {module.SPREAD}.")
    _links(part, runs)
    with st.expander("How to reproduce it"):
        st.code("\n".join((*module.COMMANDS, f"kernelviz reproduce {part}")), language="bash")
    return (part, slot) if slot else None


def _links(part: str, runs: set[str]) -> None:
    """Links to the pages that show the part live, if their runs are there."""
    with st.container(horizontal=True):
        for title, label, address in LIVE.get(part, []):
            if runs.issuperset(address.values()):
                link(title, label, **address)


def _show_picture(part: str, slot: st.delta_generator.DeltaGenerator) -> None:
    """Show the picture of a part, with its caption."""
    module = experiment(part)
    versions = tuple(load_run(name).weights_sha256 for name in module.RUNS)
    try:
        slot.image(_picture(part, versions), caption=module.FIGURE, width="stretch", alt=module.FIGURE)
    except UserError as error:
        slot.warning(message(str(error)), icon=":material/broken_image:")


@st.cache_data(max_entries=8, show_spinner=False)
def _picture(part: str, versions: tuple[str, ...]) -> UInt8[np.ndarray, "h w *c"]:
    """The picture at twice the width at which it is shown, for dense screens."""
    picture = Image.fromarray(experiment(part).picture())
    width = min(picture.width, 2 * PICTURE_WIDTHS[part])
    return np.asarray(picture.resize((width, picture.height * width // picture.width), Image.Resampling.LANCZOS))
