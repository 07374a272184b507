"""The map as a Plotly chart, for browsers in which the canvas cannot run."""

import streamlit as st

SIMPLE_MAP = {
    "scrollZoom": True,
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtonsToRemove": ["autoScale2d"],
}


def simple_map_instead(failed: str | None = None) -> bool:
    """Whether this session shows the simple map, and a warning if so; a reason of failure switches to it."""
    if failed:
        st.session_state["canvas failed"] = failed
        st.rerun()
    reason = st.session_state.get("canvas failed")
    if reason:
        text = reason.replace("`", "'")  # the browser sends it, so it is shown as text and not as Markdown
        st.warning(
            f"This is the simple map, because the full map cannot run in this browser: `{text}`", icon=":material/map:"
        )
        st.button("Try the full map again", on_click=lambda: st.session_state.pop("canvas failed"))
    return bool(reason)
