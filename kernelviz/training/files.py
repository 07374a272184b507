"""The files of a training that goes on: what is there, and what goes away when it has become a run."""

import errno
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from kernelviz.errors import UserError
from kernelviz.storage import record
from kernelviz.training import plan, standing

CHECKPOINT, HISTORY = "checkpoint.safetensors", "history.json"
CANCELLED = ".cancelled"  # last letters of the folder of a training that is being deleted
WAITING, FAILED = "waiting", "failed"  # of a job (`jobs.folder`)
OF_A_TRAINING = (CHECKPOINT, HISTORY, plan.FILE, standing.FILE, standing.ASKED, WAITING, FAILED)


def is_begun(folder: Path) -> bool:
    """Whether a folder has a checkpoint."""
    return (folder / CHECKPOINT).exists()


def refuse_to_overwrite(folder: Path, resumed: bool) -> None:
    """Raise a UserError if a new training would overwrite what a folder holds."""
    if (folder / record.FILE).exists():
        raise UserError(f"there is a finished run in {folder}; give another --name, or delete that folder")
    if is_begun(folder) and not resumed:
        raise UserError(f"there is a stopped training in {folder}; resume it with --resume, or give another --name")


def remove(folder: Path) -> None:
    """Delete what only a training that has not become a run needs."""
    for name in OF_A_TRAINING:
        (folder / name).unlink(missing_ok=True)


def load_history(folder: Path) -> list[dict[str, float]]:
    """A row for each epoch that a training has done; none where the file says nothing."""
    with suppress(OSError, ValueError):
        rows = TypeAdapter(list[dict[str, float]]).validate_json((folder / HISTORY).read_bytes())
        return rows if all("epoch" in row for row in rows) else []
    return []


def remedy(error: OSError, folder: Path) -> str:
    """What to do where a training cannot write into its folder."""
    if not folder.is_dir():
        what = "the folder is gone: put it back"
    elif error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        what = "make it writable"
    else:
        what = "free space there"
    return f"{what}, then go on with `kernelviz resume {folder.name}`"
