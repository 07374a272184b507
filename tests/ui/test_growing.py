"""The page of a run that is not there yet."""

import shutil

import pytest
from test_pages import maps


def test_the_page_shows_the_map_as_it_grows_and_then_the_run(opened, add, autoencoder, no_runs):
    add(autoencoder, "other")
    (no_runs / "young").mkdir()
    app = opened("", run="young")
    assert "young is being trained" in app.title[0].value and "opens when the training is done" in app.caption[0].value
    (told,) = maps(app)
    assert told["kind"] == "film" and told["live"] and told["address"] == "kernelviz/jobs/young/film"
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
