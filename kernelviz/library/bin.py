"""The bin: deleted runs lie in `<runs>/.bin/<name>~<when>` until they are restored, or the bin is emptied."""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kernelviz.disk import data_folder, runs_folder
from kernelviz.errors import NotFound, UserError
from kernelviz.library.names import free_folder, move, needing, own_folder
from kernelviz.storage.store import NAME, run_names

WHEN = "%Y%m%dT%H%M%S.%f"
GONE = ".gone-"  # first letters of a folder that is being removed for good
CACHES = ("sheets", "maps", "selections")  # folders of the data folder with something for each run


@dataclass(frozen=True)
class Deleted:
    """A run in the bin.

    Args:
        name: what it was called.
        when: when it was deleted, UTC.
        folder: where it lies.
    """

    name: str
    when: datetime
    folder: Path


def bin_folder() -> Path:
    """Where deleted runs lie."""
    return runs_folder() / ".bin"


def delete(name: str, even_if_needed: bool = False) -> Deleted:
    """Move a run of the user's into the bin.

    Raises a UserError where it may not be deleted: it travels with kernelviz, is in use, or other runs need it.
    """
    with own_folder(name) as folder:
        return _delete(name, folder, even_if_needed)


def _delete(name: str, folder: Path, even_if_needed: bool) -> Deleted:
    if not even_if_needed and (heads := needing(name)):
        raise UserError(
            f"{', '.join(heads)} cannot be opened without the run {name!r}, on which "
            f"{'it was' if len(heads) == 1 else 'they were'} trained; delete {name!r} with --force all the same"
        )
    when = datetime.now(UTC)
    deleted = Deleted(name, when, bin_folder() / f"{name}~{when.strftime(WHEN)}")
    move(folder, deleted.folder)
    return deleted


def deleted_runs() -> list[Deleted]:
    """What is in the bin, the latest first."""
    found = [one for path in bin_folder().glob("*~*") if (one := _deleted(path))]
    return sorted(found, key=lambda one: one.when, reverse=True)


def restore(name: str, new: str = "") -> Path:
    """Move the run of that name that was deleted last out of the bin; returns its folder.

    Raises NotFound where there is none, and a UserError where the name is not free.

    Args:
        new: what it is called from now on; "": what it was called.
    """
    found = deleted_runs()
    one = next((one for one in found if one.name == name), None)
    if not one:
        have = ", ".join(dict.fromkeys(one.name for one in found)) or "nothing"
        raise NotFound(f"no run {name!r} in the bin; there is {have}")
    return put_back(one, new)


def put_back(one: Deleted, new: str = "") -> Path:
    """Move a run out of the bin (`restore`)."""
    try:
        with free_folder(new or one.name) as target:
            move(one.folder, target)
            return target
    except UserError as error:
        raise UserError(str(error).replace("choose another name", "restore it under another --name")) from None


def empty_bin() -> int:
    """Remove for good what is in the bin; returns how many runs that were."""
    found = deleted_runs()
    for one in found:
        gone = one.folder.with_name(f"{GONE}{one.folder.name}")
        os.rename(one.folder, gone)  # never half a run that could be restored
        shutil.rmtree(gone, ignore_errors=True)
    for name in {one.name for one in found} - set(run_names()):
        for cache in CACHES:
            shutil.rmtree(data_folder() / cache / name, ignore_errors=True)
    return len(found)


def _deleted(path: Path) -> Deleted | None:
    name, _, when = path.name.rpartition("~")
    with suppress(ValueError):
        if NAME.fullmatch(name) and path.is_dir():
            return Deleted(name, datetime.strptime(when, WHEN).replace(tzinfo=UTC), path)
    return None
