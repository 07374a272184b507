"""The map as a Plotly chart, for browsers in which the canvas cannot run."""

import streamlit as st

SIMPLE_MAP = {
    "scrollZoom": True,
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["autoScale2d"],
}


def simple_map_instead(failed: str | None = None) -> bool:
    """Whether the simple map is to be shown in this session; with a reason, from now on."""
    if failed:
        st.session_state["canvas failed"] = failed
        st.rerun()
    reason = st.session_state.get("canvas failed")
    if reason:
        said = reason.replace("`", "'")  # the browser's word: as text, not as Markdown
        st.warning(f"This is the simple map, for the full one cannot run here: `{said}`", icon=":material/map:")
        st.button("Try the full map again", on_click=lambda: st.session_state.pop("canvas failed"))
    return bool(reason)
