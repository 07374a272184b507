"""The files of a folder, or of one or more archives, by their path in it."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from kernelviz.errors import UserError
from kernelviz.ingest.archives import BROKEN, STARTS, Member, list_zip, read_zip
from kernelviz.ingest.files import Content, RejectedFile, content_of
from kernelviz.ingest.image_file import UnreadableImage
from kernelviz.ingest.tars import list_tar, read_tar
from kernelviz.ingest.walk import walk
from kernelviz.sources.listing import Read
from kernelviz.sources.names import split_of, split_of_file, stamp, stamp_of
from kernelviz.text import shown


@dataclass(frozen=True, eq=False)
class Tree:
    """All files of a source, pictures or not.

    Args:
        names: of each file: its path in the folder or in its archive.
        stamps, files, read: as in a Listing.
        shards: name of the archive of each file; empty where it is in none.
        splits: number of the split that the name of its archive says; -1 where it says none.
        folders: paths of all folders, empty ones too.
        rejected, notes: as in a Listing.
    """

    names: list[str]
    stamps: list[str]
    files: list[Path | None]
    read: Read
    shards: list[str]
    splits: list[int]
    folders: list[str]
    rejected: list[RejectedFile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def folder_tree(folder: Path, watch: Callable[[int], None] | None = None) -> Tree:
    """The files below a folder; links are followed, except for those that lead to a folder above themselves.

    Args:
        watch: as in `walk`.
    """
    found = walk(folder, watch)

    def name(path: Path) -> str:
        return shown(path.relative_to(folder).as_posix())

    paths = [file.path for file in found.files]
    loops = [f"a symlink loops: {name(path)} -> {shown(os.readlink(path))}; it is not followed" for path in found.loops]
    return Tree(
        [name(path) for path in paths],
        [stamp(file.path, file.size, file.changed) for file in found.files],
        list(paths),
        lambda rows: (content_of(paths[row]) for row in rows),
        [""] * len(paths),
        [-1] * len(paths),
        [name(path) for path in found.folders],
        [RejectedFile(name(path), reason) for path, reason in found.unreadable],
        loops,
    )


def archive_tree(paths: Sequence[Path]) -> Tree:
    """The files in one or more archives; their names say a split where there are more.

    A folder that holds all others is left out of the names, unless it is one of a split: it is what was packed.
    """
    listed = [(shard, member) for shard, path in enumerate(paths) for member in _list(path)]
    folders = [_name(member) for _, member in listed if member.is_folder]
    skipped = [RejectedFile(_name(member), member.problem) for _, member in listed if member.problem]
    found = [(shard, member) for shard, member in listed if not member.is_folder and not member.problem]
    top = os.path.commonpath([path.parent for path in paths])
    stamps, within = [stamp_of(path) for path in paths], [Path(os.path.relpath(path, top)) for path in paths]
    splits = [split_of_file(path) if len(paths) > 1 else -1 for path in within]
    tree = Tree(
        [_name(member) for _, member in found],
        [f"{stamps[shard]}:{shown(member.name)}:{member.mark}:{member.size}" for shard, member in found],
        [None] * len(found),
        lambda rows: _contents(paths, [found[row] for row in rows]),
        [shown(within[shard].as_posix()) for shard, _ in found],
        [splits[shard] for shard, _ in found],
        folders,
        skipped,
    )
    return _without_wrapper(tree)


def _list(path: Path) -> list[Member]:
    try:
        return list_zip(path) if is_zip(path) else list_tar(path)
    except UnreadableImage as error:
        raise UserError(f"{path}: {error}") from error


def is_zip(path: Path) -> bool:
    """Whether the first bytes are those of a .zip."""
    with open(path, "rb") as file:
        return file.read(4).startswith(STARTS)


def _contents(paths: Sequence[Path], chosen: list[tuple[int, Member]]) -> Iterator[Content]:
    for shard, group in groupby(chosen, key=lambda one: one[0]):
        path = paths[shard]
        try:
            yield from (read_zip if is_zip(path) else read_tar)(path, [member for _, member in group])
        except BROKEN as error:
            raise UserError(f"{path} has changed since it was listed; read it again") from error


def _name(member: Member) -> str:
    """Its path, which never leads out of the archive."""
    name = member.name if "/" in member.name else member.name.replace("\\", "/")
    parts = PurePosixPath(shown(name)).parts
    return "/".join(part for part in parts if part not in ("/", "//", "..")) or "_"


def _without_wrapper(tree: Tree) -> Tree:
    tops = {name.partition("/")[0] for name in tree.names}
    if len(tops) != 1 or not all("/" in name for name in tree.names) or split_of(*tops) >= 0:
        return tree
    names, folders = ([path.partition("/")[2] for path in paths] for paths in (tree.names, tree.folders))
    return replace(tree, names=names, folders=[path for path in folders if path])
