"""The names of runs: whose run it is, whether a name is free, and how a run is renamed."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from kernelviz.disk import data_folder, replacing, runs_folder
from kernelviz.errors import UserError
from kernelviz.storage.record import FILE, BrokenRun, Run, read_run
from kernelviz.storage.store import NAME, claimed, is_shipped, load_run, readable_runs, run_names


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """Have the folder of a finished run of the user's, readable or not, for oneself.

    Raises NotFound where there is none, and a UserError for one that travels with kernelviz, for a training that has
    not finished, and where another process trains or changes it.
    """
    folder = _own(name)
    with claimed(name):
        yield folder


def _own(name: str) -> Path:
    folder = runs_folder() / name
    if NAME.fullmatch(name) and (folder / FILE).exists():
        return folder
    if NAME.fullmatch(name) and folder.is_dir() and name not in run_names():
        raise UserError(f"{name!r} is a training that has not finished; `kernelviz jobs` lists those")
    run = load_run(name)
    raise UserError(
        f"the run {name!r} travels with kernelviz and stays as it is; for a copy that can be changed, "
        f"`kernelviz export {name}`, then `kernelviz import {name}.kernelviz --name my-{name}`"
        if is_shipped(run)
        else f"the run {name!r} lies in {run.folder}, which is not among your own; start kernelviz with that folder"
    )


@contextmanager
def free_folder(name: str) -> Iterator[Path]:
    """Have a name for oneself: the folder that a run is moved to, which is not there.

    Raises a UserError that says why the name is not free, and ends in "choose another name".
    """
    with claimed(name):
        folder = runs_folder() / name
        if name in run_names():
            raise UserError(f"there is a run {name!r} already; choose another name")
        with suppress(OSError):
            folder.rmdir()  # what a start that failed has left is empty
        if folder.exists():
            raise UserError(f"there is a training {name!r} that has not finished; choose another name")
        yield folder


def unused_name(name: str) -> str:
    """The name, or where it is not free, with the first number at its end that makes it so."""
    used = {*run_names(), *(path.name for path in runs_folder().glob("*"))}
    numbered = (f"{name[:60]}-{number}" for number in count(2))
    return name if name not in used else next(one for one in numbered if one not in used)


def move(folder: Path, target: Path) -> None:
    """Move a folder in one step, never onto another; an OSError says what went wrong."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder, target)  # fails where there is a folder that is not empty
    except OSError as error:
        raise OSError(f"{folder} cannot be moved to {target} ({error.strerror}); nothing was changed") from None


def rename(name: str, new: str) -> Run:
    """Rename a run of the user's; returns it. Networks that are trained on it go on finding it by its weights.

    Its saved selections go with it. Raises a UserError where the run may not be renamed, or the name is not free.
    """
    with own_folder(name) as folder, free_folder(new) as target:
        selections = _selections(folder)
        with suppress(OSError):  # a copy first, so that none is lost if this process is killed
            for path in selections:
                copied = data_folder() / "selections" / new / path.name
                copied.parent.mkdir(parents=True, exist_ok=True)
                with replacing(copied) as partial:
                    shutil.copyfile(path, partial)
        move(folder, target)
        for path in selections:
            with suppress(OSError):
                if (data_folder() / "selections" / new / path.name).is_file():
                    path.unlink()
        return read_run(target)


def _selections(folder: Path) -> list[Path]:
    """The files of what was selected on the map of the run in a folder, and on that of no older run of its name."""
    found = []
    with suppress(BrokenRun):
        run = read_run(folder)
        for path in (data_folder() / "selections" / folder.name).glob("*.json"):
            with suppress(OSError, ValueError, TypeError, KeyError):
                if json.loads(path.read_text(encoding="utf-8"))["weights"] == run.weights_sha256:
                    found.append(path)
    return found


def needing(name: str) -> list[str]:
    """The names of the runs that cannot be opened without the weights of the run of that name: heads on it."""
    runs, _ = readable_runs()
    sha256 = next((run.weights_sha256 for run in runs if run.name == name), "")
    if not sha256 or sum(run.weights_sha256 == sha256 for run in runs) > 1:
        return []
    return [run.name for run in runs if _backbone_of(run) == sha256]


def _backbone_of(run: Run) -> str | None:
    """The hash of the backbone that a run needs from elsewhere; None where it has all that it needs."""
    facts = getattr(run, "backbone", None)
    return facts["sha256"] if facts and not (run.folder / "backbone.safetensors").is_file() else None
