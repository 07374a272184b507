"""All colours, and the values by which the points of a map are coloured."""

import colorsys

import numpy as np
from jaxtyping import Float

from kernelviz.plots.density import density

# Every colour of points has a contrast of at least 3 : 1 on both backgrounds (WCAG 2.2, 1.4.11): its luminance lies
# between these. The ten were found by maximising the least distance in OKLab between any two of them and UNKNOWN, as
# seen with full colour vision, by protanopes and by deuteranopes (Machado et al. 2009).
LUMINANCES = 0.135, 0.292
CLASS_COLOURS = (
    "#3f6bd4", "#c04501", "#0c7d32", "#9f74c0", "#be8701", "#c23f6d", "#137c82", "#3b93ee", "#d2756a", "#8252ab",
)  # fmt: skip
RIGHT, WRONG, PROBE, UPLOADED, UNKNOWN = "#86919b", "#e0403f", "#e0403f", "#e0403f", "#86919b"
BELOW, ABOVE = "#7a5bd0", "#1c8f8f"  # numbers below and above 0
DOTS_SCALE = ("#7048d8", "#26898c", "#c08a12")
VALUES = {  # numbers by which the points may be coloured
    "confidence": lambda points, extent: points.confidence,
    "density": lambda points, extent: density(points.coordinates, extent),
    "kNN agreement": lambda points, extent: points.agreement,
    "reconstruction error": lambda points, extent: points.error,
    "certainty of position": lambda points, extent: points.certainty,
}
COLOURINGS = ("label", "prediction", "right or wrong", *VALUES)


def class_colours(n: int) -> list[str]:
    """A colour for each of n classes; more than ten differ in hue, and neighbours in lightness."""
    if n <= len(CLASS_COLOURS):
        return list(CLASS_COLOURS[:n])
    return [_of_hue((0.618 * at) % 1, (0.14, 0.2, 0.28)[at % 3]) for at in range(n)]


def _of_hue(hue: float, wanted: float) -> str:
    """A colour of a hue, from 0 to 1, that has a luminance."""
    low, high = 0.0, 1.0
    for _ in range(12):
        lightness = (low + high) / 2
        colour = "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, 0.6))
        low, high = (lightness, high) if luminance(colour) < wanted else (low, lightness)
    return colour


def luminance(colour: str) -> float:
    """The relative luminance of "#rrggbb", from 0 for black to 1 for white (WCAG 2.2)."""
    parts = [part / 255 for part in rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def rgb(colour: str) -> tuple[int, int, int]:
    """The colour "#rrggbb" as three numbers from 0 to 255."""
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def reach(values: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """The lowest and the highest value of the colour scale, percentiles that leave outliers out."""
    known = values[np.isfinite(values)]
    return tuple(np.percentile(known, (1, 99)).tolist()) if len(known) else (0.0, 1.0)


def palette(classes: tuple[str, ...], colouring: str) -> list[tuple[str, str]]:
    """Name and colour of each group of a colouring by groups; the last group is for points without a value."""
    if colouring == "right or wrong":
        return [("right", RIGHT), ("wrong", WRONG), ("?", UNKNOWN)]
    return [*zip(classes, class_colours(len(classes)), strict=True), ("no label", UNKNOWN)]
