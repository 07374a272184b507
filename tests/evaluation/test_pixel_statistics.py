"""Statistics of pixels: how many there are, and what they tell apart."""

import numpy as np
import pytest

from kernelviz.evaluation.pixel_statistics import pixel_statistics

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 3), (4, 40), (8, 8), (28, 28), (192, 130), (3, 9, 3), (32, 32, 3)], ids=str)
def test_images_of_one_shape_have_as_many_numbers_each_by_itself(shape):
    images = RANDOM.integers(0, 256, (5, *shape), np.uint8)
    images[1], images[2] = 0, 255
    found = pixel_statistics(images)
    assert np.isfinite(found).all() and 80 < found.shape[1] < 130
    np.testing.assert_allclose(pixel_statistics(images[3:4]), found[3:4], rtol=1e-5, atol=1e-6)


def test_a_large_image_is_looked_at_as_a_small_one():
    small = RANDOM.integers(0, 256, (2, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(pixel_statistics(small.repeat(4, 1).repeat(4, 2)), pixel_statistics(small), atol=0.01)


def test_edges_are_told_apart_by_their_direction_and_by_where_they_are():
    upright, left = np.zeros((2, 32, 32), np.uint8)
    upright[:, 16:] = 255
    left[:, :8] = 255
    found = pixel_statistics(np.stack([upright, upright.T, left]))
    assert (abs(found[0] - found[1]) > 0.3).sum() > 8 and (abs(found[0] - found[2]) > 0.3).sum() > 8
