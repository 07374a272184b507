"""The page Train: what was found, the settings, and the trainings that wait, run or were stopped."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from kernelviz.jobs import folder, queue, workers
from kernelviz.jobs.folder import State, jobs
from kernelviz.storage.store import claimed
from kernelviz.tasks.recipes import RECIPES, recipe_of
from kernelviz.training.standing import Ask, Board, Standing
from kernelviz.ui.shared import sharing


@pytest.fixture(autouse=True)
def no_workers(monkeypatch):
    monkeypatch.setattr(queue, "start", lambda: None)
    monkeypatch.setattr(workers, "start", lambda: None)


@pytest.fixture
def pictures(tmp_path):
    """A folder of 40 grey pictures of two classes, which may be read."""
    generator = np.random.default_rng(0)
    for name in ("even", "odd"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for n in range(20):
            Image.fromarray(generator.integers(0, 255, (12, 12), np.uint8)).save(tmp_path / "mine" / name / f"{n}.png")
    sharing.set_up(data_roots=[tmp_path])
    yield tmp_path / "mine"
    sharing.set_up()


def chosen(opened, pictures):
    app = opened("train", state={"data folder": str(pictures)})
    assert not app.exception
    return app


def test_from_a_folder_to_the_queue(opened, pictures):
    app = chosen(opened, pictures)
    assert any("40 pictures in mine" in one.value for one in app.markdown)
    app.radio[0].set_value("labelled").run()
    by_label = {one.label: one for one in app.number_input}
    by_label["Grid"].set_value(20)
    by_label["Epochs"].set_value(7)
    app.run()
    app.button(key="start").click().run()
    assert not app.exception
    (job,) = jobs()
    assert (job.name, job.state) == ("mine", State.waiting)
    recipe = recipe_of(job.plan.kind, job.plan.recipe)
    assert recipe.network["grid"] == (20, 20) and recipe.epochs == 7 and "supervised_neighbours" in recipe.objectives
    assert recipe.data == str(pictures) and "chosen on the page Train" in job.plan.command
    assert any("mine" in one.value and "Waiting" in one.value for one in app.markdown)


@pytest.mark.parametrize(("name", "said"), [("a/b", "letters, digits"), ("waits", "already")])
def test_a_name_that_cannot_be_is_said_at_once(opened, pictures, name, said):
    queue.put("waits", RECIPES["digits-autoencoder"].plan(0, ""))
    app = chosen(opened, pictures)
    app.text_input[-1].set_value(name).run()
    assert said in app.warning[0].value and app.button(key="start").disabled


def test_what_cannot_be_trained_is_said_in_place_of_a_start(opened, pictures):
    app = opened("train", state={"data folder": str(pictures), "features": "no_such_network"})
    assert not app.exception and "network" in app.error[0].value
    assert not [one for one in app.button if one.key == "start"]


def test_a_job_shows_how_far_it_is_and_what_may_be_done(opened, no_runs):
    queue.put("one", RECIPES["digits-autoencoder"].plan(0, ""))
    at = job_folder("one")
    (at / "history.json").write_text(json.dumps([{"epoch": 1, "loss": 0.5, "validation_5nn": 0.25}]))
    with claimed("one"):
        Board(at).write(Standing("train", 0.25, "", 1.5, 0.4, 1000.0, 90.0))
        app = opened("train")
        assert "epoch 1.5 · loss 0.4000 · 1,000 images/s" in app.get("progress")[0].proto.text
        assert any("5-NN on validation 25.0 %" in one.value for one in app.caption)
        app.button(key="Finish now-one").click().run()
        assert jobs()[0].asked == Ask.finish and "Finishing" in app.get("progress")[0].proto.text
    (at / "waiting").unlink()
    app = opened("train")
    app.button(key="Go on-one").click().run()
    assert jobs()[0].state == State.waiting
    app.button(key="Cancel the training-one").click().run()
    assert not app.exception and jobs() == []


def test_a_failed_one_says_why(opened):
    queue.put("one", RECIPES["digits-autoencoder"].plan(0, ""))
    folder.end(job_folder("one"), "kernelviz: **no** such folder")
    app = opened("train")
    assert "no" in app.error[0].value and "**no**" not in app.error[0].value
    app.button(key="Other settings-one").click().run()
    assert not app.exception and {one.label: one.value for one in app.number_input}["Epochs"] == 60
    {one.label: one for one in app.number_input}["Epochs"].set_value(5)
    app.run()
    app.button(key="start").click().run()
    (job,) = jobs()
    assert (job.name, job.state, job.plan.recipe["epochs"]) == ("one", State.waiting, 5)


def test_one_that_became_a_run_leads_to_its_map(opened, add, autoencoder):
    add(autoencoder, "done")
    app = opened("train", state={"runs made": {"done"}})
    assert any("**done** is ready" in one.value for one in app.markdown)


def test_a_run_is_trained_again_with_its_settings(opened, add, autoencoder):
    recipe = replace(RECIPES["digits-autoencoder"], epochs=9)
    values = json.loads(json.dumps(recipe.plan(0, "").recipe))
    add(autoencoder, "before", recipe=values)
    app = opened("train", state={"train_again": "before"})
    assert not app.exception and any("settings of **before**" in one.value for one in app.markdown)
    assert {one.label: one.value for one in app.number_input}["Epochs"] == 9
    app.button(key="start").click().run()
    assert recipe_of("embedding", jobs()[0].plan.recipe) == recipe


def test_where_training_is_off_the_page_says_so(opened):
    sharing.set_up(read_only=True)
    try:
        assert "Training is off" in opened("train").info[0].value
    finally:
        sharing.set_up()


def job_folder(name):
    return next(job.folder for job in jobs() if job.name == name)
