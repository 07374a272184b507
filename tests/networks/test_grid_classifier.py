"""The classifier of parallel kernel grids against plain sums."""

import math

import pytest
import torch

from kernelviz.networks.grid_classifier import GridClassifier, KernelGrids


def by_hand(grids, x):
    """Eq. (1), unit by unit."""
    u, v = grids.locations()
    out = torch.zeros(len(x), len(grids.width), len(v))
    for q in range(len(grids.width)):
        width = grids.width[q].exp().item()
        for j in range(len(v)):
            for i in range(len(u)):
                near = math.exp(-((u[i] - v[j]).square().sum().item()) / width**2)
                out[:, q, j] += near * (x[:, :, i] @ grids.alpha[i, :, q])
            out[:, q, j] += grids.bias[q]
    return out


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("maps", [1, 2])
@torch.no_grad()
def test_units_are_sums_over_kernels(known, maps):
    torch.manual_seed(0)
    grids = KernelGrids(maps, 5, 3, 4, 1.5, known)
    grids.bias.copy_(torch.randn(3))
    grids.width += 0.3 * torch.randn(3)
    x = torch.randn(4, maps, 25)
    torch.testing.assert_close(grids(x), by_hand(grids, x), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_along_the_axes_it_is_the_same_as_by_all_pairs():
    torch.manual_seed(0)
    grids = KernelGrids(2, 6, 3, 4, 1.0, known=True)
    x = torch.randn(4, 2, 36)
    weighted = (x.permute(2, 0, 1) @ grids.alpha).permute(2, 1, 0)
    whole = torch.stack([of_map @ kernel for of_map, kernel in zip(weighted, grids.kernels(), strict=True)], 1)
    torch.testing.assert_close(grids(x), whole)


@torch.no_grad()
def test_receptive_fields_are_the_weights_of_each_unit():
    torch.manual_seed(0)
    grids = KernelGrids(1, 6, 3, 4, 1.0, known=True)
    fields = grids.receptive_fields()
    assert fields.shape == (3, 16, 36)
    for i in range(0, 36, 7):
        x = torch.zeros(1, 1, 36)
        x[0, 0, i] = 1
        torch.testing.assert_close(grids(x)[0], fields[:, :, i])


def test_uncertain_positions_move_only_while_it_learns():
    torch.manual_seed(0)
    grids = KernelGrids(1, 6, 3, 4, 1.0, known=True, noise=0.5)
    x = torch.randn(2, 1, 36)
    assert not torch.equal(grids(x), grids(x))
    grids.eval()
    assert torch.equal(grids(x), grids(x))


@pytest.mark.parametrize("known", [True, False])
def test_everything_that_should_learn_has_a_gradient(known):
    torch.manual_seed(0)
    network = GridClassifier(4, 10, maps=(3, 2), sides=(6, 4), widths=(1.5, 1.0), known=known)
    network(torch.rand(5, 1, 10, 10)).square().sum().backward()
    names = {name for name, weight in network.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert names == {name for name, _ in network.named_parameters()}
    assert ("stages.0.u" in names) is not known


def test_found_positions_stay_where_they_are_put():
    torch.manual_seed(0)
    network = GridClassifier(4, 10, maps=(3, 2), sides=(6, 4), widths=(1.5, 1.0), known=False, found=True)
    coordinates = 2 * torch.rand(100, 2) - 1
    network.place_pixels(coordinates)
    network(torch.rand(5, 1, 10, 10)).square().sum().backward()
    assert torch.equal(network.stages[0].u, coordinates) and network.stages[0].u.grad is None
    assert network.stages[0].v.grad is None and network.stages[4].known
    with pytest.raises(RuntimeError):
        network.place_pixels(coordinates[:50])
