"""The server: Streamlit and the routes beside it."""
