"""Small pictures, and the table beside a run."""

import numpy as np
import pandas as pd
import pytest

from kernelviz.storage.item_table import load_item_table, save_item_table
from kernelviz.storage.record import BrokenRun
from kernelviz.storage.thumbnails import GROUP, content_hashes, has_thumbnails, read_thumbnails, save_thumbnails


def test_pictures_come_back_by_their_rows(tmp_path):
    pictures = [(bytes([row % 256] * 16), f"picture {row}".encode()) for row in range(3 * GROUP + 5)]
    assert not has_thumbnails(tmp_path)
    save_thumbnails(tmp_path, iter(pictures))
    assert has_thumbnails(tmp_path)
    rows = [3 * GROUP + 4, 0, GROUP, 5]
    assert read_thumbnails(tmp_path, rows) == [pictures[row][1] for row in rows]
    assert content_hashes(tmp_path) == [digest for digest, _ in pictures]


@pytest.mark.parametrize("rows", [[GROUP], [10**6]])
def test_rows_that_are_not_there_are_a_broken_run(tmp_path, rows):
    save_thumbnails(tmp_path, [(b"h", b"p")])
    with pytest.raises(BrokenRun, match="no readable pictures"):
        read_thumbnails(tmp_path, rows)


def test_damaged_files_are_a_broken_run(tmp_path):
    for name in ("thumbnails.parquet", "table.parquet"):
        (tmp_path / name).write_bytes(b"PAR1 nothing")
    for read in (lambda: read_thumbnails(tmp_path, [0]), lambda: content_hashes(tmp_path)):
        with pytest.raises(BrokenRun):
            read()
    with pytest.raises(BrokenRun, match="no table"):
        load_item_table(tmp_path)


def test_a_table_keeps_its_columns(tmp_path):
    assert load_item_table(tmp_path) is None
    table = pd.DataFrame(
        {
            "name": ["a", "b"],
            "file": ["/a.png", ""],
            "price": [1.5, np.nan],
            "made": pd.to_datetime(["2026-01-02", None]),
        }
    )
    save_item_table(tmp_path, table)
    pd.testing.assert_frame_equal(load_item_table(tmp_path), table, check_dtype=False)
