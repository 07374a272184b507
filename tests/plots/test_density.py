"""The density of points: at each of them, and as lines."""

import numpy as np
import pytest

from kernelviz.plots.density import LEVELS, contours, density


def test_density_of_evenly_spread_points_is_their_number_by_their_area():
    axis = (np.arange(200) + 0.5) / 25 - 4  # 40,000 points on [-4, 4]^2: 625 on a unit of area
    coordinates = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    inside = np.abs(coordinates).max(1) < 3.5
    np.testing.assert_allclose(density(coordinates, 4.0)[inside], 625, rtol=1e-3)


def test_density_is_higher_where_there_are_more_and_knows_x_from_y():
    coordinates = np.array([[2.04, -3.0]] * 10 + [[-3.0, 2.04]] * 2 + [[2.04, 2.04]])  # middles of cells
    found = density(coordinates, 4.0)
    assert found[0] == pytest.approx(10 * found[12], rel=1e-6) and found[10] == pytest.approx(2 * found[12], rel=1e-6)


def test_contours_lie_around_the_points_and_are_closed():
    rng = np.random.default_rng(0)
    coordinates = np.concatenate([rng.normal(at, 0.3, (500, 2)) for at in ([-2.0, 1.0], [2.0, -1.0])])
    lines = contours(coordinates, 4.0)
    assert {level for level, _ in lines} == set(LEVELS)
    for level, line in lines:
        assert np.array_equal(line[0], line[-1]) and np.isfinite(line).all()
        if level >= 0.4:
            assert min(np.linalg.norm(line.mean(0) - at) for at in ([-2, 1], [2, -1])) < 0.3
    widest = {level: max(np.ptp(line[:, 0]) for at, line in lines if at == level) for level in LEVELS}
    assert sorted(widest.values(), reverse=True) == [widest[level] for level in LEVELS]


def test_contours_at_the_border_are_closed_too():
    lines = contours(np.full((50, 2), 3.99), 4.0)
    assert lines and all(np.array_equal(line[0], line[-1]) for _, line in lines)


def test_a_map_without_points_has_no_contours():
    assert contours(np.zeros((0, 2)), 4.0) == []
