"""A table of all points in Parquet. The columns `neighbours` and `image` are as Embedding Atlas takes them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from kernelviz.disk import replacing
from kernelviz.export.pictures import AT_ONCE, pictures_of
from kernelviz.export.points import Exported, exported
from kernelviz.storage.record import Run

GROUP = 2**16  # rows of a row group without pictures
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the table; with `pictures` it has a column `image`, {bytes, path} of each."""
    found = exported(run)
    files = pictures_of(found.run, found.points) if pictures else None
    table = pa.Table.from_pandas(found.table, preserve_index=False).append_column("neighbours", _neighbours(found))
    schema = table.schema.append(pa.field("image", IMAGE)) if files else table.schema
    group = AT_ONCE if files else GROUP
    with replacing(path) as partial, parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
        for start in range(0, len(table), group):
            part = table.slice(start, group)
            if files:
                images = [
                    {"bytes": one, "path": None} if one else None for one in files(np.arange(start, start + len(part)))
                ]
                part = part.append_column(schema.field("image"), pa.array(images, IMAGE))
            writer.write_table(part)
    return path


def _neighbours(found: Exported) -> pa.Array:
    """{ids, distances} of every point; null where it has no coordinates."""
    placed = found.points.placed
    starts = pa.array(np.append(0, np.cumsum(placed)) * found.neighbours.shape[1], pa.int32())
    ids = pa.ListArray.from_arrays(starts, pa.array(found.neighbours[placed].ravel(), pa.int32()))
    distances = pa.ListArray.from_arrays(starts, pa.array(found.distances[placed].ravel(), pa.float32()))
    return pa.StructArray.from_arrays([ids, distances], ["ids", "distances"], mask=pa.array(~placed))
