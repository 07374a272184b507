"""Maps of one network at several depths in a real browser: what is done in one is seen in all."""

import re

import numpy as np
import pytest
from waits import frames, until

from kernelviz.evaluation.depths import laid_over, placed_by, reach_of
from kernelviz.storage.embedding_map import load_map

MARGIN = 1.06  # of the extent, what is on the screen when all of a map fits


@pytest.fixture
def maps(heads):
    """The test images of both heads where they lie on the page, and how far the maps reach."""
    both = [load_map(head.folder).of_split("test") for head in heads]
    placements = laid_over(both)
    return [placed_by(how, one.coordinates) for one, how in zip(both, placements, strict=True)], reach_of(
        both, placements
    )


@pytest.fixture
def opened(visit, settle):
    def opened(**address):
        page = visit("depth", network="resnet32 on coloured", **address)  # the shipped one comes first
        page.locator("canvas.over").first.wait_for()
        for status in page.locator(".status").all():
            status.wait_for(state="hidden")
        return settle(page)

    return opened


def on_screen(page, at, place, extent):
    area = page.locator("canvas.over").nth(at).bounding_box()
    scale = min(area["width"], area["height"]) / (2 * MARGIN * extent)
    return area["x"] + area["width"] / 2 + place[0] * scale, area["y"] + area["height"] / 2 - place[1] * scale


def alone(coordinates):
    """The row that is farthest from all others."""
    distances = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2) + 99 * np.eye(len(coordinates))
    return int(np.nanargmax(np.where(np.isfinite(distances), distances, 99).min(1)))


# The pixels of a canvas that have the colour of a mark, whatever its grade (as alpha, blue, green, red).
MARKED = """((pixels) => [...pixels.keys()].filter(
    (i) => [0xff3f40e0, 0xff0c57c2, 0xfff65c8b, 0xff90857d].includes(pixels[i])
))(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer))"""


def marked(canvas):
    return canvas.evaluate(f"canvas => {MARKED}.length")


def tool(page, name):
    page.get_by_role("button", name=re.compile(name)).first.click()


def lasso(page, at, extent, coordinates):
    """Draw around everything on the left of a map's middle; returns how many there are."""
    corners = np.array([[-1, -1], [0, -1], [0, 1], [-1, 1]]) * extent
    tool(page, "lasso")
    page.mouse.move(*on_screen(page, at, corners[0], extent))
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*on_screen(page, at, corner, extent), steps=3)
    page.mouse.up()
    return int((coordinates[:, 0] < 0).sum())


def test_pointing_at_an_image_in_one_map_shows_it_in_all(opened, maps):
    (first, _), extent = maps
    page, row = opened(), alone(first)
    page.mouse.move(*on_screen(page, 0, first[row], extent))
    cards = page.locator(".card:not(.pinned):visible")
    cards.nth(1).wait_for()
    assert cards.count() == 2 and all(f"no. {row}" in words for words in cards.all_inner_texts())


@pytest.mark.slow
def test_a_lasso_in_one_map_selects_in_all_and_beside_them(opened, maps):
    (_, second), extent = maps
    page = opened()
    n = lasso(page, 1, extent, second)
    word = page.get_by_test_id("stTabs").get_by_text(re.compile(r"^[\d,]+ selected"))
    word.wait_for()
    assert abs(int(word.inner_text().split()[0]) - n) <= 2  # pixels are whole
    (legend,) = page.locator("div.legend").all_inner_texts()  # of both maps
    assert "/" in legend


@pytest.mark.slow
def test_zooming_in_on_one_map_brings_the_others_to_the_same_images(opened, maps):
    (first, _), extent = maps
    page, row = opened(), alone(first)
    overviews = page.locator("canvas.overview")
    overviews.nth(1).wait_for(state="hidden")
    page.mouse.move(*on_screen(page, 0, first[row], extent))
    for _ in range(4):  # seven times: closer, half a pixel would be more than a point's reach
        page.mouse.wheel(0, -300)
        frames(page)
    overviews.nth(0).wait_for()
    overviews.nth(1).wait_for()
    page.mouse.move(*on_screen(page, 0, first[row], extent))
    page.locator(".card:not(.pinned):visible").get_by_text(f"no. {row}").first.wait_for()
    tool(page, "Show the whole map")
    overviews.nth(1).wait_for(state="hidden")


@pytest.mark.slow
def test_images_move_from_one_depth_to_the_next(opened, maps):
    (first, second), extent = maps
    page = opened(show="moving")
    row = alone(second)
    slider = page.get_by_role("slider", name="Depth")
    assert page.locator("canvas.over").count() == 1 and slider.input_value() == "0"
    page.get_by_role("button", name="Show 31 layers").click()
    assert slider.input_value() == "1" and slider.get_attribute("aria-valuetext") == "31 layers"
    page.mouse.move(*on_screen(page, 0, second[row], extent))
    page.locator(".card:not(.pinned)").wait_for()
    assert f"no. {row}" in page.locator(".card:not(.pinned)").inner_text()
    slider.focus()
    page.keyboard.press("Home")
    page.get_by_role("button", name="Play").or_(page.get_by_text("Play", exact=True)).first.click()
    page.get_by_text("Play", exact=True).wait_for()  # it has come to its end
    assert slider.input_value() == "1"


@pytest.mark.slow
def test_a_click_on_the_confusions_selects_on_every_map(opened, heads):
    points = load_map(heads[1].folder).of_split("test")
    page = opened()
    page.get_by_role("tab", name="Confusions").click()
    chart = page.locator(".js-plotly-plot .scatterlayer .point")
    chart.first.wait_for()
    cells = (10 * points.label.astype(int) + points.prediction).tolist()  # row by row
    cell = max(set(cells), key=cells.count)
    chart.nth(cell).click(force=True)
    n = cells.count(cell)
    page.get_by_role("tab", name="Images").click()
    page.get_by_test_id("stTabs").get_by_text(re.compile(rf"^{n} selected")).wait_for()
    assert "/" in page.locator("div.legend").first.inner_text()


@pytest.mark.slow
def test_a_picture_is_pinned_to_every_map(opened, tmp_path, coloured, settle):
    from PIL import Image

    Image.fromarray(coloured.test_images[0]).resize((64, 64)).save(tmp_path / "mine.png")
    page = opened()
    assert [marked(canvas) for canvas in page.locator("canvas.over").all()] == [0, 0]
    page.get_by_role("button", name="Add pictures").click()
    page.locator("input[type=file]").set_input_files(str(tmp_path / "mine.png"))
    page.get_by_text("mine.png").wait_for()
    overs = page.locator("canvas.over").all()
    until(page, lambda: len(overs) == 2 and min(map(marked, overs)) > 50)
    page.keyboard.press("Escape")
    settle(page)
    assert min(map(marked, overs)) > 50
    page.get_by_text("moving", exact=True).click()
    settle(page)
    page.get_by_role("button", name="Show 31 layers").click()
    frames(page)
    at31 = shown(page)
    assert len(at31) > 50
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("option", name="right or wrong").click()
    settle(page)
    assert shown(page) == at31  # the mark stays where the slider stands


def shown(page):
    """Left and top of the pixels in the colours of the marks of every grade."""
    return page.locator("canvas.over").evaluate(
        f"canvas => {MARKED}.map((i) => [i % canvas.width, Math.floor(i / canvas.width)])"
    )


@pytest.mark.slow
def test_nothing_is_wider_than_the_page(opened, settle):
    page = opened(scheme="dark")
    for view, maps in ("side by side", 2), ("moving", 1):
        page.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).click()
        until(page, lambda maps=maps: page.locator(".stage:visible").count() == maps)
        for width, height in (1440, 900), (390, 844):
            page.set_viewport_size({"width": width, "height": height})
            settle(page)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for stage in page.locator(".stage").all():
                area = stage.bounding_box()
                assert area["x"] >= 0 and area["x"] + area["width"] <= width and area["height"] > 250
