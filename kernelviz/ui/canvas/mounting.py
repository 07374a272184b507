"""The component itself: its scripts and styles, and how Streamlit puts it onto a page."""

import hashlib
from pathlib import Path

import streamlit as st

FOLDER = Path(__file__).parent
SCRIPTS = {
    path.relative_to(FOLDER / "js").as_posix(): path.read_bytes() for path in sorted((FOLDER / "js").rglob("*.mjs"))
}
STAMP = hashlib.sha256(b"".join(SCRIPTS.values())).hexdigest()[:16]
SCRIPT = f"kernelviz/canvas/{STAMP}/main.mjs"


# The scripts import each other by relative addresses, which a script that Streamlit puts into the page cannot do.
LOADER = """
export default function (component) {
  const module = import(new URL(component.data.scripts, document.baseURI).href)
  module
    .then((canvas) => canvas.render(component))
    .catch((error) => component.setStateValue("failed", String(error)))
  return () => module.then((canvas) => canvas.remove(component.parentElement), () => {})
}
"""


def mounted():
    """The component, registered with the server that runs: when this file is imported, there is none yet."""
    css = (FOLDER / "canvas.css").read_text(encoding="utf-8")
    return st.components.v2.component("kernelviz_canvas", css=css, js=LOADER)
