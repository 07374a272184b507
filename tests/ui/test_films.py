"""The film of a training: what the server has of it, the tab of a run that has one, an earlier epoch on Compare."""

import gzip
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_pages import captions, fine, maps, selected, words

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.epochs import FILE, no_frames
from kernelviz.storage.store import load_run
from kernelviz.ui.server.app import ROUTES
from kernelviz.ui.shared import caches


@pytest.fixture
def client():
    return TestClient(Starlette(routes=ROUTES))


def film_of(run, epochs=(0.0, 1.0, 2.5)):
    """A film of the validation images of a run, made up."""
    labels = load_map(run.folder).of_split("validation").label
    film = no_frames("validation", run.classes, run.extent, 3, labels)
    rng = np.random.default_rng(0)
    for epoch in epochs:
        where = rng.uniform(-3, 3, (len(labels), 2)).astype(np.float32)
        film = film.added(epoch, where, rng.integers(0, 255, (9, 8, 8), dtype=np.uint8))
    return film


@pytest.fixture
def film(autoencoder):
    return film_of(autoencoder)


@pytest.fixture
def filmed(add, autoencoder, film):
    """The run "tiny" with a film."""
    folder = add(autoencoder)
    film.save(folder)
    return folder


def header(data):
    return json.loads(data[4 : 4 + int.from_bytes(data[:4], "little")])


def test_the_frames_of_a_run_are_kept_by_the_browser(filmed, film, client):
    address = f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/film"
    answer = client.get(address)
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
    facts = header(answer.content)
    assert facts["arrays"]["at"]["shape"] == [3, 250, 2] and facts["decoded"] == [9, 8, 8]
    assert (facts["split"], facts["last"], facts["total"], facts["extent"]) == ("validation", 2.5, 3, film.extent)
    assert facts["palette"][-1][0] == "no label"
    (filmed / FILE).unlink()
    assert client.get(address).status_code == 404  # the run has another version now


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_the_film_of_a_run_is_a_file_that_is_named_after_it(kind, filmed, client):
    address = f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/film"
    answer = client.get(f"{address}.{kind}?dark=1")
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.headers["content-disposition"] == f'attachment; filename="tiny_film.{kind}"'
    assert Image.open(io.BytesIO(answer.content)).is_animated
    assert client.get(f"{address}.exe").status_code == client.get(f"{address}.gif?dark=2").status_code == 400


def test_a_run_without_a_film_has_none(add, autoencoder, client):
    add(autoencoder)
    address = f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/film"
    assert client.get(address).status_code == client.get(f"{address}.gif").status_code == 404


def test_a_training_gives_its_newer_frames_until_it_has_ended(no_runs, film, add, autoencoder, client):
    def ask(after="-1"):
        return client.get("/kernelviz/jobs/young/film", params={"after": after})

    assert ask().status_code == 404
    (no_runs / "young").mkdir(parents=True)
    assert ask().status_code == 204
    film.save(no_runs / "young")
    answer = ask()
    assert answer.headers["cache-control"] == "no-store" and header(answer.content)["arrays"]["epochs"]["shape"] == [3]
    newer = header(ask("1.0").content)
    assert newer["arrays"]["epochs"]["shape"] == [1] and newer["last"] == 2.5
    assert header(ask("2.5").content)["arrays"]["at"]["shape"] == [0, 250, 2]
    assert [ask(bad).status_code for bad in ("x", "nan", "1e99", "")] == [400] * 4
    (no_runs / "young" / FILE).write_bytes(b"torn")
    assert ask().status_code == 500 and "maps of epochs" in ask().text
    shutil.rmtree(no_runs / "young")
    add(autoencoder, "young")
    assert ask().status_code == 404
    assert client.get("/kernelviz/jobs/..%2Fetc/film").status_code == 404


def test_a_server_that_waits_for_a_training_does_not_say_that_it_has_ended(client, no_runs, monkeypatch):
    monkeypatch.setattr("kernelviz.ui.shared.page_frame.awaited", {"young"})
    assert client.get("/kernelviz/jobs/young/film?after=-1").status_code == 204


def test_explore_has_a_tab_for_the_film_of_a_run_that_has_one(filmed, opened):
    app = fine(opened("", state={"about": "How it grew"}))
    assert [tab.label for tab in app.tabs][:3] == ["Quality", "Training", "How it grew"]
    (told,) = [one for one in maps(app) if one["kind"] == "film"]
    assert told["address"].startswith("kernelviz/runs/tiny/") and not told["live"] and told["unit"] == "images"


@pytest.mark.parametrize("damage", ["none", "torn", "others", "one"])
def test_no_tab_for_a_run_without_a_film_or_with_one_of_other_images(damage, filmed, film, opened, autoencoder):
    if damage == "none":
        (filmed / FILE).unlink()
    elif damage == "torn":
        (filmed / FILE).write_bytes(b"torn")
    elif damage == "one":
        film_of(autoencoder, (0.0,)).save(filmed)
    else:
        np.add(film.index, 1, out=film.index)
        film.save(filmed)
    app = fine(opened(""))
    assert "How it grew" not in [tab.label for tab in app.tabs] and [one["kind"] for one in maps(app)] == ["map"]
    app = fine(opened("compare", left="tiny", right="tiny"))
    assert app.selectbox(key="against").options == ["train", "validation"]


def test_a_run_is_compared_with_its_earlier_epochs(filmed, film, opened, client, autoencoder):
    app = fine(opened("compare", left="tiny", right="tiny", split="validation", against="an earlier epoch"))
    assert app.selectbox(key="epoch").options == ["epoch 0", "epoch 1"]
    (told,) = maps(app)
    assert [one["title"] for one in told["maps"]] == ["epoch 2.50", "epoch 0"] and told["linked"] == "images"
    assert told["total"] == 250 and [one["first"] for one in told["maps"]] == [0, 0]
    assert "250 validation images of tiny, after its training and at epoch 0" in words(app)
    app = fine(app.selectbox(key="epoch").set_value("epoch 1").run())
    last, earlier = (one["base"] for one in maps(app)[0]["maps"])
    whole = load_map(autoencoder.folder).of_split("validation")
    for base, wanted in ((last, whole.coordinates), (earlier, film.coordinates(1))):
        answer = client.get(f"{base}/points/validation")
        assert answer.status_code == 200
        arrays, data = header(answer.content)["arrays"], answer.content
        start = 4 + int.from_bytes(data[:4], "little")
        values = {}
        for name in ("row", "x", "y"):
            n, at = arrays[name]["shape"][0], start + arrays[name]["offset"]
            flat = np.frombuffer(data[at : at + 4 * n], np.uint8).reshape(4, n).T.copy()
            values[name] = flat.view("<u4" if name == "row" else "<f4").ravel()
        assert {arrays[name]["type"] for name in ("label", "prediction")} == {"int16"}
        np.testing.assert_allclose(values["x"], wanted[values["row"], 0], atol=1e-3)
        np.testing.assert_allclose(values["y"], wanted[values["row"], 1], atol=1e-3)
        assert client.get(f"{base}/contours/validation").status_code == 200
    for wrong in ("@3", "@-1", "@x", "@" + 20 * "9", "@1@1"):
        assert client.get(f"{last.rpartition('@')[0]}{wrong}/points/validation").status_code == 404


def test_images_selected_at_an_epoch_are_shown_and_no_predictions_are_made_up(filmed, opened):
    app = fine(opened("compare", left="tiny", right="tiny", split="validation", against="an earlier epoch"))
    assert "no predictions to compare" in words(app)
    app = fine(selected(app, [0, 249], "compare-tiny-validation-tiny-validation-epochs-False"))
    assert "**2 selected**" in words(app) and len(captions(app)) == 2
    app = fine(app.selectbox(key="epoch").set_value("epoch 1").run())
    assert "**2 selected**" in words(app)  # the same images, at another time


def test_of_earlier_epochs_only_the_images_of_the_film_are_shown(filmed, opened):
    app = fine(opened("compare", left="tiny", right="tiny", split="test", against="an earlier epoch"))
    assert "validation images only" in app.info[-1].value and not maps(app)
    app = fine(next(one for one in app.button if "validation" in one.label).click().run())
    assert maps(app)[0]["maps"][1]["title"] == "epoch 0"


def test_the_frames_are_packed_for_slow_connections(filmed, client):
    address = f"/kernelviz/runs/tiny/{caches.version(load_run('tiny'))}/film"
    with client.stream("GET", address) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(answer.iter_raw()))[4:5] == b"{"
