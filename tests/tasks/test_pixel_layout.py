import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import pdist

from kernelviz.tasks.pixel_layout import EXTENT, pixel_positions

SIDE = 14
POSITIONS = np.stack(np.meshgrid(np.arange(SIDE), np.arange(SIDE)), -1).reshape(-1, 2)


@pytest.fixture(scope="module")
def images():
    """Smooth random fields."""
    fields = gaussian_filter(np.random.default_rng(0).standard_normal((2000, SIDE, SIDE)), (0, 1.5, 1.5))
    return (128 + 50 * fields / fields.std()).clip(0, 255).astype(np.uint8)


def test_pixels_lie_as_in_the_images(images):
    positions = pixel_positions(images, seed=0)
    assert positions.shape == (SIDE**2, 2)
    assert np.abs(positions).max(0) == pytest.approx([EXTENT, EXTENT], rel=1e-5)
    assert np.corrcoef(pdist(positions), pdist(POSITIONS))[0, 1] > 0.95


def test_the_order_of_the_pixels_does_not_matter(images):
    order = np.random.default_rng(1).permutation(SIDE**2)
    shuffled = images.reshape(len(images), -1)[:, order].reshape(images.shape)
    found = pixel_positions(shuffled, seed=0)
    assert np.corrcoef(pdist(found), pdist(POSITIONS[order]))[0, 1] > 0.95


def test_pixels_that_never_change_lie_anywhere_within_the_square(images):
    edged = images.copy()
    edged[:, 0] = 7
    positions = pixel_positions(edged, seed=0)
    assert np.isfinite(positions).all() and np.abs(positions).max() <= 1
    assert not np.array_equal(positions[:SIDE], pixel_positions(edged, seed=1)[:SIDE])
