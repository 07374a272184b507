"""A digit comes out as MNIST would show it, however it was sketched or photographed."""

import os

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from kernelviz.data.images import is_local, load
from kernelviz.ingest.files import Preprocess, preprocess_image

MNIST = Preprocess("digit", 28, 28, 1, box=20)


@pytest.fixture(scope="module")
def mnist() -> np.ndarray:
    """MNIST's test images: the measurements below need the real ones."""
    if not is_local("mnist"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs mnist.npz under KERNELVIZ_DATA")
    return load("mnist", allow_download=False).test_images


def seven(width: int = 1200, height: int = 900, stroke: int = 30) -> np.ndarray:
    """The ink of a 7 in [0, 1], in the middle of a picture that it fills by half."""
    sheet = Image.new("L", (width, height), 0)
    x, y, s = width / 2, height / 2, height / 4
    line = [(x - s, y - s), (x + s, y - s), (x - s / 5, y + s)]
    ImageDraw.Draw(sheet).line(line, fill=255, width=stroke, joint="curve")
    return np.asarray(sheet.filter(ImageFilter.GaussianBlur(1.5)), float) / 255


def photograph(ink: np.ndarray, darkness: float = 0.75, slope: float = 0.3, noise: float = 0.03) -> Image.Image:
    """Ink on paper in uneven light, from a noisy camera."""
    rows, columns = np.indices(ink.shape) / max(ink.shape)
    light = (0.75 + slope * (rows + columns - 0.8)) * (1 - darkness * ink)
    light = light + np.random.default_rng(0).normal(0, noise, ink.shape)
    return Image.fromarray((255 * np.clip(light, 0, 1)).astype(np.uint8))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def reference() -> np.ndarray:
    return preprocess_image(Image.fromarray((255 * seven()).astype(np.uint8)), MNIST)


def test_ink_fills_the_box_with_its_center_of_mass_in_the_middle():
    pixels = reference()
    rows, columns = np.nonzero(pixels > 64)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    assert np.abs(np.subtract(ndimage.center_of_mass(pixels), 14)).max() <= 0.6
    assert pixels.max() == 255 and pixels[0].max() == 0


@pytest.mark.parametrize(
    "image",
    [
        photograph(seven()),
        photograph(seven(), slope=0.5),
        photograph(seven(), darkness=0.25),
        Image.fromarray(255 - np.asarray(photograph(seven()))),
        photograph(seven(3000, 2250, 75)),
        photograph(seven()).convert("RGB"),
    ],
    ids=["photo", "steep light", "faint pencil", "chalk", "large", "colour"],
)
def test_paper_and_light_do_not_change_the_digit(image):
    assert difference(preprocess_image(image, MNIST), reference()) < 5


def test_a_thin_pen_on_a_large_photo_stays_visible():
    pixels = preprocess_image(photograph(seven(3000, 2250, 7)), MNIST)
    assert pixels.max() == 255 and 40 < (pixels > 100).sum() < 160


def test_specks_and_lines_over_the_border_are_left_out():
    ink = seven()
    ink[820:824] = ink[60:64] = 1
    ink[700:708, 300:308] = 1
    assert difference(preprocess_image(photograph(ink), MNIST), reference()) < 5


def test_a_sheet_on_a_dark_table_is_found():
    picture = np.full((900, 1200), 50, np.uint8)
    picture[100:800, 150:1050] = np.asarray(photograph(seven()))[100:800, 150:1050]
    assert difference(preprocess_image(Image.fromarray(picture), MNIST), reference()) < 5


@pytest.mark.parametrize("noise", [0, 0.03])
@pytest.mark.parametrize("slope", [0, 0.3])
def test_blank_paper_gives_zeros(noise, slope):
    assert preprocess_image(photograph(np.zeros((600, 800)), slope=slope, noise=noise), MNIST).max() == 0


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize("preprocess", [MNIST, Preprocess("digit", 8, 8, 1, box=8)])
def test_one_colour_gives_zeros_or_itself(value, preprocess):
    size = preprocess.height
    pixels = preprocess_image(Image.new("L", (size, size), value), preprocess)
    assert pixels.max() == 0


def test_every_embedded_digit_comes_back_as_it_is():
    digits = load("digits")
    assert all((preprocess_image(Image.fromarray(d), digits.preprocess) == d).all() for d in digits.test_images)


def test_an_embedded_digit_survives_being_enlarged_on_paper():
    digits = load("digits")
    differences = []
    for pixels in digits.test_images[:60]:
        large = Image.fromarray(255 - pixels).resize((160, 160), Image.Resampling.BICUBIC)
        paper = Image.new("L", (240, 240), 255)
        paper.paste(large, (40, 40))
        differences.append(difference(preprocess_image(paper, digits.preprocess), pixels))
    assert np.median(differences) < 30  # a shift by one pixel gives about 60


def test_nearly_every_mnist_image_comes_back_as_it_is(mnist):
    same = [bool((preprocess_image(Image.fromarray(pixels), MNIST) == pixels).all()) for pixels in mnist]
    assert np.mean(same) > 0.999  # measured: all 70,000


def test_a_photographed_mnist_digit_comes_back_close(mnist):
    """Measured on test images 5000 to 5499, which set no constant: 7.1 of 255 on average."""
    differences = []
    for pixels in mnist[:100]:
        large = np.asarray(Image.fromarray(pixels).resize((280, 280), Image.Resampling.BICUBIC), float) / 255
        image = photograph(ndimage.gaussian_filter(large, 3), darkness=0.8)
        differences.append(difference(preprocess_image(image, MNIST), pixels))
    assert np.mean(differences) < 8  # a shift by one pixel gives 15, a black image 31
