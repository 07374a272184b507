"""A written digit in any picture (a scan, a photograph of paper, a drawing on a screen) as MNIST would show it."""

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from scipy import ndimage

Plane = Float[np.ndarray, "h w"]
Mask = Bool[np.ndarray, "h w"]

WORK = 400  # pixels: every picture is searched for ink at this longer side, so the sizes below hold for all of them
PAPER_WINDOW = 133  # pixels: wider than any stroke, narrower than the changes of the light
NOISE_BLUR = 1.0  # pixels
FAINTEST_INK = 0.06  # of the paper's brightness; a picture with less contrast is blank
SPECK = 0.04  # of all ink; a smaller patch is dropped
EDGE_LEVEL = 0.25  # of full ink; the ink's bounding box is taken at this level
THINNEST_STROKE = 0.1  # of the box; a thinner stroke is widened to it, for it would vanish when scaled down


def normalised_digit(image: Image.Image, height: int, width: int, box: int) -> UInt8[np.ndarray, "h w"]:
    """Bright ink on black, scaled to fit box x box pixels, its center of mass in the middle of height x width.

    A picture that has this form already is returned as it is; a blank one gives zeros.
    """
    grey = image.convert("L")
    pixels = np.asarray(grey)
    if pixels.shape == (height, width) and _is_normalised(pixels, box):
        return pixels.copy()
    ink = find_ink(grey)
    if not ink.any():
        return np.zeros((height, width), np.uint8)
    scaled = _scale(_crop(ink), box)
    return np.round(255 * _place(scaled, height, width)).astype(np.uint8)


def find_ink(grey: Image.Image) -> Plane:
    """Ink in [0, 1] on the picture resized to WORK pixels: 0 paper, 1 full ink; specks and lines from the border removed."""
    scale = WORK / max(grey.size)
    size = tuple(max(1, round(side * scale)) for side in grey.size)
    light = np.asarray(grey.resize(size, Image.Resampling.BICUBIC), np.float64) / 255
    light = ndimage.gaussian_filter(light, NOISE_BLUR)
    return _without_clutter(_stretch(_darkness(light if _ink_is_dark(light) else 1 - light)))


def _is_normalised(pixels: UInt8[np.ndarray, "h w"], box: int) -> bool:
    """Bright ink on black; where the box leaves a frame, ink inside the box with its center of mass in the middle."""
    ring = _border(pixels)
    if box >= max(pixels.shape):
        return bool(np.median(ring) < 64)
    if ring.max() > 32 or pixels.max() < 128:
        return False
    shift = np.subtract(ndimage.center_of_mass(pixels), (np.array(pixels.shape) - 1) / 2)
    extent = max(np.ptp(where) + 1 for where in np.nonzero(pixels > 32))
    return bool(np.abs(shift).max() <= 1.5 and extent <= box + 2)


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def _ink_is_dark(light: Plane) -> bool:
    """Ink is the narrow and strong deviation from the plane through the border's brightness: the sign of its cube."""
    rows, columns = np.indices(light.shape) - 0.0
    terms = np.stack([np.ones_like(light), rows, columns], -1)
    at_border, border = _border(terms), _border(light)
    near = np.abs(border - np.median(border)) <= 3 * np.median(np.abs(border - np.median(border))) + 0.02
    plane, *_ = np.linalg.lstsq(at_border[near], border[near])
    return bool(np.sum((light - terms @ plane) ** 3) < 0)


def _darkness(light: Plane) -> Plane:
    """1 - light / paper, where the paper's brightness is what remains when strokes are closed by their surroundings."""
    paper = ndimage.grey_closing(light, (PAPER_WINDOW, PAPER_WINDOW))
    paper = ndimage.gaussian_filter(paper, PAPER_WINDOW / 6)
    return 1 - light / np.maximum(paper, 0.05)


def _stretch(darkness: Plane) -> Plane:
    """The paper's level to 0 and full ink to 1; all 0 where the two cannot be told apart."""
    dark = darkness > _otsu(darkness)
    if not dark.any() or dark.all():
        return np.zeros_like(darkness)
    paper, noise, full = np.median(darkness[~dark]), np.std(darkness[~dark]), np.percentile(darkness[dark], 75)
    if full - paper < max(FAINTEST_INK, 4 * noise):
        return np.zeros_like(darkness)
    return np.clip((darkness - paper) / (full - paper), 0, 1)


def _otsu(values: Plane) -> float:
    """The threshold with the largest variance between the two classes (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    centers = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * centers)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(centers[np.nanargmax(between[:-1])])


def _without_clutter(ink: Plane) -> Plane:
    """Without faint noise and specks, and without what comes in over the border when there is other ink to keep."""
    patches, n = ndimage.label(ink > EDGE_LEVEL, np.ones((3, 3)))
    if n == 0:
        return np.zeros_like(ink)
    mass = ndimage.sum_labels(ink, patches, np.arange(n + 1))
    mass[0] = 0
    touching = np.isin(np.arange(n + 1), _border(patches))
    inside = mass * ~touching
    kept = inside if inside.sum() > 0.3 * mass[touching].sum() else mass
    kept = kept >= max(SPECK * kept.sum(), 1e-9)
    near = ndimage.binary_dilation(kept[patches], iterations=8)  # the soft edge belongs to the stroke
    return np.where(near & ((patches == 0) | kept[patches]), ink, 0)


def _crop(ink: Plane) -> Plane:
    rows, columns = ndimage.find_objects((ink > EDGE_LEVEL).astype(int))[0]
    return ink[rows, columns]


def _scale(ink: Plane, box: int) -> Plane:
    """The longer side becomes `box` pixels, the brightest pixel 1, no stroke thinner than can be seen."""
    ratio = box / max(ink.shape)
    missing = THINNEST_STROKE * box / ratio - _stroke_width(ink)
    if missing > 1:
        ink = ndimage.grey_dilation(ink, footprint=_disk(missing / 2))
    width, height = (max(1, round(side * ratio)) for side in ink.shape[::-1])
    scaled = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((width, height), Image.Resampling.BOX))
    return np.clip(scaled / scaled.max(), 0, 1).astype(np.float64)


def _stroke_width(ink: Plane) -> float:
    """Pixels: across a strip of width w the distance to its edge is w / 4 on average."""
    solid = np.pad(ink > 0.5, 1)
    return 4 * float(ndimage.distance_transform_edt(solid)[solid].mean()) if solid.any() else 0.0


def _disk(radius: float) -> Mask:
    reach = int(np.ceil(radius))
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2)


def _place(scaled: Plane, height: int, width: int) -> Plane:
    """In a frame with its center of mass, rounded to whole pixels as in MNIST, in the middle; no ink leaves the frame."""
    frame = np.zeros((height, width))
    starts = []
    for side, extent, center in zip(frame.shape, scaled.shape, _center(scaled, frame.shape), strict=True):
        starts.append(int(np.clip(round((side - 1) / 2 - center), 0, side - extent)))
    top, left = starts
    frame[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return frame


def _center(scaled: Plane, frame: tuple[int, ...]) -> tuple[float, ...]:
    """The center of mass, or the middle where the box fills the frame."""
    if max(scaled.shape) >= max(frame):
        return tuple((extent - 1) / 2 for extent in scaled.shape)
    return tuple(ndimage.center_of_mass(scaled))
