"""From a folder of pictures to a map: the choice, the training, new pictures, and what is kept."""

import json

import numpy as np
import pytest
from PIL import Image

import kernelviz as library
from kernelviz.data.listings import listing_of
from kernelviz.ingest.files import RejectedFile
from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import load_item_table
from kernelviz.storage.store import load_run
from kernelviz.storage.thumbnails import content_hashes, has_thumbnails
from kernelviz.tasks.choosing import chosen_recipe, described, grey_recipe, left_out, sizes_of
from kernelviz.tasks.recipes import NEIGHBOURS

FAST = ("--features", "resnet32", "--epochs", "2")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERNELVIZ_DATA", str(tmp_path / "data"))


@pytest.fixture
def mapped(kernelviz, photographs):
    """The run "mine", a map of the photographs."""
    code, out, err = kernelviz("map", photographs, "--name", "mine", *FAST, "--json")
    assert code == 0, err
    return json.loads(out), err


def test_one_command_says_what_it_found_and_leaves_a_run(mapped):
    said, err = mapped
    assert said["run"] == "mine" and 0 <= said["metrics"]["map_5nn"] <= 1 and "features_5nn" in said["metrics"]
    assert "36 pictures in photographs, from 70 x 70 to 90 x 120 pixels, colour" in err
    assert "3 classes: blue, green, red" in err and "features of resnet32" in err
    run = load_run("mine")
    points, table = load_map(run.folder), load_item_table(run.folder)
    assert len(points) == len(table) == len(content_hashes(run.folder)) == 36
    assert run.has_decoder and library.load("mine").decode([[0.0, 0.0]]).shape == (1, 64, 64, 3)


def test_a_new_picture_is_placed_where_the_same_picture_is(mapped, photographs):
    run = library.load("mine")
    table = load_item_table(run.record.folder)
    found = run.embed([photographs / name for name in table["name"][:8]])
    np.testing.assert_allclose(found.coordinates, run.points.coordinates[:8], atol=0.25)


def test_it_is_evaluated_again_to_the_same_metrics(mapped, kernelviz):
    code, out, _ = kernelviz("evaluate", "mine", "--json")
    assert code == 0 and json.loads(out) == pytest.approx(mapped[0]["metrics"], rel=1e-4)


def test_pictures_that_came_later_are_put_onto_the_map(mapped, kernelviz, photographs, tmp_path):
    more = tmp_path / "more" / "red"
    more.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (100, 80), (250, 10 * number, 0)).save(more / f"{number}.png")
    next((photographs / "red").iterdir()).rename(more / "known.png")
    code, out, err = kernelviz("map", "--name", "mine", "--add", tmp_path / "more", "--json")
    assert code == 0, err
    said = json.loads(out)
    assert (said["added"], said["known"]) == (3, 1) and 0 <= said["novel"] <= 3
    run = load_run("mine")
    points, table = load_map(run.folder), load_item_table(run.folder)
    assert len(points) == len(table) == len(content_hashes(run.folder)) == 39
    assert len(points.of_split("added")) == 3 and (points.of_split("added").label == 2).all()
    again = json.loads(kernelviz("map", "--name", "mine", "--add", tmp_path / "more", "--json")[1])
    assert again["added"] == 0 and again["known"] == 4


def test_only_a_run_that_keeps_pictures_takes_more(kernelviz, photographs):
    code, _, err = kernelviz("map", "--name", "digits-neighbours", "--add", photographs)
    assert code == 2 and "kernelviz embed digits-neighbours" in err
    code, _, err = kernelviz("map", "--add", photographs)
    assert code == 2 and "--name" in err
    code, _, err = kernelviz("map")
    assert code == 2 and "SOURCE" in err


def test_views_of_pictures_are_an_option(kernelviz, photographs, tmp_path):
    code, out, err = kernelviz("map", photographs, *FAST, "--views", "3", "--json")
    assert code == 0 and load_run(json.loads(out)["run"]).recipe["views"] == 3, err
    code, _, err = kernelviz("map", photographs, "--features", "pixels", "--views", "3")
    assert code == 2 and "--views" in err


def test_nothing_is_tested_where_nobody_asks_for_it(kernelviz, photographs):
    code, out, err = kernelviz("map", photographs, *FAST, "--test", "0", "--json")
    assert code == 0, err
    points = load_map(load_run("photographs").folder)
    assert len(points.of_split("test")) == 0 and json.loads(out)["metrics"] == {}


def test_a_folder_without_classes(kernelviz, tmp_path, photographs):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in photographs.rglob("*.png"):
        path.rename(flat / path.name)
    code, out, err = kernelviz("map", flat, *FAST, "--json")
    assert code == 0, err
    assert "map_5nn" not in json.loads(out)["metrics"]
    assert has_thumbnails(load_run("flat").folder)


def test_small_grey_pictures_are_compared_by_pixels(tmp_path):
    folder = tmp_path / "letters"
    folder.mkdir()
    for number in range(5):
        Image.new("L", (28, 28), 40 * number).save(folder / f"{number}.png")
    listing = listing_of(str(folder))
    recipe, reason = chosen_recipe(str(folder), listing, sizes_of(listing), None, None, None)
    assert recipe.backbone is None and recipe.data == str(folder) and "grey" in reason
    assert recipe.network["gradients"] and recipe.epochs == 300 > grey_recipe(4000).epochs == 90
    assert grey_recipe(70_000) == NEIGHBOURS
    assert chosen_recipe(str(folder), listing, sizes_of(listing), None, None, "path:2")[0].column == "path:2"
    recipe, reason = chosen_recipe(str(folder), listing, sizes_of(listing), "resnet32", None, None)
    assert recipe.backbone == "resnet32" and recipe.views and "as asked" in reason


def test_what_is_left_out_is_grouped_by_the_reason(photographs):
    rejected = [RejectedFile(f"{number}.txt", "it is text") for number in range(12)] + [RejectedFile("a", "empty")]
    assert left_out(rejected) == [
        "12 files are left out (0.txt, …): it is text",
        "1 file is left out (a): empty",
    ]
    (photographs / "notes.txt").write_text("hello")
    listing = listing_of(str(photographs))
    assert any("1 file is left out (notes.txt)" in line for line in described(listing, sizes_of(listing)))


def test_few_pictures_are_shown_more_often(photographs):
    listing = listing_of(str(photographs))
    few, _ = chosen_recipe(str(photographs), listing, sizes_of(listing), "resnet32", None, None)
    assert few.epochs == 300 and few.batch == 64
