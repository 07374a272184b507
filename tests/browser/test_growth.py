"""How a map grew, in a real browser: the film of a run, and that of a training that goes on."""

import shutil

import numpy as np
import pytest
from waits import frames, until

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.epochs import no_frames
from kernelviz.storage.record import FILE


@pytest.fixture
def film(autoencoder):
    """A made-up film of the validation images of "tiny"."""
    labels = load_map(autoencoder.folder).of_split("validation").label
    maps, rng = no_frames("validation", autoencoder.classes, autoencoder.extent, 3, labels), np.random.default_rng(0)
    for epoch in (0.0, 1.0, 2.5):
        where = rng.uniform(-3, 3, (len(labels), 2)).astype(np.float32)
        maps = maps.added(epoch, where, rng.integers(0, 255, (9, 8, 8), dtype=np.uint8))
    return maps


@pytest.fixture
def folder(library):
    """A new folder among the runs, for this test only."""
    path = library / "young"
    path.mkdir()
    yield path
    shutil.rmtree(path)


def become(run, folder):
    """Put the files of a run into a folder, its record last."""
    for path in run.folder.iterdir():
        if path.name != FILE:
            shutil.copy(path, folder)
    shutil.copy(run.folder / FILE, folder)


def said(page):
    return page.locator(".player output").inner_text()


def painted(page):
    return page.locator(".film canvas.dots").evaluate("canvas => canvas.toDataURL()")


@pytest.mark.slow
def test_a_film_is_played_and_stepped_through(visit, folder, film, autoencoder):
    film.save(folder)
    become(autoencoder, folder)
    page = visit(run="young")
    page.get_by_role("tab", name="How it grew").click()
    page.locator(".player").wait_for()
    frames(page)
    assert said(page) == "epoch 0 of 3" and page.locator(".places canvas").count() == 9
    first = painted(page)
    stage = page.get_by_role("application", name="How the map grew")
    stage.focus()
    for key, wanted in (
        ("ArrowRight", "epoch 1 of 3"),
        ("ArrowRight", "epoch 2.5 of 3"),
        ("ArrowLeft", "epoch 1 of 3"),
    ):
        stage.press(key)
        assert said(page) == wanted
    frames(page)
    assert painted(page) != first
    page.get_by_role("slider", name="Epoch").evaluate("input => { input.value = 0.5; input.oninput() }")
    frames(page)
    assert said(page) == "epoch 0.5 of 3"
    between = painted(page)
    page.get_by_role("combobox", name="Speed").select_option("4")
    stage.press(" ")
    until(page, lambda: said(page) == "epoch 2.5 of 3")
    until(page, lambda: page.get_by_role("button", name="Play (Space)").inner_text() == "Play")
    assert painted(page) not in (first, between)


@pytest.mark.slow
def test_a_training_grows_on_the_page_until_it_is_a_run(visit, folder, film, autoencoder):
    film.until(1.0).save(folder)
    page = visit(run="young", quiet="/film")  # which the server has no more in the end
    page.locator(".player").wait_for()
    until(page, lambda: said(page) == "epoch 1 of 3")
    film.save(folder)
    until(page, lambda: said(page) == "epoch 2.5 of 3")
    assert page.locator("[data-testid=stApp]").get_attribute("data-test-script-state") == "notRunning"
    become(autoencoder, folder)
    page.get_by_role("heading", name="A map of").wait_for()
