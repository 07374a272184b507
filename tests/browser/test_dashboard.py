"""The dashboard as a person meets it: a real server and a real browser."""

import io
import re
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kernelviz.figures import POINTS_MARGIN
from kernelviz.maps import load_map

MODES = {  # path, and what is in the address
    "Explore": ("", {}),
    "Explore, images": ("", {"view": "images", "colour": "confidence"}),
    "Probe": ("probe", {}),
    "Probe, window": ("probe", {"what": "a window"}),
    "Probe, walk": ("probe", {"what": "a walk"}),
    "Probe, no decoder": ("probe", {"run": "namer"}),
    "Upload": ("upload", {}),
    "Upload, samples": ("upload", {"samples": "true"}),
}


def the_map(page):
    """The map, drawn."""
    plot = page.locator(".st-key-map .js-plotly-plot")
    plot.locator("canvas").first.wait_for(state="attached")
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    return plot


def ink(plot):
    """How many pixels of a map's plane, the tools at its top left out, have another colour than its corner."""
    plane = plot.locator(".nsewdrag").bounding_box()
    clip = plane | {"y": plane["y"] + 40, "height": plane["height"] - 40}
    pixels = np.asarray(Image.open(io.BytesIO(plot.page.screenshot(clip=clip))).convert("RGB")).astype(int)
    return int((abs(pixels - pixels[-1, -1]).sum(2) > 30).sum())


def address(page):
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def pictures(page):
    return page.locator('[data-testid="stImage"] img').evaluate_all("all => all.map(one => one.src)")


def choose(page, label, option):
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def box_select(page, left=0.01, top=0.01, right=0.99, bottom=0.99):
    plot = the_map(page)
    plot.locator('[data-title="Box Select"]').click()
    area = plot.locator(".nsewdrag").bounding_box()
    across, down = (area["x"], area["width"]), (area["y"], area["height"])
    page.mouse.move(across[0] + left * across[1], down[0] + top * down[1])
    page.mouse.down()
    page.mouse.move(across[0] + right * across[1], down[0] + bottom * down[1], steps=8)
    page.mouse.up()


def selected(page):
    """The word on how many are selected, once it stands there."""
    word = page.get_by_text(re.compile(r"^\d+ selected"))
    word.wait_for()
    return word.inner_text()


def test_explore_shows_a_map_with_points(visit):
    page = visit()
    plot = the_map(page)
    assert plot.locator("canvas").count()
    assert page.get_by_text(re.compile("WebGL is not supported")).count() == 0
    assert plot.bounding_box()["height"] > 600
    assert ink(plot) > 1000
    assert pictures(page)


def test_a_box_on_the_map_selects_and_clear_forgets(visit, settle):
    page = visit()
    before = pictures(page)
    box_select(page)
    assert int(selected(page).split()[0]) > 10
    settle(page)
    assert pictures(page) != before
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("Nothing selected yet").wait_for()
    assert pictures(settle(page)) == before


def test_another_colouring_keeps_the_selection_and_shows_it(visit, settle, autoencoder):
    page = visit()
    x = load_map(autoencoder.folder).of_split("test").x
    middle = 0.5 + float(np.nanmedian(x)) / (2 * 4 * POINTS_MARGIN)  # of the way from left to right
    box_select(page, right=middle)
    word = selected(page)
    choose(page, "Colour by", "density")
    settle(page)
    assert selected(page) == word
    assert address(page)["colour"] == "density"
    shown = the_map(page).evaluate("plot => plot.data[0].selectedpoints.length")
    assert f"{shown} selected" in word
    box_select(page)  # selecting goes on on the new map
    page.wait_for_function("word => !document.body.innerText.includes(word)", arg=word)


def test_the_choices_in_the_address_outlive_a_reload(visit, settle):
    page = visit(colour="density", split="train", view="images")
    page.reload()
    settle(page)
    assert address(page) == {"run": "tiny", "colour": "density", "split": "train", "view": "images"}
    assert "train images" in page.locator(".stMain").inner_text()


def test_the_run_and_the_choices_outlive_a_change_of_page(visit, settle):
    page = visit(colour="density", run="namer")
    for name in ("Probe", "Upload", "Explore"):
        page.get_by_role("link", name=name).click()
        page.wait_for_url("**/?*" if name == "Explore" else f"**/{name.lower()}*")
        settle(page)
    page.get_by_role("combobox", name=re.compile("Run")).wait_for()
    assert page.get_by_role("combobox", name=re.compile("Run")).input_value() == "namer"
    assert address(page).get("colour") == "density"


def test_a_click_on_the_map_moves_the_probe(visit, settle):
    page = visit("probe", x="-2", y="2")
    before = pictures(page)
    reach = 4 * POINTS_MARGIN  # of the axes, on a map of extent 4
    for x, y in [(2.0, -1.0), (-3.0, 3.5), (0.0, 0.0)]:
        there, area = page.evaluate("location.search"), the_map(page).locator(".nsewdrag").bounding_box()
        scale = min(area["width"], area["height"]) / (2 * reach)
        page.mouse.click(
            area["x"] + area["width"] / 2 + x * scale, area["y"] + area["height"] / 2 - y * scale, delay=50
        )
        page.wait_for_function("before => location.search !== before", arg=there)
        settle(page)
        found = address(page)
        assert abs(float(found["x"]) - x) <= 0.1 and abs(float(found["y"]) - y) <= 0.1, found
        assert pictures(page) != before
        before = pictures(page)


def test_the_sliders_work_by_keyboard(visit, settle):
    page = visit("probe", x="1", y="1")
    before = pictures(page)
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("location.search.includes('x=1.3')")
    assert pictures(settle(page)) != before


def test_an_uploaded_picture_is_placed(visit, settle):
    page = visit("upload")
    sheet = Image.new("L", (120, 160), 240)
    ImageDraw.Draw(sheet).line([(60, 20), (60, 140)], fill=20, width=12)
    file = io.BytesIO()
    sheet.save(file, "PNG")
    one = {"name": "<b>one</b>.png", "mimeType": "image/png", "buffer": file.getvalue()}
    torn = {"name": "torn.png", "mimeType": "image/png", "buffer": file.getvalue()[:40]}
    page.locator("input[type=file]").set_input_files([one, torn])
    page.get_by_text("One by one").wait_for()
    settle(page)
    said = page.locator(".stMain").inner_text()
    assert "taken for" in said and "Not taken: torn.png" in said
    assert page.locator("b", has_text="one").count() == 0
    assert len(pictures(page)) == 4 + 5
    assert ink(the_map(page)) > 500


def test_dark_is_dark(visit):
    lightness = {}
    for scheme in ("light", "dark"):
        pixels = Image.open(io.BytesIO(visit(scheme=scheme).screenshot())).convert("L")
        lightness[scheme] = np.median(np.asarray(pixels))
    assert lightness["dark"] < 60 and lightness["light"] > 200


@pytest.mark.parametrize("path, query", MODES.values(), ids=MODES)
def test_a_phone_shows_the_whole_width(path, query, visit):
    page = visit(path, width=390, height=844, **query)
    for element in ("document.documentElement", "document.querySelector('.stMain')"):
        assert page.evaluate(f"{element}.scrollWidth") <= 391
    if page.locator(".st-key-map").count():
        area = the_map(page).bounding_box()
        assert area["width"] <= area["height"] <= 1.4 * area["width"]


def test_tab_reaches_the_controls_from_the_top(visit):
    page = visit()
    reached = []
    for _ in range(25):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.innerText")
        )
    found = [
        next((at for at, name in enumerate(reached) if word in (name or "")), None) for word in ("Probe", "Colour by")
    ]
    assert None not in found and found == sorted(found), reached


def test_an_unknown_run_in_the_address_gives_the_first_one(visit):
    page = visit(run="no such run", colour="no such colour")
    assert ink(the_map(page)) > 500
    assert page.get_by_role("alert").filter(has_text="Error").count() == 0
