"""A written digit in any picture (a scan, a photograph of paper, a sketch on a screen) as MNIST would show it."""

import numpy as np
import scipy  # its parts take long to import, and are when they are used
from jaxtyping import Bool, Float, UInt8
from PIL import Image

Plane = Float[np.ndarray, "h w"]
Resized = Float[np.ndarray, "new_h new_w"]
Mask = Bool[np.ndarray, "h w"]

WORK = 280  # pixels: every picture is searched for ink at this longer side, so the sizes below hold for all of them
PAPER_WINDOW = 93  # pixels: wider than any stroke, narrower than the changes of the light
PAPER_BLUR = 39  # pixels
NOISE_BLUR = 1.0  # pixels
DARKEST_PAPER = 0.25  # of white: contrast on darker paper is not amplified further, for it would amplify noise
FAINTEST_INK = 0.06  # of the paper's brightness; a picture with less contrast is blank
SHEET_AREA, SHEET_FILL = 0.3, 0.8  # of the picture, of its bounding box: a brighter patch as large as this is the paper
SPECK = 0.04  # of all ink; a smaller patch is dropped
EDGE_LEVEL = 0.3  # of full ink; the ink's bounding box is taken at this level
CONTRAST = 1.25  # about middle grey, after scaling down: MNIST's edges are steep
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
    """The picture's ink at WORK pixels, 0 paper to 1 full ink; specks and lines that cross the border are removed."""
    scale = WORK / max(grey.size)
    size = tuple(max(1, round(side * scale)) for side in grey.size)
    light = np.asarray(grey.resize(size, Image.Resampling.BICUBIC), np.float64) / 255
    light = _sheet(scipy.ndimage.gaussian_filter(light, NOISE_BLUR))
    return _without_clutter(_stretch(_darkness(_evened(light))))


def _evened(light: Plane) -> Plane:
    """1 on the paper and less where there is ink, dark or bright, the light's slope across the picture taken out."""
    plane = _plane(light)
    away, most = plane - light, plane
    if np.sum(away * away * away) < 0:  # ink is the narrow, strong deviation: its sign is that of the cube
        away, most = -away, 1 - plane
    return 1 - away / np.maximum(most, DARKEST_PAPER)


def _sheet(light: Plane) -> Resized:
    """The inside of a sheet of paper that lies on something darker, else the whole picture."""
    bright = light > _otsu(light)
    if _border(bright).mean() > 0.1:
        return light
    patches, _ = scipy.ndimage.label(bright)
    for rows, columns in scipy.ndimage.find_objects(patches):
        inside = bright[rows, columns]
        if inside.sum() > SHEET_AREA * bright.size and inside.mean() > SHEET_FILL:
            (height, width), sheet = inside.shape, light[rows, columns]
            return sheet[height // 20 : height - height // 20, width // 20 : width - width // 20]
    return light


def _is_normalised(pixels: UInt8[np.ndarray, "h w"], box: int) -> bool:
    """Bright ink on black; where the box leaves a frame, ink inside the box with its center of mass in the middle."""
    ring = _border(pixels)
    if box >= max(pixels.shape):
        return bool(np.median(ring) < 64)
    if np.mean(ring > 32) > 0.1 or pixels.max() < 128:
        return False
    shift = np.subtract(scipy.ndimage.center_of_mass(pixels), np.array(pixels.shape) / 2)
    extent = max(np.ptp(where) + 1 for where in np.nonzero(pixels > 32))
    return bool(np.abs(shift).max() <= 1 and extent <= box + 2)


def _border(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])


def _plane(light: Plane) -> Plane:
    """The plane through the brightness at the border, without what stands out there."""
    rows, columns = (axis.astype(float) for axis in np.ogrid[: light.shape[0], : light.shape[1]])
    border = _border(light)
    at_border = np.stack([np.ones_like(border), *(_border(axis + 0 * light) for axis in (rows, columns))], -1)
    distance = np.abs(border - np.median(border))
    near = distance <= 3 * np.median(distance) + 0.02
    level, down, across = np.linalg.lstsq(at_border[near], border[near])[0]
    return level + down * rows + across * columns


def _darkness(light: Plane) -> Plane:
    """1 - light / paper, where the brightness of paper is that of the picture with its strokes closed."""
    paper = scipy.ndimage.grey_closing(light, (PAPER_WINDOW, PAPER_WINDOW))
    for _ in range(2):  # twice a mean is nearly a Gaussian, in a fifth of its time
        paper = scipy.ndimage.uniform_filter(paper, PAPER_BLUR)
    return 1 - light / np.maximum(paper, DARKEST_PAPER)


def _stretch(darkness: Plane) -> Plane:
    """The paper's level to 0 and full ink to 1; all 0 where the two cannot be told apart."""
    middle = np.median(darkness)
    noise = 1.5 * np.median(np.abs(darkness - middle))
    dark = darkness > max(_otsu(darkness), middle + 5 * noise)  # little ink on much paper misleads Otsu
    if not dark.any():
        return np.zeros_like(darkness)
    paper, spread, full = np.median(darkness[~dark]), np.std(darkness[~dark]), np.percentile(darkness[dark], 75)
    if full - paper < max(FAINTEST_INK, 4 * spread):
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
    return float(centers[np.argmax(np.nan_to_num(between))])


def _without_clutter(ink: Plane) -> Plane:
    """The ink without faint noise and specks, and without what crosses the border if there is other ink."""
    patches, n = scipy.ndimage.label(ink > EDGE_LEVEL, np.ones((3, 3)))
    if n == 0:
        return np.zeros_like(ink)
    mass = scipy.ndimage.sum_labels(ink, patches, np.arange(n + 1))
    mass[0] = 0
    touching = np.isin(np.arange(n + 1), _border(patches))
    inside = mass * ~touching
    ink_mass = inside if inside.sum() > 0.3 * mass[touching].sum() else mass
    is_ink = ink_mass >= max(SPECK * ink_mass.sum(), 1e-9)
    near = scipy.ndimage.binary_dilation(is_ink[patches], iterations=8)  # the soft edge belongs to the stroke
    return np.where(near & ((patches == 0) | is_ink[patches]), ink, 0)


def _crop(ink: Plane) -> Resized:
    rows, columns = scipy.ndimage.find_objects((ink > EDGE_LEVEL).astype(int))[0]
    return ink[rows, columns]


def _scale(ink: Plane, box: int) -> Resized:
    """The longer side becomes `box` pixels, the brightest pixel 1, no stroke thinner than can be seen."""
    ratio = box / max(ink.shape)
    missing = THINNEST_STROKE * box / ratio - _stroke_width(ink)
    if missing > 1:
        ink = scipy.ndimage.grey_dilation(ink, footprint=_disk(missing / 2))
    width, height = (max(1, round(side * ratio)) for side in ink.shape[::-1])
    scaled = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((width, height), Image.Resampling.BOX))
    return np.clip((scaled / scaled.max() - 0.5) * CONTRAST + 0.5, 0, 1).astype(np.float64)


def _stroke_width(ink: Plane) -> float:
    """Pixels: across a strip of width w the distance to its edge is w / 4 on average."""
    solid = np.pad(ink > 0.5, 1)
    return 4 * float(scipy.ndimage.distance_transform_edt(solid)[solid].mean()) if solid.any() else 0.0


def _disk(radius: float) -> Mask:
    reach = int(np.ceil(radius))
    rows, columns = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(rows**2 + columns**2 <= radius**2)


def _place(scaled: Plane, height: int, width: int) -> Resized:
    """The ink in a frame, its center of mass at (height / 2, width / 2) in whole pixels as in MNIST; all fits."""
    frame = np.zeros((height, width))
    starts = []
    for side, extent, center in zip(frame.shape, scaled.shape, _center(scaled, frame.shape), strict=True):
        starts.append(int(np.clip(round(side / 2 - center), 0, side - extent)))
    top, left = starts
    frame[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    return frame


def _center(scaled: Plane, frame: tuple[int, ...]) -> tuple[float, ...]:
    """The center of mass, or the middle where the box fills the frame."""
    if max(scaled.shape) >= max(frame):
        return tuple(extent / 2 for extent in scaled.shape)
    return tuple(scipy.ndimage.center_of_mass(scaled))
