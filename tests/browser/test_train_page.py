"""From a folder of pictures to its map without the terminal, and what a visitor sees on the way."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from serving import served
from waits import PATIENCE, until

N = 120  # pictures


@pytest.fixture
def folder(tmp_path):
    """Grey pictures of bars and of discs, in a folder for each."""
    generator = np.random.default_rng(0)
    for at in range(N):
        name = "bars" if at % 2 else "discs"
        (tmp_path / "pictures" / name).mkdir(parents=True, exist_ok=True)
        picture = Image.new("L", (28, 28))
        x, y = generator.integers(6, 22, 2).tolist()
        shape = [x - 2, 2, x + 2, 26] if at % 2 else [x - 5, y - 5, x + 5, y + 5]
        pen = ImageDraw.Draw(picture)
        (pen.rectangle if at % 2 else pen.ellipse)(shape, fill=int(generator.integers(120, 255)))
        picture.save(tmp_path / "pictures" / name / f"{at}.png")
    return tmp_path / "pictures"


@pytest.mark.slow
def test_from_a_folder_to_its_map_without_the_terminal(chromium, folder, tmp_path):
    with served(tmp_path / "made", tmp_path, "--data-root", tmp_path) as address:
        train_by_the_page(chromium, address)
    made = {path.name for path in (tmp_path / "made" / "pictures").iterdir()}
    assert {"run.json", "map.parquet", "epochs.safetensors"} <= made
    assert not made & {"checkpoint.safetensors", "training.json", "waiting"}


def train_by_the_page(chromium, address):
    page = chromium.new_page(viewport={"width": 1440, "height": 1200})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(f"{address}/train")
    page.get_by_role("button", name="pictures").first.click()
    page.get_by_role("button", name="Use this folder").click()
    page.get_by_text(f"{N} pictures in pictures").wait_for()
    page.get_by_role("spinbutton", name="Epochs").fill("40")
    page.get_by_role("spinbutton", name="Epochs").press("Enter")
    page.get_by_role("button", name="Start training").click()
    page.get_by_text("Training, epoch").wait_for(timeout=90_000)
    page.locator(".film canvas.dots").wait_for()  # the map as it grows
    page.get_by_text("is ready").wait_for(timeout=90_000)
    page.get_by_role("link", name="Open its map").click()
    page.locator("canvas.over").first.wait_for()
    until(page, lambda: "A map of" in page.locator("h1").inner_text())
    page.close()
