"""A probe that moves over a map, as an animation: the map with the probe on the left, what it decodes on the right."""

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.plots.colours import PROBE, rgb
from kernelviz.plots.images import dots, on_white
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.weights import load_network

SIDE, FINE = 320, 3  # pixels of each half, and times as many that it is painted with
FRAMES, MILLISECONDS = 120, 60
LEAST = 0.02  # of the points: smaller groups are no stop
RING = 7  # pixels: radius of the mark of the probe


def animated_path(
    run: EmbeddingRun,
    points: EmbeddingMap,
    group: Int[np.ndarray, " n"],
    groups: Sequence[tuple[str, str]],
    kind: str,
) -> bytes:
    """An endless animation, "gif" or "webp", of a probe that moves from group to group at one speed.

    Args:
        points: those of the map, all with coordinates.
        group, groups: the number of each point's group; name and colour of each group.
    """
    centers = path_through(points.coordinates, group)
    decoded = decode_probes(load_network(run), centers, Probe(**run.probe))
    colours = np.array([rgb(colour) for _, colour in groups], np.uint8)[group]
    low, high = points.coordinates.min(0), points.coordinates.max(0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 * 1.05 or 1.0
    size = int(np.clip(SIDE * (0.2 / len(points)) ** 0.5, 1.5, 6) * FINE)
    picture = on_white(dots(points.coordinates - middle, colours, half, SIDE * FINE, size))
    ground, mark = Image.fromarray(picture).reduce(FINE), _mark()
    frames = [_frame(ground, mark, (at - middle) / half, one) for at, one in zip(centers, decoded, strict=True)]
    buffer = io.BytesIO()
    shared = {"save_all": True, "append_images": frames[1:], "duration": MILLISECONDS, "loop": 0}
    frames[0].save(buffer, kind.upper(), **shared)
    return buffer.getvalue()


def path_through(
    coordinates: Float[np.ndarray, "n 2"], group: Int[np.ndarray, " n"], n: int = FRAMES
) -> Float[np.ndarray, "frames 2"]:
    """Positions at equal steps on the closed way through the medians of the groups, in their order around the middle.

    With fewer than three large groups the way is a circle around the middle through half of the points.
    """
    counts = np.bincount(group)
    stops = np.array(
        [np.median(coordinates[group == at], 0) for at in np.flatnonzero(counts >= LEAST * len(group))]
    ).reshape(-1, 2)
    middle = np.median(coordinates, 0)
    if len(stops) < 3:
        radius = np.median(np.linalg.norm(coordinates - middle, axis=1))
        angles = 2 * np.pi * np.arange(n) / n
        return middle + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    away = stops - stops.mean(0)
    stops = stops[np.argsort(np.arctan2(away[:, 1], away[:, 0]))]
    closed = np.concatenate([stops, stops[:1]])
    along = np.concatenate([[0], np.linalg.norm(np.diff(closed, axis=0), axis=1).cumsum()])
    at = np.linspace(0, along[-1], n, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)], 1)


def _mark() -> Image.Image:
    """A ring on a clear ground, white around it."""
    side = 2 * (RING + 2) * FINE
    image = Image.new("RGBA", (side, side))
    for radius, colour in ((RING + 2, "white"), (RING, PROBE), (RING - 3, (0, 0, 0, 0))):
        reach = radius * FINE
        box = (side / 2 - reach, side / 2 - reach, side / 2 + reach - 1, side / 2 + reach - 1)
        ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image.reduce(FINE)


def _frame(
    ground: Image.Image, mark: Image.Image, at: Float[np.ndarray, " 2"], decoded: UInt8[np.ndarray, "h w *c"]
) -> Image.Image:
    """The map with a mark at a position from -1 to 1, and the decoded image."""
    whole = Image.new("RGB", (2 * SIDE, SIDE), "white")
    whole.paste(ground)
    x, y = (1 + at[0]) * SIDE / 2, (1 - at[1]) * SIDE / 2
    whole.paste(mark, (round(x - mark.width / 2), round(y - mark.height / 2)), mark)
    height, width = decoded.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(decoded).convert("RGB").resize(size, Image.Resampling.NEAREST)
    whole.paste(image, (SIDE + (SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return whole
