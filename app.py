"""The entry point of the dashboard: `kernelviz app`, or `streamlit run app.py`."""

from kernelviz.ui.server.app import application_of_streamlit
from kernelviz.ui.shared import page_frame

if __name__ == "__main__":  # at each run of a page
    page_frame.show()
else:  # once, when the server starts
    app = application_of_streamlit()
