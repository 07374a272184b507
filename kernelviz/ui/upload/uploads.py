"""What a session has uploaded: the files, on disk; and where they land on the map that it looks at."""

import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import IOBase
from itertools import chain, starmap
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from kernelviz.errors import NotFound
from kernelviz.ingest.archives import MAX_UNPACKED
from kernelviz.ingest.files import Picture, RejectedFile, contents, ingest
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import alternatives
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.upload.upload_store import UploadStore

MAX_FILES = 100_000  # of a session
NAME = 400  # letters of a file name that are kept
REMEMBERED = 3  # maps besides the one looked at
MAX_ARCHIVE = 500_000_000  # bytes of a .zip


@dataclass
class _Projected:
    """Where the files have landed on one map, as far as it has come."""

    next: int = 0
    tables: list[pd.DataFrame] = field(default_factory=list)
    rejected: dict[int, RejectedFile] = field(default_factory=dict)


class Uploads:
    """The files of one session. Every file has a number, in the order in which they came.

    The token is known to the session's browser only.
    """

    def __init__(self):
        self.token = secrets.token_urlsafe(16)
        self.turn = 0  # another number when files have gone
        self._names: list[str] = []
        self._refused: dict[int, UnreadableImage] = {}
        self._gone: set[int] = set()
        self._batches: set[str] = set()
        self._bytes = UploadStore()
        self._projected: dict[tuple, _Projected] = {}
        self._lock, self._adding = threading.RLock(), threading.Lock()

    @property
    def total(self) -> int:
        """How many files have come."""
        return len(self._names)

    def add(self, files: Iterable[tuple[str, IOBase]], batch: str | None = None) -> None:
        """Keep some files and those in archives; whether they are pictures shows when they land.

        A batch that was readable before is not readable again. What comes after all were removed is let go.
        """
        with self._adding:
            if batch in self._batches:
                return
            mine = self._bytes
            for name, data in chain.from_iterable(starmap(contents, files)):
                with self._lock:
                    if mine is not self._bytes:
                        return
                    self._keep(name[:NAME], data)
            self._batches |= {batch} if batch else set()

    def _keep(self, name: str, data: bytes | UnreadableImage) -> None:
        if self.total > MAX_FILES:
            return
        if self.total == MAX_FILES:
            data = UnreadableImage(
                f"there are {MAX_FILES:,} files already, this and what follows is let go; remove some"
            )
        elif not isinstance(data, UnreadableImage) and self._bytes.n_bytes + len(data) > MAX_UNPACKED:
            data = UnreadableImage(
                f"all files together have more than {MAX_UNPACKED / 1e9:.0f} GB; remove all to begin anew"
            )
        try:
            self._bytes.append(b"" if isinstance(data, UnreadableImage) else data)
        except OSError as error:
            data = UnreadableImage(f"the server has no room for it ({error.strerror}); make room there")
            self._bytes.append(b"")
        if isinstance(data, UnreadableImage):
            self._refused[self.total] = data
        self._names.append(name)

    def image(self, number: int) -> tuple[str, Image.Image]:
        """Name of a file and the picture in it; an IndexError says that there is no such file, UnreadableImage that
        it is not a picture."""
        with self._lock:
            if not 0 <= number < self.total or number in self._gone:
                raise IndexError(f"there is no upload {number} any more; reload the page")
            name, data = self._file(number)
        if isinstance(data, UnreadableImage):
            raise data
        return name, open_image(data)

    def _file(self, number: int) -> tuple[str, bytes | UnreadableImage]:
        return self._names[number], self._refused.get(number) or self._bytes[number]

    def remove(self, number: int | None = None) -> None:
        """Forget a file; without a number, all of them and their bytes."""
        with self._lock:
            self.turn += 1
            if number is not None:
                self._gone.add(number)
                return
            self._names, self._refused, self._gone, self._bytes = [], {}, set(), UploadStore()
            self._projected = {}

    def project(self, run: EmbeddingRun, preprocessing: str, seconds: float) -> tuple[int, int, pd.DataFrame]:
        """Place the files that are not on the map yet, for some time: how many have been gone through, of how many, and
        the table of those that are on it."""
        with self._lock:
            projected, until = self._projected_on(run, preprocessing), time.monotonic() + seconds
            while projected.next < self.total:
                self._project_part(run, preprocessing, projected)
                if time.monotonic() > until:
                    break
            return projected.next, self.total, self._table(projected)

    def _project_part(self, run: EmbeddingRun, preprocessing: str, projected: _Projected) -> None:
        from kernelviz.evaluation.inference import (
            PART,  # torch takes seconds to import, and the other pages need none of it
        )
        from kernelviz.evaluation.novelty import project
        from kernelviz.ui.shared.network_cache import network_of

        end = min(projected.next + PART, self.total)
        numbers = [number for number in range(projected.next, end) if number not in self._gone]
        preprocess = alternatives(run.preprocess)[preprocessing]
        found = ingest(map(self._file, numbers), preprocess)
        results = dict(zip(numbers, found, strict=True))
        readable = {number: one for number, one in results.items() if isinstance(one, Picture)}
        projected.rejected |= {number: one for number, one in results.items() if isinstance(one, RejectedFile)}
        if readable:
            points = caches.points_of(run)
            projection = project(network_of(run), points, np.stack([picture.pixels for picture in readable.values()]))
            table = projection.table([picture.name for picture in readable.values()], points, run.classes)
            projected.tables.append(table.set_index(pd.Index(list(readable), name="number")))
        projected.next = end

    def projected(self, run: EmbeddingRun, preprocessing: str) -> tuple[pd.DataFrame, list[RejectedFile]]:
        """The table of what has landed so far, by number, and the files that are no pictures."""
        with self._lock:
            projected = self._projected_on(run, preprocessing)
            here = [one for number, one in projected.rejected.items() if number not in self._gone]
            return self._table(projected), here

    def _table(self, projected: _Projected) -> pd.DataFrame:
        if len(projected.tables) > 1:
            projected.tables = [pd.concat(projected.tables)]
        table = projected.tables[0] if projected.tables else pd.DataFrame(index=pd.Index([], name="number"))
        return table[~table.index.isin(list(self._gone))]

    def _projected_on(self, run: EmbeddingRun, preprocessing: str) -> _Projected:
        """What has landed on a map; the last few maps are remembered."""
        of = (run.name, caches.version(run), preprocessing)
        projected = self._projected.pop(of, None) or _Projected()
        self._projected = dict(list(self._projected.items())[-REMEMBERED:]) | {of: projected}
        return projected


_KNOWN: WeakValueDictionary[str, Uploads] = WeakValueDictionary()  # as long as their sessions live


def of_session() -> Uploads:
    """The uploads of the session that runs."""
    if "uploads" not in st.session_state:
        uploads = Uploads()
        _KNOWN[uploads.token] = st.session_state["uploads"] = uploads
    return st.session_state["uploads"]


def by_token(token: str) -> Uploads:
    """The uploads that a token belongs to; a FileNotFoundError says that their session has ended."""
    try:
        return _KNOWN[token]
    except KeyError:
        raise NotFound("this session has ended; reload the page") from None
