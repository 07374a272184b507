"""The door of the dashboard: `kernelviz app`, or `streamlit run app.py`."""

import streamlit as st

from kernelviz.ui import server, shell

if __name__ == "__main__":  # each time that a page is run
    shell.open_door()
else:  # once, when the server starts
    app = st.App(__file__, routes=server.ROUTES)
