"""The twelve things as coloured outlines within a circle of radius 1; y points down."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Outline = Float[np.ndarray, "n 2"]
Part = tuple[str, Outline]  # a colour of `paint.colours`, and what is filled with it; later parts lie over earlier ones

Number = float | int

CORNERS = 40  # of a whole ellipse


def _arc(x: Number, y: Number, across: Number, down: Number, start: Number = 0.0, stop: Number = 360.0) -> Outline:
    """Points of an ellipse between two angles in degrees; 0 is on the right, 90 below."""
    angles = np.radians(np.linspace(start, stop, max(8, int(CORNERS * abs(stop - start) / 360)) + 1))
    return np.stack([x + across * np.cos(angles), y + down * np.sin(angles)], 1)


def _disc(x: Number, y: Number, radius: Number) -> Outline:
    return _arc(x, y, radius, radius)


def _band(x: Number, y: Number, radius: Number, width: Number, start: Number = 0.0, stop: Number = 360.0) -> Outline:
    """A part of a ring whose middle line has a radius."""
    inner, outer = radius - width / 2, radius + width / 2
    return np.concatenate([_arc(x, y, outer, outer, start, stop), _arc(x, y, inner, inner, stop, start)])


def _box(left: Number, top: Number, right: Number, bottom: Number) -> Outline:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


def _points(*corners: tuple[Number, Number]) -> Outline:
    return np.array(corners)


def _turned(outline: Outline, degrees: Number) -> Outline:
    """An outline turned clockwise about the middle."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return outline @ np.array([(cosine, sine), (-sine, cosine)])


def _mirrored(outline: Outline) -> Outline:
    return outline * (-1, 1)


def balloon() -> Sequence[Part]:
    """A hot-air balloon with its basket."""
    envelope = np.concatenate([_arc(0, -0.28, 0.7, 0.7, 150, 390), _points((0.16, 0.56), (-0.16, 0.56))])
    return [
        ("dark", _points((-0.15, 0.55), (-0.11, 0.55), (-0.09, 0.78), (-0.13, 0.78))),
        ("dark", _points((0.15, 0.55), (0.11, 0.55), (0.09, 0.78), (0.13, 0.78))),
        ("wood", _points((-0.17, 0.74), (0.17, 0.74), (0.13, 0.98), (-0.13, 0.98))),
        ("main", envelope),
        ("light", envelope * (0.62, 1)),
        ("accent", envelope * (0.24, 1)),
        ("dark", _box(-0.16, 0.53, 0.16, 0.58)),
    ]


def boat() -> Sequence[Part]:
    """A sailing boat."""
    return [
        ("wood", _box(-0.04, -0.95, 0.04, 0.5)),
        ("light", _points((0.1, -0.85), (0.72, 0.3), (0.1, 0.34))),
        ("accent", _points((-0.1, -0.6), (-0.1, 0.34), (-0.62, 0.3))),
        ("main", _points((-0.9, 0.44), (0.9, 0.44), (0.6, 0.88), (-0.6, 0.88))),
        ("dark", _points((-0.9, 0.44), (0.9, 0.44), (0.84, 0.53), (-0.84, 0.53))),
    ]


def butterfly() -> Sequence[Part]:
    """A butterfly from above."""
    upper, lower = _turned(_arc(0.5, 0, 0.46, 0.34), -38), _turned(_arc(0.4, 0, 0.36, 0.25), 42)
    spots = [_disc(0.5, -0.4, 0.15), _disc(0.38, 0.34, 0.1)]
    feeler = _points((0.0, -0.4), (0.03, -0.42), (0.24, -0.86), (0.19, -0.86))
    wings = [("accent", lower), ("main", upper), ("light", spots[0]), ("light", spots[1]), ("dark", feeler)]
    both = [(colour, side(outline)) for colour, outline in wings for side in (np.asarray, _mirrored)]
    return [*both, ("dark", _arc(0, 0.05, 0.09, 0.52))]


def doughnut() -> Sequence[Part]:
    """A doughnut with icing and sprinkles."""
    angles = np.radians(np.linspace(0, 360, 73))
    wave = 0.84 + 0.04 * np.sin(7 * angles)
    outer = np.stack([wave * np.cos(angles), wave * np.sin(angles)], 1)
    sprinkle = _box(0.52, -0.025, 0.66, 0.035)
    sprinkles = [_turned(_turned(sprinkle - (0.59, 0), 67 * at) + (0.59, 0), 30 * at) for at in range(12)]
    return [
        ("crust", _band(0, 0, 0.64, 0.66)),
        ("main", np.concatenate([outer, _arc(0, 0, 0.38, 0.38, 360, 0)])),
        *((("light", "accent", "dark")[at % 3], outline) for at, outline in enumerate(sprinkles)),
    ]


def fish() -> Sequence[Part]:
    """A fish that swims to the right."""
    stripe = _band(-0.6, 0, 0.62, 0.14, -34, 34)
    return [
        ("accent", _points((-0.5, 0), (-0.98, -0.5), (-0.82, 0), (-0.98, 0.5))),
        ("accent", _points((-0.25, -0.3), (0.0, -0.76), (0.38, -0.3))),
        ("accent", _points((-0.1, 0.3), (-0.05, 0.7), (0.25, 0.3))),
        ("main", _arc(0.15, 0, 0.78, 0.48)),
        ("light", stripe + (-0.22, 0)),
        ("light", stripe + (0.12, 0)),
        ("white", _disc(0.6, -0.12, 0.13)),
        ("black", _disc(0.63, -0.12, 0.07)),
    ]


def flower() -> Sequence[Part]:
    """A flower with its stem."""
    petals = [_turned(_arc(0.36, 0, 0.25, 0.17), 45 * at) + (0, -0.36) for at in range(8)]
    leaf = _turned(_arc(0.24, 0, 0.24, 0.1), -35) + (0, 0.8)
    return [
        ("leaf", _box(-0.04, -0.3, 0.04, 0.98)),
        ("leaf", leaf),
        ("leaf", _mirrored(leaf) + (0, -0.12)),
        *((("main", "light")[at % 2], petal) for at, petal in enumerate(petals)),
        ("gold", _disc(0, -0.36, 0.2)),
    ]


def heart() -> Sequence[Part]:
    """A heart with a gleam."""
    angles = np.radians(np.linspace(0, 360, 61))
    across = 16 * np.sin(angles) ** 3
    down = -(13 * np.cos(angles) - 5 * np.cos(2 * angles) - 2 * np.cos(3 * angles) - np.cos(4 * angles))
    outline = np.stack([across, down], 1) / 17.5
    return [("dark", outline), ("main", outline * 0.9), ("light", _turned(_arc(-0.3, -0.5, 0.18, 0.1), -8))]


def mug() -> Sequence[Part]:
    """A mug of coffee."""
    body = np.concatenate([_arc(-0.15, 0.72, 0.56, 0.14, 0, 180), _points((-0.71, -0.55), (0.41, -0.55))])
    return [
        ("dark", _band(0.4, 0.08, 0.36, 0.17, -95, 95)),
        ("main", body),
        ("accent", _box(-0.71, 0.1, 0.41, 0.36)),
        ("light", _arc(-0.15, -0.55, 0.56, 0.16)),
        ("coffee", _arc(-0.15, -0.53, 0.48, 0.11)),
    ]


def mushroom() -> Sequence[Part]:
    """A mushroom with dots on its cap."""
    stem = np.concatenate([_points((-0.2, 0.0), (0.2, 0.0)), _arc(0, 0.78, 0.3, 0.16, 0, 180)])
    cap = np.concatenate([_arc(0, 0.12, 0.92, 0.98, 180, 360), _arc(0, 0.12, 0.92, 0.17, 0, 180)])
    dots = [(-0.45, -0.25, 0.16), (0.1, -0.52, 0.18), (0.5, -0.12, 0.14), (-0.05, -0.05, 0.12)]
    return [("cream", stem), ("main", cap), *(("white", _disc(*dot)) for dot in dots)]


def star() -> Sequence[Part]:
    """A star of five points, half of each in the light."""
    tip, dent, middle = _points((0, -0.98)), _points((0, -0.42)), np.zeros((1, 2))
    halves = [("main", -36), ("light", 36)]
    return [
        (colour, _turned(np.concatenate([middle, _turned(dent, side), tip]), 72 * at))
        for at in range(5)
        for colour, side in halves
    ]


def tree() -> Sequence[Part]:
    """A conifer of three tiers."""
    tiers = (("dark", -0.1, 0.7, 0.72), ("main", -0.5, 0.25, 0.56), ("light", -0.96, -0.2, 0.4))
    cones = [(colour, _points((0, top), (half, bottom), (-half, bottom))) for colour, top, bottom, half in tiers]
    return [("wood", _box(-0.1, 0.6, 0.1, 0.98)), *cones]


def umbrella() -> Sequence[Part]:
    """An open umbrella."""
    canopy = _arc(0, 0.05, 0.95, 0.9, 180, 360)
    scallops = [_arc(x, 0.05, 0.2375, 0.12, 0, -180) for x in (0.7125, 0.2375, -0.2375, -0.7125)]
    panel = np.concatenate([_arc(0, 0.05, 0.475, 0.9, 180, 360), scallops[1], scallops[2]])
    return [
        ("wood", _box(-0.035, -0.98, 0.035, 0.78)),
        ("wood", _band(0.14, 0.78, 0.14, 0.07, 0, 180)),
        ("main", np.concatenate([canopy, *scallops[::-1]])),
        ("light", panel),
    ]


OUTLINES: dict[str, Sequence[Part]] = {
    shape.__name__: shape()
    for shape in (balloon, boat, butterfly, doughnut, fish, flower, heart, mug, mushroom, star, tree, umbrella)
}
