"""One entry point for whatever a person brings."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from kernelviz.errors import NotFound, UserError
from kernelviz.ingest.files import RejectedFile
from kernelviz.ingest.image_file import FORMATS
from kernelviz.ingest.tars import GZIP
from kernelviz.sources.arrays import of_arrays
from kernelviz.sources.arrow_files import table_file
from kernelviz.sources.beside import beside
from kernelviz.sources.layout import assigned
from kernelviz.sources.listing import Listing
from kernelviz.sources.manifest import ENDINGS, manifest
from kernelviz.sources.names import check_count, counted, some_of, why_no_picture
from kernelviz.sources.rows import of_rows
from kernelviz.sources.shards import is_saved, saved, with_items
from kernelviz.sources.tree import Tree, archive_tree, folder_tree, is_zip
from kernelviz.text import shown

ALLOWED = (
    f"allowed are a folder of pictures ({', '.join(FORMATS)}), a .zip or .tar of one, a .csv, .tsv, .jsonl or .parquet "
    "table of paths, a .parquet file or a saved data set of Hugging Face with pictures, an .npz of arrays, and vectors "
    "as .npy, .npz or .parquet"
)
TAR = b"ustar"  # at byte 257
Reader = Callable[[Path, str | None], Listing]


def read_source(
    source: str | Path, labels: str | None = None, progress: Callable[[float, str], None] | None = None
) -> Listing:
    """Everything that a source holds: names, classes, splits and a table; pictures are read later, and vectors now.

    Raises NotFound where there is no such file or folder, and a UserError where it is no source, is damaged, or holds
    nothing.

    Args:
        source: path of a folder or a file.
        labels: the column of the table with the classes, or "path:2" where the second level of folders below the source
            (below train, test and the like, where there are such) is the class; None: a column named label, class,
            target or category, or else the first level of folders.
        progress: called while a folder is walked, of which nobody knows the size, with 0 and one line for a person;
            what it raises stops that.
    """
    path = Path(os.path.abspath(Path(source).expanduser()))
    try:
        if not path.exists():
            raise NotFound(f"no file or folder {shown(str(path))}; {ALLOWED}")
        listing = replace(_reader(path, progress)(path, labels), name=shown(path.name))
        _check(listing)
    except UserError as error:
        raise type(error)(shown(str(error))) from error
    except OSError as error:
        raise UserError(
            f"{shown(str(path))} cannot be read ({error.strerror}); check its name and permissions"
        ) from error
    return replace(listing, table=listing.table.apply(_of_one_type))


def _of_one_type(column: pd.Series) -> pd.Series:
    """A column of the table; values of several types, or numbers too large for 64 bits, become texts."""
    of_objects = column.dtype == object and pd.api.types.infer_dtype(column).startswith(("mixed", "integer"))
    return column.map(str, na_action="ignore") if of_objects else column


def _check(listing: Listing) -> None:
    if not len(listing):
        n_files = counted(len(listing.rejected), "file is", "files are")
        left_out = f"; {n_files} left out: {_reasons(listing)}" if listing.rejected else ""
        raise UserError(f"{listing.name} holds nothing that can be read{left_out}; {ALLOWED}")
    if listing.vectors is not None and not listing.vectors.shape[1]:
        raise UserError(f"the vectors in {listing.name} have no numbers; give [n, d] with d of 1 or more")
    if listing.vectors is not None and not np.isfinite(listing.vectors).all():
        row = int(np.argmin(np.isfinite(listing.vectors).all(1)))
        raise UserError(f"the vector of {listing.names[row]} in {listing.name} has values that are no finite numbers")


def _reasons(listing: Listing) -> str:
    return ", ".join(list(dict.fromkeys(file.reason for file in listing.rejected))[:3])


def _reader(path: Path, progress: Callable[[float, str], None] | None) -> Reader:
    """What reads a source, by the ending of its name; the first bytes tell what an archive is."""
    if path.is_dir():
        watch = progress and (lambda n: progress(0.0, f"{n:,} files and folders so far"))
        return saved if is_saved(path) else partial(_of_folder, watch=watch)
    ending = path.suffix.lower()
    if ending in READERS:
        return READERS[ending]
    if path.is_file() and _is_archive(path):
        return _of_archive
    what = f"a {ending} file" if ending else "a file without an ending" if path.is_file() else "no file"
    raise UserError(f"{shown(str(path))} is {what}, and no source; {ALLOWED}")


def _is_archive(path: Path) -> bool:
    with open(path, "rb") as file:
        start = file.read(512)
    return is_zip(path) or start.startswith(GZIP) or start[257:262] == TAR


def _of_parquet(path: Path, labels: str | None) -> Listing:
    return of_rows(shown(path.name), [table_file(path)], labels)


def _of_archive(path: Path, labels: str | None) -> Listing:
    return _of_tree(shown(path.name), archive_tree([path]), labels)


def _of_folder(folder: Path, labels: str | None, watch: Callable[[int], None] | None = None) -> Listing:
    """The pictures of a folder, unless it holds tables with pictures, or nothing but tables or archives."""
    tree = folder_tree(folder, watch)
    name = shown(folder.name)
    bare = all(why_no_picture(one) for one in tree.names)
    parquet = _ending(tree, (".parquet",))
    tables = with_items(folder, [path for path in parquet if path.name.lower() != "metadata.parquet"], not bare)
    if tables:
        listing = of_rows(name, tables, labels)
        return replace(listing, notes=listing.notes + _left_out(len(tree.names) - len(tables)))
    shards = _ending(tree, (".tar", ".tgz", ".tar.gz"))
    if bare and shards:
        return _of_tree(name, archive_tree(shards), labels)
    return _of_tree(name, tree, labels)


def _left_out(n: int) -> list[str]:
    return [f"{counted(n, 'other file is', 'other files are')} left out"] if n else []


def _ending(tree: Tree, endings: tuple[str, ...]) -> list[Path]:
    return [path for path in tree.files if path and path.name.lower().endswith(endings)]


def _of_tree(name: str, tree: Tree, labels: str | None) -> Listing:
    """The pictures of a tree, with what lies beside them."""
    reasons = [why_no_picture(file) for file in tree.names]
    pictures = [at for at, reason in enumerate(reasons) if not reason]
    check_count(len(pictures), name)
    told = beside(tree, pictures, labels)
    left_out = [
        RejectedFile(tree.names[at], reason) for at, reason in enumerate(reasons) if reason and at not in told.used
    ]
    listing = Listing(
        name,
        [tree.names[at] for at in pictures],
        [tree.stamps[at] for at in pictures],
        lambda rows: tree.read([pictures[row] for row in rows]),
        [tree.files[at] for at in pictures],
        (),
        np.full(len(pictures), -1, np.int64),
        np.array([tree.splits[at] for at in pictures], np.int64),
        told.table.reindex(pictures).reset_index(drop=True),
        rejected=tree.rejected + left_out,
        notes=tree.notes + told.notes + _unused(left_out),
    )
    listing = assigned(listing, labels, folders=tree.folders, by_path=True)
    if len(set(tree.shards)) < 2:
        return listing
    return replace(listing, names=[f"{tree.shards[at]}/{tree.names[at]}" for at in pictures])


def _unused(left_out: list[RejectedFile]) -> list[str]:
    """A note on tables that might tell of the pictures."""
    tables = [file.name for file in left_out if file.name.lower().endswith(ENDINGS)]
    if not tables:
        return []
    return [f"tables beside the pictures are not used: {some_of(tables)}; give one by itself, or name it metadata.csv"]


READERS: dict[str, Reader] = {
    ".npz": of_arrays,
    ".npy": of_arrays,
    ".parquet": _of_parquet,
    ".csv": manifest,
    ".tsv": manifest,
    ".jsonl": manifest,
    ".ndjson": manifest,
    ".zip": _of_archive,
    ".tar": _of_archive,
    ".tgz": _of_archive,
}
