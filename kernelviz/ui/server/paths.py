"""A path over the map, as it stands in an address: x_y~x_y~..."""

import numpy as np
from jaxtyping import Float

from kernelviz.errors import UserError

CORNERS = 64  # of a path, at most
STEPS = 48  # pictures of a walk from one end of a path to the other


def corners_of(path: str, reach: float) -> Float[np.ndarray, "n 2"]:
    """The corners of a path; a ValueError where it is none, or leaves [-reach, reach]^2."""
    try:
        corners = np.array([[float(part) for part in corner.split("_")] for corner in path.split("~") if path])
        corners = corners.reshape(-1, 2)
    except ValueError:
        raise UserError(f"a path is x_y~x_y~..., not {path[:40]!r}") from None
    if len(corners) > CORNERS or not (abs(corners) <= reach).all():
        raise UserError(f"a path has at most {CORNERS} corners, each within {-reach:g} and {reach:g}")
    return corners


def steps_along(corners: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "steps 2"]:
    """STEPS places along a path, equally far from each other."""
    lengths = np.concatenate([[0], np.linalg.norm(np.diff(corners, axis=0), axis=1).cumsum()])
    at = np.linspace(0, lengths[-1], STEPS)
    return np.stack([np.interp(at, lengths, corners[:, axis]) for axis in (0, 1)], axis=1)
