"""Every page of the dashboard, run without a browser."""

import io
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.elements.plotly_chart import PlotlySelectionState, PlotlyState

from kernelviz.data.images import load
from kernelviz.disk import own_file
from kernelviz.plots.colours import COLOURINGS, VALUES
from kernelviz.storage.embedding_map import COLUMNS, SPLITS, EmbeddingMap, load_map
from kernelviz.storage.record import EmbeddingRun, read_run
from kernelviz.storage.store import load_run, of_kind
from kernelviz.ui.canvas.packing import masked, unmasked
from kernelviz.ui.upload.uploads import Uploads

OF_A_RUN = ("", "probe", "upload", "kernels")
PAGES = (*OF_A_RUN, "depth", "compare", "runs", "recommend", "results")
RUNS = [read_run(path.parent) for path in sorted(own_file("pretrained").glob("*/run.json"))]
SHIPPED = of_kind(RUNS, EmbeddingRun)


def words(app):
    """All that a page says, as one text."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.code, app.header)
    return "\n".join(element.value for kind in kinds for element in kind)


def images(app):
    """Addresses of all images of a page; they change with the pixels."""
    return [image.url for element in app.get("image") for image in element.proto.imgs]


def captions(app):
    """The captions of all images of a page."""
    return [image.caption for element in app.get("image") for image in element.proto.imgs]


def charts(app):
    """The specification of every Plotly chart of a page."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def maps(app):
    """What each canvas of a page is told."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]


def heard(app, key, **said):
    """The page with what its canvas says."""
    app.session_state[key] = said
    return app.run()


def selected(app, rows, key="map-tiny-test"):
    """The page after some rows were selected on its map."""
    (told,) = maps(app.run())  # with the newest revision, as the page knows it
    said = {"revision": told["selection"]["revision"] + 1, "rows": masked(np.array(rows), told["total"])}
    return heard(app, key, selection=said)


def selected_rows(told):
    """The rows that a map is told to show as selected."""
    rows = told["selection"]["rows"]
    return unmasked(rows, told["total"]).tolist() if rows else []


def clicked(app, element, **selection):
    """The page after something was chosen in a chart or a table."""
    states = app._tree.get_widget_states()
    states.widgets.add(id=element.proto.id, string_value=json.dumps({"selection": selection}))
    return app._run(states)


def searched(app, text):
    """The page after a text was searched for."""
    return next(field for field in app.text_input if field.label == "Search").set_value(text).run()


SIMPLE = {"canvas failed": "a reason"}  # state of a session whose browser cannot show the canvas


def written(digit=3, side=90):
    """A PNG file of a digit in black on white."""
    pictures, labels = load("digits").split("test")
    ink = Image.fromarray(255 - pictures[np.flatnonzero(labels == digit)[0]])
    sheet = Image.new("L", (side, side), 255)
    sheet.paste(ink.resize((side // 2, side // 2), Image.Resampling.BICUBIC), (side // 4, side // 4))
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def uploaded(*files):
    """State of a session that has uploaded some (name, bytes), all of them projected onto the map of the run "tiny"."""
    mine = Uploads()
    mine.add((name, io.BytesIO(data)) for name, data in files)
    run = load_run("tiny")
    while mine.project(run, run.preprocess.name, 1.0)[0] < mine.total:
        pass
    return {"uploads": mine}


def fine(app):
    assert not app.exception, [one.stack_trace for one in app.exception]
    assert not app.error
    return app


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("kind", ["autoencoder", "classifier"])
@pytest.mark.parametrize("local", [True, False], ids=["local", "away"])
def test_a_page_runs(page, kind, local, add, away, opened, request):
    folder = request.getfixturevalue(kind)
    (add if local else away)(folder)
    fine(fine(opened(page)).run())


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("run", SHIPPED, ids=lambda run: run.name)
def test_a_page_runs_on_a_shipped_run(page, run, add, opened):
    for one in [run, *(other for other in RUNS if other not in SHIPPED)]:
        add(one)
    fine(opened(page, view="images"))


@pytest.mark.parametrize("page", PAGES)
def test_without_a_run_the_page_says_how_to_train_one(page, opened):
    app = fine(opened(page))
    assert [code.value for code in app.main.code] == ["kernelviz train digits-autoencoder"]
    assert app.main.info


def break_json(folder):
    (folder / "run.json").write_text("{")


def another_format(folder):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"format": 99}))


@pytest.mark.parametrize("damage", [break_json, another_format])
def test_a_broken_record_is_a_warning_and_the_other_runs_work(damage, add, opened, autoencoder):
    damage(add(autoencoder, "a-broken-one"))
    assert "a-broken-one" in words(fine(opened()))  # it stands alone
    add(autoencoder)
    app = fine(opened())
    assert app.selectbox(key="run").options == ["tiny"]
    assert "a-broken-one" in app.warning[0].value


NEEDED = {  # files that a page needs at first
    "": ("map.parquet",),
    "probe": ("weights.safetensors", "map.parquet"),
    "upload": ("map.parquet",),
    "kernels": ("weights.safetensors",),
}


@pytest.mark.parametrize("file", ["weights.safetensors", "map.parquet"])
@pytest.mark.parametrize("page", OF_A_RUN)
def test_a_run_with_a_damaged_file_says_so_and_the_others_can_be_chosen(file, page, add, opened, autoencoder):
    (add(autoencoder, "a-broken-one") / file).write_bytes(b"no such thing")
    add(autoencoder)
    app = opened(page)
    assert not app.exception
    if file in NEEDED[page]:
        assert file in app.error[0].value
    fine(app.selectbox(key="run").select("tiny").run())


def test_an_address_with_nonsense_gives_the_usual_page(add, opened, autoencoder):
    add(autoencoder)
    nonsense = {name: "nonsense" for name in ("colour", "split", "view", "x", "y", "n", "w", "path")}
    for page in PAGES:
        fine(opened(page, **nonsense))
        fine(opened(page, x="1e9", y="-1e9", n="100000", w="0", window="nonsense"))


@pytest.mark.parametrize("split", SPLITS[:3])
@pytest.mark.parametrize("colouring", COLOURINGS)
def test_every_colouring_and_split(colouring, split, add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened(colour=colouring, split=split))
    (told,) = maps(app)
    points = load_map(autoencoder.folder).of_split(split)
    assert (told["colouring"], told["split"], told["total"], told["view"]) == (colouring, split, len(points), "dots")
    assert colouring in {*told["palettes"], *VALUES}
    assert f"{points.placed.sum():,} {split} images" in words(app)


def test_the_canvas_is_told_about_the_run_but_sent_no_points(add, opened, autoencoder):
    add(autoencoder)
    (told,) = maps(opened(view="images"))
    assert told["view"] == "images" and told["maps"][0]["source"] == "own"
    assert told["shape"] == [1, 8, 8] and told["classes"] == list("0123456789")
    assert len(json.dumps(told)) < 4000


def test_another_colouring_leaves_the_canvas_as_it_is(add, opened, autoencoder):
    add(autoencoder)
    app = opened()
    before = app.get("bidi_component")[0].proto.id
    app.selectbox(key="colour").select("density").run()
    assert app.get("bidi_component")[0].proto.id == before


def test_a_colour_that_no_point_has_is_explained(add, opened, autoencoder, classifier):
    add(classifier)
    say = "There is no reconstruction error: this network has no decoder"
    assert say in words(fine(opened(colour="reconstruction error")))
    assert say not in words(fine(opened(colour="confidence")))
    folder = add(autoencoder)
    points = load_map(folder)
    unlabelled = {"label": np.full(len(points), -1), "error": np.full(len(points), np.nan)}
    EmbeddingMap(**{name: getattr(points, name) for name in COLUMNS} | unlabelled).save(folder)
    assert "these images have no labels" in words(fine(opened(run="tiny", colour="kNN agreement")))
    assert "this map was made before errors were recorded" in words(
        fine(opened(run="tiny", colour="reconstruction error"))
    )


@pytest.mark.parametrize("page", OF_A_RUN)
def test_a_run_that_decodes_from_probes_shows_on_every_page(page, add, opened, neighbourly):
    add(neighbourly)
    app = fine(opened(page, samples="true", colour="reconstruction error"))
    assert (images(app) or maps(app)) and "There is no" not in words(app)


def test_peers_stand_beside_a_map_of_mnist(add, opened, autoencoder, no_runs):
    add(autoencoder, data=autoencoder.data | {"name": "mnist"})
    peer = {"method": "other 1.0", "map_1nn": 0.9, "map_5nn": 0.91, "fit_seconds": 3.0}
    (no_runs / "peers.json").write_text(json.dumps({"rows": [peer], "notes": []}))
    tables = [element.value for element in fine(opened()).table]
    (table,) = [table for table in tables if "MSE from 2 numbers" in table]
    assert table.loc[table["method"] == "other 1.0, measured", "5-NN"].tolist() == ["0.9100"]


def test_beside_the_simple_map_the_images_of_a_selection_are_shown(add, opened, autoencoder):
    add(autoencoder)
    app = opened(state=SIMPLE)
    assert "No image selected" in words(app) and 10 <= len(images(app)) <= 24
    rows = [5, 7, 11]
    on_simple_map(app, rows)
    points = load_map(autoencoder.folder).of_split("test").where(np.array(rows))
    assert "**3 selected**" in words(fine(app))
    assert len(images(app)) == 3
    assert [text[0] for text in captions(app)] == [str(label) for label in points.label]


def on_simple_map(app, rows):
    """Select rows on the Plotly chart."""
    points = [{"customdata": [row, row, "", "", 1.0]} for row in rows]
    app.session_state["simple-tiny-test-label"] = PlotlyState(
        {"selection": PlotlySelectionState({"points": points, "point_indices": [], "box": [], "lasso": []})}
    )
    app.run()


def test_a_selection_outlives_another_colouring_view_and_page(add, opened, autoencoder):
    add(autoencoder)
    app = selected(opened(), [5, 7])
    app.selectbox(key="colour").select("density").run()
    app.segmented_control(key="view").select("images").run()
    assert selected_rows(maps(app)[0]) == [5, 7]
    del app.session_state["map-tiny-test"]  # as after a visit to another page
    assert selected_rows(maps(app.run())[0]) == [5, 7]


def test_a_selection_belongs_to_its_split_and_its_run(add, opened, autoencoder, classifier):
    add(autoencoder), add(classifier)
    app = selected(opened(run="tiny"), [5, 7])
    app.selectbox(key="split").select("train").run()
    assert not selected_rows(maps(app)[0])
    app.selectbox(key="split").select("test").run()
    assert selected_rows(maps(app)[0]) == [5, 7]
    app.selectbox(key="run").select("namer").run()
    assert not selected_rows(maps(fine(app))[0])


def test_what_was_found_is_forgotten_once_the_map_has_cleared_it(add, opened, autoencoder):
    add(autoencoder)
    app = searched(opened(), "3")
    assert selected_rows(maps(fine(app))[0])
    app = fine(selected(app, np.array([], int)))
    assert not selected_rows(maps(app)[0])
    assert next(field for field in app.text_input if field.label == "Search").value == ""


@pytest.mark.parametrize(
    "nonsense",
    [7, "AAAA", None, {"a": 1}, ["AAAA"], {"revision": 1, "rows": 7}, {"revision": 1, "rows": "no base 64!"}]
    + [{"revision": revision, "rows": masked(np.array([1]), 1797)} for revision in (None, "x", -1, 0, 1e99)],
)
def test_nonsense_for_a_selection_selects_nothing(nonsense, add, opened, autoencoder):
    add(autoencoder)
    assert not selected_rows(maps(fine(heard(opened(), "map-tiny-test", selection=nonsense)))[0])


def test_a_large_selection_is_shown_in_pages(add, opened, autoencoder):
    add(autoencoder)
    app = opened(state=SIMPLE)
    on_simple_map(app, range(130))
    assert len(images(app)) == 60
    app.number_input(key="page-of-3").set_value(3)
    on_simple_map(app, range(130))
    assert len(images(fine(app))) == 10


def test_where_the_canvas_fails_the_simple_map_replaces_it(add, opened, autoencoder):
    add(autoencoder)
    app = fine(heard(opened(), "map-tiny-test", failed="no such script"))
    assert "no such script" in app.warning[0].value
    assert not maps(app) and len(charts(app)) == 1
    on_simple_map(app, [5, 7])
    assert "**2 selected**" in words(fine(app))
    next(button for button in app.button if button.label == "Try the full map again").click().run()
    assert len(maps(fine(app))) == 1 and not app.warning


@pytest.mark.parametrize("colouring", COLOURINGS)
def test_the_simple_map_has_every_colouring(colouring, add, opened, autoencoder):
    add(autoencoder)
    assert charts(fine(opened(state=SIMPLE, colour=colouring)))


def test_search_by_number_shows_that_image(add, opened, autoencoder):
    add(autoencoder)
    app = opened()
    searched(app, "17")
    assert selected_rows(maps(fine(app))[0]) == [17] and maps(app)[0]["found"] == 17


def test_images_that_are_not_here_are_decoded_and_can_be_downloaded(away, opened, autoencoder):
    away(autoencoder)
    app = fine(opened())
    assert "not on this machine" in words(app) and "decoded from their positions" in words(app)
    assert "Download mnist" in app.button(key="fetch-mnist").label
    assert maps(app)[0]["maps"][0]["source"] == "decoded" and not maps(app)[0]["inspector"]["alike"]
    fine(app.segmented_control(key="view").select("images").run())


def test_images_that_are_not_here_and_cannot_be_decoded(away, opened, classifier):
    away(classifier)
    app = fine(opened(view="images"))
    assert "this network has no decoder" in words(app)
    assert not images(app)
    assert app.button(key="fetch-mnist")


def test_a_download_that_fails_says_what_to_do(away, opened, autoencoder, monkeypatch):
    away(autoencoder)

    def fails(*_):
        raise OSError("no network")

    monkeypatch.setattr("kernelviz.data.named._fetch", fails)
    app = opened().button(key="fetch-mnist").click().run()
    assert not app.exception
    assert "connect to the internet" in app.error[0].value


def test_a_file_of_other_images_does_not_count_as_the_images_of_a_run(away, opened, autoencoder, tmp_path):
    away(autoencoder)
    (tmp_path / "data").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (12, 28, 28)).astype(np.uint8)
    labels = np.arange(12) % 10
    arrays = {"train_images": noise, "train_labels": labels, "test_images": noise, "test_labels": labels}
    np.savez(tmp_path / "data" / "mnist.npz", **arrays)
    assert "not on this machine" in words(fine(opened()))


def test_probe_says_that_a_classifier_has_no_decoder(add, opened, classifier):
    add(classifier)
    app = fine(opened("probe"))
    assert "**namer** has no decoder" in app.info[0].value
    assert not app.slider and not app.button


def test_from_a_run_without_a_decoder_a_button_leads_to_one_that_has_one(add, opened, classifier, autoencoder):
    add(classifier), add(autoencoder)
    app = fine(opened("probe", run="namer"))
    assert [button.label for button in app.button] == ["tiny"]
    app = fine(app.button[0].click().run())
    assert app.selectbox(key="run").value == "tiny" and maps(app)[0]["probe"]


def test_the_probe_stands_where_the_address_says(add, opened, autoencoder):
    add(autoencoder)
    (told,) = maps(fine(opened("probe", x="0.5", y="-1.25", w="2", a="0.5", path="1_2~-1_0.5")))
    usual = autoencoder.probe
    assert told["probe"] == {
        "x": 0.5, "y": -1.25, "width": 2 * usual["width"], "amplitude": 0.5 * usual["amplitude"], "usual": usual,
        "grid": list(autoencoder.grid), "sparsity": autoencoder.sparsity, "path": [[1, 2], [-1, 0.5]],
    }  # fmt: skip


def test_without_an_address_the_probe_stands_where_images_lie(add, opened, autoencoder):
    add(autoencoder)
    (told,) = maps(fine(opened("probe")))
    points = load_map(autoencoder.folder).of_split("test")
    distance, _ = points.nearest(np.array([[told["probe"]["x"], told["probe"]["y"]]]), 1)
    assert distance[0, 0] < 0.01 and told["probe"]["path"] == []


def test_the_run_remembers_where_its_probe_was_released(add, opened, autoencoder, neighbourly):
    add(autoencoder), add(neighbourly)
    probe = {"x": -1.5, "y": 0.75, "width": 1.5 * autoencoder.probe["width"], "amplitude": 1.0}
    app = fine(heard(opened("probe", run="tiny"), "probe-tiny", probe=probe, path="0_0~1_1"))
    assert "the image decoded at (-1.50, 0.75) lies" in words(app)
    app.selectbox(key="run").select("near").run()
    (told,) = maps(fine(app))
    assert told["probe"]["path"] == [] and told["probe"]["x"] != -1.5
    app.selectbox(key="run").select("tiny").run()
    (told,) = maps(fine(app))
    assert told["probe"]["path"] == [[0, 0], [1, 1]]
    assert {name: told["probe"][name] for name in probe} == probe


def test_the_address_is_about_the_first_run_only(add, opened, autoencoder, neighbourly):
    add(autoencoder), add(neighbourly)
    app = opened("probe", run="tiny", x="-3.5", y="3.25", path="0_0~1_1")
    app.selectbox(key="run").select("near").run()
    (told,) = maps(fine(app))
    assert told["probe"]["path"] == [] and (told["probe"]["x"], told["probe"]["y"]) != (-3.5, 3.25)


def test_a_number_that_is_searched_for_is_shown_on_the_map(add, opened, autoencoder):
    add(autoencoder)
    app = opened()
    assert maps(app)[0]["found"] is None
    searched(app, "17")
    assert maps(fine(app))[0]["found"] == 17


@pytest.mark.parametrize(
    "nonsense",
    [7, "x", {"x": 1}, {"x": "a", "y": 0, "width": 1, "amplitude": 1}]
    + [
        {"x": 0, "y": 0, "width": 1, "amplitude": 1} | wrong
        for wrong in ({"x": 1e9}, {"width": 0}, {"y": float("nan")})
    ],
)
def test_nonsense_for_a_probe_moves_nothing(nonsense, add, opened, autoencoder):
    add(autoencoder)
    app = opened("probe", x="0.5", y="0.5")
    app = fine(heard(app, "probe-tiny", probe=nonsense))
    assert "the image decoded at (0.50, 0.50) lies" in words(app)


@pytest.mark.parametrize("slider, value", [("x", 3.0), ("y", -3.0), ("w", 2.5), ("a", 3.0)])
def test_each_slider_of_the_simple_probe_changes_the_decoded_image(slider, value, add, opened, autoencoder):
    add(autoencoder)
    app = opened("probe", x="0.5", y="0.5", state=SIMPLE)
    before = images(app)
    app.slider(key=slider).set_value(value).run()
    assert images(fine(app)) != before


def test_a_position_outside_a_smaller_map_does_not_break_the_probe(add, opened, autoencoder):
    add(autoencoder)
    small = add(autoencoder, "small")
    record = json.loads((small / "run.json").read_text())
    record["network"]["arguments"]["extent"] = 2.0
    (small / "run.json").write_text(json.dumps(record))
    app = opened("probe", run="tiny", x="3.5", y="-3.5")
    fine(app.selectbox(key="run").select("small").run())


def test_uploads_are_in_the_table_and_a_bad_one_is_listed_with_its_reason(add, opened, autoencoder):
    add(autoencoder)
    files = [("three.png", written(3)), ("torn.png", written()[:60]), ("seven.png", written(7))]
    app = fine(opened("upload", state=uploaded(*files)))
    assert sorted(app.dataframe[0].value["name"]) == ["seven.png", "three.png"]
    assert len(app.warning) == 1 and "**torn.png**" in app.warning[0].value
    assert "2 uploaded" in app.header[0].value
    assert maps(app)[0]["uploads"]["total"] == 3
    assert len(app.get("download_button")) == 5


def test_the_markup_in_a_file_name_is_not_shown_as_such(add, opened, autoencoder):
    add(autoencoder)
    name = "<img src=x onerror=alert(1)> [click](http:··x) `$x$` **b** :material/home:.png"
    app = fine(opened("upload", state=uploaded((name, written()), (name + ".png", b""))))
    said = words(app) + json.dumps(maps(app))
    assert not any(mark in said for mark in ("<img", "[click]", "`$", "**b**", ":material/home"))


def test_many_files_that_are_no_pictures_are_one_warning(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("upload", state=uploaded(*[(f"{at}.png", b"text") for at in range(40)])))
    assert len(app.warning) == 1 and "**0.png**" in app.warning[0].value and "35 more" in app.warning[0].value
    (listed,) = app.dataframe  # all of them, with the reason
    assert len(listed.value) == 40


def test_of_many_reasons_the_first_few_are_shown(add, opened, autoencoder):
    add(autoencoder)
    files = [(f"{at}.png", bytes(20_000_001 + 100_000 * at)) for at in range(9)]
    app = fine(opened("upload", state=uploaded(*files)))
    assert len(app.warning) == 7 and "3 more files were rejected" in app.warning[-1].value


def test_a_blank_picture_is_shown_first(add, opened, autoencoder):
    add(autoencoder)
    file = io.BytesIO()
    Image.new("L", (50, 50), 255).save(file, "PNG")
    app = fine(opened("upload", state=uploaded(("three.png", written(3)), ("blank.png", file.getvalue()))))
    first = app.dataframe[0].value.iloc[0]
    assert (first["name"], first["compared"]) == ("blank.png", "○ No digit found") and pd.isna(first["prediction"])
    assert "1 no digit found" in app.header[0].value


def test_a_row_and_a_mark_choose_each_other(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("upload", state=uploaded(*[(f"{at}.png", written(at)) for at in range(4)])))
    chosen = {"revision": 0, "number": None}
    assert maps(app)[0]["uploads"]["chosen"] == chosen
    rows = app.dataframe[0].value
    app = fine(clicked(app, app.dataframe[0], rows=[1], columns=[], cells=[]))
    chosen = {"revision": 1, "number": int(rows.index[1])}
    assert maps(app)[0]["uploads"]["chosen"] == chosen
    assert maps(fine(app.run()))[0]["uploads"]["chosen"] == chosen
    other = next(number for number in range(4) if number != rows.index[1])
    for revision in (2, 4):  # the same mark again, after a row of the table
        app = fine(heard(app, "upload-tiny", chosen={"revision": revision, "number": other}))
        assert maps(fine(app.run()))[0]["uploads"]["chosen"] == {"revision": revision, "number": other}
        if revision == 2:
            app = fine(clicked(app, app.dataframe[0], rows=[1], columns=[], cells=[]))
            assert maps(app)[0]["uploads"]["chosen"] == {"revision": 3, "number": int(rows.index[1])}
    next(button for button in app.button if button.label == "Remove the chosen one").click()
    app = fine(app.run())
    assert sorted(app.dataframe[0].value.index) == sorted(set(range(4)) - {other})


def test_all_uploads_can_be_removed(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("upload", state=uploaded(("a.png", written()))))
    next(button for button in app.button if button.label == "Remove all").click()
    app = fine(app.run())
    assert not app.dataframe and maps(app)[0]["uploads"]["total"] == 0


def test_samples_are_uploaded_when_asked_for(add, opened, autoencoder):
    digits = autoencoder.data | {"preprocess": replace(autoencoder.preprocess, name="digit", box=8)}
    add(autoencoder, data=digits)
    app = fine(opened("upload"))
    next(button for button in app.button if "handwritten" in button.label).click()
    app = fine(app.run())
    assert maps(app)[0]["uploads"]["total"] == 10 and maps(app)[0]["uploads"]["digits"]
    assert not any("handwritten" in button.label for button in app.button)


def test_another_preprocessing_reaches_the_map(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("upload", state=uploaded(("a.png", written()))))
    own = autoencoder.preprocess.name
    assert maps(app)[0]["uploads"]["preprocessing"] == own
    other = next(name for name in ("crop", "resize") if name != own)
    app = fine(app.segmented_control(key="preprocessing-tiny").select(other).run())
    assert maps(app)[0]["uploads"]["preprocessing"] == other
    assert not app.dataframe  # nothing is projected with that preprocessing yet


def test_the_simple_map_has_the_uploads_too(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("upload", state=SIMPLE))
    app.file_uploader(key="files-0").upload("three.png", written(), "image/png")
    app.file_uploader(key="files-0").upload("torn.png", b"no picture", "image/png")
    app = fine(fine(app.run()).run())
    assert charts(app)[0]["data"][-1]["text"] == ["three.png"] and "**torn.png**" in app.warning[-1].value
    assert len(app.dataframe[0].value) == 1


def test_a_run_that_was_trained_again_is_read_anew(add, opened, autoencoder, classifier):
    folder = add(autoencoder)
    app = opened()
    shutil.rmtree(folder)
    add(classifier, "tiny")
    app.run()
    assert str(len(load_map(folder).of_split("test"))) in words(fine(app))
    assert read_run(folder).recipe["objectives"] == {"classify": 1.0}


# Depth


def depth_maps(app):
    """What the canvas of the Depth page is told."""
    (told,) = maps(app)
    return told


def confusions(app):
    """The chart of the confusions."""
    return next(chart for chart in app.get("plotly_chart") if "confusion-" in chart.proto.id)


def test_depth_without_a_head_says_how_to_train_some(add, opened, autoencoder, bottom):
    add(autoencoder), add(bottom)
    app = fine(opened("depth"))
    assert "no truncated network yet" in app.main.info[0].value and "--depth layer3" in app.main.code[0].value
    assert not maps(app)


def test_depth_aligns_the_maps_of_one_network(add, opened, heads, autoencoder):
    add(autoencoder), add(heads[1]), add(heads[0])
    app = fine(opened("depth"))
    told = depth_maps(app)
    assert [one["title"] for one in told["maps"]] == ["11 layers", "31 layers"]
    assert [one["source"] for one in told["maps"]] == ["own", "own"]
    turn = np.array(told["maps"][0]["placement"])[:, :2]
    np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-6)
    assert told["maps"][1]["placement"] == np.eye(2, 3).tolist()
    (table,) = app.dataframe
    assert table.value["depth"].tolist() == ["11 layers", "31 layers"]
    assert table.value["accuracy"].tolist() == [head.metrics["test_accuracy"] for head in heads]
    assert all("–" in pairs for pairs in table.value["classes that overlap most"])


def test_depth_shows_the_depths_that_are_chosen_side_by_side_or_moving(add, opened, heads):
    add(heads[0]), add(heads[1])
    app = fine(opened("depth", show="moving"))
    told = depth_maps(app)
    assert told["moving"] and [one["title"] for one in told["maps"]] == ["11 layers", "31 layers"]
    (pills,) = (group for group in app.get("button_group") if group.key.startswith("heads-"))
    fine(pills.set_value(["at31"]).run())
    assert len(depth_maps(app)["maps"]) == 1
    fine(pills.set_value([]).run())
    assert "Choose at least one depth" in app.main.info[0].value


def test_a_selection_at_one_depth_is_shown_at_all_depths(add, opened, heads):
    add(heads[0]), add(heads[1])
    app = opened("depth")
    app = fine(selected(app, [3, 4], "depth-side by side-2"))
    assert "**2 selected** · correct: " in words(app) and "at 31 layers" in words(app)
    maps_of_both = [load_map(head.folder).of_split("test") for head in heads]
    predicted = " → ".join(str(points.prediction[3]) for points in maps_of_both)
    assert captions(app)[0] == f"{maps_of_both[0].label[3]}: {predicted}"


def test_a_click_on_a_cell_selects_its_images(add, opened, heads):
    add(heads[0]), add(heads[1])
    app = opened("depth")
    points = load_map(heads[1].folder).of_split("test")
    before = depth_maps(app)["selection"]["revision"]
    prediction = int(points.prediction[points.label == 3][0])
    app = fine(clicked(app, confusions(app), points=[{"customdata": [3, prediction]}]))
    wanted = np.flatnonzero((points.label == 3) & (points.prediction == prediction)).tolist()
    told = depth_maps(app)
    assert selected_rows(told) == wanted and told["selection"]["revision"] > before
    app = fine(selected(app, [1, 2], "depth-side by side-2"))
    assert selected_rows(depth_maps(fine(app.run()))) == [1, 2]  # the cell is not selected again
    assert selected_rows(depth_maps(fine(clicked(app, confusions(app), points=[])))) == []


@pytest.mark.parametrize("nonsense", [{}, {"customdata": None}, {"customdata": "ab"}, {"customdata": [1]}])
def test_nonsense_for_a_cell_selects_nothing(nonsense, add, opened, heads):
    add(heads[0])
    app = opened("depth")
    assert "No image selected" in words(fine(clicked(app, confusions(app), points=[nonsense])))


def test_pictures_are_marked_at_every_depth(add, opened, heads):
    add(heads[0]), add(heads[1])
    app = opened("depth")
    app.file_uploader(key="depth-files").upload("a <b>.png", written(), "image/png")
    app.file_uploader(key="depth-files").upload("torn.png", b"no picture", "image/png")
    app = app.run()
    assert not app.exception and "torn.png" in app.warning[0].value
    told = depth_maps(app)
    for one in told["maps"]:
        (pinned,) = one["marks"]
        assert pinned["name"].startswith("a ·b·.png: ") and np.hypot(pinned["x"], pinned["y"]) <= 2 * told["extent"]


def test_the_profile_is_shown_for_the_network_it_was_measured_on(add, opened, heads, no_runs):
    add(heads[0])
    assert "not been measured at every depth yet" in words(fine(opened("depth")))
    row = {"backbone": heads[0].backbone["sha256"], "layers": 1, "test_accuracy": 0.5, "map_1nn": 0.3}
    rows = [row | {"layers": layers, "map_5nn": 0.4, "silhouette": 0.0} for layers in (3, 1)]
    (no_runs / "profile.json").write_text(json.dumps({"rows": rows}))
    app = fine(opened("depth"))
    curve = next(chart for chart in charts(app) if chart["data"][0].get("name") == "accuracy")
    assert curve["data"][0]["x"] == [1, 3] and curve["data"][3]["name"] == "accuracy, the paper"
    assert curve["data"][2]["x"] == [11] and curve["data"][2]["name"] == "accuracy, trained for longer"


def test_depth_says_which_heads_begin_with_convolutions(add, opened):
    shipped = {run.name: run for run in RUNS}
    add(shipped["cifar10-resnet32-kept31"])
    assert "convolutions of their own" not in words(fine(opened("depth")))
    add(shipped["cifar10-resnet32-kept11"])
    said = "Heads that begin with convolutions of their own: cifar10-resnet32-kept11 with 2."
    assert said in words(fine(opened("depth")))


def test_depth_needs_the_full_map(add, opened, heads):
    add(heads[0])
    assert "need the full map" in words(opened("depth", state=SIMPLE))


def test_a_map_of_other_images_is_left_out(add, opened, heads):
    add(heads[0]), add(heads[1])
    folder = add(heads[0], "at11-of-others")
    points = load_map(heads[0].folder)
    points.where(np.arange(len(points) - 1)).save(folder)
    app = opened("depth")
    assert not app.exception and "**at11-of-others** is left out" in app.warning[0].value
    assert len(depth_maps(app)["maps"]) == 2


def test_the_results_set_ours_beside_the_papers(add, opened, autoencoder):
    add(autoencoder)
    app = fine(opened("results"))
    headings = [heading.value for heading in app.header]
    assert headings[0].startswith("Figure 3. ") and headings[-1].startswith("Table 4. ") and len(headings) == 9
    commands = [code.value for code in app.code]
    assert any("kernelviz train cifar10-resnet32" in command for command in commands)  # no such run here
    for run in RUNS:
        add(run)
    app = fine(opened("results"))
    table = next(frame.value for frame in app.dataframe if "ResNet (n = 5)" in frame.value.iloc[0, 0])
    assert table["paper"].tolist() == ["92.3 %", "92.6 %", "90.5 %", "82.3 %"]
    assert table["verdict"].tolist() == ["agrees", "agrees", "below", "better"]
    contents = next(text.value for text in app.markdown if text.value.startswith("| | shows"))
    assert "[Table 2](#table2)" in contents and ":green-badge[2 agree]" in contents
    assert not app.get("skeleton") and len(images(app)) == 4  # Figures 4 to 7
    assert {link.proto.query_string for link in app.get("page_link")} >= {"run=mnist-classifier", ""}
