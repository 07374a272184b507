"""A page without a server, opened from disk without network, in a frame that may do nothing but run scripts."""

from html import escape

import pytest
from PIL import Image, ImageDraw
from waits import frames, until

from kernelviz.ui.standalone import page as page_of


@pytest.fixture
def framed(chromium, neighbourly, tmp_path):
    """The page of the run "near" in a frame of a page on disk; an error in its console fails the test."""
    (tmp_path / "near.html").write_text(page_of(neighbourly, pictures=False), encoding="utf-8")
    frame = f'<iframe sandbox="allow-scripts" src="{escape("near.html")}" width="1200" height="860"></iframe>'
    (tmp_path / "index.html").write_text(frame)
    context, errors = chromium.new_context(viewport={"width": 1300, "height": 900}, offline=True), []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto((tmp_path / "index.html").as_uri())
    inside = page.frame_locator("iframe")
    inside.locator(".status").wait_for(state="hidden")
    frames(page)
    yield page, inside
    context.close()
    assert not [error for error in errors if "camera is not allowed" not in error]  # which the page says, too


PASTE = """body => {
    const sheet = document.createElement('canvas')
    const transfer = new DataTransfer()
    const bytes = Uint8Array.from(atob(sheet.toDataURL().split(',')[1]), (letter) => letter.charCodeAt(0))
    transfer.items.add(new File([bytes], 'image.png', { type: 'image/png' }))
    body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }))
}"""


def test_a_page_from_disk_selects_searches_decodes_and_places(framed):
    page, inside = framed
    title = inside.locator(".inspector h2").first
    inside.get_by_role("button", name="Select with a lasso").click()
    area = inside.locator("canvas.over").bounding_box()
    corners = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.12)]
    for at, (x, y) in enumerate(corners):
        page.mouse.move(area["x"] + x * area["width"], area["y"] + y * area["height"], steps=3)
        if not at:
            page.mouse.down()
    page.mouse.up()
    until(page, lambda: "selected" in title.text_content())
    inside.get_by_label("Search").fill("17")
    until(page, lambda: title.text_content() == "No. 17")
    inside.get_by_role("button", name="Open in Probe").click()
    decoded = inside.get_by_label("The decoded image")
    before = decoded.evaluate("canvas => canvas.toDataURL()")
    inside.locator("canvas.over").press("ArrowLeft")
    until(page, lambda: decoded.evaluate("canvas => canvas.toDataURL()") != before)
    inside.get_by_role("link", name="Place pictures").click()
    inside.get_by_role("button", name="Sketch a digit").click()
    pad = inside.locator("canvas.pad").bounding_box()
    page.mouse.move(pad["x"] + 140, pad["y"] + 50)
    page.mouse.down()
    page.mouse.move(pad["x"] + 140, pad["y"] + 230, steps=6)
    page.mouse.up()
    inside.locator(".details:visible .verdict").wait_for()
    assert " at (" in inside.locator(".verdict").text_content()


def test_a_page_from_disk_takes_pictures_in_every_way(framed, tmp_path):
    """Files are dropped as a hand does it: the browser opens none of a page from disk by its entry in a folder."""
    page, inside = framed
    (tmp_path / "folder").mkdir()
    for at, file in enumerate((tmp_path / "dropped.png", tmp_path / "chosen.jpg", tmp_path / "folder" / "inner.webp")):
        picture = Image.new("L", (64, 64), 255)
        ImageDraw.Draw(picture).line([(20 + 9 * at, 10), (32, 54)], fill=0, width=8)
        picture.save(file)
    name = inside.locator(".details:visible header output")
    said = inside.get_by_role("alert")
    inside.get_by_role("link", name="Place pictures").click()
    inside.get_by_role("button", name="Choose PNG").wait_for()
    hand = page.context.new_cdp_session(page)
    for what in ("dragEnter", "dragOver", "drop"):
        files = [str(tmp_path / file) for file in ("dropped.png", "folder")]
        data = {"items": [], "files": files, "dragOperationsMask": 1}
        hand.send("Input.dispatchDragEvent", {"type": what, "x": 500, "y": 400, "data": data})
    name.filter(has_text="dropped.png").wait_for()
    said.filter(has_text="does not open folder here").wait_for()
    inside.get_by_label("Pictures", exact=True).set_input_files(tmp_path / "chosen.jpg")
    name.filter(has_text="chosen.jpg").wait_for()
    inside.get_by_label("A folder", exact=True).set_input_files(tmp_path / "folder")
    name.filter(has_text="folder/inner.webp").wait_for()
    inside.locator("body").evaluate(PASTE)
    name.filter(has_text="pasted.png").wait_for()
    inside.get_by_role("button", name="Take a picture", exact=True).click()
    said.filter(has_text="no picture from a camera").wait_for()
