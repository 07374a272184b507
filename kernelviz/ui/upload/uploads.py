"""What a session has uploaded: the files, on disk, and their positions on the maps that the session shows."""

import os
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import IOBase
from itertools import chain, islice, starmap
from weakref import WeakValueDictionary

import pandas as pd
import streamlit as st
from PIL import Image

from kernelviz.errors import NotFound
from kernelviz.ingest.archives import MAX_UNPACKED
from kernelviz.ingest.files import Picture, RejectedFile, contents, ingest
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import alternatives
from kernelviz.storage.record import EmbeddingRun
from kernelviz.text import shown
from kernelviz.ui.shared import browser_state, caches
from kernelviz.ui.upload.upload_store import UploadStore

MAX_FILES = 100_000  # of a session
MAX_NAME_LENGTH = 400  # letters of a file name; the rest is cut off
MAX_OTHER_MAPS = 3  # whose projections are cached beside those of the map that is shown
MAX_ARCHIVE_BYTES = 500_000_000  # of a .zip


@dataclass
class _Projected:
    """The uploads projected onto one map so far."""

    next: int = 0
    tables: list[pd.DataFrame] = field(default_factory=list)
    rejected: dict[int, RejectedFile] = field(default_factory=dict)


class Uploads:
    """The files of one session, numbered in the order in which they arrive.

    Only the browser of the session knows the token.
    """

    def __init__(self):
        self.token = secrets.token_urlsafe(16)
        self.turn = 0  # changes when files are removed
        self._names: list[str] = []
        self._unreadable: dict[int, UnreadableImage] = {}
        self._removed: set[int] = set()
        self._batches: set[str] = set()
        self._bytes = UploadStore()
        self._projected: dict[tuple, _Projected] = {}
        self._lock, self._adding = threading.RLock(), threading.Lock()

    @property
    def total(self) -> int:
        """How many files have arrived."""
        return len(self._names)

    def add(self, files: Iterable[tuple[str, IOBase]], batch: str | None = None) -> None:
        """Store some files, and those inside archives; `project` finds out which of them are pictures.

        A batch that was added before is not added again. Files that arrive after all were removed are discarded.
        """
        with self._adding:
            if batch in self._batches:
                return
            mine = self._bytes
            for name, data in chain.from_iterable(starmap(contents, files)):
                with self._lock:
                    if mine is not self._bytes:
                        return
                    self._store(shown(name[:MAX_NAME_LENGTH]), data)
            self._batches |= {batch} if batch else set()

    def _store(self, name: str, data: bytes | UnreadableImage) -> None:
        if self.total > MAX_FILES:
            return
        if self.total == MAX_FILES:
            data = UnreadableImage(
                f"there are {MAX_FILES:,} files already, this one and the following are discarded; remove some"
            )
        elif not isinstance(data, UnreadableImage) and self._bytes.n_bytes + len(data) > MAX_UNPACKED:
            data = UnreadableImage(
                f"all files together have more than {MAX_UNPACKED / 1e9:.0f} GB; remove all of them to start again"
            )
        try:
            self._bytes.append(b"" if isinstance(data, UnreadableImage) else data)
        except OSError as error:
            data = UnreadableImage(
                f"the server's disk is full ({error.strerror}); free some space, and choose it again"
            )
            self._bytes.append(b"")
        if isinstance(data, UnreadableImage):
            self._unreadable[self.total] = data
        self._names.append(name)

    def image(self, number: int) -> tuple[str, Image.Image]:
        """The name of a file and the picture in it.

        An IndexError says that there is no such file, an UnreadableImage that it is not a picture.
        """
        with self._lock:
            if not 0 <= number < self.total or number in self._removed:
                raise IndexError(f"there is no upload {number} any more; reload the page")
            name, data = self._file(number)
        if isinstance(data, UnreadableImage):
            raise data
        return name, open_image(data)

    def _file(self, number: int) -> tuple[str, bytes | UnreadableImage]:
        return self._names[number], self._unreadable.get(number) or self._bytes[number]

    def remove(self, number: int | None = None) -> None:
        """Remove a file; without a number, all files and their bytes."""
        with self._lock:
            self.turn += 1
            if number is not None:
                self._removed.add(number)
                return
            self._names, self._unreadable, self._removed, self._bytes = [], {}, set(), UploadStore()
            self._projected = {}

    def project(self, run: EmbeddingRun, preprocessing: str, seconds: float) -> tuple[int, int, pd.DataFrame]:
        """Project files that are not on the map yet, for some seconds.

        Returns how many files are done, how many there are, and the table of those that are on the map.
        """
        with self._lock:
            projected, until = self._projected_on(run, preprocessing), time.monotonic() + seconds
            while projected.next < self.total:
                self._project_part(run, preprocessing, projected)
                if time.monotonic() > until:
                    break
            return projected.next, self.total, self._table(projected)

    def _project_part(self, run: EmbeddingRun, preprocessing: str, projected: _Projected) -> None:
        from kernelviz.evaluation.inference import PART  # torch takes seconds to import; other pages need none of it
        from kernelviz.evaluation.novelty import project_parts
        from kernelviz.ui.shared.network_cache import network_of

        cores = os.cpu_count() or 1
        end = min(projected.next + cores * PART, self.total)
        numbers = [number for number in range(projected.next, end) if number not in self._removed]
        preprocess = alternatives(run.preprocess)[preprocessing]
        files, left = ingest(map(self._file, numbers), preprocess), iter(numbers)
        points, usual, at_once = caches.points_of(run), caches.calibration_of(run), -(-len(numbers) // cores)
        for part, table in project_parts(network_of(run), points, run.classes, files, usual, at_once):
            of = dict(zip(islice(left, len(part)), part, strict=True))
            projected.rejected |= {number: one for number, one in of.items() if isinstance(one, RejectedFile)}
            if table is not None:
                readable = [number for number, one in of.items() if isinstance(one, Picture)]
                projected.tables.append(table.set_index(pd.Index(readable, name="number")))
        projected.next = end

    def projected(self, run: EmbeddingRun, preprocessing: str) -> tuple[pd.DataFrame, list[RejectedFile]]:
        """The table of the uploads projected so far, by their numbers, and the files that were rejected."""
        with self._lock:
            projected = self._projected_on(run, preprocessing)
            rejected = [one for number, one in projected.rejected.items() if number not in self._removed]
            return self._table(projected), rejected

    def _table(self, projected: _Projected) -> pd.DataFrame:
        if len(projected.tables) > 1:
            projected.tables = [pd.concat(projected.tables)]
        table = projected.tables[0] if projected.tables else pd.DataFrame(index=pd.Index([], name="number"))
        return table[~table.index.isin(list(self._removed))]

    def _projected_on(self, run: EmbeddingRun, preprocessing: str) -> _Projected:
        """The uploads projected onto a map; those of the last few maps are cached."""
        of = (run.name, caches.version(run), preprocessing)
        projected = self._projected.pop(of, None) or _Projected()
        self._projected = dict(list(self._projected.items())[-MAX_OTHER_MAPS:]) | {of: projected}
        return projected


_KNOWN: WeakValueDictionary[str, Uploads] = WeakValueDictionary()  # each as long as its browser comes back


def of_session() -> Uploads:
    """The uploads of the browser of the current session."""
    uploads = browser_state.kept("uploads", Uploads)
    _KNOWN[uploads.token] = st.session_state["uploads"] = uploads
    return uploads


def by_token(token: str) -> Uploads:
    """The uploads that a token belongs to; a FileNotFoundError says that their session has ended."""
    try:
        return _KNOWN[token]
    except KeyError:
        raise NotFound("this session has ended; reload the page") from None
