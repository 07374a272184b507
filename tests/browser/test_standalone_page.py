"""A page without a server, opened from disk without network, in a frame that may do nothing but run scripts."""

import io
import json
import shutil
import sys
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import pytest
from PIL import Image, ImageDraw
from waits import frames, until

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import NAME, PATH, save_item_table
from kernelviz.storage.record import read_run
from kernelviz.ui.standalone import folder
from kernelviz.ui.standalone import page as page_of

sys.path.insert(0, str(Path(__file__).parents[1]))
from corpus import NASTY, REFUSED  # noqa: E402

HASHES = [
    "page=__proto__&run=constructor",
    "page=%3Cimg%20src=x%20onerror=alert(1)%3E&colour=%3Cscript%3E&split=toString",
    "at=NaN_Infinity_-1&hide=1e999_-5_x&pin=99999999999&sel=../../x",
    "at=1e308_1e308_1e308&pin=0.5&contours=9",
    "pin=1&at=0_0_1e-9&hide=" + "_".join(map(str, range(5000))),
    "%E0%A4%A&%&=&&==#?" + "a" * 100_000,
    "page=javascript:alert(1)&colour=//evil.example/x",
]


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


@pytest.fixture
def nasty(neighbourly, tmp_path):
    """A run whose classes, files, columns and values are named by somebody who wishes us ill."""
    at = tmp_path / "runs" / "nasty"
    shutil.copytree(neighbourly.folder, at)
    names = [name for what, name in NASTY.items() if what not in ("no text", "empty")]
    record, n = json.loads((at / "run.json").read_text()), len(load_map(at))
    classes = record["data"]["classes"]
    record["data"] |= {"classes": [name[:200] for name in names][: len(classes)], "name": NASTY["script end"]}
    (at / "run.json").write_text(json.dumps(record))
    columns = {name[:100]: [names[row % len(names)][:200] for row in range(n)] for name in names}
    save_item_table(at, pd.DataFrame({NAME: [names[row % len(names)] for row in range(n)], PATH: ""} | columns))
    return read_run(at)


@pytest.mark.parametrize("split", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["one file", "a folder"])
def test_names_addresses_and_pictures_of_others_do_nothing(chromium, nasty, tmp_path, split):
    """No request leaves the page, no dialog opens, nothing breaks its policy, and the page goes on."""
    path = tmp_path / "page"
    path.mkdir()
    if split:
        folder.write(nasty, path, pictures=True)
    else:
        (path / "index.html").write_text(page_of(nasty, pictures=True), encoding="utf-8")
    handler = partial(SimpleHTTPRequestHandler, directory=path)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        context, asked, said = chromium.new_context(), [], []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("popup", lambda popup: said.append(popup.url))
        for part in ["", *HASHES]:
            page.goto(f"{address}?{HASHES.index(part) if part else ''}#{part}")
            page.locator(".status").wait_for(state="hidden")
            frames(page)
        page.goto(f"{address}#pin=0")
        page.locator(".status").wait_for(state="hidden")
        colours = page.locator("select").first
        for option in range(colours.locator("option").count()):
            colours.select_option(index=option)
            frames(page)
        for text in list(NASTY.values())[:6]:
            page.get_by_label("Search").fill(text.encode("utf-8", "replace").decode())
            frames(page)
        page.get_by_role("link", name="Place pictures").click()
        (tmp_path / "hostile").mkdir()
        large = io.BytesIO()
        Image.new("L", (10_000, 6_000)).save(large, "PNG")
        kinds = ("vector.svg", "bomb.png", "cut.png", "text.png", "empty.png", "heavy.png")
        hostile = {name: REFUSED[name][0] for name in kinds} | {
            "60 megapixels.png": large.getvalue(),
            "<img src=x onerror=alert(1)>.png": b"<script>alert(1)</script>",
            "\u202egnp.exe": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        }
        for name, data in hostile.items():
            (tmp_path / "hostile" / name).write_bytes(data)
        page.get_by_label("Pictures", exact=True).set_input_files([tmp_path / "hostile" / name for name in hostile])
        until(page, lambda: "60 megapixels" in page.inner_text("body"))
        Image.new("L", (8, 8), 99).save(tmp_path / "hostile" / "good.png")
        page.get_by_label("Pictures", exact=True).set_input_files(tmp_path / "hostile" / "good.png")
        page.locator(".details:visible header output").filter(has_text="good.png").wait_for()
        assert page.locator("img:not([src^='blob:']):not([src^='data:'])[src]").count() == 0
        context.close()
        server.shutdown()
    assert not said and all(url.startswith((address, "blob:", "data:")) for url in asked), said
