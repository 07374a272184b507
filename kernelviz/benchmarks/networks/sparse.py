"""A gated layer as a sparse matrix against the dense one: time and bytes over the density."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from kernelviz.layers import GatedLinear

SIZES = (500, 6040)  # the last layer of the network for ML-1M
DENSITIES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
ITEMS = (1, 256)  # in one batch
REPEATS = 15


def report(note: Callable[[str], None]) -> dict:
    """A row for each density and number of items: time and bytes of the sparse layer over the dense one's."""
    rows = []
    for density in DENSITIES:
        layer = _layer(density)
        dense, sparse = layer.weight().detach(), layer.to_sparse()
        size = sum(part.nbytes for part in (sparse.values(), sparse.crow_indices(), sparse.col_indices()))
        for items in ITEMS:
            note(f"density {density:g}, {items} at once")
            x = torch.rand(items, SIZES[0])
            times = [_seconds(torch.matmul, x, dense), _seconds(torch.matmul, sparse, x.T)]
            rows.append(
                {
                    "density": layer.density(),
                    "items": items,
                    "dense ms": 1e3 * times[0],
                    "sparse ms": 1e3 * times[1],
                    "time ratio": times[1] / times[0],
                    "bytes ratio": size / dense.nbytes,
                }
            )
    return {"rows": rows, "notes": [f"A layer of {SIZES[0]} x {SIZES[1]}, float32, indices of 32 bits."]}


@torch.no_grad()
def _layer(density: float) -> GatedLinear:
    """A gated layer with that share of its gates open, chosen at random."""
    torch.manual_seed(0)
    layer = GatedLinear(*SIZES)
    layer.u.normal_(), layer.v.normal_()
    reach = torch.cdist(layer.u, layer.v).square().flatten().quantile(density) if density < 1 else torch.tensor(1e6)
    layer.u /= reach.sqrt()
    layer.v /= reach.sqrt()
    return layer


@torch.no_grad()
def _seconds(product: Callable[[Tensor, Tensor], Tensor], one: Tensor, other: Tensor) -> float:
    product(one, other)
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        product(one, other)
        times.append(time.perf_counter() - started)
    return sorted(times)[REPEATS // 2]
