"""A map of which the page has tiles and the points in view: names on cards, and the inspector."""

import shutil

import numpy as np
import pandas as pd
import pytest
from serving import served
from test_inspector import inspector
from waits import settled, until

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import save_item_table

# the dashboard, in which the map of the run "tiny" counts as large, and a view of 300 points as too many
PROGRAM = """
from kernelviz.cli import main
from kernelviz.ui.shared import caches
from kernelviz.ui.tiles import chosen
caches.LARGE, chosen.IN_VIEW, chosen.SAMPLE = 1000, 300, 200
main()
"""


@pytest.fixture(scope="module")
def large(chromium, autoencoder, tmp_path_factory):
    """Address of a dashboard with a large map, whose points have names and a column of the user's."""
    folder = tmp_path_factory.mktemp("large")
    copy = folder / "runs" / "tiny"
    shutil.copytree(autoencoder.folder, copy)
    n = len(load_map(copy))
    own = {"name": [f"photo {at}.jpg" for at in range(n)], "file": "", "weight": np.arange(n)}
    save_item_table(copy, pd.DataFrame(own))
    with served(folder / "runs", folder, program=("-c", PROGRAM)) as address:
        yield address


@pytest.fixture
def opened(chromium, large):
    """Open the large map in a fresh window."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{large}/?run=tiny")
    yield settled(page)
    context.close()


def title(page):
    return inspector(page).locator(".item h2")


def test_a_point_has_its_name_and_stays_in_the_inspector_while_the_map_moves(opened):
    page = opened
    page.locator("canvas.over").focus()
    page.keyboard.press("ArrowRight")
    card = page.locator(".card:not(.pinned)")
    card.get_by_text("photo").wait_for()
    name = card.locator(".words div").first.inner_text()
    page.keyboard.press("Enter")
    title(page).get_by_text(name, exact=True).wait_for()
    number = name.removeprefix("photo ").removesuffix(".jpg")
    inspector(page).locator(f"dt:has-text('weight') + dd:text-is('{number}')").wait_for()
    beside = inspector(page).get_by_role("group", name="Nearest on the map").locator("button")
    until(page, lambda: beside.count() == 12 and beside.first.get_attribute("aria-label").startswith("photo"))
    wanted = [one.get_attribute("aria-label") for one in beside.all()]
    for key in ("+", "+", "+", "+", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "0"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    assert title(page).inner_text() == name
    assert [one.get_attribute("aria-label") for one in beside.all()] == wanted
    beside.first.click()
    title(page).get_by_text(wanted[0].split(",")[0], exact=True).wait_for()
    inspector(page).get_by_role("button", name="Close").click()
    inspector(page).get_by_text("These lie all over what is in view").wait_for()


def lassoed(page):
    """Draw a lasso around the middle of the map; gives what is said of the selection."""
    area = page.locator("canvas.over").bounding_box()
    corners = [(0.3, 0.2), (0.7, 0.2), (0.7, 0.8), (0.3, 0.8), (0.3, 0.2)]
    at = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in corners]
    page.get_by_role("button", name="Select with a lasso").click()
    page.mouse.move(*at[0])
    page.mouse.down()
    for corner in at[1:]:
        page.mouse.move(*corner, steps=5)
    page.mouse.up()
    bar = page.locator(".selected span")
    bar.get_by_text("selected").wait_for()
    return bar.inner_text()


@pytest.mark.slow
def test_a_lasso_is_undone_and_done_again_and_a_link_has_it_with_what_is_pinned(opened):
    page = opened
    said, bar = lassoed(page), page.locator(".selected span")
    inspector(page).get_by_text("These are some of the selected ones").wait_for()
    page.locator("canvas.over").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    title(page).get_by_text("photo").wait_for()
    name = title(page).inner_text()
    until(page, lambda: "within=" in page.url and "pin=" in page.url)
    other = page.context.new_page()
    other.goto(page.url)
    settled(other)
    title(other).get_by_text(name, exact=True).wait_for()
    until(other, lambda: other.locator(".selected span").inner_text() == said)
    page.keyboard.press("Control+z")
    title(page).wait_for(state="detached")
    page.keyboard.press("Control+z")
    bar.wait_for(state="hidden")
    until(page, lambda: "#" not in page.url)
    page.keyboard.press("Control+Shift+z")
    until(page, lambda: bar.inner_text() == said)
    page.keyboard.press("Control+Shift+z")
    title(page).get_by_text(name, exact=True).wait_for()


@pytest.mark.slow
def test_a_lasso_is_saved_and_found_again(opened):
    page = opened
    said = lassoed(page)
    page.get_by_role("button", name="Give the selection a name").click()
    page.get_by_label("Name of the selection").fill("the middle")
    page.keyboard.press("Enter")
    page.get_by_text("Saved as “the middle”").wait_for()
    page.get_by_role("button", name="Clear the selection").click()
    page.locator(".selected").wait_for(state="hidden")
    inspector(page).get_by_role("tab", name="Saved").click()
    inspector(page).get_by_role("button", name="Select the middle").click()
    until(page, lambda: page.locator(".selected span").inner_text() == said)
    inspector(page).get_by_role("tab", name="Saved").click()
    inspector(page).get_by_role("button", name="Delete the middle").click()
    inspector(page).get_by_text("None yet").wait_for()
