"""How much memory the files in Streamlit's own choosers take, which it holds for as long as their session is open."""

import re

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime

ADDRESS = re.compile(r"/_stcore/upload_file/([^/]*)/([^/]*)")
OF_A_SESSION, OF_ALL = 500_000_000, 2_000_000_000  # bytes
TOO_MUCH = "there are too many files here already; remove some, or import them with the command"


class ChosenFiles:
    """The ASGI middleware that counts them."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self._sizes: dict[tuple[str, str], int] = {}  # bytes by session and file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["method"]
        found = ADDRESS.fullmatch(scope["path"].removeprefix(scope.get("root_path", ""))) if asked else None
        if not found or asked not in ("PUT", "DELETE"):
            return await self.app(scope, receive, send)
        of, length = found.groups(), Headers(scope=scope).get("content-length", "")
        if asked == "PUT" and not length.isdecimal():
            return await PlainTextResponse("its length is wanted", 411)(scope, receive, send)
        if asked == "PUT" and not self._has_room(of, int(length)):
            return await PlainTextResponse(TOO_MUCH, 413)(scope, receive, send)
        before, self._sizes[of] = self._sizes.get(of, 0), int(length or 0)
        done = False

        async def sent(message: Message) -> None:
            nonlocal done
            done = done or message.get("status", 500) < 300
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            self._sizes[of] = self._sizes.get(of, 0) if done else before
            if not self._sizes[of]:
                del self._sizes[of]

    def _has_room(self, of: tuple[str, str], size: int) -> bool:
        """Whether a session may bring a file; those that have ended have none any more."""
        if runtime.exists():
            open_ = {session for session, _ in self._sizes if runtime.get_instance().is_active_session(session)}
            self._sizes = {one: held for one, held in self._sizes.items() if one[0] in open_}
        others = {one: held for one, held in self._sizes.items() if one != of}
        mine = sum(held for (session, _), held in others.items() if session == of[0])
        return mine + size <= OF_A_SESSION and sum(others.values()) + size <= OF_ALL
