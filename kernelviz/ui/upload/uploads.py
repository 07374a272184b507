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

from kernelviz.ingest.archives import MAX_UNPACKED
from kernelviz.ingest.files import Picture, Rejected, all_prepared, opened
from kernelviz.ingest.image_file import Refused, open_image
from kernelviz.ingest.preprocessing import ways
from kernelviz.runs.record import Run
from kernelviz.ui.shared import caches
from kernelviz.ui.upload.upload_store import Spool

MAX_FILES = 100_000  # of a session
NAME = 400  # letters of a file name that are kept
REMEMBERED = 3  # maps besides the one looked at
MAX_ARCHIVE = 500_000_000  # bytes of a .zip


@dataclass
class _Landed:
    """Where the files have landed on one map, as far as it has come."""

    next: int = 0
    tables: list[pd.DataFrame] = field(default_factory=list)
    rejected: dict[int, Rejected] = field(default_factory=dict)


class Uploads:
    """The files of one session. Every file has a number, in the order in which they came.

    The token is known to the session's browser only.
    """

    def __init__(self):
        self.token = secrets.token_urlsafe(16)
        self.turn = 0  # another number when files have gone
        self._names: list[str] = []
        self._refused: dict[int, Refused] = {}
        self._gone: set[int] = set()
        self._batches: set[str] = set()
        self._bytes = Spool()
        self._landed: dict[tuple, _Landed] = {}
        self._lock, self._taking = threading.RLock(), threading.Lock()

    @property
    def total(self) -> int:
        """How many files have come."""
        return len(self._names)

    def take(self, files: Iterable[tuple[str, IOBase]], batch: str | None = None) -> None:
        """Keep some files and those in archives; whether they are pictures shows when they land.

        A batch that was taken before is not taken again. What comes after all were removed is let go.
        """
        with self._taking:
            if batch in self._batches:
                return
            mine = self._bytes
            for name, data in chain.from_iterable(starmap(opened, files)):
                with self._lock:
                    if mine is not self._bytes:
                        return
                    self._keep(name[:NAME], data)
            self._batches |= {batch} if batch else set()

    def _keep(self, name: str, data: bytes | Refused) -> None:
        if self.total > MAX_FILES:
            return
        if self.total == MAX_FILES:
            data = Refused(f"there are {MAX_FILES:,} files already, this and what follows is let go; remove some")
        elif not isinstance(data, Refused) and self._bytes.n_bytes + len(data) > MAX_UNPACKED:
            data = Refused(f"all files together have more than {MAX_UNPACKED / 1e9:.0f} GB; remove all to begin anew")
        try:
            self._bytes.append(b"" if isinstance(data, Refused) else data)
        except OSError as error:
            data = Refused(f"the server has no room for it ({error.strerror}); make room there")
            self._bytes.append(b"")
        if isinstance(data, Refused):
            self._refused[self.total] = data
        self._names.append(name)

    def image(self, number: int) -> tuple[str, Image.Image]:
        """Name of a file and the picture in it; an IndexError says that there is no such file, Refused that it is no
        picture."""
        with self._lock:
            if not 0 <= number < self.total or number in self._gone:
                raise IndexError(f"there is no upload {number} any more; reload the page")
            name, data = self._file(number)
        if isinstance(data, Refused):
            raise data
        return name, open_image(data)

    def _file(self, number: int) -> tuple[str, bytes | Refused]:
        return self._names[number], self._refused.get(number) or self._bytes[number]

    def remove(self, number: int | None = None) -> None:
        """Forget a file; without a number, all of them and their bytes."""
        with self._lock:
            self.turn += 1
            if number is not None:
                self._gone.add(number)
                return
            self._names, self._refused, self._gone, self._bytes = [], {}, set(), Spool()
            self._landed = {}

    def land(self, run: Run, way: str, seconds: float) -> tuple[int, int, pd.DataFrame]:
        """Place the files that are not on the map yet, for some time: how many have been gone through, of how many, and
        the table of those that are on it."""
        with self._lock:
            landed, until = self._landed_on(run, way), time.monotonic() + seconds
            while landed.next < self.total:
                self._land_part(run, way, landed)
                if time.monotonic() > until:
                    break
            return landed.next, self.total, self._table(landed)

    def _land_part(self, run: Run, way: str, landed: _Landed) -> None:
        from kernelviz.evaluation.inference import (
            PART,  # torch takes seconds to import, and the other pages need none of it
        )
        from kernelviz.evaluation.novelty import land
        from kernelviz.ui.shared.network_cache import network_of

        end = min(landed.next + PART, self.total)
        numbers = [number for number in range(landed.next, end) if number not in self._gone]
        preprocess = ways(run.preprocess)[way]
        found = all_prepared(map(self._file, numbers), preprocess)
        results = dict(zip(numbers, found, strict=True))
        taken = {number: one for number, one in results.items() if isinstance(one, Picture)}
        landed.rejected |= {number: one for number, one in results.items() if isinstance(one, Rejected)}
        if taken:
            points = caches.points_of(run)
            landings = land(network_of(run), points, np.stack([picture.pixels for picture in taken.values()]))
            table = landings.table([picture.name for picture in taken.values()], points, run.classes)
            landed.tables.append(table.set_index(pd.Index(list(taken), name="number")))
        landed.next = end

    def landed(self, run: Run, way: str) -> tuple[pd.DataFrame, list[Rejected]]:
        """The table of what has landed so far, by number, and the files that are no pictures."""
        with self._lock:
            landed = self._landed_on(run, way)
            here = [one for number, one in landed.rejected.items() if number not in self._gone]
            return self._table(landed), here

    def _table(self, landed: _Landed) -> pd.DataFrame:
        if len(landed.tables) > 1:
            landed.tables = [pd.concat(landed.tables)]
        table = landed.tables[0] if landed.tables else pd.DataFrame(index=pd.Index([], name="number"))
        return table[~table.index.isin(list(self._gone))]

    def _landed_on(self, run: Run, way: str) -> _Landed:
        """What has landed on a map; the last few maps are remembered."""
        of = (run.name, caches.version(run), way)
        landed = self._landed.pop(of, None) or _Landed()
        self._landed = dict(list(self._landed.items())[-REMEMBERED:]) | {of: landed}
        return landed


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
        raise FileNotFoundError("this session has ended; reload the page") from None
