"""Whether a folder of runs is in use by another process: a training holds `<folder>/.lock` while it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder meanwhile; a Timeout says that another process holds it."""
    with FileLock(folder / LOCK, timeout=0):
        yield


def is_locked(folder: Path) -> bool:
    """Whether another process holds the lock of a folder."""
    if not (folder / LOCK).exists():
        return False
    try:
        with held(folder):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written is not in use
        return False
