"""Tests of the film of a training as an animation."""

import io

import numpy as np
import pytest
from PIL import Image

from kernelviz.plots.colours import class_colours, rgb
from kernelviz.plots.film import GAP, LINE, LINES, MOST, SIDE, animation, coordinates_at, film_pictures
from kernelviz.storage.epochs import no_frames


def film(decoded=True, n=12, epochs=(0.0, 1.0, 3.0)):
    maps = no_frames("validation", ("a", "b"), 4.0, 3, np.arange(n) % 2)
    for at, epoch in enumerate(epochs):
        where = np.full((n, 2), -2.0 + 2 * at, np.float32)
        where[0] = np.nan if at == 0 else where[0]
        pictures = np.full((9, 8, 6), min(255, 40 * at), np.uint8) if decoded else None
        maps = maps.added(epoch, where, pictures)
    return maps


def test_between_two_frames_a_point_is_on_the_straight_way_and_one_without_a_place_is_where_it_comes_to():
    maps = film()
    found = [coordinates_at(maps, epoch)[:2, 0] for epoch in (0.0, 0.5, 1.0, 2.0, 3.0, 9.0)]
    wanted = [[np.nan, -2], [0, -1], [0, 0], [1, 1], [2, 2], [2, 2]]
    np.testing.assert_allclose(found, wanted, atol=2e-4)
    np.testing.assert_allclose(coordinates_at(film(epochs=(0.0,)), 5.0)[1], -2, atol=2e-4)


def test_the_pictures_show_the_points_in_their_colours_and_what_was_decoded():
    pictures = list(film_pictures(film(), dark=False))
    assert len(pictures) == 4 * 3 and pictures[0].shape[1] == SIDE
    first, last = pictures[0], pictures[-1]
    map_of_first = first[LINE : LINE + SIDE]
    assert (map_of_first[SIDE // 2 :, : SIDE // 2] != 255).any() and (map_of_first[:, SIDE // 2 + 20 :] == 255).all()
    assert (last[LINE : LINE + SIDE, : SIDE // 2 - 20] == 255).all()
    names, strip = last[LINE + SIDE : 2 * LINE + SIDE], last[2 * LINE + SIDE :]
    inks = {tuple(rgb(colour)) for colour in class_colours(2)}
    assert inks <= {tuple(pixel) for pixel in names.reshape(-1, 3).tolist()}
    assert (strip[GAP + 2, GAP + 2] == 80).all() and (strip[0, 0] == 255).all()
    assert next(film_pictures(film(decoded=False), dark=True)).shape == (2 * LINE + SIDE, SIDE, 3)
    assert next(film_pictures(film(), dark=True))[-1, -1].max() < 40


def test_frames_far_apart_have_as_many_pictures_between_as_others_and_long_names_stay_few():
    maps = film(epochs=(0.0, 90.0, 100.0))
    first = [one[LINE : LINE + SIDE] for one in film_pictures(maps, dark=False)]
    left = [(one != 255).any(2).nonzero()[1].min() for one in first]  # pixels: of all points but one, which comes later
    np.testing.assert_allclose(np.diff(left), np.diff(left).mean(), atol=1)
    many = no_frames("test", tuple("a long name" for _ in range(40)), 4.0, 1, np.arange(40))
    shape = next(film_pictures(many.added(0.0, np.zeros((40, 2), np.float32), None), dark=False)).shape
    assert shape == ((1 + LINES) * LINE + SIDE, SIDE, 3)


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_film_as_a_file_has_few_pictures_and_rests_at_its_end(kind):
    maps = film(epochs=tuple(np.arange(40.0)), n=200)
    image = Image.open(io.BytesIO(animation(maps, kind)))
    assert image.format.lower() == kind and image.is_animated and image.n_frames <= MOST and image.size[0] == SIDE
