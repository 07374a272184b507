"""The page Runs: a table, one run in detail, up to four compared, files in and out, the bin."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_pages import charts, fine, words

from kernelviz.library import bin
from kernelviz.library.handing_on import export_run
from kernelviz.library.importing import import_run
from kernelviz.library.notes import read_notes, write_notes
from kernelviz.plots.map_picture import map_picture
from kernelviz.storage.store import load_run, run_names
from kernelviz.ui.runs import routes
from kernelviz.ui.runs.routes import ROUTES, export_address, map_address
from kernelviz.ui.runs.state import CHOSEN
from kernelviz.ui.shared import sharing


@pytest.fixture
def both(add, autoencoder, classifier):
    """The runs "tiny" and "namer" are among the user's."""
    return add(autoencoder), add(classifier)


def table(app):
    return app.dataframe[0].value


def ticked(opened, *names):
    """The page with some runs ticked."""
    return fine(opened("runs", state={CHOSEN: names}))


def said(app):
    return [one.value for kind in (app.toast, app.success) for one in kind]


def button(app, label):
    return next(one for one in app.button if one.label == label)


def heads(app):
    return " ".join(str(one.proto.body) for one in app.get("html"))


def test_all_runs_are_listed_with_what_is_known_of_each(both, opened, classifier):
    write_notes("tiny", ["for the paper"], "")
    app = fine(opened("runs"))
    found = table(app).set_index("name")
    assert list(found.index) == ["namer", "tiny"] and app.title[0].value == "2 runs"
    assert found.loc["namer", "Accuracy"] == pytest.approx(100 * classifier.metrics["test_accuracy"])
    assert list(found.loc["tiny", "tags"]) == ["for the paper"] and 0 < found.loc["tiny", "size"] < 5
    assert found.loc["tiny", "map"] == map_address(load_run("tiny"))


def test_runs_are_searched_by_any_of_their_words_and_by_tag(both, opened):
    write_notes("tiny", ["for the paper"], "the second one, with more epochs")
    app = fine(opened("runs"))
    for text, names in (("EPOCHS second", ["tiny"]), ("digits", ["namer", "tiny"]), ("name", ["namer"])):
        assert list(table(app.text_input(key="search-runs").set_value(text).run())["name"]) == names
    app = fine(app.text_input(key="search-runs").set_value("nothing has this").run())
    assert "No run has all of that." in words(app)
    app.text_input(key="search-runs").set_value("").run()
    app = fine(app.button_group(key="tags-of-runs").set_value(["for the paper"]).run())
    assert list(table(app)["name"]) == ["tiny"]


def test_a_run_is_renamed_and_noted_and_stays_chosen(both, opened):
    app = ticked(opened, "tiny")
    assert "tiny" in heads(app)
    app.text_input[1].set_value("digits-1")
    app.text_area[0].set_value("a note")
    app = fine(button(app, "Save").click().run())
    assert run_names() == ["digits-1", "namer"] and read_notes(load_run("digits-1").folder).note == "a note"
    assert "tiny is digits-1 now." in said(app) and "digits-1" in heads(app)


def test_a_name_that_is_not_free_is_told(both, opened):
    app = ticked(opened, "tiny")
    app.text_input[1].set_value("namer")
    app = button(app, "Save").click().run()
    assert "there is a run 'namer' already" in app.error[0].value and run_names() == ["namer", "tiny"]


def test_a_deleted_run_comes_back_at_once_or_from_the_bin(both, opened):
    app = ticked(opened, "tiny")
    app = fine(button(app, "Delete").click().run())
    assert run_names() == ["namer"] and "tiny is in the bin." in said(app)
    app = fine(button(app, "Undo").click().run())
    assert run_names() == ["namer", "tiny"] and "tiny is back." in said(app)
    app = fine(button(app, "Delete").click().run())
    app = fine(app.button(key="restore-0").click().run())
    assert run_names() == ["namer", "tiny"] and bin.deleted_runs() == []


def test_the_bin_is_emptied_after_a_second_click(both, opened):
    bin.delete("tiny")
    app = fine(opened("runs"))
    app = fine(button(app, "Empty the bin").click().run())
    assert len(bin.deleted_runs()) == 1
    fine(button(app, "Remove it for good").click().run())
    assert bin.deleted_runs() == []


def test_a_run_that_others_need_is_deleted_after_a_second_click(add, bottom, heads, opened):
    add(bottom)
    for head in heads:
        (add(head) / "backbone.safetensors").unlink()
    app = ticked(opened, "bottom")
    app = fine(button(app, "Delete").click().run())
    assert "at11, at31 cannot be opened without bottom." in words(app) and "bottom" in run_names()
    fine(button(app, "Delete all the same").click().run())
    assert run_names() == ["at11", "at31"]


def test_a_run_that_cannot_be_read_can_be_deleted(both, opened):
    (both[0] / "run.json").write_text("{")
    app = fine(opened("runs"))
    fine(app.button(key="delete-tiny").click().run())
    assert run_names() == ["namer"] and [one.name for one in bin.deleted_runs()] == ["tiny"]


def test_runs_are_compared(both, opened):
    app = ticked(opened, "tiny", "namer")
    (chart,) = charts(app)
    assert [one["name"] for one in chart["data"]] == ["namer", "tiny"] and len(chart["data"][1]["x"]) == 8
    names = [list(one.value.columns) for one in app.table]
    assert names == [["metric", "namer", "tiny"], ["setting", "namer", "tiny"]]
    assert "epochs" in set(app.table[1].value["setting"])


def test_a_file_that_is_dropped_becomes_a_run(both, opened, tmp_path):
    data = export_run(load_run("tiny"), tmp_path / "tiny").read_bytes()
    app = fine(opened("runs"))
    app.file_uploader(key="import-0").upload("tiny.kernelviz", data, "application/zip")
    app = fine(app.run())
    assert run_names() == ["namer", "tiny", "tiny-2"]
    assert "tiny is here as tiny-2." in said(app) and "tiny-2" in heads(app)
    app.file_uploader(key="import-1").upload("torn.kernelviz", data[:500], "application/zip")
    app = app.run()
    assert "**torn.kernelviz** was not imported: the file is damaged" in app.error[0].value
    assert run_names() == ["namer", "tiny", "tiny-2"]


def test_without_runs_one_can_be_imported(opened, autoencoder, tmp_path):
    data = export_run(autoencoder, tmp_path / "x").read_bytes()
    app = fine(opened("runs"))
    assert "kernelviz train digits-autoencoder" in words(app)
    app.file_uploader(key="import-0").upload("x.kernelviz", data, "application/zip")
    fine(app.run())
    assert run_names() == ["tiny"]


def test_nothing_can_be_changed_where_only_reading_is_allowed(both, opened, monkeypatch):
    monkeypatch.setattr(sharing, "read_only", lambda: True)
    write_notes("tiny", ["best"], "a *note*")
    app = ticked(opened, "tiny")
    assert not app.get("file_uploader") and not [one.label for one in app.button]
    assert "Tags: best" in words(app) and [one.value for one in app.text] == ["a *note*"]


def test_a_run_that_travels_with_kernelviz_cannot_be_changed(autoencoder, tmp_path, opened, no_runs):
    shutil.copytree(autoencoder.folder, tmp_path / "shipped" / "pretrained" / "tiny")
    app = ticked(opened, "tiny")
    assert "It travels with kernelviz" in words(app)
    assert [one.label for one in app.button] == ["Train again with …"]


@pytest.fixture
def asked():
    return TestClient(Starlette(routes=ROUTES), base_url="http://test/")


def path_of(address):
    return address.removeprefix("kernelviz/library")


def test_the_map_of_a_run_is_a_small_picture_that_is_cached(both, add, recommender, bottom, asked):
    add(recommender), add(bottom)
    for name in ("tiny", "advice"):
        address = path_of(map_address(load_run(name)))
        answer = asked.get(address)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert Image.open(io.BytesIO(answer.content)).size == (192, 192)
        assert asked.get(address[:-1] + "x").status_code == 404
    assert map_address(load_run("bottom")) is None
    assert asked.get("/map/bottom/x").status_code == asked.get("/map/nosuch/x").status_code == 404
    (both[0] / "map.parquet").write_bytes(b"torn")
    assert asked.get(path_of(map_address(load_run("tiny")))).status_code == 500


def test_a_run_is_given_as_a_file(both, asked, tmp_path):
    answer = asked.get(path_of(export_address(load_run("tiny"), False)))
    assert answer.headers["content-disposition"] == 'attachment; filename="tiny.kernelviz"'
    (tmp_path / "x.kernelviz").write_bytes(answer.content)
    assert import_run(tmp_path / "x.kernelviz", "back").name == "back"
    assert asked.get("/export/nosuch").status_code == 404
    (both[0] / "weights.safetensors").write_bytes(b"")
    assert asked.get("/export/tiny").status_code == 500


def test_a_page_is_made_once_for_all_who_ask_until_the_run_changes(
    both, add, recommender, asked, tmp_path, monkeypatch
):
    monkeypatch.setattr(routes, "_files", {})
    monkeypatch.setattr(sharing, "temporary", lambda: tmp_path)
    made, write = [], routes.write
    monkeypatch.setattr(routes, "write", lambda *what: made.append(what) or write(*what))
    pages = [asked.get("/page/tiny") for _ in range(3)]
    assert {page.status_code for page in pages} == {200} and len({page.content for page in pages}) == len(made) == 1
    write_notes("tiny", ["new"], "")
    assert asked.get("/page/tiny").status_code == 200 and len(made) == 2
    monkeypatch.setattr(routes, "MAX_BYTES", 1)
    assert asked.get("/export/tiny").status_code == 200 and len(routes._files) == 1
    assert len(list(tmp_path.glob("tmp*/tiny*"))) == 1
    add(recommender)
    assert asked.get("/page/advice").status_code == 400 and len(list(tmp_path.glob("tmp*"))) == 1


def test_a_picture_of_a_map_shows_each_point_in_the_colour_of_its_class():
    at = np.array([[0.0, 0.0], [1.0, 1.0], [np.nan, 0.0]], np.float32)
    picture = map_picture(at, np.array([0, 1, 0]), 2, 64)
    assert picture.shape == (64, 64, 4)
    low, high = picture[59, 4], picture[4, 59]  # the y axis points up
    assert low[3] > 150 and high[3] > 150 and picture[32, 32, 3] == 0
    np.testing.assert_allclose(low[:3], (0x3F, 0x6B, 0xD4), atol=2)
    np.testing.assert_allclose(high[:3], (0xC0, 0x45, 0x01), atol=2)
    assert not map_picture(at[:0], np.zeros(0, int), 0, 16).any()
