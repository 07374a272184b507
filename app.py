"""The door of the dashboard: `kernelviz app`, or `streamlit run app.py`."""

from kernelviz.ui import shell

shell.open_door()
