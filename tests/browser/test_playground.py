"""Figure 2 in a real browser."""

import pytest
from waits import frames, until


@pytest.fixture
def opened(visit, settle):
    page = visit("kernels")
    page.locator("canvas.over").wait_for()
    return settle(page)


def place(page):
    """What is said of the center of mass, as two numbers; None where there is none."""
    words = page.locator(".playground .position").inner_text()
    return tuple(map(float, words.removeprefix("Center of mass ").split(", "))) if "mass " in words[:15] else None


def on_screen(page, x, y):
    area = page.locator("canvas.over").bounding_box()
    scale = min(area["width"], area["height"]) / (2 * 1.06 * 4)
    return area["x"] + area["width"] / 2 + x * scale, area["y"] + area["height"] / 2 - y * scale


@pytest.mark.slow
def test_kernels_are_played_with(opened):
    for play in (the_bump_follows_an_input_that_is_dragged, inputs_are_changed, another_kernel_has_another_field):
        play(opened)


def the_bump_follows_an_input_that_is_dragged(page):
    before = place(page)
    page.mouse.move(*on_screen(page, -1.2, 0.8))
    page.mouse.down()
    page.mouse.move(*on_screen(page, -3, 3), steps=5)
    page.mouse.up()
    frames(page)
    x, y = place(page)
    assert (x, y) != before and x < -1.5 and y > 1.5


def inputs_are_changed(page):
    """They are added, weighed and removed, by mouse and by keys."""
    page.mouse.click(*on_screen(page, 3, -3))
    weight = page.get_by_role("slider", name="Weight α")
    assert weight.input_value() == "1"
    page.keyboard.press("s")
    frames(page)
    assert weight.input_value() == "-1"
    for _ in range(4):
        page.keyboard.press("Delete")
    page.locator(".playground .position").filter(has_text="No center of mass").wait_for()
    assert place(page) is None and not weight.is_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.locator(".playground .position").filter(has_text="0.25, 0.00").wait_for()


def another_kernel_has_another_field(page):
    before = place(page)
    page.get_by_label("Kernel", exact=True).select_option("dot_product")
    until(page, lambda: place(page) != before)
    assert not page.get_by_role("slider", name="Width s").is_visible()
    assert "⟨u, v⟩" in page.locator(".playground").inner_text()
