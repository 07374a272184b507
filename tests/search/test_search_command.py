"""`kernelviz search`: what it leaves, what it says, and how it is stopped and gone on with."""

import contextlib
import json

import pytest

from kernelviz.cli import map as making
from kernelviz.cli import train
from kernelviz.search import searching
from kernelviz.search.space import settings_of
from kernelviz.search.trials import Search, Trial, load_search
from kernelviz.storage.store import load_run
from kernelviz.tasks.embedding import EmbeddingRecipe

WORDS = ("search", "digits", "--name", "mine", "--trials", 2, "--minutes", 5)
RECIPE = EmbeddingRecipe(
    data="digits",
    network={"encoder": (20,), "decoder": (20,), "grid": (16, 16), "width": 2.0, "sparsity": 0.5, "canonical": 0.4},
    objectives={"neighbours": 1.0, "reconstruct": 1.0},
    epochs=2,
    batch=512,
    mixed=False,
)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The recipe that is chosen for any source trains in seconds."""
    monkeypatch.setattr(making, "chosen", lambda *_, timed: RECIPE)


@pytest.fixture
def pressed(monkeypatch):
    """Ctrl-C has been pressed while this list is not empty."""
    presses = [True]

    @contextlib.contextmanager
    def ctrl_c():
        yield presses

    monkeypatch.setattr(train, "ctrl_c", ctrl_c)
    return presses


def test_a_search_leaves_a_run_with_the_settings_and_the_trials(kernelviz):
    code, out, errors = kernelviz(*WORDS, "--json")
    assert code == 0
    told = json.loads(out)
    run, search = load_run("mine"), load_search(load_run("mine").folder)
    assert (search.state, len(search.trials)) == ("done", 2)
    assert told["run"] == "mine" and len(told["trials"]) == 2
    assert told["settings"] == search.trials[search.chosen].settings
    assert run.recipe["scale"] == told["settings"]["scale"] and run.grid == 2 * (told["settings"]["grid"],)
    assert run.made_by["command"].startswith("kernelviz search digits")
    assert "expected: 2 trials" in errors and "trial 2 " in errors


def test_a_stopped_search_is_gone_on_with(kernelviz, pressed, tmp_path):
    code, out, errors = kernelviz(*WORDS)
    assert (code, out) == (130, "")
    assert "go on with `kernelviz resume mine`" in errors
    folder = tmp_path / "runs" / "mine"
    assert load_search(folder).trials[0].settings == settings_of(RECIPE)
    assert not (folder / "run.json").exists()
    pressed.clear()
    code, out, _ = kernelviz(*WORDS, "--resume")
    assert code == 0 and "1, default" in out and "Chosen: trial" in out
    assert load_search(folder).state == "done" and load_run("mine").name == "mine"


def test_a_full_training_that_was_stopped_is_gone_on_with(kernelviz, pressed, monkeypatch):
    watcher = searching.Watcher
    monkeypatch.setattr(searching, "Watcher", lambda clock, changed, **hooks: watcher(clock, changed))
    code, _, errors = kernelviz(*WORDS)
    assert code == 130 and "stopped at step 1 of" in errors
    pressed.clear()
    assert kernelviz("resume", "mine")[0] == 0
    run = load_run("mine")
    assert load_search(run.folder).state == "done" and len(run.history) == RECIPE.epochs


def test_complete_trials_are_not_overwritten(kernelviz, tmp_path):
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    trial = Trial(number=0, settings={"grid": 16.0}, state="complete", history=[(0.5, 0.1)])
    Search(recipe={"epochs": 1}, seed=0, measure="map_5nn", epochs=1, minutes=1.0, trials=[trial]).save(folder)
    code, _, errors = kernelviz(*WORDS)
    assert code == 2 and "there is a search in" in errors and "--resume" in errors
    code, _, errors = kernelviz(*WORDS, "--resume")
    assert code == 2 and "cannot go on with that search: its recipe was another one" in errors


def test_there_is_nothing_to_go_on_with(kernelviz):
    code, out, errors = kernelviz(*WORDS, "--resume")
    assert (code, out) == (2, "") and "there is no search at" in errors


def test_a_finished_run_is_not_overwritten(kernelviz):
    assert kernelviz(*WORDS, "--json")[0] == 0
    code, _, errors = kernelviz(*WORDS, "--resume")
    assert code == 2 and "there is a finished run in" in errors


def test_without_a_name_the_run_is_called_as_its_source(kernelviz):
    assert kernelviz("search", "digits", "--trials", "1", "--minutes", "5", "--json")[0] == 0
    assert load_run("digits").made_by["command"].startswith("kernelviz search digits")
