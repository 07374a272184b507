"""A path or a window over the map, as an address has it: x_y~x_y~..., a window by two of its corners."""

import numpy as np
from jaxtyping import Float

from kernelviz.errors import UserError

MAX_CORNERS = 64  # of a path
MIN_ALONG, MAX_ALONG = 4, 32  # pictures along the longer side of a window
STEPS = 48  # pictures of a walk from one end of a path to the other


def corners_of(path: str, reach: float) -> Float[np.ndarray, "n 2"]:
    """The corners of a path; a UserError where the text is no path, or the path leaves [-reach, reach]^2."""
    try:
        corners = np.array([[float(part) for part in corner.split("_")] for corner in path.split("~") if path])
        corners = corners.reshape(-1, 2)
    except ValueError:
        raise UserError(f"a path is x_y~x_y~..., not {path[:40]!r}") from None
    if len(corners) > MAX_CORNERS or not (abs(corners) <= reach).all():
        raise UserError(f"a path has at most {MAX_CORNERS} corners, each within {-reach:g} and {reach:g}")
    return corners


def centers_in(corners: Float[np.ndarray, "n 2"], along: int) -> Float[np.ndarray, "rows columns 2"]:
    """The centers of the cells of a window from the top left on, `along` of them along its longer side.

    A UserError where the corners are not two of a rectangle, or the number is none of MIN_ALONG to MAX_ALONG.
    """
    size = np.ptp(corners, axis=0) if len(corners) == 2 else np.zeros(2)
    if not size.min() > 0:
        raise UserError("a window has two corners across, as in box=-1_-1~2_1.5")
    if not MIN_ALONG <= along <= MAX_ALONG:
        raise UserError(f"a window has from {MIN_ALONG} to {MAX_ALONG} pictures along its longer side")
    columns, rows = np.floor(along * size / size.max() + 0.5).clip(1).astype(int)
    x, y = (
        low + extent * (np.arange(n) + 0.5) / n
        for low, extent, n in zip(corners.min(0), size, (columns, rows), strict=True)
    )
    return np.stack(np.meshgrid(x, y[::-1]), axis=-1)


def steps_along(corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "steps 2"]:
    """STEPS points along a path, at equal distances."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum()])
    at = np.linspace(0, lengths[-1], STEPS)
    return np.stack([np.interp(at, lengths, corners[:, axis]) for axis in (0, 1)], axis=1)
