"""Folders of tables in parts, as Hugging Face writes them: a saved data set, or the Parquet files of its repository."""

import json
from collections.abc import Sequence
from pathlib import Path

from kernelviz.errors import UserError
from kernelviz.sources.arrow_files import TableFile, names_in, table_file
from kernelviz.sources.listing import Listing
from kernelviz.sources.names import split_of, split_of_file
from kernelviz.sources.rows import columns_of, of_rows
from kernelviz.text import shown

SAVED, OF_SPLITS, INFO = "state.json", "dataset_dict.json", "dataset_info.json"


def is_saved(folder: Path) -> bool:
    """Whether a folder is what `save_to_disk` of Hugging Face's library `datasets` writes."""
    return (folder / OF_SPLITS).is_file() or ((folder / INFO).is_file() and any(folder.glob("*.arrow")))


def saved(folder: Path, labels: str | None) -> Listing:
    """The items of a data set or of a dictionary of data sets that `save_to_disk` wrote."""
    folders = [folder]
    if (folder / OF_SPLITS).is_file():
        folders = sorted(path.parent for path in folder.glob(f"*/{SAVED}"))
    files = [file for one in folders for file in _arrow_files(one)]
    if not files:
        raise UserError(f"{folder} has no data-*.arrow files; save the data set with `save_to_disk` again")
    known = [names_in(_json(one / INFO)) for one in folders]
    return of_rows(shown(folder.name), files, labels, known[0])


def _arrow_files(folder: Path) -> list[TableFile]:
    """The files of a data set, in the order in which its state tells them."""
    state = _json(folder / SAVED)
    listed = state.get("_data_files") if isinstance(state.get("_data_files"), list) else []
    names = [Path(str(one.get("filename"))).name for one in listed if isinstance(one, dict)]
    paths = [folder / name for name in names] or sorted(folder.glob("*.arrow"))
    split = split_of(str(state.get("_split")))
    return [table_file(path, split if split >= 0 else split_of_file(Path(path.name))) for path in paths]


def _json(path: Path) -> dict:
    try:
        read = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (ValueError, OSError, RecursionError) as error:
        raise UserError(f"{path} is damaged ({error}); save the data set again") from error
    return read if isinstance(read, dict) else {}


def with_items(folder: Path, paths: Sequence[Path], beside_pictures: bool) -> list[TableFile]:
    """Those Parquet files of a folder that hold pictures or, unless they lie beside pictures, vectors or paths."""
    files = [file for path in paths if (file := _table_file(folder, path, beside_pictures)) is not None]
    kinds = [columns_of(file.schema) for file in files]
    return [
        file
        for file, kind in zip(files, kinds, strict=True)
        if kind.picture or (not beside_pictures and (kind.vector or kind.path))
    ]


def _table_file(folder: Path, path: Path, beside_pictures: bool) -> TableFile | None:
    """The table; None of a damaged file beside pictures, which do not need it."""
    try:
        return table_file(path, split_of_file(path.relative_to(folder)))
    except UserError:
        if beside_pictures:
            return None
        raise
