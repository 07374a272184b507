"""What a run knows of each image beside its coordinates: its name, its file, the columns of the user's own table."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from kernelviz.disk import replacing
from kernelviz.sources.listing import NAME, PATH
from kernelviz.storage.record import BrokenRun

FILE = "table.parquet"


def save_item_table(folder: Path, table: pd.DataFrame) -> None:
    """Write table.parquet; its rows are in the order of the map, `file` is empty where there is no file of its own."""
    with replacing(folder / FILE) as partial:
        table.to_parquet(partial, index=False)


def load_item_table(folder: Path) -> pd.DataFrame | None:
    """The table of a run; None where it has none. A BrokenRun says what is wrong with the file."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        table = pd.read_parquet(path)
        return table.astype({NAME: str, PATH: str})
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise BrokenRun(f"{path} is no table of a run ({error}); delete it or train the run again") from None
