"""The networks that a map can be trained on, truncated (section 3.4): by name, or made by the user's own code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

import torch
from jaxtyping import Float
from torch import Tensor, nn

from kernelviz.errors import UserError
from kernelviz.networks.devices import on_device
from kernelviz.networks.halted import input_channels, said
from kernelviz.networks.resnet import ResNet
from kernelviz.networks.timm_backbones import Channels, is_timm, like, new_timm
from kernelviz.networks.truncated import Truncated

# Of the pixels of ImageNet, by which nearly all published networks normalise, ResNets for CIFAR-10 among them.
LUMA = (0.299, 0.587, 0.114)  # red, green and blue in grey, as Pillow weights them
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(
    images: Float[Tensor, "n channels h w"], mean: Channels = MEAN, std: Channels = STD
) -> Float[Tensor, "n channels h w"]:
    """Pixels in [0, 1] as classifiers take them: of RGB images less mean, over std; those of grey ones as they are."""
    if images.shape[1] == 1:
        return images
    mean, std = (_constant(of, images) for of in (mean, std))
    return (images - mean) / std


def in_channels(images: Float[Tensor, "n channels h w"], channels: int) -> Float[Tensor, "n own h w"]:
    """Grey images as RGB for a network that takes RGB, and RGB as grey for one that takes grey; others as they are."""
    if images.shape[1] == 1 and channels == 3:
        return images.expand(-1, 3, -1, -1)
    if images.shape[1] == 3 and channels == 1:
        return (images * _constant(LUMA, images)).sum(1, keepdim=True)
    return images


def _constant(channels: Channels, images: Tensor) -> Float[Tensor, "3 1 1"]:
    return on_device(torch.tensor(channels, dtype=images.dtype), images.device).view(3, 1, 1)


def _torchvision(name: str) -> Callable[[int], nn.Module]:
    def make(classes: int) -> nn.Module:
        from torchvision.models import get_model  # seconds to import, and needed only here

        return get_model(name, weights=None, num_classes=classes)

    return make


BACKBONES: dict[str, Callable[[int], nn.Module]] = {
    "resnet32": lambda classes: ResNet(n=5, classes=classes),
    "resnet18": _torchvision("resnet18"),
    "resnet34": _torchvision("resnet34"),
    "resnet50": _torchvision("resnet50"),
}


def new_backbone(name: str, classes: int = 1000) -> nn.Module:
    """A network with new weights: of BACKBONES, of timm, or what `package.module:factory` returns, which runs its code.

    Raises a UserError for a name of neither kind, and for a factory that cannot be called or makes no module.
    """
    if name in BACKBONES:
        return BACKBONES[name](classes)
    module, colon, factory = name.partition(":")
    if not colon and is_timm(name):
        return new_timm(name, classes)
    if not (module and colon and factory):
        known = ", ".join(like(name) or BACKBONES)
        raise UserError(
            f"unknown backbone {name!r}; choose one of {known}, any other of timm's networks, or give "
            "package.module:factory"
        )
    try:
        network = getattr(import_module(module), factory)()
    except (Exception, SystemExit) as error:  # somebody else's code may raise anything, or end the program
        raise UserError(f"the backbone {name!r} cannot be made: {said(error)}; a factory takes no arguments") from None
    if not isinstance(network, nn.Module):
        raise UserError(f"{name} returns a {type(network).__name__}; a factory returns a torch.nn.Module")
    return network


class Normalise(nn.Module):
    """The functions `in_channels` and `normalised` as a layer."""

    def __init__(self, mean: Channels, std: Channels, channels: int = 3):
        super().__init__()
        self.mean, self.std, self.channels = mean, std, channels

    def forward(self, images: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n own h w"]:
        return normalised(in_channels(images, self.channels), self.mean, self.std)

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


@dataclass(frozen=True, eq=False)
class Backbone:
    """A truncated trained network, and where it comes from.

    Args:
        network: name of the network, as `new_backbone` takes it.
        depth: number of layers, or the name of the last module (`truncated`).
        sha256: SHA-256 of the file with its weights.
        module: the truncated network itself.
        mean, std: of the channels of the images that it was trained on.
    """

    network: str
    depth: int | str
    sha256: str
    module: Truncated
    mean: Channels = MEAN
    std: Channels = STD

    @property
    def layers(self) -> int:
        """Number of layers with weights."""
        return sum(isinstance(layer, nn.Conv2d | nn.Linear) for layer in self.module.modules())

    @property
    def facts(self) -> dict:
        """What run.json records of the backbone; "kept" is the key of its depth."""
        facts = {"network": self.network, "kept": self.depth, "layers": self.layers, "sha256": self.sha256}
        of_imagenet = (self.mean, self.std) == (MEAN, STD)
        return facts if of_imagenet else facts | {"mean": list(self.mean), "std": list(self.std)}

    @property
    def extractor(self) -> nn.Sequential:
        """From pixels in [0, 1] to features."""
        return nn.Sequential(Normalise(self.mean, self.std, input_channels(self.module)), self.module).to(
            memory_format=torch.channels_last
        )

    def shape_of_features(self, image_shape: Sequence[int]) -> tuple[int, ...]:
        """The shape of what it gives of an image [channels, height, width].

        Raises a UserError where it cannot take such images, or where its depth gives none.
        """
        try:
            with torch.no_grad():
                return tuple(self.extractor(torch.zeros(1, *image_shape)).shape[1:])
        except Exception as error:  # somebody else's code may raise anything
            shape = " x ".join(map(str, image_shape))
            raise UserError(
                f"the {self.network} truncated at {self.depth!r} fails on images of {shape}: {said(error)}; give "
                f"images of another size, or another --depth: {self.module.depths}"
            ) from None
