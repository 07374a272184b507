"""Jobs: their states, what can be done with them, and the workers that do them."""

import os
import signal
import sys
import time
from dataclasses import replace

import pytest

from kernelviz.disk import runs_folder
from kernelviz.errors import UserError
from kernelviz.jobs import folder, queue, workers
from kernelviz.jobs.folder import State, job_of, jobs
from kernelviz.storage.store import claimed
from kernelviz.tasks.recipes import RECIPES, recipe_of
from kernelviz.training.files import CHECKPOINT
from kernelviz.training.standing import Ask, asked

PLAN = RECIPES["digits-autoencoder"].plan(0, "kernelviz train digits-autoencoder")
SAYING = "import sys, time; print('it began', flush=True); "


@pytest.fixture
def trainings(monkeypatch):
    """Sets what a training does, as Python; no worker starts by itself."""
    monkeypatch.setattr(queue, "start", lambda: None)
    return lambda code: monkeypatch.setattr(workers, "training", lambda name: [sys.executable, "-c", SAYING + code])


def put(*names):
    for name in names:
        queue.put(name, PLAN)


def states():
    return {job.name: job.state.value for job in jobs()}


def test_jobs_are_done_in_their_order_and_a_failed_one_says_why(trainings):
    trainings("print('kernelviz: no such folder', file=sys.stderr); sys.exit(2)")
    put("b", "a")
    assert [job.name for job in jobs()] == ["b", "a"] and states() == {"a": "waiting", "b": "waiting"}
    workers.work(0, 1)
    assert states() == {"a": "failed", "b": "failed"}
    failed = job_of("b")
    assert failed.error == "kernelviz: no such folder" and "it began" in failed.log
    queue.go_on("b")
    assert states() == {"a": "failed", "b": "waiting"} and not job_of("b").error


def test_a_training_that_is_killed_is_a_failed_job_and_the_next_is_done(trainings):
    trainings("import os; os.kill(os.getpid(), 9)")
    put("a", "b")
    workers.work(0, 1)
    assert "signal 9" in job_of("a").error and states() == {"a": "failed", "b": "failed"}


def test_one_that_was_paused_while_it_waited_leaves_the_queue_and_comes_back(trainings):
    put("a")
    queue.pause("a")
    assert states() == {"a": "paused"} and asked(runs_folder() / "a") is None
    queue.go_on("a", replace(PLAN, seed=3))
    assert states() == {"a": "waiting"} and job_of("a").plan.seed == 3


def test_what_cannot_be_done_is_said(trainings):
    put("a")
    with pytest.raises(UserError, match="there is a run"):
        queue.put("digits-autoencoder", PLAN)
    with pytest.raises(UserError, match="there is a training 'a' already"):
        queue.put("a", PLAN)
    with pytest.raises(UserError, match="waits already"):
        queue.go_on("a")
    with pytest.raises(UserError, match="does not run"):
        queue.finish("a")
    with pytest.raises(UserError, match="no training 'nobody' .* there is a"):
        queue.pause("nobody")
    with pytest.raises(UserError, match="no name"):
        queue.cancel("../a")
    with claimed("a"):
        assert states() == {"a": "running"}
        queue.finish("a")
        assert job_of("a").asked == Ask.finish
        with pytest.raises(UserError, match="another process"), claimed("a"):
            pass


def test_a_cancelled_one_is_gone_with_all_that_it_made(trainings):
    put("a")
    (job_of("a").folder / CHECKPOINT).write_bytes(b"half of it")
    queue.cancel("a")
    assert jobs() == [] and not (runs_folder() / "a").exists()


def until(what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, (states(), [job.log for job in jobs()])
        time.sleep(0.05)
    return found


def test_a_worker_outside_obeys_pause_and_cancel_at_once():
    queue.put("a", PLAN)
    until(lambda: job_of("a").state == State.running)
    started = time.monotonic()
    queue.cancel("a")
    assert time.monotonic() - started < 5 and jobs() == []


@pytest.mark.slow
def test_a_paused_training_goes_on_to_its_run():
    wanted = replace(RECIPES["digits-autoencoder"], epochs=400).plan(0, "kernelviz train digits-autoencoder")
    queue.put("a", wanted)
    until(lambda: (at := job_of("a").standing) and at.stage == "train" and at.epoch > 1)
    queue.pause("a")
    until(lambda: states() == {"a": "paused"})
    assert (runs_folder() / "a" / CHECKPOINT).exists() and not job_of("a").error
    queue.go_on("a")
    until(lambda: job_of("a").state == State.running and (runs_folder() / "a" / folder.LOG).stat().st_size)
    queue.finish("a")
    until(lambda: not (jobs() or (runs_folder() / "a" / folder.WAITING).exists()))
    files = {path.name for path in (runs_folder() / "a").iterdir()}
    assert {"run.json", "epochs.safetensors"} <= files and not files & {"waiting", "asked", CHECKPOINT, "training.json"}


@pytest.mark.parametrize("name", RECIPES)
def test_the_plan_of_every_recipe_comes_back(name, tmp_path):
    from kernelviz.training.plan import load_plan

    recipe = RECIPES[name]
    recipe.plan(0, "").save(tmp_path)
    found = load_plan(tmp_path)
    assert recipe_of(found.kind, found.recipe) == recipe


@pytest.mark.parametrize(
    "text", ["", "[]", '{"kind": "embedding"}', '{"kind": 3, "recipe": {}, "seed": 0, "command": ""}']
)
def test_a_plan_that_is_none_is_said(text, tmp_path):
    from kernelviz.training.plan import load_plan

    (tmp_path / "training.json").write_text(text)
    with pytest.raises(UserError, match="does not say what to train"):
        load_plan(tmp_path)


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [("else", {}, "embedding, classifier"), ("embedding", {"epochs": "many"}, "epochs"), ("embedding", {}, "data")],
)
def test_settings_that_are_no_recipe_are_said(kind, values, said):
    with pytest.raises(UserError, match=said):
        recipe_of(kind, values)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_job_whose_worker_and_training_were_killed_waits_again(trainings):
    trainings("time.sleep(100)")
    put("a")
    pid = os.fork()
    if not pid:
        workers.work(0, 1)
        os._exit(0)
    until(lambda: job_of("a").state == State.running)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: job_of("a").state == State.waiting)
