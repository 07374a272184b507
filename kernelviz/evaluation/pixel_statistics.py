"""Statistics of an image's own pixels: brightness, edges by direction and by scale, where they lie, and colours."""

import numpy as np
from jaxtyping import Float, Float32, UInt8

CELLS, DIRECTIONS = 4, 4  # cells along a side, and directions of edges that are told apart
FINEST, SCALES = 32, (1, 2, 4)  # pixels along the shorter side, at most 2 FINEST - 1; sides of a block of pixels
FLAT, SMOOTH = 0.02, 0.01  # of white: contrast, and differences of neighbours, that are no more than noise
Plane = Float[np.ndarray, "n h w"]


def pixel_statistics(images: UInt8[np.ndarray, "n h w *c"]) -> Float32[np.ndarray, "n d"]:
    """About a hundred numbers for each image; how many depends on the shape of the images alone."""
    shown = images.astype(np.float32) / 255
    shown = _blocks(shown, max(1, min(shown.shape[1:3]) // FINEST))
    grey = shown if shown.ndim == 3 else shown.mean(3)
    contrast = grey.std((1, 2)) + FLAT
    columns = [np.log(contrast), grey.mean((1, 2))]
    columns += [np.sqrt(chosen.mean((1, 2))) for chosen in (grey < 0.05, grey > 0.95, (grey > 0.2) & (grey < 0.8))]
    columns += _sharpness(grey) + [*_in_cells(grey).T, *_directions(grey, contrast).T]
    columns += _colours(shown) if shown.ndim == 4 else []
    return np.stack(columns, 1).astype(np.float32)


def _sharpness(grey: Plane) -> list[np.ndarray]:
    """At each scale how large the differences between neighbours are, and how evenly they are spread."""
    columns = []
    for side in SCALES:
        coarse = _blocks(grey, side)
        if min(coarse.shape[1:]) < 4:
            break
        for axis in (1, 2):
            for order in (1, 2):
                step = np.diff(coarse, order, axis=axis)
                size, mean = np.sqrt(np.square(step).mean((1, 2))) + SMOOTH, np.abs(step).mean((1, 2)) + SMOOTH
                columns += [np.log(size), np.log(mean / size)]
    return columns


def _directions(grey: Plane, contrast: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n d"]:
    """How strong the edges of each direction are in each cell, beside the contrast (Dalal and Triggs 2005)."""
    across, down = grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2], grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]
    direction = np.mod(np.arctan2(down, across), np.pi) / np.pi * DIRECTIONS
    half = DIRECTIONS / 2
    shares = [np.clip(1 - np.abs((direction - at + half) % DIRECTIONS - half), 0, 1) for at in range(DIRECTIONS)]
    strong = [_in_cells(share * np.hypot(across, down)) / contrast[:, None] for share in shares]
    return np.sqrt(np.concatenate(strong, 1))


def _colours(shown: Float[np.ndarray, "n h w 3"]) -> list[np.ndarray]:
    """How saturated an image is, its mean colour, and how its channels differ and go together."""
    saturation, mean = shown.max(3) - shown.min(3), shown.mean((1, 2))
    centered = shown - mean[:, None, None]
    deviation = np.sqrt(np.square(centered).mean((1, 2))) + FLAT
    columns = [np.sqrt(saturation.mean((1, 2))), saturation.std((1, 2)), *(mean[:, :2] - mean.mean(1)[:, None]).T]
    for one, other in ((0, 1), (1, 2)):
        columns.append((shown[..., one] - shown[..., other]).std((1, 2)))
        together = (centered[..., one] * centered[..., other]).mean((1, 2))
        columns.append(together / (deviation[:, one] * deviation[:, other]))
    return columns


def _blocks(images: Float[np.ndarray, "n h w *c"], side: int) -> Float[np.ndarray, "n new_h new_w *c"]:
    """The mean of each block of pixels; what is left over at the end of a row or column is cut off."""
    if side == 1:
        return images
    n, height, width = images.shape[:3]
    whole = images[:, : height // side * side, : width // side * side]
    return whole.reshape(n, height // side, side, width // side, side, *images.shape[3:]).mean((2, 4))


def _in_cells(plane: Plane) -> Float[np.ndarray, "n cells"]:
    """The mean of a plane over each of CELLS x CELLS cells."""
    rows, columns = (np.linspace(0, length, CELLS + 1).astype(int) for length in plane.shape[1:])
    return np.stack(
        [
            plane[:, top : max(bottom, top + 1), left : max(right, left + 1)].mean((1, 2))
            for top, bottom in zip(rows, rows[1:], strict=False)
            for left, right in zip(columns, columns[1:], strict=False)
        ],
        1,
    )
