"""Pictures brought to a map in a real browser, in every way that there is."""

import base64
import io
import re

import numpy as np
import pytest
from corpus import GOOD, encoded
from PIL import Image, ImageDraw
from waits import frames, until

SHIPPED = "mnist-neighbours"  # a run of digits
MARKS = [(0xE0, 0x40, 0x3F), (0xC2, 0x57, 0x0C), (0x8B, 0x5C, 0xF6), (0x7D, 0x85, 0x90)]  # ever less like a digit
NOTHING = encoded(Image.new("L", (90, 90), 0))


def stroke(width=16):
    """A one, dark on light, on a sheet of 120 x 160."""
    sheet = Image.new("L", (120, 160), 240)
    ImageDraw.Draw(sheet).line([(60, 20), (60, 140)], fill=20, width=width)
    return encoded(sheet)


def file(name, data):
    return {"name": name, "mimeType": "image/png", "buffer": data}


@pytest.fixture
def opened(visit, settle):
    def opened(**address):
        page = visit("upload", **address)
        page.locator("canvas.over").wait_for()
        page.locator(".status").wait_for(state="hidden")
        return settle(page)

    return opened


def choose(page, files):
    page.get_by_label("Pictures", exact=True).set_input_files(files)


def details(page):
    page.locator(".details:visible").wait_for()
    return page.locator(".details")


def marks(page):
    """Pixels on the map in the colours of marks."""
    data = page.locator("canvas.over").evaluate("canvas => canvas.toDataURL()")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))).convert("RGBA")).astype(int)
    return sum(int((abs(pixels - [*colour, 255]).sum(2) < 12).sum()) for colour in MARKS)


def test_a_picture_is_placed_and_a_bad_one_is_named(opened, settle):
    page = opened()
    assert page.locator(".panel .hint").is_visible() and marks(page) == 0
    choose(page, [file("<b>one</b>.png", stroke()), file("torn.png", stroke()[:40])])
    page.get_by_text("1 uploaded").wait_for()
    settle(page)
    assert "Rejected: torn.png" in page.locator(".stMain").inner_text()
    assert page.locator("b", has_text="one").count() == 0
    assert (
        re.search("Predicted as|The nearest class", details(page).inner_text())
        and details(page).locator("img:visible").count() == 4 + 5
    )
    assert marks(page) > 100 and not page.locator(".panel .hint").is_visible()


@pytest.mark.slow
def test_what_is_chosen_in_the_table_is_chosen_on_the_map_and_back(opened, settle):
    page = opened()
    choose(page, [file(f"{at}.png", stroke(at)) for at in (4, 16, 40)])
    page.get_by_text("3 uploaded").wait_for()
    settle(page)
    name = details(page).locator("header output")
    first = name.inner_text()
    page.get_by_role("button", name="The next upload").click()
    name.filter(has_not_text=first).wait_for()
    page.get_by_role("button", name="Remove the chosen one").wait_for()
    settle(page)
    table = page.locator("[data-testid=stDataFrame] canvas").first
    table.scroll_into_view_if_needed()
    area, before = table.bounding_box(), name.inner_text()
    shown = page.locator("[data-testid=stDataFrame] table tbody tr")  # for those who do not look
    until(page, lambda: shown.count() >= 3)
    rows = shown.all_text_contents()
    row = next(at for at, text in enumerate(rows) if before not in text)
    page.mouse.click(area["x"] + 16, area["y"] + 35 * row + 52)
    until(page, lambda: name.inner_text() != before)
    assert name.inner_text() in rows[row]
    page.get_by_role("button", name="Remove all").click()
    page.locator(".panel .hint").wait_for()
    settle(page)
    assert marks(page) == 0 and not page.locator(".details").is_visible()


@pytest.mark.slow
def test_another_way_to_prepare_shows_at_once_for_the_same_upload(opened, settle):
    page = opened()
    wide = Image.new("L", (300, 60), 255)
    ImageDraw.Draw(wide).line([(20, 10), (40, 50)], fill=0, width=9)
    choose(page, [file("wide.png", encoded(wide)), file("b.png", stroke()), file("c.png", stroke(40))])
    page.get_by_text("3 uploaded").wait_for()
    settle(page)
    name, saw = (details(page).locator(where) for where in ("header output", ".four figure:nth-child(2) img"))
    while (now := name.inner_text()) != "wide.png":
        page.get_by_role("button", name="The next upload").click()
        name.filter(has_not_text=now).wait_for()
    settle(page)
    before = saw.get_attribute("src")
    page.get_by_test_id("stButtonGroup").get_by_text("Center crop").click()
    until(page, lambda: saw.get_attribute("src") != before)
    assert name.inner_text() == "wide.png"
    page.get_by_text("3 uploaded").wait_for()
    assert marks(page) > 100


@pytest.mark.slow
def test_a_digit_is_placed_while_it_is_sketched(opened, settle):
    page = opened(run=SHIPPED)
    answers = []
    page.on("response", lambda response: "/sketch/" in response.url and answers.append(response.status))
    page.get_by_role("button", name="Sketch a digit").click()
    sheet = page.locator("canvas.pad").bounding_box()
    page.mouse.move(sheet["x"] + 162, sheet["y"] + 40)
    page.mouse.down()
    for down in range(40, 240, 10):
        page.mouse.move(sheet["x"] + 170 - down / 5, sheet["y"] + down)
        frames(page)
    page.mouse.up()
    until(page, lambda: len(answers) >= 3 and "Predicted as 1" in details(page).inner_text() and marks(page) > 30)
    assert set(answers) == {200}
    page.get_by_role("button", name="Clear the sheet").click()
    page.locator(".details").wait_for(state="hidden")
    assert page.get_by_role("button", name="Keep this sketch").is_disabled()
    page.mouse.click(sheet["x"] + 100, sheet["y"] + 100)
    page.get_by_role("button", name="Keep this sketch").click()
    page.get_by_text("1 uploaded").wait_for()
    settle(page)
    assert "sketch 1.png" in details(page).inner_text() and not page.locator("canvas.pad").is_visible()


def test_a_picture_is_pasted_and_dropped(opened, settle):
    page = opened()
    send = """([name, kind, data]) => {
        const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))
        const transfer = new DataTransfer()
        transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }))
        const of = kind === 'ClipboardEvent' ? { clipboardData: transfer } : { dataTransfer: transfer }
        document.body.dispatchEvent(new window[kind](name, { ...of, bubbles: true, cancelable: true }))
    }"""
    data = base64.b64encode(stroke()).decode()
    page.evaluate(send, ["paste", "ClipboardEvent", data])
    page.get_by_text("1 uploaded").wait_for()
    assert "pasted.png" in details(page).inner_text()
    page.evaluate(send, ["dragover", "DragEvent", data])
    assert page.locator(".stage.dropping").count() == 1
    page.evaluate(send, ["drop", "DragEvent", data])
    page.get_by_text("2 uploaded").wait_for()
    assert page.locator(".stage.dropping").count() == 0


@pytest.mark.slow
def test_a_folder_goes_on_after_it_was_stopped(opened, settle, tmp_path):
    for at in range(300):
        (tmp_path / f"{at}.png").write_bytes(GOOD)
    (tmp_path / ".hidden.png").write_bytes(GOOD)
    page = opened()
    page.evaluate("""() => {
        const [asked, slow] = [window.fetch, () => new Promise((done) => setTimeout(done, 400))]
        window.fetch = async (...what) => (await slow(), asked(...what))
        window.quick = () => (window.fetch = asked)
    }""")
    page.get_by_label("A folder", exact=True).set_input_files(tmp_path)
    page.get_by_role("button", name="Stop placing pictures").click()
    page.get_by_text(re.compile("^Stopped: .* of 300 placed")).wait_for()
    page.evaluate("quick()")
    page.get_by_role("button", name="Place the rest").click()
    page.get_by_text("300 uploaded").wait_for()
    settle(page)
    assert not page.locator(".progress").is_visible()
    assert page.locator(".details header output").inner_text().endswith(".png")


def test_a_picture_is_taken_with_the_camera(visit, settle):
    def meddle(page):
        page.add_init_script("""
            const canvas = document.createElement('canvas')
            canvas.width = canvas.height = 64
            canvas.getContext('2d').fillRect(0, 0, 64, 64)
            setInterval(() => canvas.getContext('2d').fillRect(0, 0, 64, 64), 50)
            navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10)
        """)

    page = visit("upload", meddle=meddle)
    page.locator("canvas.over").wait_for()
    page.get_by_role("button", name="Take a picture", exact=True).click()
    until(page, lambda: page.locator("video").evaluate("video => video.videoWidth") == 64)
    page.get_by_role("button", name="Take a picture and place it").click()
    page.get_by_text("1 uploaded").wait_for()
    settle(page)
    page.get_by_role("button", name="Close the camera").click()
    assert "camera 1.jpg" in details(page).inner_text() and not page.locator("video").is_visible()


@pytest.mark.slow
def test_without_a_camera_the_page_says_so(visit):
    page = visit("upload")
    page.locator("canvas.over").wait_for()
    page.get_by_role("button", name="Take a picture", exact=True).click()
    page.get_by_role("alert").filter(has_text="no picture from a camera").wait_for()


@pytest.mark.slow
def test_uploads_are_still_there_after_a_visit_to_another_page(opened, settle):
    page = opened()
    choose(page, [file("a.png", stroke())])
    page.get_by_text("1 uploaded").wait_for()
    page.get_by_role("link", name="Explore").click()
    settle(page)
    page.get_by_role("link", name="Upload").click()
    page.get_by_text("1 uploaded").wait_for()
    details(page)
    assert marks(page) > 100


@pytest.mark.slow
def test_uploads_are_still_there_when_the_page_is_loaded_again(opened, settle):
    page = opened()
    choose(page, [file("a.png", stroke())])
    page.get_by_text("1 uploaded").wait_for()
    settle(page)
    page.reload()
    page.get_by_text("1 uploaded").wait_for()
    until(page, lambda: marks(page) > 30)


@pytest.mark.slow
def test_a_file_that_is_too_large_is_not_sent(opened, tmp_path):
    with open(tmp_path / "large.png", "wb") as large:
        large.truncate(21_000_000)
    page = opened()
    sent = []
    page.on("request", lambda request: "/files" in request.url and sent.append(request.url))
    choose(page, tmp_path / "large.png")
    page.get_by_role("alert").filter(has_text="large.png is not taken: it has 21 MB, allowed are 20 MB").wait_for()
    assert not sent


def test_the_uploads_as_a_page_that_needs_nothing_else(opened, settle, chromium, tmp_path):
    page = opened()
    choose(page, [file("a.png", stroke())])
    page.get_by_text("1 uploaded").wait_for()
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="HTML").click()
    download.value.save_as(tmp_path / "page.html")
    context = chromium.new_context(offline=True)
    alone, asked = context.new_page(), []
    alone.on("request", lambda request: asked.append(request.url))
    alone.goto(f"file://{tmp_path}/page.html")
    alone.locator(".js-plotly-plot").wait_for()
    assert alone.get_by_role("row").count() == 2 and "a.png" in alone.inner_text("body")
    assert [address for address in asked if not address.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_a_picture_unlike_the_training_images_is_told_so_before_any_prediction(opened, settle):
    comb = Image.new("L", (160, 160), 255)
    for left in range(20, 140, 24):
        ImageDraw.Draw(comb).rectangle((left, 30, left + 8, 130), 0)
    page = opened(run=SHIPPED)
    choose(page, [file("comb.png", encoded(comb)), file("black.png", NOTHING)])
    page.get_by_text("2 uploaded").wait_for()
    settle(page)
    found = details(page)
    for name, words in (("black.png", "No digit found"), ("comb.png", "Unlike the training images")):
        while (now := found.locator("header output").inner_text()) != name:
            page.get_by_role("button", name="The next upload").click()
            found.locator("header output").filter(has_not_text=now).wait_for()
        assert words in found.locator(".grade").inner_text()
        assert "Predicted as" not in found.inner_text()
        assert found.locator(".likeliest:visible").count() == (name != "black.png")  # its signals
