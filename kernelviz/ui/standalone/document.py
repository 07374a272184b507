"""The document of a page without a server: all that it shows and does is in it, and its policy lets nothing else in."""

import base64
import hashlib
import html
import json
from collections.abc import Mapping

from kernelviz.ui.canvas import FOLDER as CANVAS
from kernelviz.ui.standalone.bundle import FOLDER, bundle


def document(title: str, facts: dict, data: Mapping[str, bytes], folder: bool = False) -> str:
    """The page as HTML.

    Args:
        facts: plain values for the scripts.
        data: bytes by their names, which come into the page in base 64.
        folder: whether more data lie in files beside it, which the page may fetch.
    """
    script = bundle()
    styles = [
        (path / name).read_text(encoding="utf-8") for path, name in ((FOLDER, "page.css"), (CANVAS, "canvas.css"))
    ]
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": " ".join(map(_hash, styles)),
        "img-src": "data: blob:",
        "media-src": "blob: mediastream:",
        "connect-src": "'self'" if folder else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    rules = "; ".join(f"{name} {value}" for name, value in policy.items())
    blocks = "".join(
        f'<script type="text/plain" data-name="{html.escape(name)}">{base64.b64encode(content).decode()}</script>\n'
        for name, content in data.items()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<link rel="icon" href="data:,">\n'
        f"<title>{html.escape(title)}</title>\n<style>{styles[0]}</style>\n</head>\n<body>\n"
        '<noscript>This page needs JavaScript.</noscript>\n<div id="page"></div>\n'
        f'<template id="canvas"><style>{styles[1]}</style></template>\n'
        f'<script type="application/json" id="facts">{_escaped(facts)}</script>\n'
        f"{blocks}<script>{script}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _escaped(facts: dict) -> str:
    """JSON that cannot end its script element, whatever names there are in it."""
    text = json.dumps(facts, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
