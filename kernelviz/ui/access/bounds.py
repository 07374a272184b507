"""How much one visitor may have at once, how long the server waits for one that is slow, and that its disk is full."""

import asyncio
import errno
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose
from uvicorn.protocols.http.h11_impl import H11Protocol

from kernelviz.ui.shared.browser_state import COOKIE
from kernelviz.ui.shared.sharing import is_loopback

AT_ONCE = 8  # requests of a visitor that are answered at a time; a browser sends six over HTTP 1
WAITING = 200  # that wait for their turn; what comes beyond is refused
PAGES = 32  # open pages of a visitor
ALL_PAGES = 256  # of all visitors
CONNECTIONS = 800  # of all visitors; more are answered with 503
OF_AN_ADDRESS = 400  # of these, open to one machine elsewhere
PATIENCE = 20.0  # seconds in which a connection has to get somewhere: with its headers, its body, or reading the answer
SLOWEST = 10_000  # bytes a second at which a body has to come, once that time is over
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # of a disk, by the system's number
NO_SPACE = "The server's disk is full: free some space there, and try again."
BUSY = "you ask for too much at a time; try again soon"


@dataclass
class _Visitor:
    """A browser, or a machine that sends no cookie."""

    asked: int = 0  # requests that are answered or wait
    pages: int = 0
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))


class Bounds:
    """The ASGI middleware that keeps a visitor from taking what all share."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self._visitors: dict[tuple[str, str], _Visitor] = {}  # those that ask now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        client = scope.get("client") or ("",)
        who = (client[0], HTTPConnection(scope).cookies.get(COOKIE, ""))
        visitor = self._visitors.setdefault(who, _Visitor())
        try:
            if scope["type"] == "http":
                await self._request(visitor, scope, receive, send)
            else:
                await self._page(visitor, scope, receive, send)
        finally:
            if not visitor.asked and not visitor.pages:
                self._visitors.pop(who, None)

    async def _request(self, visitor: _Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        if visitor.asked >= AT_ONCE + WAITING:
            return await PlainTextResponse(BUSY, 429, {"Retry-After": "1"})(scope, receive, send)
        visitor.asked += 1
        try:
            async with visitor.turn:
                await _in_time(self.app, scope, receive, send)
        finally:
            visitor.asked -= 1

    async def _page(self, visitor: _Visitor, scope: Scope, receive: Receive, send: Send) -> None:
        if visitor.pages >= PAGES or sum(one.pages for one in self._visitors.values()) >= ALL_PAGES:
            return await WebSocketClose(1013)(scope, receive, send)
        visitor.pages += 1
        try:
            await self.app(scope, receive, send)
        finally:
            visitor.pages -= 1


class _TooSlow(Exception):
    """The body of a request does not come."""


async def _in_time(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or say that its body comes too slowly, or that there is no space for what it brings."""
    loop = asyncio.get_running_loop()
    waited, got, whole, answered = 0.0, 0, False, False

    async def received() -> Message:
        nonlocal waited, got, whole
        if whole:  # now an answer waits for the end of the connection
            return await receive()
        begun = loop.time()
        try:
            async with asyncio.timeout(PATIENCE + got / SLOWEST - waited):
                message = await receive()
        except TimeoutError:
            raise _TooSlow from None
        waited += loop.time() - begun
        got += len(message.get("body", b""))
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def sent(message: Message) -> None:
        nonlocal answered
        answered = True
        await send(message)

    try:
        await app(scope, received, sent)
    except _TooSlow:
        if not answered:
            headers = {"Connection": "close"}
            await PlainTextResponse("the request comes too slowly", 408, headers)(scope, receive, send)
    except OSError as error:
        if answered or error.errno not in FULL:
            raise
        with suppress(_TooSlow):
            while not whole:  # a browser that is still sending would not see the answer
                await received()
        await PlainTextResponse(NO_SPACE, 507)(scope, receive, send)


class ImpatientProtocol(H11Protocol):
    """uvicorn's protocol, which ends a connection that sends no whole request, or reads no answer, for PATIENCE.

    That of h11 takes no more than 64 kB of headers; the other one has no limit.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        if self.client and not is_loopback(self.client[0]):  # which is a proxy, or nobody to fear
            clients = [one.client for one in self.connections if one.client]
            if sum(host == self.client[0] for host, *_ in clients) > OF_AN_ADDRESS:
                transport.abort()
        self.read = 0  # how often it has read so much of an answer that more could be sent
        self.loop.call_later(PATIENCE, self._watch, None, True, 0, 0)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.read += 1

    def _watch(self, cycle: object, answered: bool, unread: int, read: int) -> None:
        """End the connection if it has got nowhere since these were its last request and what it had read."""
        transport, last = self.transport, self.cycle
        if transport.get_protocol() is not self:  # a WebSocket, which is asked whether it is there
            return
        now = transport.get_write_buffer_size()
        idle = last is cycle and answered and not now
        if idle or (last is cycle and self.read == read and 0 < unread <= now):
            transport.abort()
        elif now or not transport.is_closing():
            done = last is None or last.response_complete
            self.loop.call_later(PATIENCE, self._watch, last, done, now, self.read)
