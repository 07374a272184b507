"""A probe that moves over a map, as an animation: the map on the left, what is decoded on the right, names below."""

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw

from kernelviz.evaluation.inference import decode_probes
from kernelviz.layers.probe import Probe
from kernelviz.plots.colours import PROBE, rgb
from kernelviz.plots.film import legend
from kernelviz.plots.images import dots, on_white
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.weights import load_network

WIDTH, FINE = 640, 3  # pixels of the whole, and times as many that dots and marks are painted with
FRAMES, MILLISECONDS = 120, 60
LEAST = 0.02  # of the points: smaller groups are no stop
RING, GAP, TEXT = 7, 10, 14  # pixels where the width is WIDTH: radius of the mark, white around the halves, letters
LEAST_TEXT, LEAST_MARK = 10, 0.7  # pixels of letters, and of the mark as a share of RING
FIXED = 96  # colours of a GIF's 256 for the map, the same in all frames; the decoded image has the others


def animated_path(
    run: EmbeddingRun,
    points: EmbeddingMap,
    group: Int[np.ndarray, " n"],
    groups: Sequence[tuple[str, str]],
    kind: str,
    width: int = WIDTH,
) -> bytes:
    """An endless animation, "gif" or "webp", of a probe that moves from group to group at one speed.

    Args:
        points: those of the map, all with coordinates.
        group, groups: the number of each point's group; name and colour of each group.
        width: of the whole in pixels.
    """
    centers = path_through(points.coordinates, group)
    decoded = decode_probes(load_network(run), centers, Probe(**run.probe))
    colours = np.array([rgb(colour) for _, colour in groups], np.uint8)[group]
    low, high = points.coordinates.min(0), points.coordinates.max(0)
    middle, half = (low + high) / 2, float((high - low).max()) / 2 * 1.05 or 1.0
    unit = width / WIDTH
    gap = round(GAP * unit)
    side = (width - 3 * gap) // 2
    size = int(np.clip(side * (0.2 / len(points)) ** 0.5, 1.5 * max(1, unit), 6 * unit) * FINE)
    picture = on_white(dots(points.coordinates - middle, colours, half, side * FINE, size))
    names = legend([groups[at] for at in np.unique(group)], width, text=max(LEAST_TEXT, round(TEXT * unit)))
    ground = Image.new("RGB", (width, side + 2 * gap + sum(map(len, names))), "white")
    ground.paste(Image.fromarray(picture).reduce(FINE), (gap, gap))
    if names:
        ground.paste(Image.fromarray(np.concatenate(names)), (0, side + 2 * gap))
    mark, frames = _mark(max(unit, LEAST_MARK)), []
    inks = _palette_of(ground, mark)
    for (x, y), one in zip((centers - middle) / half, decoded, strict=True):
        frame, image = ground.copy(), _fitted(one, side)
        at = gap + (1 + x) * side / 2 - mark.width / 2, gap + (1 - y) * side / 2 - mark.height / 2
        frame.paste(mark, (round(at[0]), round(at[1])), mark)
        if kind == "gif":
            frame, image = frame.quantize(palette=inks, dither=Image.Dither.NONE), image.quantize(256 - FIXED)
            frame.putpalette(inks.getpalette()[: 3 * FIXED] + image.getpalette())
            image = image.point(lambda at: at + FIXED)
        frame.paste(image, (width - gap - (side + image.width) // 2, gap + (side - image.height) // 2))
        frames.append(frame)
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


def _mark(unit: float) -> Image.Image:
    """A ring on a clear ground, white around it; of radius RING times a unit."""
    side = round(2 * (RING + 2) * unit) * FINE
    image = Image.new("RGBA", (side, side))
    for radius, colour in ((RING + 2, "white"), (RING, PROBE), (RING - 3, (0, 0, 0, 0))):
        reach = radius * unit * FINE
        box = (side / 2 - reach, side / 2 - reach, side / 2 + reach - 1, side / 2 + reach - 1)
        ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image.reduce(FINE)


def _fitted(decoded: UInt8[np.ndarray, "h w *c"], side: int) -> Image.Image:
    """A decoded image as large as fits into a square."""
    image = Image.fromarray(decoded).convert("RGB")
    scale = side / max(image.size)
    return image.resize([max(1, round(scale * one)) for one in image.size], Image.Resampling.NEAREST)


def _palette_of(ground: Image.Image, mark: Image.Image) -> Image.Image:
    """An image with FIXED colours, those of a map with its mark, so that no class changes its colour."""
    marked = ground.copy()
    marked.paste(mark, mask=mark)
    palette = np.array(marked.quantize(FIXED).getpalette()[: 3 * FIXED], np.uint8).reshape(-1, 3)
    palette[palette.min(1) > 248] = 255  # paper is white
    image = Image.new("P", (1, 1))
    image.putpalette(np.pad(palette, ((0, 256 - len(palette)), (0, 0)), "edge").ravel().tolist())
    return image
