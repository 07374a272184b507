"""Untrusted bytes to a grey or RGB picture: the format is checked by content, the size by the header, then decoded."""

import io

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from kernelviz.errors import UserError

MAX_BYTES = 20_000_000  # of one file
MAX_PIXELS = 50_000_000  # of one picture
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
ENOUGH = (1024, 1024)  # pixels: a JPEG may be decoded at 1/2, 1/4 or 1/8 as long as it stays larger than this
FULL_SCALES = (1, 255, 4095, 65535)  # white in masks and floats, 8, 12 and 16 bits


class UnreadableImage(UserError):
    """A file is no picture that can be read; the message says what came, what is allowed and what to do."""


def open_image(data: bytes) -> Image.Image:
    """The picture in these bytes as "L" or "RGB": first frame, upright by its EXIF record, transparency on white.

    Sixteen-bit, integer and float pixels are divided by the smallest full scale (1, 255, 4095, 65535) that holds them.
    Raises UnreadableImage, and nothing else, for whatever is no such picture.
    """
    if not data:
        raise UnreadableImage("the file is empty; choose a file that holds a picture")
    check_size(len(data))
    image = _opened(data)
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels(f"{image.width} x {image.height}")
    try:
        image.draft(None, ENOUGH)
        image.load()
        return _flattened(_upright(image))
    except UnreadableImage:
        raise
    except Exception as error:  # decoders raise errors of many kinds on damaged files
        raise UnreadableImage(
            f"the {image.format} picture is damaged or cut short; save it again and choose the new file"
        ) from error


def format_of(data: bytes) -> str:
    """Which of FORMATS the picture in these bytes has; raises UnreadableImage where `open_image` does."""
    open_image(data)
    return _opened(data).format


def check_size(n_bytes: int) -> None:
    """Raise UnreadableImage for a file of more than MAX_BYTES."""
    if n_bytes > MAX_BYTES:
        raise UnreadableImage(
            f"the file has {n_bytes / 1e6:.1f} MB, allowed are {MAX_BYTES / 1e6:.0f} MB; save the picture smaller"
        )


def _opened(data: bytes) -> Image.Image:
    """The picture with its header read and its pixels not yet decoded."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("far too many") from error
    except UnidentifiedImageError as error:
        raise UnreadableImage(
            f"the file is not a picture that can be read; allowed are {', '.join(FORMATS)}; save it as one of these"
        ) from error
    except Exception as error:
        raise UnreadableImage("the picture's header is damaged; save it again and choose the new file") from error


def _too_many_pixels(came: str) -> UnreadableImage:
    return UnreadableImage(
        f"the picture has {came} pixels, allowed are {MAX_PIXELS / 1e6:.0f} million; scale it down and choose it again"
    )


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # good pixels are read in spite of a broken EXIF record
        return image


def _flattened(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_eight_bits(np.asarray(image)))
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L" if grey else "RGB")


def _eight_bits(values: Shaped[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
    """Values over the smallest full scale that holds them all; others from their smallest to their largest."""
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise UnreadableImage(
            "the picture has pixels that are no numbers (NaN or infinity); replace them and save it again"
        )
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= FULL_SCALES[-1]:
        low, high = 0.0, float(next(scale for scale in FULL_SCALES if high <= scale))
    return np.round((values - low) / ((high - low) or 1.0) * 255).astype(np.uint8)
