"""A tile: a square of a large map as a picture, a pixel in the mean colour of its points, more opaque with more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped, UInt8

from kernelviz.plots.colours import DOTS_SCALE, palette, rgb
from kernelviz.ui.canvas.payloads import UNKNOWN
from kernelviz.ui.tiles.ordered import BITS, TILE_BITS, VALUES, OrderedMap, interleaved

SIDE = 2**TILE_BITS  # pixels
LEVELS = BITS - TILE_BITS  # how often the map can be halved, so that a pixel is a cell
LEAST = 0.4  # opacity of a pixel, at least
FAINT = 0.25  # times as opaque as others are the points that are not selected
GROUPED = ("label", "prediction", "right or wrong")
COLOURINGS = (*GROUPED, *VALUES)
STEPS = 256  # colours of a continuous scale


@dataclass(frozen=True)
class Colouring:
    """By what points are coloured.

    Args:
        colours: of each group, of red, green and blue from 0 to 255; the last is of points that have none.
        hidden: groups that are not shown.
    """

    name: str
    colours: Float[np.ndarray, "g 3"]
    hidden: frozenset[int] = frozenset()

    def groups(self, points: OrderedMap, rows: slice = slice(None)) -> Int[np.ndarray, " n"]:
        """The group of each point, as colours.mjs has it in the page."""
        if self.name == "right or wrong":
            label, prediction = points.label[rows], points.prediction[rows]
            return np.where((label < 0) | (prediction < 0), 2, label != prediction)
        if self.name in points.values:
            bits, (lowest, highest, low, high) = points.values[self.name][rows], points.scales[self.name]
            values = lowest + np.arange(UNKNOWN) / (UNKNOWN - 1) * (highest - lowest)
            steps = ((values - low) / max(high - low, 1e-12)).clip(0, 1) * (STEPS - 1)
            return np.append((steps + 0.5).astype(int), STEPS)[bits]
        own = getattr(points, self.name)[rows]
        return np.where(own < 0, len(self.colours) - 1, own)


def colouring_of(name: str, classes: Sequence[str], hidden: frozenset[int] = frozenset()) -> Colouring:
    """The one of COLOURINGS with that name."""
    unknown = rgb(palette(tuple(classes), "label")[-1][1])
    if name in GROUPED:
        colours = [rgb(colour) for _, colour in palette(tuple(classes), name)]
    else:
        stops, at = np.array([rgb(stop) for stop in DOTS_SCALE]), np.linspace(0, 1, STEPS)
        colours = np.stack([np.interp(at, np.linspace(0, 1, len(stops)), part) for part in stops.T], axis=1)
        colours = [*colours, unknown]
    return Colouring(name, np.array(colours, float), hidden)


def tile(
    points: OrderedMap,
    square: tuple[int, int],
    level: int,
    colouring: Colouring,
    selected: Bool[np.ndarray, " n"] | None = None,
) -> UInt8[np.ndarray, "side side 4"]:
    """A square of the map in red, green, blue and opacity, its top first; what is not selected is faint."""
    ((first, last),) = points.runs(np.array([square]), level)
    rows = slice(first, last)
    pixel = (points.cell[rows] >> np.uint32(2 * (LEVELS - level))) & np.uint32(SIDE**2 - 1)  # ascending
    group = colouring.groups(points, rows)
    if colouring.hidden:
        shown = ~np.isin(group, list(colouring.hidden))
        pixel, group, rows = pixel[shown], group[shown], first + np.flatnonzero(shown)
    crowded = points.crowded / 4**level
    colour, opacity = _layer(pixel, group, colouring.colours, crowded)
    if selected is not None:
        over = selected[rows]
        upper, opaque = _layer(pixel[over], group[over], colouring.colours, crowded)
        under = (1 - opaque) * FAINT * opacity
        colour = (opaque[:, None] * upper + under[:, None] * colour) / np.maximum(opaque + under, 1e-9)[:, None]
        opacity = opaque + under
    picture = np.concatenate([colour, 255 * opacity[:, None]], axis=1) + 0.5
    return picture.astype(np.uint8)[_ALONG].reshape(SIDE, SIDE, 4)


def _layer(
    pixel: Shaped[np.ndarray, " n"], group: Int[np.ndarray, " n"], colours: Float[np.ndarray, "g 3"], crowded: float
) -> tuple[Float[np.ndarray, "pixels 3"], Float[np.ndarray, " pixels"]]:
    """The mean colour of the points of each pixel, and its opacity: from LEAST on by the logarithm of their number.

    Pixels are numbered along the curve, so that the points of each follow each other.
    """
    first = np.flatnonzero(np.diff(pixel, prepend=np.uint32(SIDE**2)))
    there, n = pixel[first], np.zeros(SIDE**2)
    n[there] = np.diff(first, append=len(pixel))
    colour = np.zeros((SIDE**2, 3))
    for part in range(3 if len(first) else 0):
        colour[there, part] = np.add.reduceat(colours[:, part][group], first) / n[there]
    share = np.log1p(n) / np.log1p(max(crowded, 1))
    return colour, np.where(n, LEAST + (1 - LEAST) * share.clip(0, 1), 0)


# the number of each pixel along the curve, row by row from the top
_ALONG = interleaved(*np.meshgrid(np.arange(SIDE), np.arange(SIDE)[::-1])).ravel()
