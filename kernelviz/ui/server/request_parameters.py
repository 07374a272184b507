"""What an address of ours names: checked, for addresses come from a browser."""

from collections.abc import Callable, Iterable

import numpy as np
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from kernelviz.runs.record import BrokenRun, Run, load_run
from kernelviz.ui.shared import caches

KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


def of_a_run(answer: Callable[[Request, Run], Response]) -> Callable[[Request], Response]:
    """The run that an address names, handed to what answers; an address that is wrong is answered here."""

    def endpoint(request: Request) -> Response:
        name = request.path_params["name"]
        try:
            run = caches.shown(load_run(name))
            if request.path_params["version"] != caches.version(run):
                return PlainTextResponse(f"run {name!r} has changed; reload the page", 404)
            return answer(request, run)
        except FileNotFoundError as error:
            return PlainTextResponse(str(error), 404)
        except BrokenRun as error:
            return PlainTextResponse(str(error), 500)
        except ValueError as error:
            return PlainTextResponse(str(error), 400)

    return endpoint


def number(request: Request, name: str, most: float) -> float:
    """The number of that name in the address; a ValueError says which are allowed."""
    text = request.query_params.get(name, "nothing")
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not abs(value) <= most:
        raise ValueError(f"{name} is a number from {-most:g} to {most:g}, not {text[:40]!r}")
    return value


def one_of(allowed: Iterable[str], text: str) -> str:
    """The text, if it is allowed; else a ValueError says which are."""
    if text not in allowed:
        raise ValueError(f"{text[:40]!r} is none of {', '.join(allowed)}")
    return text
