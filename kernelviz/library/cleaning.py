"""What a process that was killed has left among the runs is removed at the next start."""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from kernelviz.disk import runs_folder
from kernelviz.library.bin import GONE
from kernelviz.library.locks import is_locked

IMPORTING = ".import-"  # first letters of the folder that a file is unpacked into
YOUNG = 10.0  # seconds: what was changed since may still be written


def clean() -> list[Path]:
    """Remove what was not finished: unpacked files, files under a temporary name, runs on their way out of the bin.

    What a process holds the lock of, or has written to in the last seconds, stays. Returns what was removed.
    """
    folder = runs_folder()
    gone = [*folder.glob(f".bin/{GONE}*"), *(one for one in folder.glob(f"{IMPORTING}*") if not is_locked(one))]
    for one in gone:
        shutil.rmtree(one, ignore_errors=True)
    partial = [one for one in (*folder.glob("*.partial"), *folder.glob("*/*.partial")) if _is_left(one)]
    for one in partial:
        with suppress(OSError):
            one.unlink()
    return gone + partial


def _is_left(path: Path) -> bool:
    """Whether nobody writes to a file any more."""
    with suppress(OSError):
        return path.is_file() and time.time() - path.stat().st_mtime > YOUNG and not is_locked(path.parent)
    return False
