"""A disk that fills, a folder that goes or cannot be written, files that are spoilt: clear, and nothing is lost."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pytest

from kernelviz.disk import runs_folder
from kernelviz.jobs.folder import forget_stop, jobs
from kernelviz.jobs.queue import cancel, put
from kernelviz.storage.epochs import EpochMaps, load_epochs
from kernelviz.storage.store import load_run
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training import session, standing
from kernelviz.training.files import load_history
from kernelviz.training.loop import Training
from kernelviz.training.standing import Ask, ask, asked, load_standing

TRAIN = ("train", "tiny", "--epochs", 2, "--name")  # 80 steps
AT = 57  # in the second epoch


@pytest.fixture
def training(kernelviz, tiny_recipe, tmp_path, monkeypatch):
    """Train with a fault from a step on; returns what was said, once it was resumed to the weights of a whole one."""

    def training(begin=lambda: None, end=lambda: None):
        step = Training._step

        def failing(self):
            if self.progress.step == AT:
                begin()
            return step(self)

        with monkeypatch.context() as patched:
            patched.setattr(Training, "_step", failing)
            code, _, said = kernelviz(*TRAIN, "one")
        end()
        assert code == 2
        assert kernelviz("resume", "one")[0] == kernelviz(*TRAIN, "whole")[0] == 0
        names = {path.name for path in (runs_folder() / "whole").iterdir()}
        assert {path.name for path in (runs_folder() / "one").iterdir()} == names
        weights = [(runs_folder() / name / "weights.safetensors").read_bytes() for name in ("one", "whole")]
        assert weights[0] == weights[1]
        return " ".join(said.split())

    return training


def test_a_disk_that_fills_at_the_checkpoint(training, full_disk):
    limit = full_disk()
    said = training(limit.__enter__, lambda: limit.__exit__(None, None, None))
    assert "the checkpoint of 0 MB cannot be written to " in said
    assert "(File too large); free space there, then go on with `kernelviz resume one`" in said


def test_a_disk_that_is_full_when_the_run_is_written(training, full_disk, monkeypatch):
    finish = session.finish

    def full(*given):
        with full_disk():
            return finish(*given)

    monkeypatch.setattr(session, "finish", full)
    said = training(end=lambda: monkeypatch.setattr(session, "finish", finish))
    assert "the training of one is done, and its run cannot be written to " in said
    assert "(File too large); free space there, then go on with `kernelviz resume one`" in said


def test_a_film_that_cannot_be_written_is_told_and_the_training_goes_on(kernelviz, tiny_recipe, full_disk, monkeypatch):
    save = EpochMaps.save

    def full(self, folder):
        with full_disk():
            save(self, folder)

    monkeypatch.setattr(EpochMaps, "save", full)
    code, _, said = kernelviz(*TRAIN, "one")
    assert code == 0 and "a frame of the film cannot be written to" in said
    assert not [path for path in (runs_folder() / "one").iterdir() if "epochs" in path.name]


@pytest.mark.slow
def test_a_folder_that_is_away_for_a_while(training, tmp_path):
    there, away = tmp_path / "runs" / "one", tmp_path / "away"
    said = training(lambda: there.rename(away), lambda: away.rename(there))
    assert "(No such file or directory); the folder is gone: put it back, then go on with `kernelviz" in said


@pytest.mark.slow
def test_a_folder_that_becomes_read_only(training, monkeypatch):
    def refused(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    replace = os.replace
    said = training(lambda: setattr(os, "replace", refused), lambda: setattr(os, "replace", replace))
    assert "(Read-only file system); make it writable, then go on with `kernelviz resume one`" in said


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"\xff" * 5000], ids=["empty", "garbage"])
def test_a_film_that_is_spoilt_begins_anew(training, tmp_path, content):
    def spoil():
        (tmp_path / "runs" / "one" / "epochs.safetensors").write_bytes(content)
        raise OSError("stopped")

    training(spoil)
    assert len(load_epochs(runs_folder() / "one"))


SPOILT = {
    "nothing": b"",
    "no text": b"\xff\xfe",
    "deep": b"[" * 100_000,
    "a list": b"[1, 2]",
    "texts": b'{"stage": "train", "share": "much", "kind": 3}',
    "endless": b'{"stage": "train", "share": Infinity, "seconds_left": 1e999}',
    "rows of texts": b'[{"epoch": "one", "loss": []}]',
    "rows without an epoch": b'[{"loss": 1.0}]',
}
FILES = ("training.json", "progress.json", "history.json")


@pytest.fixture
def spoilt(monkeypatch):
    """A job for each kind of a spoilt file."""
    monkeypatch.setattr("kernelviz.jobs.queue.start", lambda: None)
    for at, content in enumerate(SPOILT.values()):
        for file in FILES:
            put(f"{file[:4]}-{at}", RECIPES["digits-autoencoder"].plan(0, ""))
            (runs_folder() / f"{file[:4]}-{at}" / file).write_bytes(content)


def test_jobs_whose_files_are_spoilt_are_listed_and_can_be_cancelled(spoilt, kernelviz):
    assert len(jobs()) == len(SPOILT) * len(FILES)
    command = [sys.executable, "-m", "kernelviz.cli", "jobs", "--json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["jobs"]
    assert {job["name"] for job in listed} == {job.name for job in jobs()}
    for job in jobs():
        assert load_standing(job.folder) is None and load_history(job.folder) == []
    code, _, said = kernelviz("resume", "trai-0")
    assert code == 2 and "does not say what to train" in said
    cancel("trai-0")
    assert len(jobs()) == len(SPOILT) * len(FILES) - 1


def test_what_asked_a_training_to_stop_and_was_killed_itself_does_not_stop_it_for_ever(spoilt):
    folder = runs_folder() / "hist-0"
    ask(folder, Ask.cancel)
    forget_stop("hist-0")
    assert asked(folder) is None
    ask(folder, Ask.finish)
    forget_stop("hist-0")
    assert asked(folder) == Ask.finish


@pytest.mark.slow
def test_a_training_that_is_killed_as_it_finishes_early_finishes_with_the_same_weights(
    kernelviz, tiny_recipe, monkeypatch
):
    step, finish = Training._step, session.finish

    def asking(self):
        if self.progress.step == AT:
            for folder in runs_folder().glob("[ow]*"):
                ask(folder, Ask.finish)
        return step(self)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(standing, "LOOK", 0.0)
    monkeypatch.setattr(Training, "_step", asking)
    monkeypatch.setattr(session, "finish", killed)
    assert kernelviz(*TRAIN, "one")[0] == 130
    monkeypatch.setattr(session, "finish", finish)
    assert kernelviz("resume", "one")[0] == kernelviz(*TRAIN, "whole")[0] == 0
    runs = [load_run(name) for name in ("one", "whole")]
    assert runs[0].weights_sha256 == runs[1].weights_sha256 and len(runs[0].history) == len(runs[1].history) == 2


def test_a_cancel_that_was_killed_is_done_again(spoilt):
    gone = runs_folder() / ".hist-0.cancelled"
    shutil.copytree(runs_folder() / "hist-0", gone)
    cancel("hist-0")
    assert not gone.exists() and not (runs_folder() / "hist-0").exists()
