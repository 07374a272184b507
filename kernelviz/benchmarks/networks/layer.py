"""A kernel layer beside a dense one of the same size, forward and backward, as in the paper's autoencoder."""

from collections.abc import Callable
from statistics import median

import torch
from torch import nn

from kernelviz.benchmarks.measuring import in_turn, ratio
from kernelviz.layers import Grid, KernelLinear
from kernelviz.layers.kernels import Gaussian

INPUTS, GRID, BATCH = 2500, (40, 40), 256
ROUNDS = 21


def report(note: Callable[[str], None]) -> dict:
    """A row for each layer: the milliseconds of a pass, and how many times those of the dense layer they are."""
    torch.manual_seed(0)
    grid = Grid(*GRID, 4.0)
    u = 4 * (2 * torch.rand(INPUTS, 2) - 1)
    kernel = {"n_in": INPUTS, "n_out": grid.size, "dim": 2, "kernel": Gaussian(2.0), "u": u}
    layers = {
        "nn.Linear": nn.Linear(INPUTS, grid.size, bias=False),
        "KernelLinear onto a grid": KernelLinear(**kernel, v=grid),
        "KernelLinear onto free positions": KernelLinear(**kernel, v=grid.positions()),
    }
    x, direction = torch.randn(BATCH, INPUTS, requires_grad=True), torch.randn(BATCH, grid.size)

    def passed(layer: nn.Module) -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).backward(direction)

    note(f"{ROUNDS} rounds")
    sides = {name: lambda layer=layer: passed(layer) for name, layer in layers.items()}
    in_turn(sides, 1)  # the first time memory is taken
    seconds = in_turn(sides, ROUNDS)
    dense = seconds["nn.Linear"]
    rows = [
        {"layer": name, "ms": 1e3 * median(taken), "times nn.Linear": ratio(taken, dense)}
        for name, taken in seconds.items()
    ]
    return {"rows": rows, "notes": [f"{INPUTS} to {grid.size} units, a batch of {BATCH}, forward and backward."]}
