"""The inspector beside the map: from what is confused to a list of it, and to a link that shows it elsewhere."""

import io
import re

import pandas as pd
import pytest
from waits import until

from kernelviz.storage.embedding_map import load_map


@pytest.fixture
def points(autoencoder):
    return load_map(autoencoder.folder).of_split("test")


def inspector(page):
    return page.get_by_role("complementary", name="Inspector")


def test_what_is_confused_most_is_seen_and_listed_in_three_actions(visit, points):
    page = visit()
    inspector(page).get_by_role("tab", name="Confusions").click()
    most = inspector(page).locator(".pairs button").first
    label, prediction, n = re.match(r"(\d) → (\d) · (\d+)", most.inner_text()).groups()
    wanted = points.index[(points.label == int(label)) & (points.prediction == int(prediction))]
    assert len(wanted) == int(n)
    most.click()
    inspector(page).get_by_role("heading", name=f"{n} selected").wait_for()
    assert inspector(page).locator(".tiles button").count() == len(wanted)
    with page.expect_download() as saved:
        inspector(page).get_by_role("button", name=re.compile("as CSV")).click()
    assert saved.value.suggested_filename == "tiny_selection.csv"
    table = pd.read_csv(io.BytesIO(saved.value.path().read_bytes()))
    assert sorted(table["index"]) == sorted(wanted)


@pytest.mark.slow
def test_a_link_shows_the_same_elsewhere_and_what_was_done_can_be_undone(visit, chromium, settle):
    page = visit()
    inspector(page).get_by_role("tab", name="Confusions").click()
    inspector(page).locator(".pairs button").first.click()
    heading = inspector(page).get_by_role("heading", name=re.compile("selected"))
    heading.wait_for()
    said = heading.inner_text()
    inspector(page).locator(".tiles button").first.click()
    item = inspector(page).locator(".item h2")
    item.wait_for()
    name = item.inner_text()
    until(page, lambda: "sel=" in page.url and "pin=" in page.url)
    page.get_by_role("button", name="Zoom in").click()
    until(page, lambda: "at=" in page.url)
    other = page.context.new_page()
    other.goto(page.url)
    settle(other)
    inspector(other).locator(".item h2").get_by_text(name, exact=True).wait_for()
    inspector(other).get_by_role("button", name="Close").click()
    inspector(other).get_by_role("heading", name=said).wait_for()
    page.locator("canvas.over").focus()
    for _ in range(2):
        page.keyboard.press("Control+z")
    until(page, lambda: "at=" not in page.url and "pin=" not in page.url)
    inspector(page).get_by_role("heading", name=said).wait_for()
    page.keyboard.press("Control+z")
    inspector(page).get_by_text("These lie all over the map").wait_for()
    until(page, lambda: "#" not in page.url)
    page.keyboard.press("Control+Shift+z")
    inspector(page).get_by_role("heading", name=said).wait_for()


@pytest.mark.slow
def test_a_saved_selection_is_found_again(visit):
    page = visit()
    inspector(page).get_by_role("tab", name="Confusions").click()
    inspector(page).locator(".pairs button").first.click()
    said = inspector(page).get_by_role("heading", name=re.compile("selected")).inner_text()
    inspector(page).get_by_role("button", name="Give the selection a name").click()
    page.get_by_label("Name of the selection").fill("<b>odd</b> ones")
    page.keyboard.press("Enter")
    page.get_by_text("Saved as").wait_for()
    inspector(page).get_by_role("button", name="Clear").click()
    inspector(page).get_by_role("tab", name="Saved").click()
    inspector(page).get_by_role("button", name="Select <b>odd</b> ones").click()
    inspector(page).get_by_role("heading", name=said).wait_for()
    inspector(page).get_by_role("tab", name="Saved").click()
    inspector(page).get_by_role("button", name="Delete <b>odd</b> ones").click()
    inspector(page).get_by_text("None yet").wait_for()


@pytest.mark.slow
def test_pointing_at_an_image_rings_it_on_the_map(visit):
    page = visit()
    tile = inspector(page).locator(".tiles button").nth(3)
    name = tile.get_attribute("aria-label").split(",")[0]
    tile.hover()
    page.locator(".card:not(.pinned):visible").get_by_text(name, exact=True).wait_for()
    page.wait_for_function(
        "name => document.querySelector('.ringed') || [...document.querySelectorAll('*')].some("
        "one => one.shadowRoot?.querySelector('.ringed')?.ariaLabel.startsWith(name))",
        arg=name,
    )
