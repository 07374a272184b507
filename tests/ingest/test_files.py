"""Uploads are untrusted: any bytes give a picture or UnreadableImage, and good pictures come out right."""

import contextlib
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from corpus import ARCHIVES, FILES, N_PLACED, PLACED, REASONS, REFUSED, encoded, png_header, quarters, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kernelviz.ingest import files, image_file
from kernelviz.ingest.files import Picture, RejectedFile, contents, contents_of_paths, ingest, torch_on_all_cores
from kernelviz.ingest.image_file import UnreadableImage, open_image
from kernelviz.ingest.preprocessing import Preprocess, alternatives, preprocess_image

RGB = Preprocess("resize", 4, 6, 3)


def ingested(files):
    """Pictures and rejected files of (name, bytes) files."""
    results = list(ingest((one for name, data in files for one in contents(name, io.BytesIO(data))), RGB))
    return [one for one in results if isinstance(one, Picture)], [
        one for one in results if isinstance(one, RejectedFile)
    ]


@pytest.mark.parametrize("kind", image_file.FORMATS)
def test_every_format_gives_its_pixels(kind):
    image = quarters().resize((60, 40), Image.Resampling.NEAREST)
    opened = open_image(encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert opened.mode == "RGB" and opened.size == (60, 40)
    assert np.abs(np.asarray(opened, int) - np.asarray(image, int)).mean() < (6 if kind in ("JPEG", "AVIF") else 0.1)


@pytest.mark.parametrize("name", REFUSED)
def test_whatever_is_no_picture_is_rejected_with_what_to_do(name):
    data, reason = REFUSED[name]
    pictures, (rejected,) = ingested([(name, data)])
    assert not pictures and rejected.name == name
    assert re.search(f"{reason}.*; (choose|save|scale|replace|pack)", rejected.reason)


@pytest.mark.parametrize("name", PLACED)
def test_whatever_is_a_picture_is_read_by_its_name(name):
    (picture,), rejected = ingested([(name, PLACED[name])])
    assert picture.name == name and picture.pixels.shape == (4, 6, 3) and not rejected


@pytest.mark.parametrize("name", ARCHIVES)
def test_of_an_archive_the_pictures_are_read_and_the_rest_rejected(name):
    data, n, reasons = ARCHIVES[name]
    pictures, rejected = ingested([(name, data)])
    assert len(pictures) == n and all(one.name.startswith(f"{name}: ") for one in pictures)
    assert len(rejected) == len(reasons)
    assert all(reason in one.reason for reason, one in zip(reasons, rejected, strict=True))


def test_a_wide_header_is_rejected_before_its_pixels_are_decoded(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(UnreadableImage):
        open_image(png_header(8_000, 8_000))


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (2, 1), (255, 0, 0, 0))
    clear.putpixel((1, 0), (255, 0, 0, 255))
    assert np.asarray(open_image(encoded(clear))).tolist() == [[[255, 255, 255], [255, 0, 0]]]
    grey = Image.merge("LA", [Image.new("L", (1, 1), 0), Image.new("L", (1, 1), 128)])
    opened = open_image(encoded(grey))
    assert opened.mode == "L" and opened.getpixel((0, 0)) == 127


def test_a_palette_with_transparency_lies_on_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putpixel((1, 0), 1)
    opened = open_image(encoded(palette, transparency=0))
    assert np.asarray(opened).tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize(("colour", "expected"), [((0, 0, 0, 0), 255), ((0, 0, 0, 255), 0)])
def test_cmyk_becomes_rgb(colour, expected):
    opened = open_image(encoded(Image.new("CMYK", (8, 8), colour), "TIFF"))
    assert opened.mode == "RGB" and opened.getpixel((4, 4)) == (expected,) * 3
    assert open_image(encoded(Image.new("CMYK", (8, 8), colour), "JPEG")).mode == "RGB"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_by_their_full_scale(kind):
    values = np.array([[0, 32768, 65535]], np.uint16)
    assert np.asarray(open_image(encoded(Image.fromarray(values), kind))).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0.5, 1], [0, 128, 255]), ([0, 51, 255], [0, 51, 255]), ([-1, 0, 3], [0, 64, 255]), ([0, 0, 0], [0, 0, 0])],
)
def test_floats_are_scaled_by_their_range(values, expected):
    image = Image.fromarray(np.array([values], np.float32))
    assert np.asarray(open_image(encoded(image, "TIFF"))).tolist() == [expected]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_pixels_that_are_no_numbers_are_rejected(value):
    with pytest.raises(UnreadableImage, match="no numbers"):
        open_image(encoded(Image.fromarray(np.full((2, 2), value, np.float32)), "TIFF"))


def test_one_bit_becomes_grey():
    opened = open_image(encoded(Image.new("1", (3, 2), 1)))
    assert opened.mode == "L" and opened.getpixel((0, 0)) == 255


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("red", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        red, green, blue = open_image(data).getpixel((2, 2))
        assert red > 240 and green < 15 and blue < 15


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(kind, orientation):
    upright = quarters().resize((48, 32), Image.Resampling.NEAREST)
    opened = open_image(stored(orientation, kind))
    assert opened.size == upright.size
    assert np.abs(np.asarray(opened, int) - np.asarray(upright, int)).mean() < 20


def test_a_large_jpeg_is_decoded_small():
    assert open_image(encoded(Image.new("RGB", (4200, 4200)), "JPEG")).size == (1050, 1050)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM", b"II*\0"])
)
def test_random_bytes_are_rejected_or_opened(data, start):
    opens_or_is_rejected(start + data)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(["PNG", "GIF", "TIFF", "BMP", "JPEG", "WEBP"]))
def test_damaged_pictures_are_rejected_or_opened(data, kind):
    damaged = bytearray(encoded(quarters(), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    opens_or_is_rejected(bytes(damaged[: data.draw(st.integers(1, len(damaged)))]))


def opens_or_is_rejected(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(UnreadableImage):
            assert open_image(data).mode in ("L", "RGB")


def test_one_bad_file_does_not_fail_the_others():
    pictures, rejected = ingested(FILES.items())
    assert len(pictures) == N_PLACED and len(rejected) == len(REASONS)
    assert all(reason in one.reason for reason, one in zip(REASONS, rejected, strict=True))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=300), max_size=4), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\xff\xd8"]))
def test_any_files_give_as_many_answers_and_no_error(files, start):
    names = [f"{at}" for at in range(len(files))]
    pictures, rejected = ingested(zip(names, (start + data for data in files), strict=True))
    assert all(one.reason for one in rejected) and len(pictures) + len(rejected) <= len(files)


def test_paths_are_walked_in_order_without_hidden_files(tmp_path):
    for name in ("b/2.png", "b/1.PNG", "a.txt", ".hidden.png", ".git/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(encoded(quarters()))
    (tmp_path / "c.png").write_bytes(b"no picture")
    results = list(ingest(contents_of_paths([tmp_path, tmp_path / "missing.png"]), RGB))
    assert [Path(result.name).name for result in results] == ["a.txt", "1.PNG", "2.png", "c.png", "missing.png"]
    assert [type(result) for result in results] == [Picture] * 3 + [RejectedFile] * 2
    assert "no such file" in results[-1].reason


def test_a_large_file_is_rejected_before_it_is_read(tmp_path, monkeypatch):
    with open(tmp_path / "large.png", "wb") as file:
        file.truncate(image_file.MAX_BYTES + 1)
    monkeypatch.setattr(files, "open_image", lambda data: pytest.fail("read"))
    (result,) = ingest(contents_of_paths([tmp_path / "large.png"]), RGB)
    assert isinstance(result, RejectedFile) and "allowed are 20 MB" in result.reason


@pytest.mark.parametrize("size", [(1, 1), (20_000, 2), (3, 900)])
@pytest.mark.parametrize("name", ["digit", "resize", "crop"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_is_preprocessed(size, name, channels):
    image = open_image(encoded(Image.new("RGB", size, (200, 30, 30))))
    channels = 1 if name == "digit" else channels
    pixels = preprocess_image(image, Preprocess(name, 28, 20, channels, 18))
    assert pixels.shape == ((28, 20, 3) if channels == 3 else (28, 20)) and pixels.dtype == np.uint8


def test_crop_keeps_the_middle_and_resize_keeps_all():
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 200
    image = Image.fromarray(pixels)
    assert (preprocess_image(image, Preprocess("crop", 10, 10, 1)) == 200).all()
    assert (preprocess_image(image, Preprocess("resize", 10, 30, 1)) == pixels).all()


def test_an_unknown_preprocessing_names_the_known_ones():
    with pytest.raises(ValueError, match="unknown preprocessing 'stretch'.*digit, resize, crop"):
        preprocess_image(quarters(), Preprocess("stretch", 4, 4, 1))


def test_the_preprocessing_modes_begin_with_the_networks_own():
    mnist = Preprocess("digit", 28, 28, 1, 20)
    assert list(alternatives(mnist)) == ["digit", "resize", "crop"] and alternatives(mnist)["digit"] == mnist
    grey = alternatives(Preprocess("crop", 28, 28, 1))
    assert list(grey) == ["crop", "digit", "resize"] and grey["digit"].box == 20
    assert list(alternatives(Preprocess("resize", 32, 32, 3))) == ["resize", "crop"]


def test_calls_beside_each_other_leave_torch_its_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        first = torch_on_all_cores(lambda item: torch.get_num_threads(), range(40))
        assert next(first) == 1
        assert list(torch_on_all_cores(lambda item: torch.get_num_threads(), range(5))) == [1] * 5
        assert list(first) == [1] * 39 and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
