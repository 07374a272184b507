"""Data for a training in a real browser: an upload, and what is found in it."""

import io

import numpy as np
import pytest
from PIL import Image


def picture(shade):
    file = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), shade, np.uint8)).save(file, "PNG")
    return {"name": f"{shade}.png", "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.slow
def test_what_is_uploaded_is_looked_at_before_anything_is_trained(visit, settle):
    page = visit("train", run="")
    page.get_by_role("radio", name="Upload").click()
    chooser = page.locator("input[type=file]")
    chooser.wait_for(state="attached")
    chooser.set_input_files([picture(shade) for shade in (20, 120, 220)] + [picture(1) | {"buffer": b"not a picture"}])
    page.get_by_text("3 pictures in pictures.zip, 60 x 40 pixels").wait_for()
    settle(page)
    assert page.get_by_text("Rejected: 1.png").count() == 1
    assert page.get_by_role("img", name="Some of the pictures").is_visible()
