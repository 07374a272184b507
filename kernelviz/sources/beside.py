"""What lies beside pictures and tells of them: metadata files in folders, and WebDataset's files of one key."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pandas as pd

from kernelviz.errors import UserError
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.sources.columns import LABELS, PATHS, column_of
from kernelviz.sources.manifest import flat, read_table
from kernelviz.sources.names import counted, some_of
from kernelviz.sources.tree import Tree
from kernelviz.text import shown

METADATA = ("metadata.csv", "metadata.tsv", "metadata.jsonl", "metadata.parquet")
SIDECARS = (".cls", ".json", ".txt")
MAX_SIDECAR = 1_000_000  # bytes


@dataclass(frozen=True, eq=False)
class Beside:
    """The table beside the files of a tree, by their number in it, the files that it comes from, and notes."""

    table: pd.DataFrame
    used: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def beside(tree: Tree, pictures: Sequence[int], labels: str | None) -> Beside:
    """What is told of the pictures of a tree: by its metadata files, else by the files of the same key in archives."""
    found = [at for at, name in enumerate(tree.names) if PurePosixPath(name).name.lower() in METADATA]
    if found:
        return _of_metadata(tree, pictures, found, labels)
    return _of_sidecars(tree, pictures) if None in tree.files else Beside(pd.DataFrame())


def _of_metadata(tree: Tree, pictures: Sequence[int], found: list[int], labels: str | None) -> Beside:
    at_name = {tree.names[at]: at for at in pictures}
    tables, notes = [], []
    for file in found:
        name = tree.names[file]
        table = read_table(tree.files[file] or _bytes(tree, file), name, labels)
        column = column_of(table.columns, PATHS)
        if column is None:
            notes.append(f"{name} has no column {PATHS[0]}, and is not used")
            continue
        named = [_in_folder(name, str(path)) for path in table[column]]
        tables.append(table.drop(columns=column).set_index(pd.Index([at_name.get(one, -1) for one in named])))
        notes += _notes(name, named, at_name)
    whole = pd.concat(tables) if tables else pd.DataFrame()
    return Beside(whole[(whole.index >= 0) & ~whole.index.duplicated()], set(found), notes)


def _in_folder(table: str, path: str) -> str:
    """The name in the tree of what a table names, relative to its own folder."""
    parts = PurePosixPath(shown(path).replace("\\", "/")).parts
    return (PurePosixPath(table).parent / "/".join(parts)).as_posix()


def _notes(name: str, named: list[str], at_name: dict[str, int]) -> list[str]:
    absent = [one for one in named if one not in at_name]
    twice = [one for one, n in Counter(named).items() if n > 1 and one in at_name]
    notes = []
    if absent:
        notes.append(f"{counted(len(absent), 'row', 'rows')} of {name} without a picture here: {some_of(absent)}")
    if twice:
        notes.append(f"{name} has more than one row for {some_of(twice)}; the first one is used")
    if bare := len(at_name.keys() - set(named)):
        notes.append(f"{counted(bare, 'picture is', 'pictures are')} not in {name}")
    return notes


def _bytes(tree: Tree, at: int) -> bytes:
    (content,) = tree.read([at])
    if isinstance(content, UnreadableImage):
        raise UserError(f"{tree.names[at]} in the archive cannot be read: {content}")
    return content


def _of_sidecars(tree: Tree, pictures: Sequence[int]) -> Beside:
    """A column for each scalar value of the .json files, for the .txt files, and for the .cls files as the label."""
    keys: dict[tuple[str, str], list[int]] = {}
    for at in pictures:
        keys.setdefault((tree.shards[at], key_of(tree.names[at])), []).append(at)
    used = [
        at
        for at, name in enumerate(tree.names)
        if name.lower().endswith(SIDECARS) and (tree.shards[at], key_of(name)) in keys
    ]
    rows: dict[int, dict[str, object]] = {}
    broken = []
    for at, content in zip(used, tree.read(used), strict=True):
        try:
            values = _values(PurePosixPath(tree.names[at]).suffix.lower(), content)
        except (ValueError, RecursionError):
            broken.append(tree.names[at])
            continue
        for picture in keys[tree.shards[at], key_of(tree.names[at])]:
            rows.setdefault(picture, {}).update(values)
    notes = [f"{counted(len(broken), 'file', 'files')} beside pictures cannot be read: {some_of(broken)}"]
    return Beside(pd.DataFrame(list(rows.values()), index=list(rows)), set(used), notes if broken else [])


def key_of(name: str) -> str:
    """What WebDataset calls the key of a file: its path up to the first dot of its name."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _values(ending: str, content: bytes | UnreadableImage) -> dict[str, object]:
    """What a file beside a picture tells, by column."""
    if isinstance(content, UnreadableImage) or len(content) > MAX_SIDECAR:
        raise ValueError("too large or damaged")
    text = content.decode("utf-8-sig").strip()
    if ending == ".json":
        values = flat(json.loads(text))
        label = column_of(values, ("label", "cls", *LABELS))
        return {LABELS[0] if key == label else key: value for key, value in values.items()}
    return {LABELS[0] if ending == ".cls" else "text": text}
