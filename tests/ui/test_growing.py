"""The page of a run that is not there yet."""

import shutil

import numpy as np
import pytest

from kernelviz.storage.epochs import no_frames


def test_the_page_waits_shows_the_map_as_it_grows_and_then_the_run(opened, add, autoencoder, no_runs):
    add(autoencoder, "other")
    (no_runs / "young").mkdir()
    app = opened("", run="young")
    assert "young is being trained" in app.title[0].value and "after the first epoch" in app.info[0].value
    coordinates = np.random.default_rng(0).uniform(-3, 3, (20, 2)).astype(np.float32)
    maps = no_frames("validation", ("a", "b"), 4.0, 10, np.arange(20) % 2).added(3.0, coordinates, None)
    maps.save(no_runs / "young")
    app = app.run()
    assert not app.exception and not app.info and "20 of its images" in app.caption[0].value
    shutil.rmtree(no_runs / "young")
    add(autoencoder, "young")
    app = app.run()
    assert not app.exception and "A map of" in app.title[0].value and app.selectbox(key="run").value == "young"


def test_a_server_that_was_started_for_a_run_waits_for_it(opened, add, autoencoder, monkeypatch):
    add(autoencoder, "other")
    monkeypatch.setattr("kernelviz.ui.shared.page_frame.awaited", {"young"})
    assert "young is being trained" in opened("", run="young").title[0].value
    assert "No such run" in opened("probe", run="young").title[0].value


@pytest.mark.parametrize("page", ["", "probe", "depth", "upload", "kernels", "recommend", "results"])
@pytest.mark.parametrize("name", ["nobody", "../etc", "**x**"])
def test_an_unknown_run_in_the_address_is_said_and_another_one_offered(name, page, opened, add, autoencoder):
    add(autoencoder, "other")
    app = opened(page, run=name)
    assert not app.exception and app.title[0].value == "No such run"
    assert "not among the runs" in app.warning[0].value and "**x**" not in app.warning[0].value.replace("****", "")
    app.button[0].click().run()
    assert not app.exception and app.title[0].value != "No such run" and not app.warning


def test_a_run_without_a_map_or_a_broken_one_is_told_apart_from_none(opened, add, autoencoder, recommender):
    add(autoencoder, "other"), add(recommender)
    (add(autoencoder, "torn") / "run.json").write_text("{")
    for name in ("advice", "torn"):
        app = opened("", run=name)
        assert app.title[0].value == "This run cannot be shown" and app.button[0].label == "Show other"
