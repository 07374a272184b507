"""Tests of the Recommend page: ratings change the predictions at once, and the page says why."""

import json
from dataclasses import replace

import numpy as np
import pytest
from streamlit.elements.arrow import DataframeSelectionState, DataframeState

from kernelviz.data import movielens
from kernelviz.evaluation.quality import RECOMMENDER_METRICS
from kernelviz.storage.items import fold_in, load_items
from kernelviz.storage.store import load_run
from kernelviz.storage.weights import load_network
from kernelviz.ui.canvas import payloads
from kernelviz.ui.recommend.gates import gate_picture
from kernelviz.ui.shared import item_titles
from kernelviz.ui.shared.map_source import ItemMap

OF = "opinions-25"
GIVEN = {0: 5.0, 2: 5.0, 1: 1.0}


@pytest.fixture
def page(add, opened, autoencoder, recommender):
    """Open the page with some ratings."""
    add(autoencoder)
    add(recommender)

    def page(given=None, **state):
        app = opened("recommend", {f"given-{OF}": dict(given or {})} | state)
        assert not app.exception, [one.stack_trace for one in app.exception]
        return app

    return page


def table(app, column):
    (found,) = [element.value for element in app.dataframe if column in element.value]
    return found


def said(app):
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.info) for one in kind)


def test_without_a_recommender_the_page_says_how_to_train_one(add, opened, autoencoder):
    add(autoencoder)
    app = opened("recommend")
    assert "kernelviz train sparse-fc --data ratings.csv" in app.main.code[0].value


def test_a_recommender_whose_record_lacks_a_metric_is_a_warning(add, opened, autoencoder, recommender):
    add(autoencoder)
    add(recommender, metrics={})
    app = opened("recommend")
    assert not app.exception and "advice" in app.warning[0].value


def test_without_ratings_the_mean_of_all_users_is_recommended(page, recommender):
    app = page(**{f"rare-{recommender.name}": True})
    items = load_items(recommender.folder)
    rows = table(app, "predicted")
    assert rows["predicted"].tolist() == pytest.approx(sorted(items.mean.clip(1, 5), reverse=True))
    assert "this is what everybody likes best" in said(app)
    assert len([one for one in app.get("feedback")]) == 8


def test_ratings_move_the_predictions_and_the_page_says_why(page, recommender):
    app = page(GIVEN, **{f"rare-{recommender.name}": True})
    items = load_items(recommender.folder)
    given = np.array(list(GIVEN.values()))
    predicted, added = fold_in(items, np.array(list(GIVEN)), given, recommender.metrics["test_rmse"] ** 2)
    rows = table(app, "predicted")
    best = int(rows["title"].iloc[0].removeprefix("no. ")) - 100
    assert best % 2 == 0 and best not in GIVEN
    assert rows["predicted"].iloc[0] == pytest.approx(predicted[best].clip(1, 5))
    assert len(rows) == len(items) - len(GIVEN)
    why = table(app, "adds")
    assert sorted(why["adds"]) == pytest.approx(sorted(added[best]), abs=6e-4)
    assert f"Why {predicted[best].clip(1, 5):.2f}" in said(app)
    chosen = DataframeState(selection=DataframeSelectionState(rows=[7], columns=[], cells=[]))
    other = table(page(GIVEN, **{f"rare-{recommender.name}": True, f"best-{recommender.name}": chosen}), "adds")
    assert other["adds"].tolist() != why["adds"].tolist()


def test_a_rating_can_be_removed(page):
    app = page(GIVEN)
    app.button(key=f"remove-{OF}-1").click().run()
    assert [*app.session_state[f"given-{OF}"]] == [0, 2]
    (clear,) = [one for one in app.button if one.label == "Clear all"]
    clear.click().run()
    assert not app.session_state[f"given-{OF}"]


def test_what_was_searched_for_is_there_to_be_rated(page):
    app = page()
    app.selectbox(key=f"wanted-{OF}").select_index(7).run()
    assert app.session_state[f"given-{OF}"] == {7: None}
    assert "no\\. 107" in said(app) and "this is what everybody likes best" in said(app)
    assert app.selectbox(key=f"wanted-{OF}").value is None


def test_titles_replace_numbers_where_they_are_known(recommender, tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path))
    run = replace(recommender, data=recommender.data | {"name": "ml-1m"})
    before = item_titles.version(run)
    assert item_titles.names_of(run)[3] == "no. 103" and not item_titles.has_titles(run)
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m" / "movies.dat").write_text("103::Birds, The (1963)::Horror|Thriller\n")
    assert item_titles.names_of(run)[3] == "The Birds (1963)" and item_titles.names_of(run)[4] == "no. 104"
    assert item_titles.version(run) != before
    points = item_titles.points_of(run)
    assert item_titles.GENRES[points.label[3]] == "Horror" and points.label[4] == -1
    assert b'"The Birds (1963)"' in payloads.points_payload(ItemMap(run), item_titles.SPLIT)


def test_the_page_offers_to_download_titles_of_a_known_set(page, recommender, add, opened, monkeypatch):
    add(recommender, "films", data=recommender.data | {"name": "ml-100k"})
    page()
    app = opened("recommend", recommender="films")
    assert "may not be passed on" in said(app)

    def unreachable(*_):
        raise OSError("no net")

    monkeypatch.setattr(movielens, "_download", unreachable)
    assert not app.dataframe and not app.get("feedback")  # the page asks before it shows numbers
    app.button[0].click().run()
    assert "cannot be downloaded (no net)" in app.error[0].value
    app.button[1].click().run()
    assert not app.button and len(app.get("feedback")) == 8


def test_titles_of_the_users_own_items_are_shown(page, recommender, add, opened):
    assert "with `--titles FILE`" in said(page())
    folder = add(recommender, "titled")
    items = load_items(recommender.folder)
    replace(items, title=np.array(["The Birds", "", *["Vertigo *2*"] * 23], object)).save(folder)
    app = opened("recommend", recommender="titled")
    assert "--titles" not in said(app) and not app.exception
    names = item_titles.names_of(load_run("titled"))
    assert names[:3] == ["The Birds", "no. 101", "Vertigo *2*"]
    assert r"Vertigo \*2\*" in said(app)  # never as Markdown


def test_items_with_telling_names_need_no_titles(recommender, tmp_path):
    items = load_items(recommender.folder)
    replace(items, item=np.array([f"film-{at}" for at in range(25)])).save(tmp_path)
    run = replace(recommender, folder=tmp_path, weights_sha256="other")
    assert item_titles.names_of(run)[3] == "film-3" and item_titles.has_titles(run)


def test_the_map_shows_the_items_and_what_was_rated(page, recommender):
    app = page(GIVEN)
    (told,) = [json.loads(element.proto.json) for element in app.get("bidi_component")]
    assert told["what"] == "25 items" and told["maps"][0]["source"] is None
    coordinates = load_items(recommender.folder).coordinates
    shown = np.array([(mark["x"], mark["y"]) for mark in told["maps"][0]["marks"]])
    np.testing.assert_allclose(shown, coordinates[list(GIVEN)], rtol=1e-6)
    assert told["maps"][0]["marks"][2]["name"] == "no. 101: you gave 1"


def test_the_trade_off_is_plotted_once_it_is_measured(page, no_runs, monkeypatch, tmp_path):
    monkeypatch.setattr("kernelviz.evaluation.measured_rows.own_file", lambda *parts: tmp_path / "none")
    assert not page().get("plotly_chart")
    rows = [{"recipe": "r", "sparsity": s, **{name: 0.5 for name in RECOMMENDER_METRICS}} for s in (0.1, 1.0)]
    (no_runs / "table4.json").write_text(json.dumps({"rows": rows}))
    assert len(page().get("plotly_chart")) == 1


def test_a_gate_that_is_closed_is_dark(recommender):
    layer = load_network(recommender).layers[0]
    layer.u.zero_(), layer.v.zero_()
    layer.u[:10] += 9
    layer.u[0] += 1  # so that there is a strongest direction
    picture = gate_picture(layer)
    assert picture.shape == (40, 6, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 2
    assert (picture == picture[0]).all(axis=(1, 2)).sum() in (10, 30)
