"""What the folder of a job says: its state, how far it is, and what went wrong."""

import contextlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from kernelviz.disk import is_held, lock, replacing, runs_folder
from kernelviz.errors import UserError
from kernelviz.storage import record
from kernelviz.storage.store import NAME, check_name, run_lock
from kernelviz.training import plan
from kernelviz.training.files import FAILED, WAITING
from kernelviz.training.plan import Plan, load_plan
from kernelviz.training.standing import STOPPING, Ask, Standing, ask, asked, load_standing

LOG = "training.log"
SAID = 4000  # characters of a log's end that are shown


class State(StrEnum):
    """What state a job is in."""

    running = "running"
    waiting = "waiting"
    paused = "paused"
    failed = "failed"


@dataclass(frozen=True)
class Job:
    """A training that has not become a run.

    Args:
        state: "paused" is one that was stopped, or whose process ended without a word.
        since: when it was put into the queue, or stopped, in seconds since 1970.
        standing: how far it is; None before it has written.
        asked: what is asked of it and not yet done.
        error: of one that failed, what it said last.
    """

    name: str
    state: State
    since: float
    standing: Standing | None
    asked: Ask | None
    error: str = ""

    @property
    def folder(self) -> Path:
        """Where it is trained."""
        return runs_folder() / self.name

    @property
    def plan(self) -> Plan:
        """What is trained; a UserError says what is wrong with it."""
        return load_plan(self.folder)

    @property
    def log(self) -> str:
        """The end of what it said."""
        return _text(self.folder / LOG)


def jobs() -> list[Job]:
    """All jobs: those that run, then those that wait, in their order, then the others, the newest first."""
    folders = (path.parent for path in runs_folder().glob(f"*/{plan.FILE}"))
    found = [_job(folder) for folder in folders if NAME.fullmatch(folder.name) and _is_job(folder)]
    order = list(State)
    return sorted(found, key=lambda job: (order.index(job.state), job.since if job.state in order[:2] else -job.since))


def job_of(name: str) -> Job:
    """The job of that name; a UserError lists those that there are."""
    check_name(name)
    if _is_job(runs_folder() / name):
        return _job(runs_folder() / name)
    have = ", ".join(job.name for job in jobs()) or "none"
    raise UserError(f"no training {name!r} waits, runs or is stopped; there is {have}")


def job_lock(name: str) -> FileLock:
    """Held by the process that has taken the job of that name."""
    return lock(f"{name}.job")


def wait(folder: Path) -> None:
    """Put the training in a folder into the queue, at its end."""
    (folder / FAILED).unlink(missing_ok=True)
    ask(folder, None)
    with replacing(folder / WAITING) as partial:
        partial.touch()


def end(folder: Path, error: str = "") -> None:
    """Take the training in a folder out of the queue, with what went wrong, if anything did."""
    ask(folder, None)
    (folder / FAILED).unlink(missing_ok=True)
    if error:
        with replacing(folder / FAILED) as partial:
            partial.write_text(error, encoding="utf-8")
    (folder / WAITING).unlink(missing_ok=True)


def forget_stop(name: str) -> None:
    """Nobody asks a training any more to stop that is begun by hand: what did was killed before it had an effect."""
    if NAME.fullmatch(name) and asked(runs_folder() / name) in STOPPING and not _is_done(name):
        ask(runs_folder() / name, None)


def _is_job(folder: Path) -> bool:
    return (folder / plan.FILE).exists() and not (folder / record.FILE).exists()


def _job(folder: Path) -> Job:
    name, failed, waits = folder.name, folder / FAILED, (folder / WAITING).exists()
    if _is_done(name):
        state = State.running
    else:
        state = State.waiting if waits else State.failed if failed.exists() else State.paused
    told = next((path for path in (folder / WAITING, failed, folder / plan.FILE) if path.exists()), None)
    since = told.stat().st_mtime if told else 0.0
    error = _text(failed) if state == State.failed else ""
    return Job(name, state, since, load_standing(folder), asked(folder), error)


def _is_done(name: str) -> bool:
    """Whether a process does the job of that name."""
    return is_held(run_lock(name)) or is_held(job_lock(name))


def _text(path: Path) -> str:
    """The end of a text file; nothing where there is none."""
    with contextlib.suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace")[-SAID:]
    return ""
