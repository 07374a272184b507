"""Ratings by hand in a real browser: what is predicted follows, and the map shows them."""

import re

import pytest


@pytest.fixture
def opened(visit, settle, recommender):
    page = visit("recommend", recommender="advice")
    page.get_by_role("heading", name="Your ratings").wait_for()
    return settle(page)


def rate(page, settle, line, stars):
    page.get_by_test_id("stFeedback").nth(line).locator("button").nth(stars - 1).click()
    settle(page)


@pytest.mark.slow
def test_what_is_rated_moves_what_is_recommended(opened, settle):
    page = opened
    rate(page, settle, 0, 5)
    why = page.get_by_text(re.compile(r"^Why \d\.\d\d for no\. 1\d\d\?"))
    first = why.inner_text()
    rate(page, settle, 0, 1)
    why.filter(has_not_text=first).wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Clear all").click()
    settle(page)
    page.get_by_text("this is what everybody likes best").wait_for()


@pytest.mark.slow
def test_an_item_is_searched_by_keys_and_its_rating_stands_on_the_map(opened, settle):
    page = opened
    page.get_by_label("Search and rate").fill("no. 107")
    page.keyboard.press("Enter")
    settle(page)
    rate(page, settle, 0, 4)
    page.get_by_role("tab", name="Map").click()
    page.locator("canvas.over").wait_for()
    settle(page)
    assert "25 items" in page.locator("canvas.over").get_attribute("aria-label")
    page.get_by_label("Find on the map").fill("no. 107")
    page.keyboard.press("Enter")
    page.locator(".card.pinned").get_by_text("no. 107").wait_for()
