"""A picture of shapes: a background, a soft shadow, and the coloured outlines with smooth edges."""

import colorsys
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter

from kernelviz.data.shapes.outlines import OUTLINES, Outline

BACKGROUNDS = ("plain", "gradient", "stripes", "dots")
FINER = 3  # times as many pixels along a side while outlines are filled
COARSER = 4  # times fewer for a shadow
SOFT, DARK = 0.02, 0.3  # blur of a shadow as a share of the picture, and how much light it takes
FIXED = {
    "wood": (134, 94, 60),
    "crust": (214, 160, 98),
    "leaf": (82, 148, 84),
    "gold": (246, 196, 60),
    "cream": (246, 234, 210),
    "coffee": (84, 54, 36),
    "white": (252, 252, 250),
    "black": (40, 40, 48),
}

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Thing:
    """A shape in a picture.

    Args:
        shape: a name in OUTLINES.
        hue: in degrees.
        size: diameter as a share of the picture's shorter side.
        turn: clockwise in degrees.
        across, down: its middle, as shares of the picture.
        flat: whether all of it has one colour.
    """

    shape: str
    hue: float
    size: float
    turn: float
    across: float
    down: float
    flat: bool = False


@dataclass(frozen=True)
class Scene:
    """All that a picture shows.

    Args:
        width, height: of the picture in pixels.
        things: the shapes, the foremost last.
        behind: hue of the background in degrees.
        background: one of BACKGROUNDS; its pattern is turned by `slant` degrees.
        light: of the background, 0 to 1.
        shadow: how far a shadow lies from its shape, right and down, in the shape's radii.
    """

    width: int
    height: int
    things: tuple[Thing, ...]
    behind: float
    background: str
    slant: float
    light: float
    shadow: tuple[float, float]


def paint(scene: Scene) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels of a scene."""
    image = Image.fromarray(_shaded(_background(scene), _shadow(scene)))
    image = image.resize((scene.width * FINER, scene.height * FINER), Image.Resampling.NEAREST)
    pen = ImageDraw.Draw(image)
    for thing in scene.things:
        palette = colours(thing.hue)
        for colour, outline in OUTLINES[thing.shape]:
            pen.polygon(_laid(outline, thing, scene, FINER), fill=palette["main" if thing.flat else colour])
    return np.asarray(image.reduce(FINER))


def colours(hue: float) -> dict[str, Colour]:
    """The colours of a shape's parts by name."""
    return FIXED | {
        "main": _colour(hue, 0.52, 0.72),
        "light": _colour(hue + 14, 0.74, 0.78),
        "dark": _colour(hue - 10, 0.32, 0.6),
        "accent": _colour(hue + 42, 0.58, 0.74),
    }


def _colour(hue: float, lightness: float, saturation: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue % 360 / 360, lightness, saturation))
    return red, green, blue


def _laid(
    outline: Outline, thing: Thing, scene: Scene, scale: float | int, shift: tuple[float, float] = (0.0, 0.0)
) -> list[float]:
    """An outline in the pixels of a picture that is `scale` times as large as the scene's, flat."""
    radius = scale * thing.size * min(scene.width, scene.height) / 2
    cosine, sine = radius * np.cos(np.radians(thing.turn)), radius * np.sin(np.radians(thing.turn))
    middle = scale * np.array([thing.across * scene.width, thing.down * scene.height])
    return (outline @ np.array([(cosine, sine), (-sine, cosine)]) + middle + radius * np.array(shift)).ravel().tolist()


def _background(scene: Scene) -> Float[np.ndarray, "h w 3"]:
    """A pale colour, and a second one near to it by the pattern."""
    second = scene.light - 0.12 if scene.light > 0.5 else scene.light + 0.12
    one, other = (
        np.array(_colour(hue, lightness, 0.6), np.float32)
        for hue, lightness in ((scene.behind, scene.light), (scene.behind + 25, second))
    )
    return one + _pattern(scene)[..., None] * (other - one)


def _pattern(scene: Scene) -> Float[np.ndarray, "h w"]:
    """The share of the second colour at each pixel."""
    y, x = np.mgrid[: scene.height, : scene.width].astype(np.float32)
    side = min(scene.width, scene.height)
    cosine, sine = np.float32(np.cos(np.radians(scene.slant))), np.float32(np.sin(np.radians(scene.slant)))
    along, beside = (x * cosine + y * sine) / side, (y * cosine - x * sine) / side
    if scene.background == "gradient":
        return (along - along.min()) / np.ptp(along)
    if scene.background == "stripes":
        return _edge(np.sin(along * (2 * np.pi * 5)), side / 30)
    if scene.background == "dots":
        return _edge(np.cos(along * (2 * np.pi * 6)) + np.cos(beside * (2 * np.pi * 6)) - 0.9, side / 36)
    return np.zeros_like(x)


def _edge(wave: Float[np.ndarray, "h w"], sharpness: float) -> Float[np.ndarray, "h w"]:
    """1 where a wave is positive and 0 elsewhere, with a smooth edge."""
    return np.clip(wave * sharpness + 0.5, 0, 1)


def _shadow(scene: Scene) -> Float[np.ndarray, "h w 1"]:
    """The share of light that a shadow takes at each pixel."""
    size = (-(-scene.width // COARSER), -(-scene.height // COARSER))
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    for thing in scene.things:
        for _, outline in OUTLINES[thing.shape]:
            pen.polygon(_laid(outline, thing, scene, 1 / COARSER, scene.shadow), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(SOFT * max(size)))
    mask = mask.resize((scene.width, scene.height), Image.Resampling.BILINEAR)
    return np.asarray(mask, np.float32)[..., None] * (DARK / 255)


def _shaded(background: Float[np.ndarray, "h w 3"], shadow: Float[np.ndarray, "h w 1"]) -> UInt8[np.ndarray, "h w 3"]:
    return (background * (1 - shadow) + 0.5).astype(np.uint8)
