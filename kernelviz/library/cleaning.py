"""What a process that was killed has left is removed when the dashboard or a training starts."""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from kernelviz.disk import IN_USE, PARTIAL, SCRATCH, data_folder, is_held, lock, runs_folder
from kernelviz.library.bin import GONE
from kernelviz.storage.record import FILE
from kernelviz.storage.store import NAME, run_lock
from kernelviz.training import files

IMPORTING = ".import-"  # first letters of the folder that a file is unpacked into
IMPORT_LOCK = "import"  # held by the process that unpacks one
YOUNG = 10.0  # seconds: what was changed since may still be written
OF_A_TRAINING = {*files.OF_A_TRAINING}


def clean() -> list[Path]:
    """Remove what was not finished: unpacked files, runs and trainings that were being deleted, files under a temporary
    name, files of a training that has become a run, empty folders, and what uploads and downloads have left.

    What a process holds the lock of, or has written to in the last seconds, stays. Returns what was removed.
    """
    return [*_clean_runs(runs_folder()), *_clean_scratch(data_folder())]


def clean_temporary() -> list[Path]:
    """Remove folders for a while that were left among the system's temporary files; returns them."""
    return _clean_scratch(Path(tempfile.gettempdir()))


def _clean_scratch(folder: Path) -> list[Path]:
    gone = []
    for one in folder.glob(f"{SCRATCH}*"):
        with suppress(OSError):
            if _is_mine(one) and _is_old(one) and not is_held(FileLock(one / IN_USE)):
                shutil.rmtree(one)
                gone.append(one)
    return gone


def _is_mine(path: Path) -> bool:
    """Whether this user has made a file, and nobody else who may write in its folder; on Windows nobody else may."""
    return path.lstat().st_uid == getattr(os, "getuid", int)()


def _clean_runs(folder: Path) -> list[Path]:
    if not os.access(folder, os.W_OK):
        return []
    gone = [*folder.glob(f".bin/{GONE}*"), *folder.glob(f".*{files.CANCELLED}")]
    if (unpacked := [*folder.glob(f"{IMPORTING}*")]) and not is_held(lock(IMPORT_LOCK)):
        gone += unpacked
    for one in gone:
        shutil.rmtree(one, ignore_errors=True)
    for one in folder.glob(f"*{PARTIAL}"):
        with suppress(OSError):
            if _is_old(one):
                one.unlink()
                gone.append(one)
    for one in folder.iterdir():
        with suppress(OSError, Timeout):
            if NAME.fullmatch(one.name) and _has_leftovers(one):
                with run_lock(one.name).acquire(timeout=0):
                    gone += _cleaned(one)
    return gone


def _has_leftovers(folder: Path) -> bool:
    """Whether there is something in the folder of a run that may have to go, or nothing; an OSError if it is none."""
    names = {path.name for path in folder.iterdir()}
    return not names or any(name.endswith(PARTIAL) for name in names) or FILE in names and bool(names & OF_A_TRAINING)


def _cleaned(folder: Path) -> list[Path]:
    """Clean the folder of a run, which nobody else may change meanwhile; returns what was removed."""
    gone = [path for path in folder.glob(f"*{PARTIAL}") if _is_old(path)]
    if (folder / FILE).is_file():
        gone += [folder / name for name in OF_A_TRAINING if (folder / name).is_file()]
    for one in gone:
        one.unlink()
    if not any(folder.iterdir()) and (gone or _is_old(folder)):
        folder.rmdir()
        gone.append(folder)
    return gone


def _is_old(path: Path) -> bool:
    """Whether nobody has written there in the last seconds."""
    return time.time() - path.stat().st_mtime > YOUNG
