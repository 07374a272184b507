"""Tables on disk come back as they were."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from kernelviz.tables import FORMULA, WRITERS, check_ending, write_table

TABLE = pd.DataFrame(
    {
        "name": ["a.png", '三, "b".png'],
        "x": np.array([0.1, np.nan], np.float32),
        "prediction": ["7", None],
        "novel": [False, True],
        "nearest_index": [3, -1],
    }
)
READERS = {
    ".json": lambda path: pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))),
    ".csv": lambda path: pd.read_csv(path, dtype={"prediction": str}),
    ".parquet": pd.read_parquet,
    ".npz": lambda path: pd.DataFrame(dict(np.load(path, allow_pickle=False))),
}


def test_every_ending_is_read_here():
    assert set(READERS) == set(WRITERS)


@pytest.mark.parametrize("ending", READERS)
def test_a_table_comes_back_from_disk(tmp_path, ending):
    path = tmp_path / f"table{ending}"
    write_table(TABLE, path)
    back = READERS[ending](path)
    assert back.columns.tolist() == TABLE.columns.tolist() and list(tmp_path.iterdir()) == [path]
    for name in ("name", "novel", "nearest_index"):
        assert back[name].tolist() == TABLE[name].tolist()
    assert back["x"][0] == pytest.approx(TABLE["x"][0], rel=1e-6) and np.isnan(back["x"][1])
    assert back["prediction"][0] == "7" and (back["prediction"][1] == "" or pd.isna(back["prediction"][1]))


@pytest.mark.parametrize("name", ["table.xlsx", "table", "table.csv.gz", "table.CSV", ".csv"])
def test_another_ending_is_refused_with_the_allowed_ones(tmp_path, name):
    path = tmp_path / name
    for refuse in (lambda: check_ending(path), lambda: write_table(pd.DataFrame({"a": [1]}), path)):
        with pytest.raises(ValueError, match="a table can be written as .csv, .parquet, .json, .npz"):
            refuse()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", READERS)
def test_a_full_disk_leaves_the_old_table(tmp_path, full_disk, ending):
    path = tmp_path / f"table{ending}"
    path.write_bytes(b"old")
    large = pd.DataFrame({"prediction": ["a"] * 5000, "x": np.random.default_rng(0).random(5000)})
    with full_disk(), pytest.raises(OSError):
        write_table(large, path)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_no_text_of_a_csv_is_a_formula(tmp_path):
    texts = [f"{first}cmd|' /C calc'!A0" for first in FORMULA]
    table = pd.DataFrame({"=1+1": texts, "x": -1.0, "kind": pd.Categorical(texts)})
    write_table(table, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["'=1+1", "x", "kind"] and rows == [[f"'{text}", "-1.0", f"'{text}"] for text in texts]
