"""The canvas in a real browser: what it shows under the pointer, what it selects, what it decodes at the probe."""

import base64
import io
import re
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from waits import frames, until

from kernelviz.data.images import load
from kernelviz.storage.embedding_map import load_map

CARD, PINNED = ".card:not(.pinned)", ".inspector .item"
PICTURE = f"{CARD} div:not(.decoded) > canvas"  # of the point, beside what is decoded there
STEPS = 3  # moves of the pointer along each line
EXTENT, MARGIN = 4.0, 1.06  # of the maps of the tests; of the extent, what is on the screen when all of it fits


@pytest.fixture
def points(autoencoder):
    return load_map(autoencoder.folder).of_split("test")


@pytest.fixture
def seen(visit, settle):
    """Open a page and wait until its map is painted."""

    def seen(path="", /, **address):
        page = visit(path, **address)
        loaded(page)
        page.locator("canvas.over").scroll_into_view_if_needed()
        return settle(page)

    return seen


def loaded(page):
    """Wait until the map is there."""
    page.locator("div.legend > *").first.wait_for()
    page.locator(".status").last.wait_for(state="hidden")  # for a moment there may be that of the page before


def on_screen(page, coordinates):
    """Pixels of the window where positions of the map are, while all of it is shown."""
    area = page.locator("canvas.over").bounding_box()
    scale = min(area["width"], area["height"]) / (2 * MARGIN * EXTENT)
    x, y = np.asarray(coordinates, float).T
    return np.stack([area["x"] + area["width"] / 2 + x * scale, area["y"] + area["height"] / 2 - y * scale], axis=-1)


def on_map(page, pixels):
    area = page.locator("canvas.over").bounding_box()
    scale = min(area["width"], area["height"]) / (2 * MARGIN * EXTENT)
    left, top = np.asarray(pixels, float).T
    return np.stack(
        [(left - area["x"] - area["width"] / 2) / scale, (area["y"] + area["height"] / 2 - top) / scale], axis=-1
    )


def alone(points, rank=0):
    """The row of the point that is farthest from all others, or of the next ones by `rank`."""
    distances, _ = points.nearest(points.coordinates, 2)
    return int(np.argsort(-distances[:, 1])[rank])


def drag(page, pixels, shift=False):
    if shift:
        page.keyboard.down("Shift")
    page.mouse.move(*pixels[0])
    page.mouse.down()
    for at in pixels[1:]:
        page.mouse.move(*at, steps=STEPS)
    page.mouse.up()
    if shift:
        page.keyboard.up("Shift")


def tool(page, name):
    page.get_by_role("button", name=re.compile(name)).click()


def selected(page):
    """How many are selected, once it stands there."""
    word = page.locator(".inspector h2").get_by_text(re.compile(r"^[\d,]+ selected( ·|$)"))
    word.wait_for()
    return int(word.inner_text().split()[0].replace(",", ""))


def canvas_pixels(locator):
    """The pixels [height, width, 4] of a canvas element."""
    data = locator.evaluate("canvas => canvas.toDataURL('image/png').split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def painted(page):
    """How many pixels of what lies over the points are not empty."""
    return canvas_pixels(page.locator("canvas.over"))[..., 3].astype(bool).sum()


def card_at(page, pixel):
    """What the card of the point at a pixel says; nothing where there is no card."""
    page.mouse.move(*pixel + [0.5, 0])  # the pointer may be there already
    page.mouse.move(*pixel)
    frames(page)
    card = page.locator(CARD)
    return card.inner_text() if card.is_visible() else ""


def address(page):
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def decoded(page):
    """The decoded image, once there is one."""
    canvas = page.get_by_role("figure").locator("canvas").first
    until(page, lambda: canvas_pixels(canvas)[..., 3].all())
    return canvas_pixels(canvas)[..., 0]


def inside(coordinates, corners):
    x, y = coordinates.astype(float).T
    odd = np.zeros(len(coordinates), bool)
    for (x1, y1), (x0, y0) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        odd ^= ((y1 > y) != (y0 > y)) & (x < (x0 - x1) * (y - y1) / (y0 - y1) + x1)
    return odd


def test_the_card_under_the_pointer_shows_the_right_image(seen, points):
    page, row = seen(), alone(points)
    page.mouse.move(*on_screen(page, points.coordinates[row]) + [2, 1])
    card = page.locator(CARD)
    card.wait_for()
    assert f"no. {row}" in card.inner_text() and f"label {points.label[row]}" in card.inner_text()
    page.locator(f"{PICTURE}:not(.loading)").wait_for()
    shown = canvas_pixels(page.locator(PICTURE))[::16, ::16, 0]
    np.testing.assert_array_equal(shown, load("digits").split("test")[0][points.index[row]])
    area, stage = card.bounding_box(), page.locator(".stage").bounding_box()
    assert area["y"] >= stage["y"] and area["x"] >= stage["x"]
    page.mouse.move(stage["x"] + 2, stage["y"] + 2)
    card.wait_for(state="hidden")


def empty(points):
    """A position far from all points."""
    at = np.stack(np.meshgrid(*[np.linspace(-3.5, 3.5, 29)] * 2), axis=-1).reshape(-1, 2)
    distances, _ = points.nearest(at, 1)
    return at[distances[:, 0].argmax()]


@pytest.mark.slow
def test_where_no_dot_is_the_decoded_image_is_shown(seen, points):
    page = seen()
    page.mouse.move(*on_screen(page, [empty(points)])[0])
    page.locator(CARD).get_by_text("decoded here").wait_for()
    until(page, lambda: canvas_pixels(page.locator(f"{CARD} .decoded canvas"))[..., 0].any())
    page.mouse.move(*on_screen(page, points.coordinates[alone(points)]))
    page.locator(CARD).get_by_text("no. ").wait_for()
    assert page.locator(f"{CARD} .decoded canvas").is_visible() and page.locator(PICTURE).is_visible()


@pytest.mark.slow
def test_a_click_on_a_name_shows_its_group_alone(seen):
    page = seen()
    over, entries = page.locator("canvas.over"), page.locator(".legend button")
    area, ink = over.bounding_box(), canvas_pixels(over)[..., 3] > 0
    blobs, n = ndimage.label(ink)  # names are among what stands over the points
    for y, x in ndimage.center_of_mass(ink, blobs, range(1, n + 1)):
        pixel = area["x"] + x * area["width"] / ink.shape[1], area["y"] + y * area["height"] / ink.shape[0]
        page.mouse.move(*pixel)
        frames(page)
        if over.evaluate("over => over.style.cursor") == "pointer":
            break
    name = over.get_attribute("title").removeprefix("Show only ")
    page.mouse.click(*pixel)
    until(page, lambda: page.locator(".legend button[aria-pressed=true]").count() == 1)
    assert page.locator(".legend button[aria-pressed=true]").inner_text().startswith(name)
    page.mouse.click(*pixel)
    until(page, lambda: page.locator(".legend button[aria-pressed=true]").count() == entries.count())


@pytest.mark.slow
def test_the_hint_is_there_until_it_is_dismissed(seen, settle):
    page = seen()
    page.get_by_text("similar images lie together.", exact=False).first.wait_for()
    page.get_by_role("button", name="Dismiss").press("Escape")
    page.locator(".hint-card").wait_for(state="hidden")
    page.reload()
    settle(page)
    loaded(page)
    assert page.locator(".hint-card").is_hidden()


@pytest.mark.slow
def test_on_a_map_of_images_the_card_is_that_of_the_image_under_the_pointer(seen, points):
    page, row = seen(view="images"), alone(points)
    at = on_screen(page, points.coordinates[row]) + [8, -8]
    assert f"no. {row}" in until(page, lambda: card_at(page, at))  # there is none before the images have come


def test_a_click_pins_the_card_and_escape_takes_it_away(seen, points):
    page, row = seen(), alone(points)
    at = on_screen(page, points.coordinates[row])
    page.mouse.click(*at)
    page.mouse.move(*at + 150)
    frames(page)
    assert f"No. {row}" in page.locator(PINNED).inner_text()
    page.keyboard.press("Escape")
    page.locator(PINNED).wait_for(state="hidden")


def test_a_lasso_selects_exactly_the_points_inside_and_again_after_clear(seen, settle, points):
    page = seen()
    corners = on_screen(page, [(-3.2, -3.1), (3.4, -2.2), (0.3, 0.2), (2.1, 3.3), (-2.7, 2.4)])
    corners = (corners / STEPS).round() * STEPS  # the pointer moves by whole pixels and stays on straight lines
    tool(page, "Select with a lasso")
    drag(page, corners.tolist())
    wanted = inside(points.coordinates, on_map(page, corners))
    assert 20 < wanted.sum() < len(points) and selected(page) == wanted.sum()
    for label in range(10):
        entry = page.get_by_role("button", name=re.compile(rf"^{label}, "))
        mine = points.label == label
        assert entry.get_attribute("aria-label") == f"{label}, {(mine & wanted).sum()} / {mine.sum()}"
    settle(page)
    page.get_by_role("button", name="Clear the selection").click()
    page.locator(".inspector").get_by_text("These lie all over the map").wait_for()
    settle(page)
    assert not any("/" in text for text in page.locator(".legend .count").all_inner_texts())
    drag(page, corners.tolist())
    assert selected(page) == wanted.sum()


@pytest.mark.slow
def test_shift_adds_and_escape_clears(seen, settle, points):
    page = seen()
    tool(page, "Select with a box")
    low, middle, high = (on_screen(page, [(at, at)])[0].round() for at in (-3.9, 0, 3.9))
    drag(page, [low.tolist(), middle.tolist()])
    x, y = on_map(page, [middle])[0]
    first = (points.x <= x) & (points.y <= y)
    chosen = selected(page)
    assert abs(chosen - first.sum()) <= 1  # the border lies between two pixels
    settle(page)
    drag(page, [middle.tolist(), high.tolist()], shift=True)
    both = first | ((points.x >= x) & (points.y >= y))
    page.locator(".inspector h2").get_by_text(re.compile(rf"^(?!{chosen} )\d+ selected")).wait_for()
    assert abs(selected(page) - both.sum()) <= 2
    page.keyboard.press("Escape")
    page.locator(".inspector").get_by_text("These lie all over the map").wait_for()


@pytest.mark.slow
def test_zoom_and_selection_outlive_another_colouring_without_the_points_being_sent_again(visit, settle, points):
    asked = []
    page = visit(meddle=lambda page: page.on("request", lambda request: asked.append(request.url)))
    loaded(page)
    row = alone(points)
    at = on_screen(page, points.coordinates[row])
    tool(page, "Select with a box")
    drag(page, [on_screen(page, [(-3.9, -3.9)])[0].tolist(), on_screen(page, [(3.9, 0)])[0].tolist()])
    chosen = selected(page)
    settle(page)
    page.mouse.move(*at)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.locator("canvas.overview").wait_for()
    page.get_by_role("combobox", name=re.compile("Colour by")).click()
    page.get_by_role("option", name="density", exact=True).click()
    page.get_by_role("img", name=re.compile("^density, from")).wait_for()
    settle(page)
    assert selected(page) == chosen and page.locator("canvas.overview").is_visible()
    page.mouse.move(*at + 3)
    page.mouse.move(*at)
    assert f"no. {row}" in page.locator(CARD).inner_text()
    assert len([url for url in asked if "/points/" in url]) == 1


@pytest.mark.slow
def test_a_group_of_the_legend_can_be_hidden_and_be_shown_alone(seen, points):
    page = seen()
    row = alone(points)
    at = on_screen(page, points.coordinates[row])
    entry = page.get_by_role("button", name=re.compile(rf"^{points.label[row]}, "))
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert f"no. {row}" not in card_at(page, at).splitlines()
    entry.click(modifiers=["Shift"])
    assert page.locator(".legend button[aria-pressed=true]").count() == 1
    assert f"no. {row}" in card_at(page, at).splitlines()


@pytest.mark.slow
def test_zoomed_in_the_points_become_their_images(seen, points):
    page, row = seen(), alone(points)
    at = on_screen(page, points.coordinates[row])
    page.mouse.move(*at)
    for _ in range(4):
        page.mouse.wheel(0, -300)
    # off the position itself, where a dot would be, but on the image around it, as soon as it has come
    until(page, lambda: f"no. {row}" in card_at(page, at + [14, 14]).splitlines())


def test_dragging_the_probe_changes_the_decoded_image_and_the_address(seen, settle):
    page = seen("probe", x="-2", y="2")
    before, path = decoded(page), on_screen(page, [(-2, 2), (0, 1), (2, -1)])
    page.mouse.move(*path[0])
    page.mouse.down()
    page.mouse.move(*path[1], steps=4)
    frames(page)
    under_way = decoded(page)
    assert abs(under_way.astype(int) - before).max() > 20 and address(page)["x"] == "-2"
    page.mouse.move(*path[2], steps=4)
    page.mouse.up()
    page.wait_for_function("() => Math.abs(new URLSearchParams(location.search).get('x') - 2) < 0.02")
    found = address(page)
    assert abs(float(found["x"]) - 2) < 0.02 and abs(float(found["y"]) + 1) < 0.02
    settle(page)
    assert "grid steps away" in page.locator(".stMain").inner_text()
    after = decoded(page)
    page.reload()
    page.locator("canvas.over").wait_for()
    settle(page)
    assert abs(decoded(page).astype(int) - after).max() <= 2  # the address holds three digits


def test_the_decoded_image_is_that_of_torch(seen, autoencoder):
    from kernelviz.ui.shared.network_cache import decoded_at

    page = seen("probe", x="1.25", y="-0.5")
    wanted = decoded_at(autoencoder, np.array([[1.25, -0.5]]))[0]
    assert abs(decoded(page).astype(int) - wanted).max() <= 1


@pytest.mark.slow
def test_where_the_page_cannot_run_the_decoder_the_server_draws(seen, settle, autoencoder):
    from kernelviz.ui.shared.network_cache import decoded_at

    def meddle(page):
        page.route("**/decoder", lambda route: route.fulfill(status=204))

    page = seen("probe", meddle=meddle, quiet="decoder", x="-1", y="1")
    assert abs(decoded(page).astype(int) - decoded_at(autoencoder, np.array([[-1.0, 1.0]]))[0]).max() <= 1


@pytest.mark.slow
def test_the_width_changes_the_bump_while_the_slider_moves(seen):
    page = seen("probe", x="0", y="0")
    bump = page.get_by_role("figure").locator("canvas").nth(1)
    slider = page.get_by_role("slider", name="Width of the bump")
    before = (canvas_pixels(bump)[..., 0] > 0).sum()
    slider.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    frames(page)
    assert (canvas_pixels(bump)[..., 0] > 0).sum() > before
    page.wait_for_function("() => new URLSearchParams(location.search).get('w') > 1")


@pytest.mark.slow
def test_a_path_is_walked_kept_in_the_address_and_saved(seen, settle):
    page = seen("probe", x="-2", y="2")
    tool(page, "Path")
    drag(page, on_screen(page, [(-2, 2), (0, 0), (2, 1)]).tolist())
    page.get_by_role("button", name="Walk along the path").wait_for()
    position = page.locator(".position")
    for _ in range(2):  # on and on
        before = position.inner_text()
        until(page, lambda before=before: position.inner_text() != before)
    page.get_by_role("button", name="Walk along the path").click()
    frames(page)
    still = position.inner_text()
    frames(page, 10)  # a walk moves in each of them
    assert position.inner_text() == still
    page.wait_for_function("() => location.search.includes('path=')")
    link = page.get_by_role("button", name="Save GIF").get_attribute("href")
    saved = page.request.get(f"{page.url.split('/probe')[0]}/{link}")
    assert Image.open(io.BytesIO(saved.body())).format == "GIF"
    page.reload()
    settle(page)
    page.get_by_role("button", name="Walk along the path").wait_for()
    page.get_by_role("button", name="Forget the path").click()
    page.wait_for_function("() => !location.search.includes('path=')")


@pytest.mark.slow
def test_a_window_is_dragged_on_the_map_kept_in_the_address_and_saved(seen, settle):
    page = seen("probe", x="-2", y="2")
    tool(page, "Window")
    drag(page, on_screen(page, [(-2, 2), (1, 0)]).tolist())
    picture = page.locator(".window img")
    until(page, lambda: picture.evaluate("one => one.naturalWidth") > 20 * 8)
    assert page.locator("canvas.over").is_visible() and page.locator(".window output").inner_text() == "20 × 13"
    page.get_by_label("Images along the longer side").fill("6")
    until(page, lambda: page.locator(".window output").inner_text() == "6 × 4")
    page.wait_for_function("() => location.search.includes('window=') && location.search.includes('n=6')")
    until(page, lambda: "n=6" in page.get_by_role("button", name="Save GIF").get_attribute("href"))
    link = page.get_by_role("button", name="Save GIF").get_attribute("href")
    saved = page.request.get(f"{page.url.split('/probe')[0]}/{link}")
    assert Image.open(io.BytesIO(saved.body())).format == "GIF"
    page.reload()
    settle(page)
    picture.wait_for()
    page.get_by_role("button", name="Close the window").click()
    page.wait_for_function("() => !location.search.includes('window=')")


@pytest.mark.slow
def test_back_after_a_drag_leads_to_the_page_before(seen, settle):
    page = seen()
    page.get_by_role("link", name="Probe").click()
    page.locator(".position").wait_for()
    settle(page)
    page.mouse.click(*on_screen(page, [(1, 1)])[0])
    page.wait_for_function("() => Math.abs(new URLSearchParams(location.search).get('x') - 1) < 0.05")
    settle(page)
    page.go_back()
    settle(page)
    assert (
        "/probe" not in page.url and page.locator("canvas.over").is_visible() and not page.locator(".position").count()
    )


@pytest.mark.slow
def test_back_from_the_first_page_is_back_to_where_the_probe_stood(seen, settle):
    page = seen("probe", x="0", y="0")
    page.mouse.click(*on_screen(page, [(1, 1)])[0])
    page.wait_for_function("() => Math.abs(new URLSearchParams(location.search).get('x') - 1) < 0.05")
    settle(page)
    page.go_back()
    until(page, lambda: page.locator(".position").inner_text().startswith("x 0.00"))
    settle(page)
    assert "/probe" in page.url and address(page)["x"] == "0"


@pytest.mark.slow
def test_the_trail_leads_back(seen):
    page = seen("probe", x="-2", y="2")
    drag(page, on_screen(page, [(-2, 2), (0, 0), (2, 1)]).tolist())
    page.wait_for_function("() => location.search.includes('x=')")
    trail = page.get_by_role("group", name="Where the probe has been").get_by_role("button")
    assert trail.count() > 2
    trail.last.click()
    page.wait_for_function("() => location.search.includes('x=-2')")


@pytest.mark.slow
def test_explore_by_keyboard_alone(seen, settle, points):
    page = seen()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.shadowRoot?.activeElement?.className ?? ''") == "over":
            break
    else:
        pytest.fail("Tab does not reach the map")
    live = page.locator(".live")
    said = []
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        frames(page)
        said.append(live.inner_text())
    assert len(set(said)) >= 3 and all(re.match(r"no\. \d+, label", text) for text in said)
    page.keyboard.press("Enter")
    page.locator(PINNED).wait_for()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    assert selected(page) == 1
    settle(page)
    page.keyboard.press("Escape")
    page.locator(".inspector").get_by_text("These lie all over the map").wait_for()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.locator("canvas.overview").wait_for()
    page.keyboard.press("0")
    page.locator("canvas.overview").wait_for(state="hidden")


@pytest.mark.slow
def test_the_probe_by_keyboard_alone(seen):
    page = seen("probe", x="0", y="0")
    page.locator("canvas.over").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("+")
    step = 2 * EXTENT / 19
    page.wait_for_function("() => location.search.includes('w=1.05')")
    found = address(page)
    assert abs(float(found["x"]) - step) < 0.01 and abs(float(found["y"]) - 2 * step) < 0.01
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Walk along the path").wait_for()


@pytest.mark.slow
def test_fingers_pan_and_pinch(seen, points):
    page = seen(width=390, height=844, touch=True)
    row = alone(points)
    client = page.context.new_cdp_session(page)
    at = on_screen(page, points.coordinates[row])
    client.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": at[0], "y": at[1]}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator(PINNED).wait_for()
    page.get_by_role("button", name="Fold or unfold the inspector").click()  # it lies over the map
    until(page, lambda: page.locator(".inspector").bounding_box()["y"] > 750)
    area = page.locator("canvas.over").bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    for apart, kind in [(20, "touchStart"), (60, "touchMove"), (120, "touchMove")]:
        both = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": both})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.locator("canvas.overview").wait_for()


@pytest.mark.slow
def test_one_finger_scrolls_the_page_unless_a_tool_is_in_hand(seen):
    page = seen(width=390, height=844, touch=True)
    client, over = page.context.new_cdp_session(page), page.locator("canvas.over")

    def scrolled():
        return page.get_by_test_id("stMain").evaluate("main => main.scrollTop")

    def swipe():
        area = over.bounding_box()
        x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] - 30
        for step, kind in enumerate(["touchStart", *["touchMove"] * 8]):
            client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y - 20 * step}]})
        client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        frames(page, 10)

    before = scrolled()
    swipe()
    assert page.locator(".brief").inner_text() == "Use two fingers to move the map"
    until(page, lambda: scrolled() > before + 50)
    over.scroll_into_view_if_needed()
    tool(page, "Select with a lasso")
    before = scrolled()
    swipe()
    assert scrolled() == before


@pytest.mark.slow
def test_without_its_scripts_the_simple_map_takes_its_place(visit, settle):
    page = visit(meddle=lambda page: page.route("**/kernelviz/canvas/**", lambda route: route.abort()), quiet="canvas")
    page.get_by_text(re.compile("This is the simple map")).wait_for()
    page.locator(".st-key-map .js-plotly-plot").wait_for()
    page.unroute("**/kernelviz/canvas/**")


@pytest.mark.slow
def test_a_map_that_cannot_be_fetched_says_so_and_can_be_tried_again(visit, settle):
    def meddle(page):
        page.route("**/points/*", lambda route: route.fulfill(status=500, body="the disk is gone"))

    page = visit(meddle=meddle, quiet="points")
    page.get_by_role("alert").filter(has_text="the disk is gone").wait_for()
    page.unroute("**/points/*")
    page.get_by_role("button", name="Try again").click()
    loaded(page)


@pytest.mark.slow
def test_the_view_is_still_there_after_a_visit_to_another_page(seen, settle):
    page = seen()
    tool(page, "Zoom in")
    tool(page, "Zoom in")
    page.locator("canvas.overview").wait_for()
    # Nothing shows that the view is kept, 140 ms after the last movement; timers of a page go off in their order.
    page.evaluate("new Promise((done) => setTimeout(done, 150))")
    page.get_by_role("link", name="Upload").click()
    page.wait_for_url("**/upload*")
    settle(page)
    page.get_by_role("link", name="Explore").click()
    page.locator("canvas.overview").wait_for()


@pytest.mark.slow
def test_a_selection_is_still_there_after_a_visit_to_another_page_or_part(seen, settle, points):
    page = seen()
    tool(page, "Select with a box")
    drag(page, on_screen(page, [(-3.9, -3.9), (0, 0)]).tolist())
    chosen = selected(page)
    settle(page)
    page.get_by_role("link", name="Probe").click()
    page.wait_for_url("**/probe*")
    settle(page)
    page.get_by_role("link", name="Explore").click()
    assert selected(page) == chosen
    loaded(page)
    counts = page.locator(".legend .count").all_inner_texts()
    assert sum(int(text.split(" / ")[0].replace(",", "")) for text in counts) == chosen
    for part in ("train", "test"):
        page.get_by_role("combobox", name=re.compile("^.*Images")).click()
        page.get_by_role("option", name=part, exact=True).click()
        page.get_by_role("application", name=re.compile(rf"{part} images")).wait_for()
        loaded(page)
        settle(page)
    assert selected(page) == chosen and " / " in page.locator(".legend .count").first.inner_text()


@pytest.mark.slow
def test_an_image_that_did_not_come_is_asked_for_again(visit, settle, points):
    def meddle(page):
        page.route("**/sheets/**", lambda route: route.abort())

    page = visit(meddle=meddle, quiet="sheets")
    loaded(page)
    at = on_screen(page, points.coordinates[alone(points)])
    page.mouse.move(*at)
    page.locator(CARD).wait_for()
    assert not page.locator(PICTURE).is_visible()
    page.unroute("**/sheets/**")
    picture = page.locator(f"{PICTURE}:not(.loading)")

    def comes():  # after some time, when one points at it anew
        page.mouse.move(*at + 60)
        return card_at(page, at) and picture.is_visible()

    until(page, comes)


@pytest.mark.slow
def test_a_walk_that_is_paused_says_where(seen, settle):
    page = seen("probe", x="-2", y="2", path="-2_2~2_-2")
    page.get_by_role("button", name="Walk along the path").click()
    until(page, lambda: not page.locator(".position").inner_text().startswith(("x -2.", "x -1.")))
    page.get_by_role("button", name="Walk along the path").click()
    settle(page)
    shown = dict(zip("xy", re.findall(r"-?\d+\.\d+", page.locator(".position").inner_text()), strict=True))
    assert f"the image decoded at ({shown['x']}, {shown['y']}) lies" in page.locator(".stMain").inner_text()
    assert abs(float(address(page)["x"]) - float(shown["x"])) < 0.01 and shown["x"] != "-2.00"


@pytest.mark.slow
def test_moving_the_probe_is_one_entry_of_the_history_and_outlives_a_visit_elsewhere(seen, settle):
    page = seen("probe", x="0", y="0", path="-2_2~2_-2")
    before = page.evaluate("history.length")
    for place in [(1, 1), (-1, 2), (2, -2)]:
        page.mouse.click(*on_screen(page, [place])[0])
        settle(page)
    assert page.evaluate("history.length") == before + 1
    page.get_by_role("link", name="Explore").click()
    page.wait_for_url(lambda url: "/probe" not in url)
    settle(page)
    page.get_by_role("link", name="Probe").click()
    page.get_by_role("button", name="Walk along the path").wait_for()
    settle(page)
    found = address(page)
    assert abs(float(found["x"]) - 2) < 0.02 and found["path"] == "-2_2~2_-2"


@pytest.mark.slow
def test_a_pinned_image_stays_in_the_inspector_whatever_the_map_shows(seen, points):
    page, row = seen(), alone(points)
    page.mouse.click(*on_screen(page, points.coordinates[row]))
    page.locator(PINNED).wait_for()
    page.mouse.move(*on_screen(page, points.coordinates[alone(points, 1)]))
    page.locator(CARD).wait_for()  # one can compare
    page.get_by_role("button", name=re.compile(rf"^{points.label[row]}, ")).click()
    page.mouse.move(*on_screen(page, [-np.sign(points.coordinates[row]) * 3.9])[0])
    for _ in range(6):
        page.mouse.wheel(0, -300)
    assert f"No. {row}" in page.locator(PINNED).inner_text()


@pytest.mark.slow
def test_the_card_never_covers_its_point(seen, points):
    page = seen(width=390, height=844, colour="confidence")  # without names, which lie over the points
    high, apart = np.argsort(-points.y)[:40], points.nearest(points.coordinates, 2)[0][:, 1]
    for row in high[np.argsort(-apart[high])[:4]]:  # others are not under the pointer
        page.locator("canvas.over").scroll_into_view_if_needed()
        at = on_screen(page, points.coordinates[row])
        page.mouse.move(*at + 1)
        page.locator(CARD).wait_for()
        until(page, lambda at=at: not covers(page.locator(CARD), at))  # it grows when what is decoded there comes


def covers(card, at):
    area = card.bounding_box()
    across = area["x"] < at[0] < area["x"] + area["width"]
    return across and area["y"] < at[1] < area["y"] + area["height"]


@pytest.mark.slow
def test_contour_lines_that_do_not_come_leave_the_map_alone(visit, settle):
    page = visit(meddle=lambda page: page.route("**/contours/*", lambda route: route.abort()), quiet="contours")
    loaded(page)
    lines = page.get_by_role("button", name="Contour lines")
    lines.click()
    page.get_by_role("alert").filter(has_text="contour lines cannot be fetched").wait_for()
    assert lines.get_attribute("aria-pressed") == "false" and not page.locator(".status").is_visible()
    page.unroute("**/contours/*")
    before = painted(page)
    lines.click()
    until(page, lambda: painted(page) > before + 500)
    assert lines.get_attribute("aria-pressed") == "true"
    lines.click()
    until(page, lambda: painted(page) == before)


@pytest.mark.slow
def test_escape_ends_a_box_under_way(seen, settle):
    page = seen()
    tool(page, "Select with a box")
    low, high = on_screen(page, [(-3.9, -3.9), (3, 3)]).tolist()
    page.mouse.move(*low)
    page.mouse.down()
    page.mouse.move(0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), steps=3)
    page.keyboard.press("Escape")
    page.mouse.move(*high, steps=3)
    page.mouse.up()
    settle(page)
    assert page.locator(".inspector").get_by_text("These lie all over the map").is_visible()
    assert not any("/" in count for count in page.locator(".legend .count").all_inner_texts())


@pytest.mark.slow
def test_a_number_that_is_searched_for_is_pinned(seen, points):
    page, row = seen(), alone(points)
    field = page.get_by_role("textbox", name="Search")
    field.fill(str(row))
    field.press("Enter")
    page.locator(PINNED).wait_for()
    assert f"No. {row}" in page.locator(PINNED).inner_text()


@pytest.mark.slow
def test_the_map_can_be_saved(seen):
    page = seen()
    with page.expect_download() as saved:
        tool(page, "Save the map as PNG")
    assert saved.value.suggested_filename == "tiny_test.png"
    picture = Image.open(saved.value.path())
    assert picture.format == "PNG" and min(picture.size) > 300
