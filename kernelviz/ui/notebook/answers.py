"""What the canvas asks for, answered by the dashboard's endpoints in this process, without a server."""

import gzip
from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.routing import BaseRoute, Match, Mount


class Answer(NamedTuple):
    """Status of HTTP, media type, and content."""

    status: int
    kind: str
    content: bytes


def answer(address: str) -> Answer:
    """What the dashboard answers to GET under an address such as /kernelviz/runs/<name>/<version>/points/test."""
    from kernelviz.ui.server.app import ROUTES  # takes a second to import

    parts = urlsplit(address)
    scope = {"type": "http", "method": "GET", "path": unquote(parts.path), "root_path": "", "path_params": {}}
    scope |= {"query_string": parts.query.encode(), "headers": [], "client": None}
    found = _endpoint(ROUTES, scope)
    if not found:
        return Answer(404, "text/plain", b"there is nothing under this address")
    endpoint, scope = found
    response = endpoint(Request(scope))
    packed = response.headers.get("content-encoding") == "gzip"
    content = gzip.decompress(response.body) if packed else bytes(response.body)
    return Answer(response.status_code, response.headers.get("content-type", ""), content)


def _endpoint(routes: Iterable[BaseRoute], scope: dict):
    """The function that answers a request, and its scope with the parameters of the path; None where none does."""
    for route in routes:
        match, more = route.matches(scope)
        if match is Match.FULL:
            inner = scope | more
            if isinstance(route, Mount):
                return _endpoint(route.routes, inner)
            return None if iscoroutinefunction(route.endpoint) else (route.endpoint, inner)
    return None
