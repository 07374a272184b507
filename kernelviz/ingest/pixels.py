"""Decoded pixels of any kind to 8-bit grey or sRGB."""

import io
from collections.abc import Iterator

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageCms

FULL_SCALES = (1, 255, 4095, 65535)  # white in masks and floats, 8, 12 and 16 bits
BAND = 1_000_000  # pixels that are converted at a time, so that no large copy is made
COLOUR_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # that a profile of pixels of a mode has


def is_deep(image: Image.Image) -> bool:
    """Whether the pixels have more than 8 bits: integers or floats."""
    return image.mode.startswith(("I", "F"))


def flattened(image: Image.Image, divisor: int = 1) -> Image.Image:
    """A picture as "L" or as "RGB" by its colour profile, with transparency on white, its sides divided.

    Raises a ValueError for pixels that are no numbers.
    """
    if is_deep(image):
        return Image.fromarray(_eight_bits(image)).reduce(divisor)
    whole = None
    for top, part in _parts(image, divisor):
        flat = _flat(part).reduce(divisor)
        if part.height == image.height:
            return flat
        whole = whole or Image.new(flat.mode, (flat.width, -(-image.height // divisor)))
        whole.paste(flat, (0, top // divisor))
    return whole


def _flat(image: Image.Image) -> Image.Image:
    grey = image.mode in ("1", "L", "LA", "La")
    profile = image.info.get("icc_profile")
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image if image.mode == "RGBA" else image.convert("RGBA")
        alpha, image = image.getchannel("A"), image.convert("RGB")
        image = _in_srgb(image, profile)
        image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    else:
        image = _in_srgb(image.convert("RGB") if image.mode not in (*COLOUR_SPACES, "1") else image, profile)
    return image.convert("L" if grey else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB by its profile; as it is without one, with one of another mode, or with a broken one."""
    if not profile or image.mode not in COLOUR_SPACES:
        return image
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = own.profile.profile_description or ""
        if own.profile.xcolor_space.strip() != COLOUR_SPACES[image.mode] or name.startswith("sRGB"):
            return image
        return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):  # what is raised of profiles that are damaged
        return image


def _eight_bits(image: Image.Image) -> UInt8[np.ndarray, "h w"]:
    """Values over the smallest full scale that holds them all; others from their smallest to their largest."""
    low, high = np.inf, -np.inf
    for _, values in _bands(image):
        if not np.isfinite(values).all():
            raise ValueError(
                "the picture has pixels that are no numbers (NaN or infinity); replace them and save it again"
            )
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low >= 0 and high <= FULL_SCALES[-1]:
        low, high = 0.0, float(next(scale for scale in FULL_SCALES if high <= scale))
    out = np.empty((image.height, image.width), np.uint8)
    for top, values in _bands(image):
        scaled = (values.astype(np.float64) - low) / ((high - low) or 1.0) * 255
        out[top : top + len(values)] = np.round(scaled)
    return out


def _bands(image: Image.Image) -> Iterator[tuple[int, Shaped[np.ndarray, "rows w"]]]:
    """The pixels a few rows at a time, each with the number of its first row."""
    for top, part in _parts(image):
        yield top, np.asarray(part)


def _parts(image: Image.Image, multiple: int = 1) -> Iterator[tuple[int, Image.Image]]:
    """Some rows at a time, a multiple of a number but for the last, each with the number of its first row."""
    rows = max(1, BAND // (image.width * multiple)) * multiple
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))
