"""The film of a training as an animation: its points as they move, their classes, and what the decoder made."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from kernelviz.plots.colours import palette, rgb
from kernelviz.storage.epochs import EpochMaps

SIDE = 480  # pixels of the map along each side
LINE, GAP = 26, 4  # pixels: height of the line of text, and what is left free around a picture
LINES = 3  # of names at most
TEXT = 14  # pixels: size of the font
MOST = 120  # pictures of an animation
MILLISECONDS, AT_THE_END = 60, 2000  # that each picture is shown, and the last
FINE = 2  # times the pixels, along each side, that dots are painted with before they are made smaller
COVERED = 0.25  # of the map: how much of it the dots would cover if none overlapped
GROUNDS = {False: ("#ffffff", "#31333f"), True: ("#0e1117", "#fafafa")}  # colours of paper and text, light and dark
KINDS = {"gif": {}, "webp": {"quality": 75, "method": 2}}  # of files, with the settings of each


def animation(maps: EpochMaps, kind: str, dark: bool = False) -> bytes:
    """The film as a file of a kind, "gif" or "webp", at most MOST pictures; it starts again at its end."""
    pictures = [Image.fromarray(one) for one in film_pictures(maps, dark)]
    times = [MILLISECONDS] * (len(pictures) - 1) + [AT_THE_END]
    buffer = io.BytesIO()
    shared = {"save_all": True, "append_images": pictures[1:], "duration": times, "loop": 0}
    pictures[0].save(buffer, kind.upper(), **shared, **KINDS[kind])
    return buffer.getvalue()


def film_pictures(maps: EpochMaps, dark: bool) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The pictures of a film from its first to its last frame, about as many between any two."""
    groups = palette(maps.classes, "label")
    ink = [groups[label][1] for label in maps.labels]
    names = legend([groups[label] for label in sorted(set(maps.labels.tolist()) - {-1})], SIDE, dark)
    n = int(np.clip(4 * len(maps), 1, MOST))
    for epoch in np.interp(np.linspace(0, len(maps) - 1, n), np.arange(len(maps)), maps.epochs):
        frame = int(np.searchsorted(maps.epochs, np.float32(epoch), side="right")) - 1
        picture = _points(coordinates_at(maps, float(epoch)), ink, maps.extent, dark)
        parts = [_words(f"epoch {epoch:.0f} of {maps.total:,}", dark), picture, *names]
        if maps.decoded is not None:
            parts.append(_strip(maps.decoded[frame], dark))
        yield np.concatenate(parts)


def coordinates_at(maps: EpochMaps, epoch: float) -> Float[np.ndarray, "n 2"]:
    """Where the points are at an epoch: on the straight way from the frame before it to the one after."""
    after = int(np.clip(np.searchsorted(maps.epochs, epoch), 1, max(1, len(maps) - 1)))
    if len(maps) < 2:
        return maps.coordinates(0)
    one, other = maps.coordinates(after - 1), maps.coordinates(after)
    share = np.clip((epoch - maps.epochs[after - 1]) / (maps.epochs[after] - maps.epochs[after - 1]), 0, 1)
    between = one + np.float32(share) * (other - one)
    return np.where(np.isfinite(between), between, other if share > 0 else one)


def _points(
    coordinates: Float[np.ndarray, "n 2"], ink: list[str], extent: float, dark: bool
) -> UInt8[np.ndarray, "side side 3"]:
    fine = SIDE * FINE
    image = Image.new("RGB", (fine, fine), GROUNDS[dark][0])
    pen = ImageDraw.Draw(image)
    radius = FINE * np.clip(SIDE * (COVERED / np.pi / max(1, len(ink))) ** 0.5 / 2, 1.2, 5)
    positions = (np.stack([coordinates[:, 0], -coordinates[:, 1]], 1) / (1.06 * extent) + 1) * fine / 2
    for (x, y), colour in zip(positions.tolist(), ink, strict=True):
        if np.isfinite((x, y)).all():
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return np.asarray(image.reduce(FINE))


def _words(text: str, dark: bool) -> UInt8[np.ndarray, "line side 3"]:
    image = Image.new("RGB", (SIDE, LINE), GROUNDS[dark][0])
    ImageDraw.Draw(image).text((8, LINE / 2), text, GROUNDS[dark][1], ImageFont.load_default(TEXT), anchor="lm")
    return np.asarray(image)


def legend(
    groups: Sequence[tuple[str, str]], width: int, dark: bool = False, text: int = TEXT
) -> list[UInt8[np.ndarray, "line width 3"]]:
    """The names of groups behind dots in their colours, on at most LINES lines of a width, with texts of a size."""
    images, left, unit, font = [], float(width), text / TEXT, ImageFont.load_default(text)
    for name, colour in groups:
        needed = 18 * unit + font.getlength(name)
        if left + needed > width - 8 * unit:
            if len(images) == LINES:
                break
            images.append(Image.new("RGB", (width, round(LINE * unit)), GROUNDS[dark][0]))
            left = 8 * unit
        pen, middle = ImageDraw.Draw(images[-1]), images[-1].height / 2
        pen.ellipse((left, middle - 4 * unit, left + 8 * unit, middle + 4 * unit), fill=colour)
        pen.text((left + 12 * unit, middle), name, GROUNDS[dark][1], font, anchor="lm")
        left += needed + 8 * unit
    return [np.asarray(image) for image in images]


def _strip(decoded: UInt8[np.ndarray, "places h w *c"], dark: bool) -> UInt8[np.ndarray, "height side 3"]:
    """Pictures side by side."""
    width = (SIDE - GAP) // len(decoded) - GAP
    height = max(1, round(width * decoded.shape[1] / decoded.shape[2]))
    out = np.full((height + 2 * GAP, SIDE, 3), rgb(GROUNDS[dark][0]), np.uint8)
    for at, picture in enumerate(decoded):
        image = Image.fromarray(picture).convert("RGB").resize((width, height), Image.Resampling.NEAREST)
        left = GAP + at * (width + GAP)
        out[GAP : GAP + height, left : left + width] = np.asarray(image)
    return out
