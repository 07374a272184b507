"""What a process that was killed has left among the runs is removed at the next start."""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from kernelviz.disk import is_held, lock, runs_folder
from kernelviz.library.bin import GONE
from kernelviz.storage.store import NAME, run_lock

IMPORTING = ".import-"  # first letters of the folder that a file is unpacked into
IMPORT_LOCK = "import"  # held by the process that unpacks one
YOUNG = 10.0  # seconds: what was changed since may still be written


def clean() -> list[Path]:
    """Remove what was not finished: unpacked files, files under a temporary name, runs on their way out of the bin.

    What a process holds the lock of, or has written to in the last seconds, stays. Returns what was removed.
    """
    folder = runs_folder()
    if not os.access(folder, os.W_OK):
        return []
    gone = [*folder.glob(f".bin/{GONE}*")]
    if (unpacked := [*folder.glob(f"{IMPORTING}*")]) and not is_held(lock(IMPORT_LOCK)):
        gone += unpacked
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
        if path.is_file() and time.time() - path.stat().st_mtime > YOUNG:
            return not (NAME.fullmatch(path.parent.name) and is_held(run_lock(path.parent.name)))
    return False
