"""All colours, and the values by which the points of a map are coloured."""

import colorsys

import numpy as np
from jaxtyping import Float

from kernelviz.plots.density import density

# Ten colours that differ in hue and in lightness, readable on white as on dark ground.
CLASS_COLOURS = (
    "#4e79a7", "#f28e2b", "#e15759", "#3fb8af", "#59a14f", "#d9b51c", "#b07aa1", "#ff8fa3", "#9c755f", "#8f9aa3",
)  # fmt: skip
RIGHT, WRONG, PROBE, UPLOADED, UNKNOWN = "#8f9aa3", "#e0403f", "#e0403f", "#e0403f", "#8f9aa3"
BELOW, ABOVE = "#7a5bd0", "#1c8f8f"  # numbers below and above 0
DOTS_SCALE = ("#7a5bd0", "#2a9d9d", "#e3ae1b")  # readable at both ends on white and on dark ground
VALUES = {  # numbers by which the points may be coloured
    "confidence": lambda points, extent: points.confidence,
    "density": lambda points, extent: density(points.coordinates, extent),
    "kNN agreement": lambda points, extent: points.agreement,
    "reconstruction error": lambda points, extent: points.error,
}
COLOURINGS = ("label", "prediction", "right or wrong", *VALUES)


def class_colours(n: int) -> list[str]:
    """A colour for each of n classes."""
    if n <= len(CLASS_COLOURS):
        return list(CLASS_COLOURS[:n])
    rgb = (colorsys.hls_to_rgb((0.618 * at) % 1, (0.42, 0.58)[at % 2], 0.6) for at in range(n))
    return ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in rgb]


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
