"""The Gaussian probe: its bump by hand, and the fit on bumps whose width and amplitude are known."""

import math

import pytest
import torch

from kernelviz.layers import Grid, PercentileClip
from kernelviz.layers.probe import Probe, bump_spread, fit_probe, gaussian_bump


def centers_inside(grid, n=10, seed=0):
    """Random points in the middle half of the grid."""
    half = grid.step * torch.tensor([grid.columns - 1, grid.rows - 1]) / 2
    return (torch.rand(n, 2, generator=torch.Generator().manual_seed(seed)) - 0.5) * half


def test_bump_by_hand():
    grid = Grid(rows=2, columns=3, extent=1.0)  # x = -1, 0, 1; y = -1/2, 1/2
    center = torch.tensor([[0.0, 0.5], [-1.0, -0.5]])
    once, one_one, twice = (
        4 * math.exp(-1 / 0.5),
        4 * math.exp(-2 / 0.5),
        4 * math.exp(-4 / 0.5),
    )  # 1, 2, 4 apart squared
    wanted = torch.tensor(
        [
            [one_one, once, one_one, once, 4, once],
            [4, once, twice, once, one_one, 4 * math.exp(-5 / 0.5)],
        ]
    )
    torch.testing.assert_close(gaussian_bump(center, grid, Probe(width=0.5, amplitude=4.0)), wanted)


def test_bump_keeps_float64():
    bump = gaussian_bump(torch.zeros(1, 2, dtype=torch.float64), Grid(3, 3, 1.0), Probe(0.5, 2.0))
    assert bump.dtype == torch.float64
    assert bump[0].tolist() == pytest.approx([2 * math.exp(-2 * d) for d in (2, 1, 2, 1, 0, 1, 2, 1, 2)], rel=1e-15)


def test_spread_by_hand():
    grid = Grid(3, 3, 1.0)
    one, pair, cross = torch.zeros(3, 9)
    one[3] = 5
    pair[[3, 5]] = 1  # 1 from the center along x, 0 along y: variance (1 + 0) / 2 per axis
    cross[[1, 3, 4, 5, 7]] = torch.tensor([1.0, 1.0, 4.0, 1.0, 1.0])  # half of the mass 1 from the center
    found = bump_spread(torch.stack([one, pair, cross]), grid)
    torch.testing.assert_close(found, torch.tensor([0.0, math.sqrt(1 / 2), math.sqrt(1 / 4)]))


def test_spread_of_a_whole_bump_is_its_width():
    grid = Grid(40, 40, 4.0)
    found = bump_spread(gaussian_bump(centers_inside(grid), grid, Probe(0.5, 3.0)), grid)
    torch.testing.assert_close(found, torch.full((10,), 0.5), rtol=1e-3, atol=0)


# The clip keeps a disc of radius width sqrt(-2 ln lambda); it must hold several units for its width to be seen.
@pytest.mark.parametrize("amplitude", [0.2, 30.0])
@pytest.mark.parametrize(
    "grid, sparsity, width",
    [
        (Grid(40, 40, 4.0), 0.95, 1.0),
        (Grid(40, 40, 4.0), 0.95, 1.5),
        (Grid(40, 40, 4.0), 0.95, 2.5),
        (Grid(40, 40, 4.0), 0.5, 0.3),
        (Grid(20, 30, 3.0), 0.5, 0.5),
        (Grid(30, 20, 3.0), 0.9, 1.5),
    ],
)
def test_fit_recovers_the_probe_it_is_given(grid, sparsity, width, amplitude):
    clip = PercentileClip(sparsity)
    found = fit_probe(clip(gaussian_bump(centers_inside(grid), grid, Probe(width, amplitude))), grid, clip)
    assert found.width == pytest.approx(width, rel=0.03)
    assert found.amplitude == pytest.approx(amplitude, rel=0.05)


def test_fit_is_to_the_median():
    grid, clip = Grid(40, 40, 4.0), PercentileClip(0.9)
    shapes = [Probe(1.0, 2.0)] * 6 + [Probe(2.5, 9.0)] * 3  # two in three are narrow and low
    centers = centers_inside(grid, n=9).split(1)
    fields = [gaussian_bump(some, grid, shape) for some, shape in zip(centers, shapes, strict=True)]
    assert fit_probe(clip(torch.cat(fields)), grid, clip).width < 1.3


def test_fit_ignores_activations_that_are_zero():
    grid, clip = Grid(30, 30, 3.0), PercentileClip(0.9)
    active = clip(gaussian_bump(centers_inside(grid), grid, Probe(1.0, 2.0)))
    with_zeros = torch.cat([torch.zeros(20, grid.size), active, torch.zeros(20, grid.size)])
    assert fit_probe(with_zeros, grid, clip) == fit_probe(active, grid, clip)


@pytest.mark.parametrize("n", [0, 3])
def test_fit_to_nothing_says_what_to_do(n):
    grid = Grid(4, 4, 1.0)
    with pytest.raises(ValueError, match="every activation is zero.*train the network longer"):
        fit_probe(torch.zeros(n, grid.size), grid, PercentileClip(0.9))


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("name", ["width", "amplitude"])
def test_a_probe_without_shape_is_refused(name, wrong):
    with pytest.raises(ValueError, match=f"width and amplitude are above 0, not .*{wrong}"):
        Probe(**{"width": 1.0, "amplitude": 1.0} | {name: wrong})
