"""What can be done with jobs: put one into the queue, pause it, go on, finish it early, cancel it."""

import shutil
import time

from kernelviz.disk import is_held, runs_folder
from kernelviz.errors import UserError
from kernelviz.jobs.folder import State, end, job_lock, job_of, wait
from kernelviz.jobs.workers import start
from kernelviz.storage import record
from kernelviz.storage.store import new_folder, run_lock, run_names
from kernelviz.training import files, plan
from kernelviz.training.plan import Plan
from kernelviz.training.standing import Ask, ask

PATIENCE = 10.0  # seconds in which a training that is cancelled has to release its folder


def put(name: str, wanted: Plan) -> None:
    """Put a new training into the queue; a UserError says that the name is taken."""
    if name in run_names():
        raise UserError(f"there is a run {name!r}; choose another name")
    folder = new_folder(name)
    if (folder / plan.FILE).exists() or files.is_begun(folder):
        raise UserError(f"there is a training {name!r} already; choose another name, or cancel that one")
    wanted.save(folder)
    wait(folder)
    start()


def go_on(name: str, changed: Plan | None = None) -> None:
    """Put a stopped or failed training into the queue again; with other settings it begins anew."""
    job = job_of(name)
    if job.state in (State.running, State.waiting):
        raise UserError(f"{name} {'runs' if job.state == State.running else 'waits'} already")
    if changed and changed != job.plan:
        for file in (files.CHECKPOINT, files.HISTORY):  # before the settings are others: they belong together
            (job.folder / file).unlink(missing_ok=True)
        changed.save(job.folder)
    wait(job.folder)
    start()


def pause(name: str) -> None:
    """Stop a training, which keeps its checkpoint; one that waits leaves the queue."""
    job = job_of(name)
    end(job.folder, job.error)
    if job_of(name).state == State.running:  # perhaps only since a moment ago
        ask(job.folder, Ask.pause)


def finish(name: str) -> None:
    """Have a training that runs make its run of the weights that it has now."""
    job = job_of(name)
    if job.state != State.running:
        raise UserError(f"{name} does not run; go on with it first, then finish it")
    ask(job.folder, Ask.finish)


def cancel(name: str) -> None:
    """End a training at once and delete what it has made; a UserError where its process does not end."""
    job = job_of(name)
    end(job.folder)
    ask(job.folder, Ask.cancel)
    until = time.monotonic() + PATIENCE
    while is_held(run_lock(name)) or is_held(job_lock(name)):
        if time.monotonic() > until:
            raise UserError(f"{name} is asked to stop, and has not yet; cancel it again in a moment")
        time.sleep(0.05)
    if (job.folder / record.FILE).exists():
        raise UserError(f"{name} has become a run just now; delete the run")
    gone = runs_folder() / f".{name}{files.CANCELLED}"
    shutil.rmtree(gone, ignore_errors=True)  # of one that was killed as it did this
    job.folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
