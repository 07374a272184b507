"""The set "shapes": the same pictures every time, of many sizes, painted only when they are read."""

from dataclasses import replace

import numpy as np
import pytest

from kernelviz.data.images import is_local
from kernelviz.data.listings import listing_of
from kernelviz.data.shapes import listing as painted
from kernelviz.data.shapes import shapes_listing
from kernelviz.data.shapes.outlines import OUTLINES
from kernelviz.data.shapes.paint import BACKGROUNDS, paint
from kernelviz.tasks.recipes import changed_recipe

SOME = range(0, 48)


@pytest.fixture(scope="module")
def listing():
    return shapes_listing()


@pytest.fixture(scope="module")
def pictures(listing):
    return list(listing.read(SOME))


def test_the_same_numbers_give_the_same_pictures(pictures):
    again = list(shapes_listing(60).read([SOME[5], SOME[40]]))
    assert np.array_equal(again[0], pictures[5]) and np.array_equal(again[1], pictures[40])
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_pictures_are_in_colour_and_of_many_sizes(pictures):
    sizes = {picture.shape[:2] for picture in pictures}
    assert len(sizes) > 20 and {height < width for height, width in sizes} == {True, False}
    assert all(160 <= max(size) <= 320 for size in sizes)
    assert all(picture.dtype == np.uint8 and np.ptp(picture, axis=2).max() > 60 for picture in pictures)


def test_the_classes_are_the_outlines(listing):
    assert set(listing.classes) == set(OUTLINES) and len(listing) == 1800
    assert np.bincount(listing.labels).tolist() == [150] * 12
    assert listing.names[9] == f"{listing.classes[9]}/0000" and listing.names[9 + 17 * 12].endswith("/0017")
    assert len(set(listing.names)) == len(set(listing.stamps)) == len(listing)
    assert (listing.splits == -1).all()


def test_the_table_says_what_is_painted(listing):
    table = listing.table
    assert list(table) == ["hue", "size", "turn", "background", "made"] and len(table) == len(listing)
    assert table["hue"].between(0, 360).all() and table["size"].between(0.3, 1).all()
    assert set(table["background"]) == set(BACKGROUNDS)
    assert set(table["made"].dt.year) == {2026} and table["made"].nunique() == 365


@pytest.mark.parametrize("shape", OUTLINES)
def test_an_outline_is_within_its_circle(shape):
    assert all(np.linalg.norm(outline, axis=1).max() < 1.2 for _, outline in OUTLINES[shape])


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_every_background_has_its_pattern(background):
    empty = replace(painted.scene_of(0), things=(), background=background)
    assert (len(np.unique(paint(empty).reshape(-1, 3), axis=0)) > 1) == (background != "plain")


def test_a_picture_is_painted_when_it_is_read(monkeypatch):
    asked = []
    monkeypatch.setattr(painted, "paint", lambda scene: asked.append(scene) or np.zeros((2, 2, 3), np.uint8))
    read = shapes_listing().where(np.arange(100, 200)).read([3, 8])
    assert not asked
    next(iter(read))
    assert asked == [painted.scene_of(103)]


def test_the_name_is_known(listing, tmp_path, monkeypatch):
    assert listing_of("shapes").names == listing.names
    assert changed_recipe("photos", data="shapes").data == "shapes"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shapes").mkdir()
    assert not is_local("shapes")  # it is no set of arrays, nor a folder by that name
