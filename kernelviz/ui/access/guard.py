"""Who may ask the server: every request and every WebSocket comes through here first.

- Host: only the names of this server are answered, so that a page elsewhere whose name leads here (DNS rebinding) is
  not.
- Origin: only its own pages may ask. Others may link to a page, no more.
- Token: where others than this machine can reach the server, whoever asks has to know its token. It is in the address
  that is opened first, and in a cookie from then on.
- The path under which a proxy serves the dashboard is taken off, whether or not the proxy has done so.
- Answers say that nobody else may frame, sniff, cache or be told of them, and an error names no folder of this machine
  to anybody elsewhere.

What X-Forwarded-Host says counts only as far as it is a name of this server as well.
"""

import gzip
import hmac
import re
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from kernelviz.ui.access.entrance import Entrance
from kernelviz.ui.server.index_page import policy
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.sharing import name_in, parted

PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
OPEN = {"/_stcore/health"}  # says that the server runs, and no more
CLOSED = ("/_stcore/metrics", "/_stcore/agent", "/_stcore/script-health-check")  # to everybody
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private",
}
NO_PAGE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"  # of what is no page of ours
NOT_OURS = "this dashboard does not go by that name; `kernelviz app --allowed-host NAME` adds one"
FOREIGN = "only the dashboard's own pages may ask for that"
LONGEST = 4000  # letters of a path; Python reads no longer numbers, and none of ours is near it
UTF_8 = re.compile(r';\s*charset="?utf-8"?\s*(?:;|$)')  # with punycode a form costs the square of its length
WANTED = "this dashboard needs a token: open the address that `kernelviz app` printed"
ASKS = Path(__file__).with_name("token_page.html")


class Guard:
    """The ASGI middleware that lets in who may ask."""

    def __init__(self, app: ASGIApp, entrance: Entrance):
        self.app, self.entrance = app, entrance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        answer = self._refusal(scope, headers)
        if answer is None:
            scope, answer = self._inside(scope, headers)
        if answer and scope["type"] == "websocket":
            return await WebSocketClose(1008)(scope, receive, send)
        if answer:
            answer.headers["Cache-Control"] = "no-store"
        sealed = _Sealed(send, headers, scope)
        await (answer or self.app)(scope, receive, sealed)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to a request that comes by a name that is not ours, or from a page that is not."""
        hosts = [headers.get("host", ""), *_forwarded(headers)]
        if len(headers.getlist("host")) != 1 or not all(self.entrance.is_ours(name_in(host)) for host in hosts):
            return PlainTextResponse(NOT_OURS, 421)
        if len(scope["path"]) > LONGEST:
            return PlainTextResponse("that address is too long", 414)
        kind = headers.get("content-type", "").lower()
        if kind.count("charset") > len(UTF_8.findall(kind)):
            return PlainTextResponse("only utf-8 is read", 415)
        origin = headers.get("origin")
        if origin is not None and not any(_is_of(origin, host) for host in hosts):
            return PlainTextResponse(FOREIGN, 403)
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not _follows_a_link(scope, headers):
            return PlainTextResponse(FOREIGN, 403)
        return None

    def _inside(self, scope: Scope, headers: Headers) -> tuple[Scope, Response | None]:
        """The request as it is inside, below no path and by the name in its Origin; or what it is answered with."""
        base, path = self.entrance.base_path, scope["path"]
        if base and path == base:
            return scope, _to(f"{base}/", scope["query_string"].decode("latin-1"))
        if not path.startswith(f"{base}/"):
            path = base + path
        inside = path[len(base) :]
        if inside.startswith(CLOSED):
            return scope, PlainTextResponse("not found", 404)
        if self.entrance.token and inside not in OPEN:
            answer = self._asked_for_the_token(scope, path)
            if answer:
                return scope, answer
        # Streamlit compares Origin and Host, and where they differ asks an outside address for its own.
        origin = headers.get("origin")
        changed = [(name, value) for name, value in scope["headers"] if name != b"host"] if origin else scope["headers"]
        if origin:
            changed = [*changed, (b"host", urlsplit(origin).netloc.encode())]
        return scope | {"path": path, "raw_path": quote(path).encode(), "root_path": base, "headers": changed}, None

    def _asked_for_the_token(self, scope: Scope, path: str) -> Response | None:
        """None for a browser that has the cookie; who brings the token gets it."""
        asked = HTTPConnection(scope)
        told = asked.query_params.get("token")
        if told is not None and scope["type"] == "http" and _same(told, self.entrance.token):
            rest = [(name, value) for name, value in parse_qsl(asked.url.query, True) if name != "token"]
            answer = _to(path, urlencode(rest))
            at, safe = self.entrance.base_path or "/", asked.url.scheme == "https"
            answer.set_cookie(self.entrance.cookie, self.entrance.proof, None, None, at, None, safe, True, "lax")
            return answer
        if _same(asked.cookies.get(self.entrance.cookie, ""), self.entrance.proof):
            return None
        if "text/html" not in asked.headers.get("accept", ""):
            return PlainTextResponse(WANTED, 401)
        return HTMLResponse(ASKS.read_text(encoding="utf-8"), 401)


class _Sealed:
    """Sends an answer with the headers of all answers; an error goes elsewhere without the folders of this machine."""

    def __init__(self, send: Send, headers: Headers, scope: Scope):
        client = scope.get("client")
        self.send, self.host = send, [*_forwarded(headers), headers.get("host", "")][0]
        self.safe = scope.get("scheme") == "https"  # a browser complains of some headers elsewhere
        self.here = sharing.is_here(headers, client and client[0])
        self.start: Message | None = None  # of an error, until its text is there
        self.text = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            kind = headers.get("content-type", "")
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if self.safe:
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            headers.setdefault(
                "Content-Security-Policy", policy(self.host) if kind.startswith("text/html") else NO_PAGE
            )
            if message["status"] >= 400 and kind.startswith("text/plain") and not self.here:
                self.start = message
                return
        if self.start and message["type"] == "http.response.body":
            self.text += message.get("body", b"")
            if message.get("more_body"):
                return
            headers = MutableHeaders(scope=self.start)
            if headers.get("content-encoding") == "gzip":
                self.text = gzip.decompress(self.text)
                del headers["content-encoding"]
            text = sharing.without_folders(self.text.decode("utf-8", "replace")).encode()
            headers["Content-Length"] = str(len(text))
            await self.send(self.start)
            message = message | {"body": text}
        await self.send(message)


def _follows_a_link(scope: Scope, headers: Headers) -> bool:
    """Whether a browser opens a page in a tab, as where a link elsewhere leads here."""
    opens = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return opens and scope["type"] == "http" and scope["method"] in ("GET", "HEAD")


def _forwarded(headers: Headers) -> list[str]:
    """The hosts by which a proxy says that it was asked."""
    return [one.strip() for line in headers.getlist("x-forwarded-host") for one in line.split(",")]


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is that of the pages of a host."""
    page = parted(origin)
    here = page and parted(f"{page.scheme}://{host}")
    if not page or not here or page.scheme not in PORTS:
        return False
    port = PORTS[page.scheme]
    return (page.hostname, page.port or port) == (here.hostname, here.port or port)


def _same(told: str, known: str) -> bool:
    return hmac.compare_digest(told.encode("utf-8", "replace"), known.encode())


def _to(path: str, query: str) -> RedirectResponse:
    """A way to a path of this server; never to another, as two slashes would be."""
    return RedirectResponse("/" + quote(path.lstrip("/")) + (f"?{query}" if query else ""), 303)
