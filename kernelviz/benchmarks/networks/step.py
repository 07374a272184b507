"""A step of the training of the paper's autoencoder beside what the machine's matrix products could do in that time."""

from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from kernelviz.benchmarks.measuring import in_turn
from kernelviz.data.images import ImageSet
from kernelviz.ingest.preprocessing import Preprocess
from kernelviz.layers import KernelLinear
from kernelviz.networks.devices import best_device, mixed_precision
from kernelviz.tasks.recipes import RECIPES
from kernelviz.training.session import new_training

RECIPE = replace(RECIPES["mnist-autoencoder"], validation=0.0)
IMAGES, SIDE, PRODUCT = 4096, 28, 2048  # of noise, their side, and the side of the square matrices
ROUNDS = 9


def report(note: Callable[[str], None]) -> dict:
    """A row for each precision of the products: their rate, that of the step, and its share."""
    device = best_device()
    training = new_training(RECIPE, _noise(), 0, device)
    operations = operations_of(training.network, RECIPE.batch)
    steps = training.run()
    matrices = torch.randn(2, PRODUCT, PRODUCT, device=device)

    def product(dtype: torch.dtype) -> Callable[[], None]:
        a, b = matrices.to(dtype)
        return lambda: _waited(a @ b)

    with mixed_precision(True, device):
        faster = {"bfloat16": torch.bfloat16} if torch.is_autocast_enabled(device) else {}
    products = {name: product(dtype) for name, dtype in ({"float32": torch.float32} | faster).items()}
    note(f"{ROUNDS} rounds")
    sides = {"step": lambda: next(steps)} | products
    in_turn(sides, 1)  # the first time memory is taken
    seconds = in_turn(sides, ROUNDS)
    rows = []
    for name in products:
        rates = [2 * PRODUCT**3 / taken / 1e9 for taken in seconds[name]]
        stepped = [operations / taken / 1e9 for taken in seconds["step"]]
        share = median(one / other for one, other in zip(stepped, rates, strict=True))
        rows.append({"products": name, "GFLOP/s": median(rates), "step, GFLOP/s": median(stepped), "share": share})
    what = f"The step computes {operations / 1e9:.1f} GFLOP in products, its optimizer included in the time"
    return {"rows": rows, "notes": [f"{what}; {RECIPE.batch} images of noise; square matrices of {PRODUCT}."]}


def operations_of(network: nn.Module, batch: int) -> int:
    """Multiplications and additions in the matrix products of a step: forward, and backward to weights and inputs.

    The images, the inputs of the first layer, take no gradient.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear | KernelLinear)]
    sizes = [layer.products if isinstance(layer, KernelLinear) else layer.weight.numel() for layer in layers]
    return 2 * batch * (3 * sum(sizes) - sizes[0])


def _noise() -> ImageSet:
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE), np.uint8)
    labels = np.zeros(IMAGES, np.int64)
    return ImageSet(
        "noise", ("noise",), Preprocess("resize", SIDE, SIDE, 1), images, labels, images[:1], labels[:1], 0.0
    )


def _waited(result: Tensor) -> None:
    """Let a GPU finish what it was asked."""
    if result.is_cuda:
        torch.cuda.synchronize()
