"""Folders and files on disk, and how a file is replaced in one step."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_data_path
from safetensors import SafetensorError

PARTIAL = ".partial"  # last letters of the name of a file that is being written
SCRATCH = ".kernelviz-"  # first letters of the name of a folder for a while
IN_USE = "in-use"  # a lock in it, which its process holds


def own_file(*parts: str) -> Path:
    """A file that travels with kernelviz: inside the installed package, else at the top of the checkout."""
    package = Path(__file__).parent
    inside = package.joinpath(*parts)
    return inside if inside.exists() else package.parent.joinpath(*parts)


def runs_folder() -> Path:
    """Where the user's runs are written: the first of `runs_folders`."""
    return runs_folders()[0]


def runs_folders() -> tuple[Path, ...]:
    """Where the user's runs lie: the folders in KERNELVIZ_RUNS, separated as in PATH, else one in the data folder."""
    chosen = [part for part in os.environ.get("KERNELVIZ_RUNS", "").split(os.pathsep) if part]
    return tuple(Path(part).expanduser() for part in chosen) or (user_data_path("kernelviz", appauthor=False) / "runs",)


def data_folder() -> Path:
    """Where image sets are stored: KERNELVIZ_DATA, else the user's data folder."""
    chosen = os.environ.get("KERNELVIZ_DATA")
    return Path(chosen).expanduser() if chosen else user_data_path("kernelviz", appauthor=False) / "data"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` to write to: it replaces `path` in one step, or is deleted on an error.

    Raises an OSError with the system's number where it cannot be written, also where safetensors has written it.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        yield partial
        os.replace(partial, path)
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if not number:
            raise OSError(f"{path} cannot be written ({error})") from None
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """A folder for a while, inside another or among the system's temporary files.

    `library.cleaning` removes it where its process was killed.
    """
    with (
        tempfile.TemporaryDirectory(prefix=SCRATCH, dir=folder) as made,
        FileLock(Path(made) / IN_USE, thread_local=False),  # another thread may end it
    ):
        yield Path(made)


def lock(name: str) -> FileLock:
    """A lock among the user's runs, beside their folders, which may be moved or deleted while it is held."""
    folder = runs_folder() / ".locks"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make {folder} ({error.strerror}); set KERNELVIZ_RUNS to another folder") from None
    return FileLock(folder / name)


def is_held(one: FileLock) -> bool:
    """Whether a process holds a lock."""
    try:
        with one.acquire(timeout=0):
            return False
    except Timeout:
        return True


def leads() -> bool:
    """Whether this process writes: the user's own, or the first of those that torchrun has started."""
    return os.environ.get("RANK", "0") == "0"
