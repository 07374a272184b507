"""Answers that take a core for a while come a few at a time: whatever waits for them, the others find a free thread."""

import asyncio
import os
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

Endpoint = Callable[[Request], Response]
CORES = asyncio.Semaphore(os.cpu_count() or 1)  # of all visitors


def in_turn(answer: Endpoint, turns: asyncio.Semaphore = CORES) -> ASGIApp:
    """An endpoint that waits for its turn outside of any thread; for a browser that has left meanwhile nothing is done.

    What it reads of a body it has read before, for the first message of that is lost.
    """

    async def endpoint(request: Request) -> Response:
        async with turns:
            if await request.is_disconnected() or await request.is_disconnected():  # the first asks for the body
                return Response(status_code=499)
            return await run_in_threadpool(answer, request)

    return endpoint
