"""Tests of figures for print and of animations, from runs that travel with the package."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from kernelviz.errors import UserError
from kernelviz.export.figures import KINDS, Look, figure
from kernelviz.export.path import path_through
from kernelviz.plots.publication import NAMED, Panel, inches, printed_maps, save, window_around
from kernelviz.storage.store import load_run


@pytest.fixture(scope="module")
def run():
    return load_run("digits-neighbours")


def test_a_pdf_has_its_width_its_fonts_and_its_points_and_is_the_same_file_again(kernelviz, tmp_path):
    files = [tmp_path / "one.pdf", tmp_path / "two.pdf"]
    for file in files:
        code, out, _ = kernelviz("figure", "digits-neighbours", "map", "--out", file, "--width", "85mm", "--json")
        assert code == 0 and json.loads(out)["bytes"] == file.stat().st_size
    one, two = (file.read_bytes() for file in files)
    assert one == two and b"FontFile2" in one and b"/Type3" not in one
    assert float(re.search(rb"MediaBox \[ 0 0 ([\d.]+)", one)[1]) == pytest.approx(85 / 25.4 * 72, abs=0.01)


def test_an_svg_needs_no_font_and_no_other_file(run, tmp_path):
    text = figure(run, "decoded", tmp_path / "decoded.svg", Look(side=4)).read_text()
    assert "<text" not in text and "font-family" not in text and "data:image/png;base64" in text
    assert not re.findall(r"(?:href|src)=\"(?!#|data:)", text)


def test_a_png_has_as_many_pixels_as_its_width_and_the_maps_by_depth_are_in_one(tmp_path):
    path = figure(load_run("cifar10-resnet32-kept21"), "depth", tmp_path / "depth.png", Look("10cm", 127))
    with Image.open(path) as image:
        assert abs(image.width - 500) < 2 and 200 < image.height < 250  # three in a row, the legend below
        top = np.asarray(image.convert("L"))[:150]
    assert all((part < 200).any() for part in np.array_split(top, 3, axis=1))


@pytest.mark.parametrize(("name", "pictures"), [("digits-neighbours", False), ("shapes", True)])
def test_images_are_where_their_points_are_with_the_names_of_their_classes(name, pictures, tmp_path):
    path = figure(load_run(name), "images", tmp_path / "images.png", Look("8.5cm", 100, side=10, pictures=pictures))
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"))[: image.width]
    assert (picture.min(2) < 128).any(1).sum() > 200  # of 335 rows


def test_a_probe_goes_from_class_to_class_and_is_decoded(run, tmp_path):
    with Image.open(figure(run, "path", tmp_path / "path.gif")) as animated:
        assert animated.n_frames > 50 and animated.width == 640 and 320 < animated.height < 380  # with a line of names
        inks = []
        for at in (0, animated.n_frames - 1):
            animated.seek(at)
            names = np.asarray(animated.convert("RGB"))[-26:]
            inks.append({tuple(pixel) for pixel in names.reshape(-1, 3).tolist()})
    assert inks[0] == inks[1]  # no class changes its colour on the way
    assert len(inks[0]) > 10 and (255, 255, 255) in inks[0]  # ten classes, on paper
    with Image.open(figure(run, "path", tmp_path / "path.webp", Look("4cm", 200))) as animated:
        assert animated.width == 315
    corners = np.array([[0, 0], [0, 4], [4, 4], [4, 0]], float)
    way = path_through(corners.repeat(5, 0), np.arange(4).repeat(5), 16)
    assert len(way) == 16 and {tuple(corner) for corner in corners} <= {tuple(at) for at in way.tolist()}
    circle = path_through(corners, np.zeros(4, int), 8)
    np.testing.assert_allclose(np.linalg.norm(circle - 2, axis=1), 8**0.5)


@pytest.mark.parametrize(
    ("what", "name", "look", "said"),
    [
        ("map", "a.gif", {}, "written as .pdf, .svg, .png"),
        ("path", "a.gif", {"width": "90cm"}, "an animation has 240 to 1600"),
        ("film", "a.gif", {"width": "8cm"}, "leave out its width"),
        ("path", "a.pdf", {}, "written as .gif, .webp"),
        ("picture", "a.pdf", {}, "no figure 'picture'"),
        ("map", "a.pdf", {"width": "8.5"}, "is no width"),
        ("map", "a.pdf", {"width": "9km"}, "is no width"),
        ("map", "a.pdf", {"width": "300cm"}, "is no width"),
        ("map", "a.png", {"width": "90cm", "dpi": 2400}, "pixels are too many"),
        ("map", "a.pdf", {"split": "all"}, "no split 'all'"),
        ("map", "a.pdf", {"split": "added"}, "no points of the split added"),
        ("map", "a.pdf", {"colour": "density"}, "not coloured by 'density'"),
        ("map", "a.pdf", {"dpi": 0}, "dots per inch"),
        ("decoded", "a.pdf", {"side": 1}, "along each side"),
        ("depth", "a.pdf", {}, "at another depth"),
        ("film", "a.gif", {}, "were not kept"),
    ],
)
def test_what_cannot_be_made_is_said(what, name, look, said, run, tmp_path):
    with pytest.raises(UserError, match=re.escape(said)):
        figure(run, what, tmp_path / name, Look(**look))
    assert not list(tmp_path.iterdir())


def test_a_map_without_a_decoder_has_no_decoded_figure(tmp_path):
    with pytest.raises(UserError, match="decodes no images"):
        figure(load_run("cifar10-resnet32-kept31"), "decoded", tmp_path / "a.pdf")
    with pytest.raises(UserError, match="decodes no images"):
        figure(load_run("cifar10-resnet32-kept31"), "images", tmp_path / "a.pdf")


def test_names_in_a_legend_are_what_they_are_and_fit(tmp_path):
    names = ["_hidden", "$x^$", "a long name " * 9, *(f"class {number}" for number in range(60))]
    groups, group = [(name, "#3f6bd4") for name in names], np.arange(len(names))
    figure = printed_maps([Panel(np.random.default_rng(0).normal(size=(len(names), 2)), group)], groups, inches("6cm"))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    texts = legend.get_texts()
    assert {"_hidden", "$x^$", f"and {len(names) - NAMED + 1} more"} <= {text.get_text() for text in texts}
    boxes = [text.get_window_extent().padded(-1) for text in texts]  # they are measured in whole pixels
    assert min(box.x0 for box in boxes) >= 0 and max(box.x1 for box in boxes) <= figure.bbox.width
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])
    save(figure, tmp_path / "a.pdf", "a")
    assert window_around(np.zeros((0, 2))) == (0, 0, 1)


def test_every_kind_has_a_command():
    from kernelviz.cli.figure import What

    assert list(What) == list(KINDS)
