"""The density of points on a map, at each of them and as contour lines."""

import numpy as np
import scipy  # its parts take long to import, and are when they are used
from contourpy import contour_generator
from jaxtyping import Float, Int

CELLS = 100  # of the histogram along each side of the map
LEVELS = (0.02, 0.08, 0.2, 0.4, 0.65, 0.9)  # of the contour lines, as shares of the highest density


def density(coordinates: Float[np.ndarray, "n 2"], extent: float) -> Float[np.ndarray, " n"]:
    """Points per unit of area around each point, smoothed over a fiftieth of the map's side."""
    at = (coordinates.T + extent) / _cell(extent) - 0.5
    return scipy.ndimage.map_coordinates(smoothed(coordinates, extent, CELLS / 50), at, order=1, mode="nearest")


def contours(coordinates: Float[np.ndarray, "n 2"], extent: float) -> list[tuple[float, Float[np.ndarray, "m 2"]]]:
    """Contour lines of the density, each with its level as a share of the highest density."""
    smooth = np.pad(smoothed(coordinates, extent, CELLS / 40), 1)  # with nothing around it every line is closed
    if not smooth.any():
        return []
    middles = (np.arange(-1, CELLS + 1) + 0.5) * _cell(extent) - extent
    lines = contour_generator(middles, middles, smooth.T / smooth.max())
    return [(level, line.astype(np.float32)) for level in LEVELS for line in lines.lines(level)]


def smoothed(coordinates: Float[np.ndarray, "n 2"], extent: float, cells: float) -> Float[np.ndarray, "x y"]:
    """Points per unit of area in each cell of the map, smoothed over a number of cells."""
    edges = np.linspace(-extent, extent, CELLS + 1)
    counts, _, _ = np.histogram2d(coordinates[:, 0], coordinates[:, 1], bins=(edges, edges))
    return scipy.ndimage.gaussian_filter(counts, cells) / _cell(extent) ** 2


def cells_of(coordinates: Float[np.ndarray, "n 2"], extent: float) -> Int[np.ndarray, "2 n"]:
    """The cell that each point lies in, by its numbers along both axes."""
    return ((coordinates.T + extent) / _cell(extent)).astype(int).clip(0, CELLS - 1)


def _cell(extent: float) -> float:
    return 2 * extent / CELLS
