"""Formats, colours, pages and costs of single files: what phones, cameras and scanners write, and what attackers do."""

import contextlib
import io
import struct
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from corpus import GOOD, encoded, png_chunk, quarters
from PIL import Image, ImageCms

from kernelviz.ingest import costly, image_file
from kernelviz.ingest.files import Picture, contents, ingest
from kernelviz.ingest.image_file import UnreadableImage, frames, open_image
from kernelviz.ingest.preprocessing import Preprocess


def several(kind, n=3, **options):
    """A file with so many frames, the first of them red."""
    pages = [Image.new("RGB", (9, 9), (255, 20 * at, 0)) for at in range(n)]
    return encoded(pages[0], kind, save_all=True, append_images=pages[1:], **options)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG", "AVIF"])
def test_of_several_frames_the_first_is_taken_and_all_are_counted(kind):
    data = several(kind)
    assert frames(data) == 3
    red, green, blue = open_image(data).getpixel((4, 4))
    assert red > 230 and green < 20 and blue < 20
    (picture,) = ingest(contents("a", io.BytesIO(data)), Preprocess("resize", 4, 4, 3))
    assert isinstance(picture, Picture) and picture.frames == 3


@pytest.mark.parametrize("data", [GOOD, b"", b"text", several("MPO"), several("GIF", 1)])
def test_of_all_other_files_one_frame_is_counted(data):
    assert frames(data) == 1


def test_many_pages_are_counted_to_a_limit(monkeypatch):
    monkeypatch.setattr(image_file, "MAX_FRAMES", 4)
    assert frames(several("TIFF", 9)) == frames(several("GIF", 9)) == 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_colour_profile_is_applied(mode):
    lab = Image.new(mode, (4, 4), {"RGB": (200, 100, 50), "RGBA": (200, 100, 50, 255), "L": 120}[mode])
    assert np.array_equal(
        np.asarray(open_image(encoded(lab, icc_profile=srgb()))), np.asarray(lab.convert("RGB" if mode != "L" else "L"))
    )
    wide = np.asarray(open_image(encoded(lab.convert("RGB"), icc_profile=swapped())), int)
    plain = np.asarray(lab.convert("RGB"), int)
    assert np.abs(wide[..., 0] - plain[..., 2]).max() <= 6 and np.abs(wide[..., 2] - plain[..., 0]).max() <= 6


def srgb():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped():
    """A profile of sRGB whose primaries of red and blue have changed their names, and its own."""
    profile = bytearray(srgb())
    red, blue = (profile.index(name) for name in (b"rXYZ", b"bXYZ"))
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile).replace(b"s\0R\0G\0B", b"x\0R\0G\0B").replace(b"sRGB", b"xRGB")


@pytest.mark.parametrize("profile", [b"broken", srgb()[:200], bytes(500)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_broken_profile_and_one_of_other_colours_are_ignored(profile, mode):
    image = Image.new(mode, (8, 8), 99 if mode == "L" else tuple(range(20, 20 + 10 * len(mode), 10)))
    with_profile, without = (open_image(encoded(image, "TIFF", icc_profile=one)) for one in (profile, None))
    assert with_profile.tobytes() == without.tobytes()
    other = open_image(encoded(Image.new("L", (8, 8), 99), icc_profile=swapped()))
    assert other.mode == "L" and other.getpixel((1, 1)) == 99


@pytest.mark.parametrize("colour, expected", [((0, 255, 255, 0), (255, 0, 0)), ((255, 0, 0, 0), (0, 255, 255))])
def test_the_inverted_inks_of_a_jpeg_come_out_right(colour, expected):
    opened = open_image(encoded(Image.new("CMYK", (8, 8), colour), "JPEG", quality=100))
    assert np.abs(np.subtract(opened.getpixel((4, 4)), expected)).max() < 12


def test_a_photograph_is_decoded_no_larger_than_needed():
    photo = encoded(Image.new("RGB", (4000, 3000), "teal"), "JPEG")
    assert open_image(photo).size == (2000, 1500)
    assert open_image(photo, enough=(256, 256)).size == (500, 375)
    assert open_image(photo, enough=(128, 500)).size == (1000, 750)
    assert open_image(encoded(Image.new("RGB", (400, 300)), "PNG"), enough=(64, 64)).size == (400, 300)


def progressive(scans):
    """A JPEG whose last scan is repeated."""
    data = encoded(quarters().resize((64, 64)), "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def test_a_jpeg_with_thousands_of_scans_is_refused_undecoded(monkeypatch):
    assert open_image(progressive(20)).size == (64, 64)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(UnreadableImage, match="more than 100 scans.*; save it again"):
        open_image(progressive(2000))


def test_what_looks_like_scans_beside_the_picture_does_not_count():
    data = encoded(quarters(), "JPEG")
    segment = b"\xff\xe5" + struct.pack(">H", 60_002) + b"\xff\xda\0\2" * 15_000
    assert open_image(data[:2] + segment + data[2:] + b"\xff\xda\0\2" * 1000).size == (6, 4)


def test_a_png_with_a_million_chunks_is_refused_at_once():
    text, end = png_chunk(b"tEXt", b"a\0b"), png_chunk(b"IEND", b"")
    many = GOOD[: -len(end)] + text * 1_000_000 + end
    start = time.perf_counter()
    with pytest.raises(UnreadableImage, match="more than 25,000 chunks"):
        open_image(many)
    assert time.perf_counter() - start < 1
    assert open_image(GOOD[: -len(end)] + text * 1000 + end).size == (60, 40)


def test_a_tiff_with_more_strips_than_any_has_is_refused(monkeypatch):
    monkeypatch.setattr(image_file, "MAX_TILES", 5)
    striped = encoded(quarters().resize((60, 40)), "TIFF", tiffinfo={278: 1})
    with pytest.raises(UnreadableImage, match="tiles or strips"):
        open_image(striped)


def float_tiff(side):
    """A white TIFF of floats."""
    return encoded(Image.fromarray(np.ones((side, side), np.float32)), "TIFF", compression="tiff_lzw")


def test_floats_take_no_large_copies():
    data = float_tiff(2500)
    tracemalloc.start()
    opened = open_image(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert opened.getpixel((9, 9)) == 255 and peak < 2500**2 * 6  # float64 of all pixels would be 8 bytes each


def test_what_takes_more_memory_has_a_lower_limit(monkeypatch):
    monkeypatch.setattr(image_file, "MAX_DEEP_PIXELS", 99)
    floats, integers, bytes_ = (np.ones((10, 10), kind) for kind in (np.float32, np.uint16, np.uint8))
    for kind, values in (("TIFF", floats), ("PNG", integers), ("WEBP", bytes_), ("AVIF", bytes_)):
        with pytest.raises(UnreadableImage, match="10 x 10 pixels"):
            open_image(encoded(Image.fromarray(values), kind))
    assert open_image(encoded(Image.new("L", (10, 10)))).size == (10, 10)


@pytest.mark.parametrize("values, expected", [([0, 1000, 4095], [0, 62, 255]), ([-5, 0, 5], [0, 128, 255])])
def test_bands_are_scaled_alike(values, expected, monkeypatch):
    monkeypatch.setattr("kernelviz.ingest.pixels.BAND", 3)  # each row is a band
    rows = np.array([values, values[::-1]], np.int32)
    opened = open_image(encoded(Image.fromarray(rows), "TIFF"))
    assert np.asarray(opened).tolist() == [expected, expected[::-1]]


def ftyp(major, *others):
    brands = major + b"\0\0\0\0" + b"".join(others)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(100)


@pytest.mark.parametrize("data", [ftyp(b"heic", b"mif1"), ftyp(b"mif1", b"heic"), ftyp(b"heix"), ftyp(b"mif1")])
def test_heic_is_known_by_its_content_and_names_the_package_that_is_missing(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableImage, match=r"HEIC picture.*; install kernelviz\[heic\]"):
        open_image(data)
    assert frames(data) == 1


@pytest.mark.parametrize("data", [ftyp(b"avif", b"mif1"), ftyp(b"mif1", b"avif"), ftyp(b"isom"), b"\0\0\0\x10ftyp"])
def test_what_is_no_heic_needs_no_package(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(UnreadableImage, match="not a picture|damaged"):
        open_image(data)


def test_heic_is_read_upright():
    pytest.importorskip("pillow_heif").register_heif_opener()
    image = quarters().resize((96, 64), Image.Resampling.NEAREST)
    opened = open_image(encoded(image, "HEIF", quality=95))
    assert opened.mode == "RGB" and np.abs(np.asarray(opened, int) - np.asarray(image, int)).mean() < 8
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = image.transpose(Image.Transpose.ROTATE_90)
    opened = open_image(encoded(turned, "HEIF", exif=exif.tobytes(), quality=95))
    assert opened.size == (96, 64) and np.abs(np.asarray(opened, int) - np.asarray(image, int)).mean() < 8
    assert frames(several("HEIF")) == 3
    with pytest.raises(UnreadableImage):
        open_image(encoded(image, "HEIF")[:300])


def test_scans_are_bounded_by_the_pixels_that_they_go_through(monkeypatch):
    monkeypatch.setattr("kernelviz.ingest.costly.MAX_SCANNED", 64 * 64 * 20)
    assert open_image(progressive(5)).size == (64, 64)
    with pytest.raises(UnreadableImage, match="more scans than cameras write at its size"):
        open_image(progressive(30))


MODES = {
    "RGBA": encoded(Image.effect_noise((300, 200), 90).convert("RGBA")),
    "P": encoded(Image.effect_noise((300, 200), 90).convert("P"), transparency=3),
    "LA": encoded(Image.effect_noise((300, 200), 90).convert("LA")),
    "1": encoded(Image.effect_noise((300, 200), 90).convert("1")),
    "CMYK": encoded(Image.effect_noise((300, 200), 90).convert("CMYK"), "TIFF"),
    "I;16": encoded(Image.fromarray(np.arange(60_000, dtype=np.uint16).reshape(200, 300))),
    "profile": encoded(Image.effect_noise((300, 200), 90).convert("RGB"), icc_profile=swapped()),
}


@pytest.mark.parametrize("data", MODES.values(), ids=MODES)
def test_a_picture_in_bands_is_the_picture(data, monkeypatch):
    whole = open_image(data)
    monkeypatch.setattr("kernelviz.ingest.pixels.BAND", 300 * 7)
    assert np.array_equal(np.asarray(open_image(data)), np.asarray(whole))
    monkeypatch.setattr(image_file, "LARGE", 300 * 50)
    small = open_image(data, enough=(50, 50))
    assert small.size == (150, 100) and np.array_equal(np.asarray(small), np.asarray(whole.reduce(2)))


def test_threads_share_a_bound_of_memory():
    memory, at_once, most = costly.Memory(100), [], []

    def decode(n):
        with memory.of(n):
            at_once.append(n)
            most.append(sum(at_once))
            time.sleep(0.002)
            at_once.remove(n)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [30, 60, 100, 10, 50, 250, 40, 20] * 5))
    assert memory.left == 100 and all(n <= 100 or n == 250 for n in most)  # who wants more than all is alone


def test_decoding_gives_its_memory_back_whatever_happens():
    for data in (GOOD, encoded(quarters(), "WEBP"), GOOD[:60], encoded(Image.effect_noise((90, 90), 50))[:3000]):
        with contextlib.suppress(UnreadableImage):
            open_image(data)
    assert costly.decoding.left == costly.decoding.total
