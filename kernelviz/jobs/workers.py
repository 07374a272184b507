"""The processes that do the jobs: each has one of a few slots, does one job after the other, and ends when none waits.

They outlive the dashboard that starts them. A training is a process of its own below its worker, so that one that is
killed, by whomever, takes nothing else with it.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping

from filelock import FileLock, Timeout

from kernelviz.disk import is_held, lock
from kernelviz.jobs.folder import LOG, Job, State, end, job_lock, jobs
from kernelviz.training.files import WAITING
from kernelviz.training.standing import Ask, asked, load_standing

LOOK = 0.1  # seconds between two looks at a training
PATIENCE = 60.0  # seconds that a training has to stop when it is to be paused
BEFORE = 3.0  # the same before its first step, when nothing is lost
STOPPED = 130  # the exit code of a training that was stopped
slots = 1  # how many trainings may run side by side


def start() -> None:
    """Start a worker in every free slot, if jobs wait."""
    if any(job.state == State.waiting for job in jobs()):
        for slot in range(slots):
            if not is_held(_slot(slot)):
                subprocess.Popen(
                    [sys.executable, "-m", "kernelviz.jobs", str(slot), str(slots)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )


def work(slot: int, of: int) -> None:
    """Be the worker in a slot, of so many, until no job waits; do nothing where the slot has a worker."""
    while job := _next():  # asked again without the slot: one may have come as this worker was about to end
        try:
            with _slot(slot).acquire(timeout=0):
                while job:
                    _do(job, of)
                    job = _next()
        except Timeout:
            return


def _next() -> Job | None:
    """The job that has waited longest."""
    return next((job for job in jobs() if job.state == State.waiting), None)


def _do(job: Job, of: int) -> None:
    """Train a job, unless another worker has it."""
    try:
        with job_lock(job.name).acquire(timeout=0), (job.folder / LOG).open("w", encoding="utf-8") as log:
            if not (job.folder / WAITING).exists():  # it was paused just now
                return
            child = subprocess.Popen(
                training(job.name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(of),
                start_new_session=True,
            )
            code = _watched(child, job)
            if asked(job.folder) != Ask.cancel:
                end(job.folder, _error(job, code))
    except (Timeout, FileNotFoundError):  # another worker has it, or it was cancelled
        return


def training(name: str) -> list[str]:
    """The command that trains a job."""
    return [sys.executable, "-m", "kernelviz.cli", "resume", name]


def _watched(child: subprocess.Popen, job: Job) -> int:
    """Wait for a training to end, and end it where it is to be cancelled or does not stop; returns its exit code."""
    stopping = 0.0
    while child.poll() is None:
        wanted = asked(job.folder)
        stopping += LOOK * (wanted == Ask.pause)
        at = load_standing(job.folder)
        patience = PATIENCE if at and at.stage not in ("data", "prepare") else BEFORE
        if wanted == Ask.cancel or stopping > patience:
            child.kill()
        time.sleep(LOOK)
    return child.returncode


def _error(job: Job, code: int) -> str:
    """What went wrong; nothing if nothing did."""
    if code in (0, STOPPED) or asked(job.folder) == Ask.pause:
        return ""
    if code < 0:
        return f"its process was ended by signal {-code}" + (", perhaps for want of memory" if code == -9 else "")
    said = [line for line in job.log.splitlines() if line.strip()]
    return said[-1] if said else f"its process ended with code {code} and said nothing"


def _environment(of: int) -> Mapping[str, str]:
    """That of a training beside others and a dashboard: threads that wait must not spin, and share the cores."""
    own = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONUNBUFFERED": "1"}
    if of > 1:
        own["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // of))
    return own | os.environ


def _slot(number: int) -> FileLock:
    return lock(f"{number}.slot")
