"""The names of runs: whose run it is, whether a name is free, and how a run is renamed."""

import json
import os
from contextlib import suppress
from pathlib import Path

from kernelviz.disk import data_folder, runs_folder
from kernelviz.errors import UserError
from kernelviz.library.locks import LOCK, is_locked
from kernelviz.storage.record import FILE, Run, read_run
from kernelviz.storage.store import NAME, check_name, is_shipped, load_run, readable_runs, run_names


def own_folder(name: str) -> Path:
    """The folder of a finished run of the user's, readable or not.

    Raises NotFound where there is none, and a UserError for one that travels with kernelviz, for a training that has
    not finished, and for one that another process uses.
    """
    folder = runs_folder() / name
    if NAME.fullmatch(name) and folder.is_dir():
        if is_locked(folder):
            raise UserError(f"{name!r} is being trained; wait until it is done, or stop it first")
        if (folder / FILE).exists():
            return folder
        if name not in run_names():
            raise UserError(f"{name!r} is a training that has not finished, in {folder}; resume it first")
    run = load_run(name)
    raise UserError(
        f"the run {name!r} travels with kernelviz and stays as it is; for a copy that can be changed, "
        f"`kernelviz export {name}`, then `kernelviz import {name}.kernelviz --name my-{name}`"
        if is_shipped(run)
        else f"the run {name!r} lies in {run.folder}, which is not among your own; start kernelviz with that folder"
    )


def free_folder(name: str) -> Path:
    """The folder that a run of that name is moved to, which is not there; a UserError says why a name is not free."""
    check_name(name)
    folder = runs_folder() / name
    if name in run_names():
        raise UserError(f"there is a run {name!r} already; choose another name")
    if is_locked(folder):
        raise UserError(f"{name!r} is being trained; choose another name")
    if folder.is_dir() and {path.name for path in folder.iterdir()} <= {LOCK}:  # what a failed start has left
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()
    if folder.exists():
        raise UserError(f"there is a training {name!r} that has not finished, in {folder}; choose another name")
    return folder


def move(folder: Path, target: Path) -> None:
    """Move a folder in one step, never onto another; an OSError says what went wrong."""
    (folder / LOCK).unlink(missing_ok=True)  # nobody holds it
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.rename(folder, target)  # fails where there is a folder that is not empty
    except OSError as error:
        raise OSError(f"{folder} cannot be moved to {target} ({error.strerror}); nothing was changed") from None


def rename(name: str, new: str) -> Run:
    """Rename a run of the user's; returns it. Networks that are trained on it go on finding it by its weights.

    Its saved selections go with it. Raises a UserError where the run may not be renamed, or the name is not free.
    """
    folder, target = own_folder(name), free_folder(new)
    move(folder, target)
    run = read_run(target)
    with suppress(OSError):
        _move_selections(name, run)
    return run


def _move_selections(old: str, run: Run) -> None:
    """Take along what was selected on the run's map: those of an older run of that name stay."""
    folder = data_folder() / "selections" / run.name
    for path in (data_folder() / "selections" / old).glob("*.json"):
        with suppress(ValueError, TypeError, KeyError):
            if json.loads(path.read_text(encoding="utf-8"))["weights"] == run.weights_sha256:
                folder.mkdir(parents=True, exist_ok=True)
                os.replace(path, folder / path.name)


def needing(name: str) -> list[str]:
    """The names of the runs that cannot be opened without the weights of the run of that name: heads on it."""
    runs, _ = readable_runs()
    sha256 = next((run.weights_sha256 for run in runs if run.name == name), "")
    if not sha256 or sum(run.weights_sha256 == sha256 for run in runs) > 1:
        return []
    return [run.name for run in runs if _backbone_of(run) == sha256]


def _backbone_of(run: Run) -> str | None:
    """The hash of the backbone that a run needs from elsewhere; None where it has all that it needs."""
    facts = run.arguments.get("backbone")
    return facts["sha256"] if facts and not (run.folder / "backbone.safetensors").is_file() else None
