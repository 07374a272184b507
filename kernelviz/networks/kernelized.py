"""The networks of section 3.1: every hidden layer is a kernelNet layer, only the last is dense."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.layers import KernelLinear
from kernelviz.layers.kernels import Gaussian, Kernel


class KernelizedNetwork(nn.Module):
    """Pixels -> kernelNet layers with ReLU -> dense layer -> class logits.

    Args:
        sizes: numbers of pixels and of the units of each hidden layer.
        classes: number of classes.
        kernel, dim: K(u, v) of every hidden layer, and the dimension d of its locations.
    """

    def __init__(self, sizes: Sequence[int], classes: int, kernel: Kernel, dim: int):
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            layer = KernelLinear(n_in, n_out, dim, kernel, bias=True)
            start(layer)
            layers += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], classes))

    def forward(self, images: Float[Tensor, "n ..."]) -> Float[Tensor, "n classes"]:
        return self.layers(images)


@torch.no_grad()
def start(layer: KernelLinear) -> None:
    """Scale new locations and weights so that any kernel learns in any dimension.

    Inputs of variance 1 give outputs of variance 1 over the units; <u, v> has variance 1 too, and |u - v|^2 is 8 times
    the squared width of a Gaussian.
    """
    dim = layer.u.shape[1]
    spread = 2 * layer.kernel.width * dim**-0.5 if isinstance(layer.kernel, Gaussian) else dim**-0.25
    layer.u *= spread
    layer.v *= spread
    values = layer.kernel(layer.u, layer.v)
    layer.alpha /= (values - values.mean(1, keepdim=True)).square().mean().sqrt()
