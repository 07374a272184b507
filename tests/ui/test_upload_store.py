"""Tests of the upload store: bytes that are stored on disk come back."""

import gc
import os
import tempfile

import pytest

from kernelviz.ui.upload.upload_store import UploadStore


def test_bytes_come_back_in_any_order():
    store, files = UploadStore(), [b"one", b"", bytes(range(256)) * 99]
    for data in files:
        store.append(data)
    assert [store[at] for at in (2, 0, 1)] == [files[2], files[0], files[1]]
    assert len(store) == 3 and store.n_bytes == sum(map(len, files))


def test_nothing_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store = UploadStore()
    store.append(bytes(10**6))
    assert not os.listdir(tmp_path)  # it has no name there
    del store
    gc.collect()
    assert not os.listdir(tmp_path)


def test_what_a_full_disk_has_not_taken_takes_no_space(full_disk):
    store = UploadStore()
    store.append(bytes(500))
    with full_disk(), pytest.raises(OSError):
        store.append(bytes(3000))
    assert os.fstat(store._file.fileno()).st_size == 500 and len(store) == 1
    store.append(b"more")
    assert store[1] == b"more"
