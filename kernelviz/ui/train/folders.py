"""Folders as the data browser lists them: only what lies below the data roots, links resolved, without hidden files."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.archives import is_hidden
from kernelviz.sources.names import counted
from kernelviz.sources.reading import READERS
from kernelviz.text import shown

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif")
SOURCES = (*READERS, ".gz")  # endings of files that are a source by themselves
MAX_ENTRIES = 200_000  # of a folder
GLANCE_SECONDS, GLANCE_ENTRIES = 0.3, 20_000  # spent on counting in sub-folders, and in all of them at most
BELOW_SECONDS, BELOW_ENTRIES = 0.4, 50_000


@dataclass(frozen=True)
class Entry:
    """A sub-folder, or a file that is a source by itself.

    Args:
        size: of a file, in bytes.
        inside: of a folder, what lies directly in it, in words; empty where nobody has counted.
    """

    name: str
    is_folder: bool
    size: int = 0
    inside: str = ""


@dataclass(frozen=True)
class Folder:
    """What a folder holds.

    Args:
        entries: sub-folders first, each in the order of their names in lower case.
        pictures: names of the pictures in it.
        others: how many files are neither.
        left_out: how many entries lead outside the data roots, cannot be read, or have names that are no text.
    """

    entries: list[Entry]
    pictures: list[str]
    others: int
    left_out: int


def within(path: str | Path, roots: Sequence[Path]) -> Path:
    """The path with all links resolved; NotFound where there is nothing, a UserError outside the roots or if hidden.

    Args:
        roots: resolved paths of folders.
    """
    given = Path(path).expanduser()
    if ".." in given.parts or not given.is_absolute():
        raise UserError(f"{_said(given)} is no whole path; give one from the top, without '..'")
    try:
        real = given.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # nothing there, a null, links in a circle
        raise NotFound(f"there is no {_said(given)} that can be read") from None
    root = root_of(real, roots)
    if root is None:
        raise UserError(f"{_said(given)} is outside the folders that may be read here")
    if is_hidden(real.relative_to(root).as_posix()):
        raise UserError(f"{_said(given)} is hidden; choose another folder")
    return real


def root_of(path: Path, roots: Sequence[Path]) -> Path | None:
    """The innermost of the roots that a resolved path lies in."""
    return max((root for root in roots if path.is_relative_to(root)), key=lambda root: len(root.parts), default=None)


def listed(folder: Path, roots: Sequence[Path]) -> Folder:
    """What lies directly in a folder; a UserError where it cannot be read or holds more than MAX_ENTRIES."""
    found, pictures, others, left_out = [], [], 0, 0
    for entry in _entries(folder, MAX_ENTRIES):
        try:
            entry.name.encode()
            if entry.is_symlink():
                within(entry.path, roots)
            if entry.is_dir():
                found.append(Entry(entry.name, True))
            elif not entry.is_file():
                left_out += 1
            elif entry.name.lower().endswith(PICTURES):
                pictures.append(entry.name)
            elif entry.name.lower().endswith(SOURCES):
                found.append(Entry(entry.name, False, entry.stat().st_size))
            else:
                others += 1
        except (OSError, ValueError):  # a UserError and a UnicodeError are ValueErrors
            left_out += 1
    found.sort(key=lambda one: (not one.is_folder, one.name.lower()))
    return Folder(_glanced(folder, found), sorted(pictures, key=str.lower), others, left_out)


def below(folder: Path) -> tuple[int, int, bool]:
    """How many pictures, and how many files that are a source, lie in a folder and below; and whether that is all.

    Links are not followed.
    """
    until, left, pictures, sources, seen = time.monotonic() + BELOW_SECONDS, [folder], 0, 0, 0
    while left:
        for entry in _quietly(left.pop()):
            seen += 1
            if seen > BELOW_ENTRIES or time.monotonic() > until:
                return pictures, sources, False
            if entry.is_dir(follow_symlinks=False):
                left.append(Path(entry.path))
            else:
                pictures += entry.name.lower().endswith(PICTURES)
                sources += entry.name.lower().endswith(SOURCES)
    return pictures, sources, True


def _entries(folder: Path, most: int) -> Iterator[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            for n, entry in enumerate(entries):
                if n >= most:
                    raise UserError(f"{_said(folder)} holds more than {most:,} files and folders; name it as a path")
                if not is_hidden(entry.name):
                    yield entry
    except OSError as error:
        raise UserError(f"{_said(folder)} cannot be read ({error.strerror})") from None


def _quietly(folder: Path) -> Iterator[os.DirEntry]:
    """The entries of a folder; none where it cannot be read."""
    try:
        yield from _entries(folder, BELOW_ENTRIES)
    except UserError:
        return


def _glanced(folder: Path, entries: list[Entry]) -> list[Entry]:
    """The entries, those of sub-folders with what lies directly in them, as far as the time allows."""
    until, seen, glanced = time.monotonic() + GLANCE_SECONDS, 0, []
    for one in entries:
        if one.is_folder and seen < GLANCE_ENTRIES and time.monotonic() < until:
            kinds = Counter(map(_kind, _quietly(folder / one.name)))
            seen += kinds.total()
            one = replace(one, inside=_words(kinds))
        glanced.append(one)
    return glanced


def _kind(entry: os.DirEntry) -> str:
    if entry.name.lower().endswith(PICTURES):
        return "picture"
    return "folder" if entry.is_dir(follow_symlinks=False) else "file"


def _words(kinds: Counter[str]) -> str:
    told = [kind for kind in ("picture", "folder") if kinds[kind]] or [kind for kind in ("file",) if kinds[kind]]
    return ", ".join(counted(kinds[kind], kind, f"{kind}s") for kind in told) or "empty"


def _said(path: Path) -> str:
    return shown(str(path))[:200]
