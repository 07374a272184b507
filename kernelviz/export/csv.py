"""A table of all points as CSV for spreadsheets: texts that these would run as formulas begin with an apostrophe."""

import base64
from pathlib import Path

import numpy as np

from kernelviz.disk import replacing
from kernelviz.export.pictures import pictures_of
from kernelviz.export.points import exported
from kernelviz.storage.record import Run
from kernelviz.storage.thumbnails import kind_of
from kernelviz.tables import to_csv


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the table, neighbours as numbers with spaces; with `pictures` it has a column `image` of data URLs."""
    found = exported(run)
    texts = [" ".join(str(row) for row in rows if row >= 0) for rows in found.neighbours.tolist()]
    table = found.table.assign(neighbours=texts)
    if pictures:
        files = pictures_of(found.run, found.points)(np.arange(len(table)))
        table["image"] = [_data_url(file) if file else None for file in files]
    with replacing(path) as partial:
        partial.write_text(to_csv(table), encoding="utf-8", newline="")
    return path


def _data_url(file: bytes) -> str:
    return f"data:{kind_of(file)};base64,{base64.b64encode(file).decode()}"
