"""The dashboard: everything that imports streamlit."""
