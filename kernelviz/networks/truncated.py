"""The lower part of a trained network by itself, frozen (section 3.4)."""

from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.networks.resnet import Block, ResNet


class Truncated(nn.Module):
    """The lower part of a network: no gradient, and BatchNorm as it was trained, whatever is done with what lies above.

    Args:
        lower: what is kept, one part after the other.
    """

    def __init__(self, lower: nn.Sequential):
        super().__init__()
        self.lower = lower.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Truncated":
        """Stays in evaluation mode: training would move the statistics of BatchNorm."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        return self.lower(x)


def truncated(network: nn.Module, kept: int | str) -> Truncated:
    """The lowest layers of a network, which shares its weights with them; what lies above is not part of it.

    `kept` is the name of the last part that is kept ("layer3", "features.5") or, of a ResNet, the number of its layers
    with weights, counted as the paper does: the first convolution is one, each block two, the dense layer the last. A
    ValueError says what may be kept.
    """
    if isinstance(kept, str):
        lower = _up_to(network, kept)
        if [*lower.state_dict()] == [*network.state_dict()]:
            raise ValueError(f"nothing of the network is above {kept!r}; keep less of it, up to {_names(network)}")
        return Truncated(lower)
    if not isinstance(network, ResNet):
        raise ValueError(f"only of a ResNet for 32 x 32 images can layers be counted; name a part: {_names(network)}")
    return Truncated(_counted(network, kept))


def _up_to(network: nn.Module, last: str) -> nn.Sequential:
    """The parts up to the one that is named; a name with dots is that of a part within a sequence of parts."""
    first, _, rest = last.partition(".")
    parts = list(network.named_children())
    names = [name for name, _ in parts]
    inside = parts[names.index(first)][1] if first in names else None
    if inside is None or (rest and not isinstance(inside, nn.Sequential)):
        raise ValueError(f"the network can be kept up to {', '.join(names)}, or a part of a sequence, not {last!r}")
    below = parts[: names.index(first)]
    return nn.Sequential(OrderedDict([*below, (first, _up_to(inside, rest) if rest else inside)]))


def _counted(network: ResNet, kept: int) -> nn.Sequential:
    """The stem, whole blocks, and of the next block its first convolution where the number is even."""
    blocks = [block for stage in (network.layer1, network.layer2, network.layer3) for block in stage]
    most = 1 + 2 * len(blocks)
    if not 1 <= kept <= most:
        raise ValueError(f"of this ResNet 1 to {most} layers can be kept, not {kept}")
    whole, half = divmod(kept - 1, 2)
    upper = [_first_half(blocks[whole])] if half else []
    return nn.Sequential(network.conv1, network.bn1, network.relu, *blocks[:whole], *upper)


def _first_half(block: Block) -> nn.Sequential:
    return nn.Sequential(block.conv1, block.bn1, nn.ReLU())


def _names(network: nn.Module) -> str:
    return ", ".join([name for name, _ in network.named_children()][:-1])
