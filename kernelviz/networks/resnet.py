"""The residual network for 32 x 32 images of He et al. 2015 (section 4.2).

Its modules have the names of the published checkpoints: conv1, bn1, layer1.0.conv1, ..., linear.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut (option A of the paper).

    The shortcut takes every `stride`-th pixel, and its new channels are zero.
    """

    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.stride, self.padding = stride, (n_out - n_in) // 2
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(n_out)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        out = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        return torch.relu(out + functional.pad(shortcut, (0, 0, 0, 0, self.padding, self.padding)))


class ResNet(nn.Sequential):
    """6n + 2 layers: a convolution, three stages of n blocks with 16, 32 and 64 channels, and a dense layer.

    Takes images [n, 3, height, width], normalised as in its training; gives the logits [n, classes].
    """

    def __init__(self, n: int = 5, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        self.layer1 = _stage(16, 16, n, stride=1)
        self.layer2 = _stage(16, 32, n, stride=2)
        self.layer3 = _stage(32, 64, n, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)


def _stage(n_in: int, n_out: int, n: int, stride: int) -> nn.Sequential:
    return nn.Sequential(Block(n_in, n_out, stride), *(Block(n_out, n_out, 1) for _ in range(n - 1)))
