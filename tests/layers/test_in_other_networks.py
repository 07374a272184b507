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


NETWORKS = {name: lambda kernel=kernel: Bottleneck(kernel()) for name, kernel in KERNELS.items()} | {
    "gaussian on a grid": lambda: Bottleneck(Gaussian(2.0), GRID),
    "gaussian in 5 dimensions": lambda: Bottleneck(Gaussian(), dim=5),
    "unsquared finite support": lambda: Bottleneck(FiniteSupport(squared=False)),
    "gated": lambda: GatedLinear(6, GRID.size),
}


def in_turn(network, x):
    """What a network gives, and the gradients of its weights."""
    network.zero_grad()
    given = network(x)
    (given[0] if isinstance(given, tuple) else given).square().sum().backward()
    return [*(given if isinstance(given, tuple) else [given]), *(one.grad for one in network.parameters())]


@pytest.mark.parametrize("name", NETWORKS)
def test_compiled_and_exported_it_gives_the_same(name):
    network, x = NETWORKS[name](), torch.randn(3, 6)
    wanted = in_turn(network, x)
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(in_turn(compiled, x), wanted, rtol=0, atol=0, equal_nan=True)
    exported = torch.export.export(network, (x,), dynamic_shapes=[{0: torch.export.Dim("n")}], strict=True).module()
    more = torch.randn(8, 6)
    torch.testing.assert_close(exported(more), network(more), rtol=0, atol=0, equal_nan=True)
