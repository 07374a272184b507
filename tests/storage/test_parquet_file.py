"""Tests of reading some rows of a table."""

import pyarrow as pa
import pytest
from numpy import array
from pyarrow import parquet

from kernelviz.storage.parquet_file import read_rows


@pytest.mark.parametrize("rows", [[], [3], [9, 0, 4, 4, 1]])
def test_some_rows_come_in_the_order_in_which_they_are_asked_for(tmp_path, rows):
    table = pa.table({"n": range(10), "name": [f"no. {n}" for n in range(10)]})
    parquet.write_table(table, tmp_path / "table.parquet", row_group_size=4)
    assert read_rows(tmp_path / "table.parquet", rows=array(rows, int)).equals(table.take(array(rows, int)))
    assert read_rows(tmp_path / "table.parquet", ["n"], array(rows, int))["n"].to_pylist() == rows


def test_rows_that_are_not_there_are_an_error(tmp_path):
    parquet.write_table(pa.table({"n": range(10)}), tmp_path / "table.parquet")
    with pytest.raises(ValueError):
        read_rows(tmp_path / "table.parquet", rows=array([10]))
