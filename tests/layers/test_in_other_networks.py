"""The layers inside networks of others: compiled without a graph break, exported, and trained in either form."""

import jaxtyping
import pytest
import torch
from torch import nn

from kernelviz.layers import GatedLinear, Grid, KernelLinear, PercentileClip, center_of_mass
from kernelviz.layers.kernels import KERNELS, FiniteSupport, Gaussian

GRID = Grid(rows=4, columns=5, extent=2.0)


@pytest.fixture(autouse=True)
def shapes_are_not_checked(monkeypatch):
    """The checks of shapes are only in the tests, and no compiler follows them."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


class Bottleneck(nn.Module):
    """Features -> activation and coordinates."""

    def __init__(self, kernel, v=None, dim=2):
        super().__init__()
        self.layer, self.clip = KernelLinear(6, GRID.size, dim, kernel, v=v), PercentileClip(0.5)
        self.register_buffer("positions", GRID.positions())

    def forward(self, x):
        activation = self.clip(self.layer(x))
        return activation, center_of_mass(activation, self.positions)


class All(nn.Module):
    """Each kernel in a bottleneck of its own, and a gated layer."""

    def __init__(self):
        super().__init__()
        self.maps = nn.ModuleList([Bottleneck(kernel()) for kernel in KERNELS.values()])
        self.maps.append(Bottleneck(Gaussian(2.0), v=GRID))
        self.maps.append(Bottleneck(Gaussian(), dim=5))
        self.maps.append(Bottleneck(FiniteSupport(squared=False)))
        self.gated = GatedLinear(6, GRID.size)

    def forward(self, x):
        return [self.gated(x), *(one for map_ in self.maps for one in map_(x))]


def in_turn(network, x):
    """What a network gives, and the gradients of its weights."""
    network.zero_grad()
    given = network(x)
    sum(one.nan_to_num().square().sum() for one in given).backward()
    return [*given, *(one.grad for one in network.parameters())]


def test_compiled_and_exported_they_give_the_same_bit_for_bit():
    network, x = All(), torch.randn(3, 6)
    same = {"rtol": 0, "atol": 0, "equal_nan": True}
    wanted = in_turn(network, x)
    compiled = torch.compile(network, fullgraph=True, backend="eager")
    torch.testing.assert_close(in_turn(compiled, x), wanted, **same)
    exported = torch.export.export(network, (x,), dynamic_shapes=[{0: torch.export.Dim("n")}], strict=True).module()
    more = torch.randn(8, 6)
    torch.testing.assert_close(exported(more), network(more), **same)
