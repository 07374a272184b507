"""The page of a run that is not there yet."""

import shutil

import numpy as np

from kernelviz.storage.growing import GrowingMap


def test_the_page_waits_shows_the_map_as_it_grows_and_then_the_run(opened, add, autoencoder, no_runs):
    add(autoencoder, "other")
    app = opened("", run="young")
    assert "young is being trained" in app.subheader[0].value and "after the first epoch" in app.info[0].value
    (no_runs / "young").mkdir()
    coordinates = np.random.default_rng(0).uniform(-3, 3, (20, 2)).astype(np.float32)
    GrowingMap(coordinates, np.arange(20) % 2, ("a", "b"), 4.0, 3, 10).save(no_runs / "young")
    app = app.run()
    assert not app.exception and not app.info and "20 of its images" in app.caption[0].value
    shutil.rmtree(no_runs / "young")
    add(autoencoder, "young")
    app = app.run()
    assert not app.exception and not app.subheader and app.selectbox(key="run").value == "young"


def test_a_name_that_cannot_be_a_run_is_no_reason_to_wait(opened, add, autoencoder):
    add(autoencoder, "other")
    assert not opened("", run="../etc").subheader
