"""The files of a training that goes on: what is there, and what goes away when it has become a run."""

from pathlib import Path

from kernelviz.errors import UserError
from kernelviz.storage import record
from kernelviz.training import plan, standing

CHECKPOINT, HISTORY = "checkpoint.safetensors", "history.json"


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
    """Delete what only a training that still runs needs."""
    for name in (CHECKPOINT, HISTORY, plan.FILE, standing.FILE, standing.ASKED):
        (folder / name).unlink(missing_ok=True)
