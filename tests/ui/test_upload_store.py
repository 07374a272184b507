"""Bytes that are kept on disk come back."""

import gc
import os
import tempfile

from kernelviz.ui.upload.upload_store import UploadStore


def test_bytes_come_back_in_any_order():
    spool, files = UploadStore(), [b"one", b"", bytes(range(256)) * 99]
    for data in files:
        spool.append(data)
    assert [spool[at] for at in (2, 0, 1)] == [files[2], files[0], files[1]]
    assert len(spool) == 3 and spool.n_bytes == sum(map(len, files))


def test_nothing_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spool = UploadStore()
    spool.append(bytes(10**6))
    assert not os.listdir(tmp_path)  # it has no name there
    del spool
    gc.collect()
    assert not os.listdir(tmp_path)
