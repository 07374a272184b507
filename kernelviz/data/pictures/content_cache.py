"""What was computed of pictures, on disk by their content: small pictures, and features of a backbone.

A second training on the same pictures, a moved folder or one with more pictures in it computes nothing twice. The cache
is one SQLite file in the data folder; deleting it loses nothing but time.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from jaxtyping import Float16

from kernelviz.disk import data_folder

FILE = "pictures.sqlite"
VERSION = 1  # of what is stored; after a change of it, everything is computed again
WAIT = 60.0  # seconds that a process waits for another one that writes
AT_ONCE = 500  # keys of a query
TABLES = """
create table if not exists stamps (stamp text primary key, hash blob, pages integer, reason text) without rowid;
create table if not exists small (hash blob primary key, picture blob) without rowid;
create table if not exists features
  (backbone text, hash blob, vectors blob, primary key (backbone, hash)) without rowid;
"""

Known = tuple[bytes | None, int, str | None]  # hash of the content, pages, and why it is no picture: None if it is one


class ContentCache:
    """The cache; each call opens the file by itself, so that any thread may use it."""

    def __init__(self, path: Path | None = None):
        self.path = path or data_folder() / f"{VERSION}-{FILE}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as db:
            db.executescript(TABLES)

    def known(self, stamps: Sequence[str]) -> dict[str, Known]:
        """What is known of the contents with these stamps."""
        rows = self._rows("select stamp, hash, pages, reason from stamps where stamp in", stamps)
        return {stamp: (digest, pages, reason) for stamp, digest, pages, reason in rows}

    def with_features(self, backbone: str) -> set[bytes]:
        """The contents of which both the small picture and the features of a backbone are stored."""
        query = "select hash from features join small using (hash) where backbone = ?"
        with closing(self._connect()) as db:
            return {row[0] for row in db.execute(query, (backbone,))}

    def store(
        self,
        backbone: str,
        stamps: Iterable[tuple[str, Known]],
        small: Iterable[tuple[bytes, bytes]],
        features: Iterable[tuple[bytes, Float16[np.ndarray, "views d"]]],
    ) -> None:
        """Store some contents in one transaction: all of it or nothing."""
        with closing(self._connect()) as db, db:
            db.executemany("insert or replace into stamps values (?, ?, ?, ?)", ((s, *known) for s, known in stamps))
            db.executemany("insert or replace into small values (?, ?)", small)
            rows = ((backbone, digest, vectors.tobytes()) for digest, vectors in features)
            db.executemany("insert or replace into features values (?, ?, ?)", rows)

    def features(self, backbone: str, hashes: Sequence[bytes]) -> Iterator[tuple[bytes, Float16[np.ndarray, " m"]]]:
        """The features of contents, all views of each in a row, in any order."""
        query = "select hash, vectors from features where backbone = ? and hash in"
        for digest, vectors in self._rows(query, hashes, backbone):
            yield digest, np.frombuffer(vectors, np.float16)

    def small(self, hashes: Sequence[bytes]) -> Iterator[bytes]:
        """The small picture of each content, as a file's bytes, in order."""
        for start in range(0, len(hashes), AT_ONCE):
            part = hashes[start : start + AT_ONCE]
            found = dict(self._rows("select hash, picture from small where hash in", part))
            yield from (found[digest] for digest in part)

    def _rows(self, query: str, keys: Sequence, *before: str) -> Iterator[tuple]:
        with closing(self._connect()) as db:
            for start in range(0, len(keys), AT_ONCE):
                part = list(dict.fromkeys(keys[start : start + AT_ONCE]))
                yield from db.execute(f"{query} ({','.join('?' * len(part))})", (*before, *part)).fetchall()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=WAIT)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = normal")
        return db
