"""What a browser has uploaded and rated, which stays when its page is loaded again: a session of Streamlit ends then.

The index page gives every browser a cookie (`ui.server.index_page`). What belongs to it stays until the browser
has not been here for an hour, or many others have. Without a cookie, it belongs to the session.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

COOKIE = "kernelviz_browser"
PATIENCE = 3600.0  # seconds without a visit, after which all of a browser is forgotten
MAX_BROWSERS = 500

Kept = TypeVar("Kept")
_lock = threading.Lock()
_browsers: OrderedDict[str, tuple[float, dict[str, object]]] = OrderedDict()  # last visit; the latest is last


def kept(name: str, make: Callable[[], Kept]) -> Kept:
    """What the browser of this session has under a name; made where there is nothing yet."""
    return _of_browser().setdefault(name, st.session_state[name] if name in st.session_state else make())


def _of_browser() -> dict[str, object]:
    cookie = st.context.cookies.get(COOKIE)
    if not cookie:
        return st.session_state.setdefault("browser", {})
    now = time.monotonic()
    with _lock:
        _, mine = _browsers.pop(cookie, (now, {}))
        _browsers[cookie] = (now, mine)
        while _browsers and (len(_browsers) > MAX_BROWSERS or now - next(iter(_browsers.values()))[0] > PATIENCE):
            _browsers.popitem(last=False)
        return mine
