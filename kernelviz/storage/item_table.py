"""What a run knows of each image beside its coordinates: its name, its file, the columns of the user's own table."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from kernelviz.disk import replacing
from kernelviz.sources.listing import NAME, PATH
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.parquet_file import Rows, read_rows
from kernelviz.storage.record import BrokenRun

FILE = "table.parquet"
MAP_COLUMNS = ("split", "index", "x", "y", "label", "prediction", "confidence", "error", "certainty")  # of `map_table`


def save_item_table(folder: Path, table: pd.DataFrame) -> None:
    """Write table.parquet; its rows are in the order of the map, `file` is empty where there is no file of its own."""
    with replacing(folder / FILE) as partial:
        table.to_parquet(partial, index=False)


def load_item_table(folder: Path, rows: Rows = None) -> pd.DataFrame | None:
    """The table of a run, or some rows of it; None where it has none. A BrokenRun says what is wrong with the file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        table = read_rows(path, rows=rows).to_pandas()
        return table.astype({NAME: str, PATH: str})
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise BrokenRun(f"{path} is no table of a run ({error}); delete it or train the run again") from None


def map_table(points: EmbeddingMap, classes: tuple[str, ...], folder: Path, rows: Rows = None) -> pd.DataFrame:
    """A row for each image of a run's map: what the map says of it, then the columns of the run's own table, if any.

    Args:
        rows: of the map, where `points` are some of it only.
    """
    names = np.array([*classes, None], dtype=object)  # -1 takes the last
    table = pd.DataFrame(
        {
            "split": pd.Categorical.from_codes(points.split, SPLITS[: max(3, int(points.split.max(initial=0)) + 1)]),
            "index": points.index,
            "x": points.x,
            "y": points.y,
            "label": names[points.label],
            "prediction": names[points.prediction],
            "confidence": points.confidence,
            "error": points.error,
            "certainty": points.certainty,
        }
    )
    own = load_item_table(folder, rows)
    if own is None:
        return table
    if len(own) != len(points):
        raise BrokenRun(f"{folder / FILE} has {len(own)} rows for {len(points)} images; train the run again")
    own = own.set_axis(table.index)
    columns = {shown: own[name] for shown, name in own_columns(own, [*MAP_COLUMNS, NAME, PATH]).items()}
    return table.assign(**{NAME: own[NAME], PATH: own[PATH]}).join(pd.DataFrame(columns, index=table.index))


def own_columns(table: pd.DataFrame, taken: Collection[str] = ()) -> dict[str, str]:
    """The user's columns of a table by the name under which they are shown, which none of the taken names is."""
    shown: dict[str, str] = {}
    for column in table.columns:
        if column in (NAME, PATH):
            continue
        name = str(column)
        while name in taken or name in shown:
            name += " (table)"
        shown[name] = column
    return shown
