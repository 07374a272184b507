"""A run of a person's own pictures in the browser: whole pictures, their originals, and the user's columns."""

import io
import json
import shutil

import pandas as pd
import pytest
from PIL import Image

from kernelviz.storage.embedding_map import load_map
from kernelviz.storage.item_table import save_item_table
from kernelviz.storage.thumbnails import save_thumbnails


@pytest.fixture
def photos(library, autoencoder, tmp_path):
    """The run "photos" of wide pictures, of which the first test image has an original and the second had one."""
    folder = shutil.copytree(autoencoder.folder, library / "photos")
    points = load_map(folder)
    first = int((points.split == 2).argmax())
    Image.new("RGB", (640, 320), "red").save(tmp_path / "there.png")
    files = {first: str(tmp_path / "there.png"), first + 1: str(tmp_path / "moved.png")}
    thumbnail = io.BytesIO()
    Image.new("RGB", (200, 100), "red").save(thumbnail, "JPEG")
    save_thumbnails(folder, [(b"", thumbnail.getvalue())] * len(points))
    rows = range(len(points))
    table = {"name": [f"IMG_{row - first}x" for row in rows], "file": [files.get(row, "") for row in rows]}
    save_item_table(folder, pd.DataFrame(table | {"taken": pd.Timestamp("2020-02-03"), "kind": ["a", "b", "c"][0]}))
    record = json.loads((folder / "run.json").read_text())
    record["recipe"]["data"] = str(tmp_path / "nowhere")
    (folder / "run.json").write_text(json.dumps(record))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
def test_a_card_shows_the_whole_picture_and_opens_its_original(visit, settle, photos):
    page = visit(run="photos", colour="taken")
    field = page.get_by_role("textbox", name="Search")
    field.fill("IMG_0x")
    field.press("Enter")
    card = page.locator(".inspector .item")
    link = card.get_by_role("button", name="Open original")
    link.wait_for()
    picture = card.locator(".pair canvas").bounding_box()
    assert picture["width"] == pytest.approx(2 * picture["height"], abs=2)
    assert "IMG_0x" in card.inner_text() and "taken 2020-02-03" in card.inner_text()
    link.focus()
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    opened.value.wait_for_function("() => document.images.length && document.images[0].naturalWidth === 640")
    field.fill("IMG_1x")
    field.press("Enter")
    card.get_by_text("was it moved or deleted?").wait_for()
    assert not link.is_visible() and card.locator(".pair canvas").is_visible()
