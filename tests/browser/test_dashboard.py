"""The dashboard as a person meets it: a real server and a real browser."""

import io
import re
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image
from waits import frames

MODES = {  # path, and what is in the address, beside the pages as they are at first (`test_every_page`)
    "Explore, images": ("", {"view": "images", "colour": "confidence"}),
    "Probe, window": ("probe", {"window": "-1_-2~2_0"}),
    "Probe, path": ("probe", {"path": "-1_0~2_1.5"}),
    "Probe, no decoder": ("probe", {"run": "namer"}),
}


def the_map(page):
    """The map, painted."""
    over = page.locator("canvas.over").first  # a second one shows how the map grew
    over.wait_for()
    page.locator(".status").first.wait_for(state="hidden")
    over.scroll_into_view_if_needed()
    frames(page)
    return over


def ink(area):
    """How many pixels of a map have another colour than its corner."""
    pixels = np.asarray(Image.open(io.BytesIO(area.screenshot())).convert("RGB")).astype(int)[4:-4, 4:-4]
    return int((abs(pixels - pixels[-1, -1]).sum(2) > 30).sum())


def address(page):
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def choose(page, label, option):
    page.get_by_role("combobox", name=re.compile(label)).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_the_choices_in_the_address_outlive_a_reload(visit, settle):
    page = visit(colour="density", split="train", view="images")
    page.reload()
    settle(page)
    assert address(page) == {"run": "tiny", "colour": "density", "split": "train", "view": "images"}
    assert "train images" in page.locator(".stMain").inner_text()


@pytest.mark.slow
def test_the_run_and_the_choices_outlive_a_change_of_page(visit, settle):
    page = visit(colour="density", run="namer")
    for name in ("Probe", "Upload", "Explore"):
        page.get_by_role("link", name=name).click()
        page.wait_for_url("**/?*" if name == "Explore" else f"**/{name.lower()}*")
        settle(page)
    page.get_by_role("combobox", name=re.compile("Run")).wait_for()
    assert page.get_by_role("combobox", name=re.compile("Run")).input_value() == "namer"
    assert address(page).get("colour") == "density"


@pytest.mark.parametrize("path, query", MODES.values(), ids=MODES)
def test_a_phone_shows_the_whole_width(path, query, visit):
    page = visit(path, width=390, height=844, **query)
    for element in ("document.documentElement", "document.querySelector('.stMain')"):
        assert page.evaluate(f"{element}.scrollWidth") <= 391
    if page.locator("canvas.over").count():
        area = the_map(page).bounding_box()
        assert 300 < area["width"] <= 390 and area["height"] <= 1.1 * area["width"]


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


def test_an_unknown_run_in_the_address_is_said_and_another_one_offered(visit, settle):
    page = visit(run="no such run", colour="no such colour")
    page.get_by_role("heading", name="No such run").wait_for()
    page.get_by_role("button", name=re.compile("^Show ")).click()
    settle(page)
    assert ink(the_map(page)) > 500
    assert page.get_by_role("alert").filter(has_text="Error").count() == 0
