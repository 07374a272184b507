"""The entry point of the dashboard: `kernelviz app`, or `streamlit run app.py`."""

import streamlit as st

from kernelviz.ui.server.app import ROUTES, middleware, way_in_of_streamlit
from kernelviz.ui.shared import page_frame

if __name__ == "__main__":  # at each run of a page
    page_frame.show()
else:  # once, when the server starts; Streamlit looks for these words
    app = st.App(__file__, routes=ROUTES, middleware=middleware(way_in_of_streamlit()))
