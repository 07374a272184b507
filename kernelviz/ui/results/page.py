"""Results: every figure and table of the paper beside our own, and the commands that reproduce them."""

import pandas as pd
import streamlit as st

from kernelviz.paper import EXPERIMENTS, experiment
from kernelviz.storage.record import BrokenRun, Run
from kernelviz.ui.shared.page_frame import top_bar

MAX_WIDTH = 900  # pixels


def page(_runs: list[Run]) -> None:
    """Show the page."""
    top_bar("The paper's results, and ours")
    st.markdown(
        "What the paper *Kernelized Synaptic Weight Matrices* (ICML 2018) reports, and what kernelviz measures."
    )
    with st.container(width=MAX_WIDTH):
        for part in EXPERIMENTS:
            _result(part)


def _named(part: str) -> str:
    return f"{part[:-1].capitalize()} {part[-1]}"


def _result(part: str) -> None:
    module = experiment(part)
    st.subheader(f"{_named(part)}. {module.TITLE}", anchor=part)
    try:
        rows = module.rows()
    except FileNotFoundError:
        rows = []
    except (BrokenRun, KeyError) as error:
        st.warning(f"These results cannot be read: {error}", icon=":material/broken_image:")
        return
    if not rows:
        st.info("This experiment has not been run on this machine yet. Run it with:", icon=":material/terminal:")
        st.code("\n".join(module.COMMANDS), language="bash")
        return
    if hasattr(module, "figure"):
        st.plotly_chart(module.figure(), key=part, config={"displayModeBar": False}, alt=module.TITLE)
    st.dataframe(pd.DataFrame(rows), height="content", hide_index=True, column_config={"what": ""}, key=f"rows-{part}")
    st.caption(f"Ours: {module.SPREAD}.")
    if hasattr(module, "VERDICT"):
        st.markdown(module.VERDICT)
    with st.expander("How to reproduce it"):
        st.code("\n".join((*module.COMMANDS, f"kernelviz reproduce {part}")), language="bash")
