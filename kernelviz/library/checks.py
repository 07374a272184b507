"""Whether the files of a folder are a run that can be opened: each is read as the pages will read it."""

import re
from collections.abc import Callable
from math import prod
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pydantic_core import to_json
from safetensors import SafetensorError, safe_open

from kernelviz.disk import runs_folder
from kernelviz.errors import UserError
from kernelviz.library import notes
from kernelviz.library.portable import BACKBONE, MAP, NEEDED, WEIGHTS
from kernelviz.sources.listing import NAME, PATH
from kernelviz.storage import calibration, epochs, item_table, items, thumbnails
from kernelviz.storage.embedding_map import SPLITS, load_map
from kernelviz.storage.parquet_file import MAX_ROWS
from kernelviz.storage.record import Run, read_run

MAX_COLUMNS = 500
MAX_DECODED = 4_000_000_000  # bytes of a table in memory
MAX_PICTURE = 1_000_000  # bytes of a small picture
MAX_ARGUMENTS = 20_000  # letters of the arguments that make a network
MAX_NUMBERS = 3 * 4096 * 4096  # of an image


class NotImported(UserError):
    """A file holds no run that can be brought in; the message names what is wrong with it."""


def checked_run(folder: Path) -> Run:
    """The run in a folder that anybody may have written; NotImported says in one line what is wrong with it."""
    try:
        run = read_run(folder)
        for name in (WEIGHTS, *NEEDED.get(run.kind, ())):
            if not (folder / name).is_file():
                raise NotImported(f"it has no {name}")
        for name, check in CHECKS.items():
            if (folder / name).is_file():
                _checked(check, run, folder / name)
        _check_sizes(run)
        from kernelviz.library.fitting import check_network  # torch takes seconds to import

        check_network(run)
        return run
    except NotImported:
        raise
    except UserError as error:
        raise NotImported(_reason(str(error), folder)) from None


def _checked(check: Callable[[Run, Path], None], run: Run, path: Path) -> None:
    """Make a check; what the file's own library says against it is told with the name of the file."""
    try:
        check(run, path)
    except UserError:
        raise
    except (pa.ArrowException, SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise NotImported(f"its {path.name} cannot be read ({_reason(str(error), path.parent)})") from None


def _check_weights(run: Run, path: Path) -> None:
    """The header of a file of tensors; safetensors itself holds it against the size of the file."""
    with safe_open(path, "numpy") as file:
        if not file.keys():  # noqa: SIM118  it is no dictionary
            raise NotImported(f"its {path.name} is empty")


def _check_map(run: Run, path: Path) -> None:
    rows = _check_table(path, {"index", "split", "x", "y", "label", "prediction", "confidence"})
    points, classes = load_map(path.parent), len(getattr(run, "classes", ()))
    if rows != len(points) or not rows:
        raise NotImported(f"its {path.name} has no rows")
    for name, values, least, most in (
        ("split", points.split, 0, len(SPLITS)),
        ("label", points.label, -1, classes),
        ("prediction", points.prediction, -1, classes),
        ("index", points.index, 0, MAX_ROWS),
    ):
        if (values < least).any() or (values >= most).any():
            raise NotImported(f"its {path.name} has a {name} that does not exist")


def _check_items(run: Run, path: Path) -> None:
    _check_table(path, {"item", "count", "mean", "x", "y"})
    items.load_items(path.parent)


def _check_item_table(run: Run, path: Path) -> None:
    if _check_table(path, {NAME, PATH}) != _rows(path.with_name(MAP)):
        raise NotImported(f"its {path.name} has not as many rows as its {MAP}")
    item_table.load_item_table(path.parent)


def _check_thumbnails(run: Run, path: Path) -> None:
    if _check_table(path, {"hash", "picture"}, MAX_PICTURE) < _rows(path.with_name(MAP)):
        raise NotImported(f"its {path.name} has fewer rows than its {MAP}")
    with parquet.ParquetFile(path) as file:
        groups = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    if any(n != thumbnails.GROUP for n in groups[:-1]) or groups[-1] > thumbnails.GROUP:
        raise NotImported(f"its {path.name} is not divided into groups of {thumbnails.GROUP} pictures")


def _check_calibration(run: Run, path: Path) -> None:
    _check_weights(run, path)
    calibration.load_calibration(path.parent)


CHECKS: dict[str, Callable[[Run, Path], None]] = {
    WEIGHTS: _check_weights,
    BACKBONE: _check_weights,
    epochs.FILE: lambda run, path: epochs.load_epochs(path.parent) and None,
    MAP: _check_map,
    items.FILE: _check_items,
    item_table.FILE: _check_item_table,
    thumbnails.FILE: _check_thumbnails,
    calibration.FILE: _check_calibration,
    notes.FILE: lambda run, path: notes.load_notes(path) and None,
}


def _rows(path: Path) -> int:
    return parquet.read_metadata(path).num_rows if path.is_file() else 0


def _check_table(path: Path, needed: set[str], longest: int = MAX_DECODED) -> int:
    """Read a table in small parts, without trusting what it says of its size; returns how many rows it has."""
    with parquet.ParquetFile(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    if lacking := needed - set(schema.names):
        raise NotImported(f"its {path.name} has no column {sorted(lacking)[0]!r}")
    if rows > MAX_ROWS or len(schema) > MAX_COLUMNS or len(set(schema.names)) < len(schema):
        raise NotImported(f"its {path.name} is larger than the table of a run")
    texts = [one.name for one in schema if _is_text(one.type)]
    for one in schema:
        if one.name not in texts and not _is_flat(one.type):
            raise NotImported(f"its {path.name} has a column of the type {str(one.type)[:40]}, which no run has")
    decoded = 8 * rows * (len(schema) - len(texts))
    with parquet.ParquetFile(path, read_dictionary=texts) as file:  # a text that is repeated is in memory once
        for batch in file.iter_batches(4096, columns=texts) if texts else ():
            for column in batch.columns:
                lengths = pc.fill_null(pc.binary_length(column.dictionary), 0)
                decoded += pc.sum(lengths.take(column.indices.drop_null())).as_py() or 0
                if (pc.max(lengths).as_py() or 0) > longest:
                    raise NotImported(f"its {path.name} has a picture of more than {longest // 1000} kB")
            if decoded > MAX_DECODED:
                break
    if decoded > MAX_DECODED:
        raise NotImported(f"its {path.name} unpacks to more than {MAX_DECODED / 1e9:.0f} GB")
    return rows


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)


def _is_flat(kind: pa.DataType) -> bool:
    """Whether a column has a number, a date, or a yes or no in each row."""
    if pa.types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    return not isinstance(kind, pa.ExtensionType) and (
        pa.types.is_primitive(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    )


def _check_sizes(run: Run) -> None:
    """That no number of the record alone lets memory run out."""
    if len(to_json(run.network)) > MAX_ARGUMENTS:
        raise NotImported("its network has more arguments than any")
    shapes = [getattr(run, "image_shape", ()), getattr(run, "decoded_shape", ())]
    if preprocess := getattr(run, "preprocess", None):
        shapes.append((preprocess.height, preprocess.width, preprocess.channels))
        if min(shapes[-1]) < 1:
            raise NotImported("its images have no size")
    if max(map(prod, shapes)) > MAX_NUMBERS:
        raise NotImported("its images are larger than any that a network takes")


def _reason(text: str, folder: Path) -> str:
    """What an error says, without the folder that was unpacked into, and without what to do for a run of one's own."""
    text = " ".join(text.replace(f"{folder}/", "its ").replace(str(folder), "it").split())
    text = text.replace(str(runs_folder()), "the folder of runs")
    return re.sub(r"; (delete|train|put)\b[^;]*$", "", text)[:300]
