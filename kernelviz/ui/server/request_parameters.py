"""The parameters of a request, checked because they come from a browser."""

from collections.abc import Callable, Iterable
from inspect import iscoroutinefunction

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kernelviz.errors import NotFound, UserError
from kernelviz.storage.record import BrokenRun, EmbeddingRun
from kernelviz.storage.store import load_run
from kernelviz.ui.shared import sharing
from kernelviz.ui.shared.map_source import ImageMap, MapSource, map_at

READ_ONLY = "this dashboard is read-only: nothing can be saved, changed or deleted here"
NO_RUN = "there is no such run here; reload the page"
CACHED = {"Cache-Control": "private, max-age=31536000, immutable"}


def of_a_map(answer: Callable[[Request, MapSource], Response]) -> Callable[[Request], Response]:
    """An endpoint that hands the map of an address to `answer`, and answers a wrong address itself."""

    def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            run = load_run(name)
        except NotFound:
            return PlainTextResponse(NO_RUN, 404)
        except BrokenRun as error:
            return PlainTextResponse(str(error), 500)
        try:
            source = map_at(run, request.path_params["version"])
            if source is None:
                return PlainTextResponse(f"run {name!r} has changed; reload the page", 404)
            return answer(request, source)
        except FileNotFoundError as error:
            return PlainTextResponse(str(error), 404)
        except BrokenRun as error:
            return PlainTextResponse(str(error), 500)
        except UserError as error:
            return PlainTextResponse(str(error), 400)

    return endpoint


def of_a_run(answer: Callable[[Request, EmbeddingRun], Response]) -> Callable[[Request], Response]:
    """An endpoint that hands the embedding run of an address to `answer`."""

    def with_run(request: Request, source: MapSource) -> Response:
        if not isinstance(source, ImageMap):
            raise UserError(f"{source.run.name} is a {source.run.kind}; its map has no images")
        return answer(request, source.run)

    return of_a_map(with_run)


def changing(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """An endpoint that writes for others to see or deletes: a dashboard that is read-only answers it with 403."""

    async def endpoint(request: Request) -> Response:
        if sharing.read_only():
            return PlainTextResponse(READ_ONLY, 403)
        if iscoroutinefunction(answer):
            return await answer(request)
        return await run_in_threadpool(answer, request)

    return endpoint


def number(request: Request, name: str, most: float) -> float:
    """The number of that name in the address; a UserError says which numbers are allowed."""
    text = request.query_params.get(name, "nothing")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not abs(value) <= most:
        raise UserError(f"{name} is a number from {-most:g} to {most:g}, not {text[:40]!r}")
    return value


def one_of(allowed: Iterable[str], text: str) -> str:
    """The text, if it is allowed; a UserError says which texts are."""
    if text not in allowed:
        raise UserError(f"{text[:40]!r} is none of {', '.join(allowed)}")
    return text
