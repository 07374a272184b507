"""How an arbitrary picture becomes the pixels that a network was trained on."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from kernelviz.errors import UserError
from kernelviz.ingest.digit import normalised_digit


@dataclass(frozen=True)
class Preprocess:
    """The shape of a network's images and how a picture is brought to it, as plain values for `dataclasses.asdict`.

    Args:
        name: the preprocessing mode: "digit" (the ink is found, made bright on black, and centred), "resize" (to the
            exact size) or "crop" (the shorter side is scaled, the longer one cut at both ends).
    """

    name: str
    height: int  # pixels
    width: int  # pixels
    channels: int  # 1 grey, 3 RGB
    box: int = 0  # pixels, "digit" only: the ink is scaled to fit box x box (MNIST: 20 of 28)


def preprocess_image(image: Image.Image, preprocess: Preprocess) -> UInt8[np.ndarray, "h w *c"]:
    """The pixels of a picture as a network takes them: [height, width] grey or [height, width, 3] RGB, 0 to 255.

    Raises a UserError where the preprocessing mode is unknown.
    """
    size = (preprocess.width, preprocess.height)
    modes = {
        "digit": lambda: normalised_digit(image, preprocess.height, preprocess.width, preprocess.box),
        "resize": lambda: _pixels(image.resize(size, Image.Resampling.LANCZOS), preprocess.channels),
        "crop": lambda: _pixels(ImageOps.fit(image, size, Image.Resampling.LANCZOS), preprocess.channels),
    }
    if preprocess.name not in modes:
        raise UserError(f"unknown preprocessing {preprocess.name!r}; choose one of {', '.join(modes)}")
    return modes[preprocess.name]()


def alternatives(own: Preprocess) -> dict[str, Preprocess]:
    """The preprocessing modes, by name, that give images of the shape of a network's own; its own mode is first."""
    digit = [replace(own, name="digit", box=own.box or round(0.7 * min(own.height, own.width)))]  # MNIST: 20 of 28
    others = [*(digit if own.channels == 1 else []), replace(own, name="resize"), replace(own, name="crop")]
    return {own.name: own} | {mode.name: mode for mode in others if mode.name != own.name}


def _pixels(image: Image.Image, channels: int) -> UInt8[np.ndarray, "h w *c"]:
    return np.array(image.convert("RGB" if channels == 3 else "L"))
