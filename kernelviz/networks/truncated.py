"""A trained network truncated at a depth, and frozen (section 3.4)."""

from collections import OrderedDict

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.errors import UserError
from kernelviz.networks.halted import Halted, halted, is_chain
from kernelviz.networks.resnet import Block, ResNet

FEATURES = "features"  # the depth at which only the classifier is missing


class Truncated(nn.Module):
    """The first layers of a network, frozen: they have no gradient, and BatchNorm keeps the statistics of its training.

    Args:
        layers: the modules up to the depth, in order.
        depths: a text that names the depths that the network has.
    """

    def __init__(self, layers: nn.Sequential, depths: str = ""):
        super().__init__()
        self.layers, self.depths = layers.requires_grad_(False), depths
        self.train(False)

    def train(self, mode: bool = True) -> "Truncated":
        """Stay in evaluation mode whatever `mode` says: training would change the statistics of BatchNorm."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n ..."]:
        return self.layers(x)


def truncated(network: nn.Module, depth: int | str) -> Truncated:
    """The first layers of a network up to a depth; they share their weights with it.

    `depth` is FEATURES for all but the classifier, the name of the last module ("layer3", "features.5", "blocks.3") or,
    of a ResNet, the number of layers with weights, counted as in the paper: the first convolution is one, each block
    two, the dense layer the last. Raises a UserError that says which depths there are.
    """
    if depth == FEATURES:
        return Truncated(_without_classifier(network), _names(network))
    if isinstance(depth, str):
        return Truncated(_at(network, depth), _names(network))
    if not isinstance(network, ResNet):
        raise UserError(f"only of a ResNet for 32 x 32 images can layers be counted; name a module: {_names(network)}")
    return Truncated(_counted(network, depth), _names(network))


def _without_classifier(network: nn.Module) -> nn.Sequential:
    """A network of timm's without its classifier; of any other network, its modules but the last."""
    if hasattr(network, "reset_classifier"):
        network.reset_classifier(0)
        return nn.Sequential(OrderedDict(network=network))
    *before, (last, _) = network.named_children()
    if not before:
        raise UserError(f"the network is one module, {last!r}; give a depth within it, or a network of several modules")
    chain = nn.Sequential(OrderedDict(before))
    if is_chain(network, last, before=True):
        return chain
    return _sequence(halted(network, last, before=True)) or chain


def _at(network: nn.Module, depth: str) -> nn.Sequential:
    """The modules up to the named one, in order; where the network is more than that, the network, halted there."""
    chain = _up_to(network, depth)
    *_, (last, _) = network.named_children()
    if depth == last or (chain and [*chain.state_dict()] == [*network.state_dict()]):
        raise UserError(f"{depth!r} is the whole network; truncate it at one of {_names(network)}")
    if chain and is_chain(network, depth):
        return chain
    if depth not in dict(network.named_modules()):
        raise UserError(
            f"the network can be truncated at {_names(network, 0)}, or at a module within one, not at {depth!r}"
        )
    found = _sequence(halted(network, depth)) or chain
    if not found:
        raise UserError(f"the network gives no features at {depth!r}; truncate it at one of {_names(network)}")
    return found


def _sequence(network: Halted | None) -> nn.Sequential | None:
    return network and nn.Sequential(OrderedDict(halted=network))


def _up_to(network: nn.Module, last: str) -> nn.Sequential | None:
    """The modules up to the named one, which may lie within a sequence ("features.5"); None where it lies elsewhere."""
    first, _, rest = last.partition(".")
    modules = list(network.named_children())
    names = [name for name, _ in modules]
    inside = modules[names.index(first)][1] if first in names else None
    if inside is None or isinstance(inside, nn.ModuleList) or (rest and not isinstance(inside, nn.Sequential)):
        return None
    inner = _up_to(inside, rest) if rest else inside
    return inner and nn.Sequential(OrderedDict([*modules[: names.index(first)], (first, inner)]))


def _counted(network: ResNet, depth: int) -> nn.Sequential:
    """The stem, whole blocks and, where the number is even, the first convolution of the next block."""
    blocks = [block for stage in (network.layer1, network.layer2, network.layer3) for block in stage]
    deepest = 1 + 2 * len(blocks)
    if not 1 <= depth <= deepest:
        raise UserError(f"this ResNet can be truncated after 1 to {deepest} layers, not {depth}")
    whole, half = divmod(depth - 1, 2)
    last = [_first_half(blocks[whole])] if half else []
    return nn.Sequential(network.conv1, network.bn1, network.relu, *blocks[:whole], *last)


def _first_half(block: Block) -> nn.Sequential:
    return nn.Sequential(block.conv1, block.bn1, nn.ReLU())


def _names(network: nn.Module, without: int = 1) -> str:
    """The names of a network's modules without the last; of a list of modules, which is no layer, those in it."""
    modules = list(network.named_children())
    return ", ".join(
        f"{name}.0 to {name}.{len(module) - 1}" if isinstance(module, nn.ModuleList) else name
        for name, module in modules[: len(modules) - without]
    )
