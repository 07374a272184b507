"""A path over the map, as an address has it: x_y~x_y~..."""

import numpy as np
from jaxtyping import Float

from kernelviz.errors import UserError

MAX_CORNERS = 64  # of a path
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


def steps_along(corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "steps 2"]:
    """STEPS points along a path, at equal distances."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum()])
    at = np.linspace(0, lengths[-1], STEPS)
    return np.stack([np.interp(at, lengths, corners[:, axis]) for axis in (0, 1)], axis=1)
