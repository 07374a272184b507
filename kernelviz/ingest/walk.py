"""The files below a folder: links are followed, loops are not, and what cannot be read is told."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kernelviz.errors import UserError
from kernelviz.ingest.archives import is_hidden

REPORTED = 1000  # entries between two calls of `watch`
MAX_ENTRIES = 5_000_000  # files and folders: links to folders full of links would never end
Chain = tuple | None  # device and number of a folder, then the chain of the folder above it


@dataclass(frozen=True)
class FoundFile:
    """A file, with what the system says of it."""

    path: Path
    size: int  # bytes
    changed: int  # nanoseconds


@dataclass(frozen=True)
class Walked:
    """What lies below a folder: files and folders in sorted order, links that lead to a folder above themselves, and
    what cannot be read, with the reason."""

    files: list[FoundFile] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def walk(folder: Path, watch: Callable[[int], None] | None = None) -> Walked:
    """All that lies below a folder, without hidden files; raises a UserError for more than MAX_ENTRIES.

    Args:
        watch: called now and then with the number of entries so far; what it raises stops the walk.
    """
    found = Walked()
    left: list[tuple[Path, Chain]] = [(folder, (_key(os.stat(folder)), None))]
    n = 0
    while left:
        at, chain = left.pop()
        for entry in _entries(at, found):
            n += 1
            if watch and n % REPORTED == 0:
                watch(n)
            if n > MAX_ENTRIES:
                raise UserError(f"{folder} holds more than {MAX_ENTRIES:,} files and folders; give a smaller folder")
            below = _take(entry, chain, found)
            if below is not None:
                left.append(below)
    found.files.sort(key=lambda file: file.path.parts)
    found.folders.sort()
    return found


def _entries(folder: Path, found: Walked) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        found.unreadable.append((folder, f"the folder cannot be read ({error.strerror}); check its permissions"))
        return []


def _take(entry: os.DirEntry, chain: Chain, found: Walked) -> tuple[Path, Chain] | None:
    """Add a file, a folder or the reason against it to what is found; gives the folder that is to be walked next."""
    path = Path(entry.path)
    try:
        if entry.is_file():
            status = entry.stat()
            found.files.append(FoundFile(path, status.st_size, status.st_mtime_ns))
        elif not entry.is_dir():
            what = "a link that leads nowhere" if entry.is_symlink() else "neither a file nor a folder"
            found.unreadable.append((path, f"it is {what}"))
        elif entry.is_symlink() and _contains(chain, _key(entry.stat())):
            found.loops.append(path)
        else:
            found.folders.append(path)
            return path, (_key(entry.stat()), chain)
    except OSError as error:
        found.unreadable.append((path, f"it cannot be read ({error.strerror}); check its permissions"))
    return None


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _contains(chain: Chain, key: tuple[int, int]) -> bool:
    while chain:
        if chain[0] == key:
            return True
        chain = chain[1]
    return False
