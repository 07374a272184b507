"""Pictures of pictures, pixel by pixel on small ones."""

import io

import numpy as np
import pytest
from PIL import Image

from kernelviz.plots.images import (
    COLLAGE,
    apart,
    bump_picture,
    collage,
    dots,
    enlarged,
    gif,
    on_white,
    png,
    sheet,
    tile_side,
)

RED, GREEN = [255, 0, 0], [0, 255, 0]


def test_enlarged_repeats_every_pixel():
    image = np.array([[1, 2], [3, 4]], np.uint8)
    assert enlarged(image, 4).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


@pytest.mark.parametrize("shape, result", [((8, 8), (80, 80)), ((28, 14, 3), (84, 42, 3)), ((200, 90), (200, 90))])
def test_enlarged_by_a_whole_number_never_smaller(shape, result):
    assert enlarged(np.zeros(shape, np.uint8)).shape == result


@pytest.mark.parametrize("colours", [(), (3,)], ids=["grey", "RGB"])
def test_a_sheet_is_filled_row_by_row(colours):
    images = np.stack([np.full((1, 2, *colours), value, np.uint8) for value in (1, 2, 3)])
    found = sheet(images, columns=2, gap=1, background=9)
    wanted = [[9, 9, 9, 9, 9, 9, 9], [9, 1, 1, 9, 2, 2, 9], [9] * 7, [9, 3, 3, 9, 9, 9, 9], [9] * 7]
    assert (found[..., 0] if colours else found).tolist() == wanted


def test_a_bump_is_rendered_as_on_the_map_with_its_maximum_white():
    activation = np.array([0, 2, 0, 4, 0, 1], np.float32)  # the bottom row first
    assert bump_picture(activation, 2, 3).tolist() == [[255, 0, 64], [0, 128, 0]]
    assert not bump_picture(np.zeros(6, np.float32), 2, 3).any()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_png_comes_back_as_it_was(shape):
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png(image)))), image)


def test_a_gif_has_every_frame_and_never_ends():
    images = np.stack([np.full((4, 4), value, np.uint8) for value in (0, 100, 200)])
    with Image.open(io.BytesIO(gif(images, 120))) as animation:
        assert (animation.n_frames, animation.info["loop"], animation.info["duration"]) == (3, 0, 120)
        for at in range(3):
            animation.seek(at)
            assert np.asarray(animation.convert("L")).tolist() == images[at].tolist()


def middle(picture):
    """Row and column of the middle of what is not clear."""
    rows, columns = np.nonzero(picture[..., 3])
    return (rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2


def one_image(x, y, image=None, colour=RED):
    image = np.full((8, 8), 255, np.uint8) if image is None else image
    return collage(np.array([[x, y]], float), image[None], np.array([colour], np.uint8), extent=1.0, tile=48)


def test_a_collage_has_its_images_where_the_map_has_their_points():
    rows, columns = zip(*(middle(one_image(x, 0.5)) for x in (-1, 0, 1)), strict=True)
    assert columns[0] < columns[1] < columns[2] and columns[1] == pytest.approx(COLLAGE / 2, abs=1)
    assert len(set(rows)) == 1 and rows[0] < 0.3 * COLLAGE  # y grows upwards
    assert (one_image(1, -1)[..., 3] > 0)[-1, -1] and (one_image(-1, 1)[..., 3] > 0)[0, 0]


def test_a_grey_image_is_ink_in_its_colour_and_a_coloured_one_itself():
    ink = one_image(0, 0, np.full((8, 8), 128, np.uint8))
    assert {tuple(pixel) for pixel in ink[ink[..., 3] > 0].tolist()} == {(255, 0, 0, 128)}
    itself = one_image(0, 0, np.full((8, 8, 3), 7, np.uint8))
    assert {tuple(pixel) for pixel in itself[itself[..., 3] > 0].tolist()} == {(7, 7, 7, 255)}


def test_of_images_that_overlap_only_the_first_is_shown():
    tile = 100
    step = 2 * tile / (COLLAGE - tile)  # of the map, from one tile to the next
    coordinates = np.array([[0.0, 0.0], [0.9 * step, 0.0], [1.1 * step, 0.0], [0.0, -1.1 * step], [0.0, 1.0]])
    assert apart(coordinates, 1.0, tile).tolist() == [0, 2, 3, 4]
    assert apart(coordinates[:0], 1.0, tile).tolist() == []


def test_the_fewer_the_images_the_larger():
    assert [tile_side(n) for n in (0, 100, 2000, 10_000)] == [64, 64, 36, 36]


def test_dots_lie_where_the_map_has_them_the_last_on_top():
    coordinates = np.array([[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0], [0.0, 0.0], [5.0, 5.0]])
    colours = np.array([RED, GREEN, RED, GREEN, RED], np.uint8)
    found = dots(coordinates, colours, extent=1.0, side=11, size=1)
    assert found[0, 0].tolist() == [*RED, 255] and found[10, 10].tolist() == [*GREEN, 255]
    assert found[5, 5].tolist() == [*GREEN, 255]
    assert found[0, 10].tolist() == [*RED, 255]  # beyond the edge: at the edge
    assert (found[..., 3] > 0).sum() == 4
    assert (dots(coordinates[2:3], colours[2:3], extent=1.0, side=11, size=3)[..., 3] > 0).sum() == 9


def test_on_white_mixes_by_the_alpha():
    picture = np.array([[[0, 100, 200, 255], [0, 100, 200, 0], [0, 100, 200, 51]]], np.uint8)
    assert on_white(picture).tolist() == [[[0, 100, 200], [255, 255, 255], [204, 224, 244]]]
