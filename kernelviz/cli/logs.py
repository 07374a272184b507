"""What the server of the dashboard writes to standard error: nothing but warnings, or a line for each request."""

import logging
import re
from enum import StrEnum

SECRET = re.compile(r"(/kernelviz/uploads/)[^/]+")  # the token of a session


class Level(StrEnum):
    """The levels of `kernelviz app --log-level`."""

    error = "error"
    warning = "warning"
    info = "info"
    debug = "debug"


class WithoutSecrets(logging.Filter):
    """Takes what only the browser of a visitor should know from the lines of requests: queries, and tokens."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record of uvicorn's: client, method, path, version, status."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, SECRET.sub(r"\1…", str(path).partition("?")[0]), *rest)
        return True


def set_up() -> None:
    """Have no query and no token in the lines of requests."""
    logging.getLogger("uvicorn.access").addFilter(WithoutSecrets())
