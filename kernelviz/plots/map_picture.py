"""A map as one small picture, for lists of runs."""

import numpy as np
import scipy  # its parts take long to import, and are when they are used
from jaxtyping import Float, Int, UInt8

from kernelviz.plots.colours import ABOVE, UNKNOWN, class_colours, rgb

MARGIN = 0.06  # of the picture, on each side


def map_picture(
    coordinates: Float[np.ndarray, "n 2"], labels: Int[np.ndarray, " n"], classes: int, side: int
) -> UInt8[np.ndarray, "side side 4"]:
    """The points of a map in the colours of their classes on a clear background, red, green, blue and opacity.

    Points without coordinates are left out; a map without labels has one colour.
    """
    placed = np.isfinite(coordinates).all(1)
    at, labels = coordinates[placed].astype(float), labels[placed]
    colours = np.array([rgb(one) for one in [*class_colours(classes), UNKNOWN if classes else ABOVE]])
    columns, rows = _pixels(at, side)
    blur = np.clip(1.6 * (2000 / max(1, len(at))) ** 0.25, 0.7, 1.6) * side / 160
    counts = np.bincount(rows * side + columns, minlength=side * side)
    weight = scipy.ndimage.gaussian_filter(counts.reshape(side, side).astype(float), blur)
    picture = np.zeros((side, side, 4), np.uint8)
    for channel in range(3):
        sums = np.bincount(rows * side + columns, colours[labels, channel], side * side).reshape(side, side)
        picture[..., channel] = scipy.ndimage.gaussian_filter(sums, blur) / np.maximum(weight, 1e-12)
    picture[..., 3] = 255 * (1 - np.exp(-weight * 12 * blur**2))  # a single point is seen
    return picture


def _pixels(at: Float[np.ndarray, "n 2"], side: int) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Column and row of each point; the map fills the picture, both axes alike."""
    if not len(at):
        return np.zeros(0, int), np.zeros(0, int)
    low, high = at.min(0), at.max(0)
    scale = (1 - 2 * MARGIN) * (side - 1) / max(float((high - low).max()), 1e-9)
    x, y = ((at - (low + high) / 2) * scale + (side - 1) / 2).round().astype(int).clip(0, side - 1).T
    return x, side - 1 - y
