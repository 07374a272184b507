"""What the page fetches of a run: points, contour lines, sheets of images, the decoder's weights, the film."""

import io
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8
from PIL import Image

from kernelviz.plots.colours import VALUES, palette, reach
from kernelviz.plots.density import contours
from kernelviz.plots.images import sheet
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.epochs import EpochMaps
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas.packing import pack
from kernelviz.ui.shared.caches import Pictures
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.shared.map_source import MapSource

SHEET = 1024  # pixels: longest side of a sheet of images
MAX_TILE_SIDE = 128  # pixels: longest side of an image on a sheet
THUMBNAIL_SIDES = (32, MAX_TILE_SIDE)  # pixels of a thumbnail on the sheets of each level, for far and near
MAX_LOSSLESS_SIDE = 64  # pixels: larger images are compressed with losses, and thumbnails too
UNKNOWN = 2**12 - 1  # stands for a missing value; nobody sees finer steps than 4,000


def tile_sides(source: MapSource) -> tuple[int, ...]:
    """Pixels of an image along each side, on the sheets of every level; none where the points have no images."""
    if source.picture_source() == "thumbnails":
        return THUMBNAIL_SIDES
    return (min(MAX_TILE_SIDE, max(source.image_shape[1:])),) if source.image_shape else ()


def points_payload(source: MapSource, split: str) -> bytes:
    """Row, coordinates, classes and values of the points of a split, in the order of its sheets of images.

    Points without coordinates are left out.
    """
    points, order = ordered(source, split)
    values = {name: value(points, source.extent) for name, value in VALUES.items()}
    columns = {
        "row": order.astype(np.uint32),
        "x": points.x,
        "y": points.y,
        "label": points.label,
        "prediction": points.prediction,
    }
    own = source.columns(split)
    scales = {name: [*value_range(value), *reach(value)] for name, value in values.items()}
    scales |= {one.key: [*value_range(one.values), *reach(one.values)] for one in own if one.form != "category"}
    names = source.names(split)
    return pack(
        columns
        | {name: twelve_bits(value) for name, value in values.items()}
        | {one.key: one.values[order] for one in own},
        scales=scales,
        own={one.key: [one.name, one.form] for one in own},
        **({"names": names} if names else {}),
    )


def contours_payload(source: MapSource, split: str) -> bytes:
    """The contour lines of a split's density: their corners, where each line begins, and its level."""
    return contours_of(ordered(source, split)[0].coordinates, source.extent)


def contours_of(coordinates: Float[np.ndarray, "n 2"], extent: float) -> bytes:
    """The contour lines of the density of some points, packed."""
    lines = contours(coordinates, extent)
    corners = np.concatenate([np.zeros((0, 2), np.float32), *(line for _, line in lines)])
    ends = np.cumsum([0, *(len(line) for _, line in lines)])
    levels = np.array([level for level, _ in lines], np.float32)
    return pack({"corners": corners, "starts": ends.astype(np.uint32), "levels": levels})


def sheet_payload(source: MapSource, split: str, side: int, number: int) -> bytes:
    """One of the sheets of images, in WebP; an IndexError where the split has no such sheet."""
    points, _ = ordered(source, split)
    across = SHEET // side
    rows = np.arange(len(points))[number * across**2 :][: across**2]
    if side not in tile_sides(source) or number < 0 or not len(rows):
        raise IndexError(f"{split} has no sheet {number}")
    return sheet_file(source, source.pictures(points.where(rows)), side)


def sheet_file(source: MapSource, pictures: Pictures, side: int) -> bytes:
    """Pictures side by side, row by row from the top, in WebP."""
    picture = sheet(np.stack([_fitted(one, side) for one in pictures]), SHEET // side, gap=0)
    file = io.BytesIO()
    lossless = side <= MAX_LOSSLESS_SIDE and source.picture_source() != "thumbnails"
    Image.fromarray(picture).save(file, "WEBP", lossless=lossless, quality=50 if lossless else 85, method=2)
    return file.getvalue()


def film_payload(maps: EpochMaps, after: float = -1.0) -> bytes:
    """The frames of a film that were made after an epoch, and what is known of its points."""
    newer = maps.epochs > after
    arrays = {"label": maps.labels, "epochs": maps.epochs[newer], "at": maps.at[newer]}
    if maps.decoded is not None:
        arrays["decoded"] = maps.decoded[newer]
    return pack(
        arrays,
        split=maps.split,
        extent=maps.extent,
        total=maps.total,
        last=float(maps.epochs.max(initial=-1)),
        palette=[(plain(name), colour) for name, colour in palette(maps.classes, "label")],
        decoded=None if maps.decoded is None else maps.decoded.shape[1:],
    )


def decoder_payload(run: EmbeddingRun) -> bytes | None:
    """The weights of a decoder of dense layers, float16, each matrix [inputs, outputs]; None for any other decoder."""
    from kernelviz.ui.shared.network_cache import dense_layers, network_of  # torch takes seconds to import

    layers = dense_layers(network_of(run).decoder)
    if layers is None:
        return None
    arrays = {}
    for at, (weight, bias) in enumerate(layers):
        arrays |= {f"weight{at}": weight.T.astype(np.float16), f"bias{at}": bias}
    return pack(arrays)


def ordered(source: MapSource, split: str) -> tuple[EmbeddingMap, Int[np.ndarray, " n"]]:
    """The points of a split that have coordinates, and their rows in the split.

    Neighbours on the map are mostly near each other in this order, so that a part of the map needs few sheets.
    """
    return _ordered(source.points(split), source.extent)


@lru_cache(maxsize=8)
def _ordered(points: EmbeddingMap, extent: float) -> tuple[EmbeddingMap, Int[np.ndarray, " n"]]:
    rows = np.flatnonzero(points.placed)
    rows = rows[np.argsort(_along_z(points.coordinates[rows], extent), kind="stable")]
    return points.where(rows), rows


def _along_z(coordinates: Float[np.ndarray, "n 2"], extent: float) -> Int[np.ndarray, " n"]:
    """For each point, the number of its cell along a Z-order curve of 256 x 256 cells: the bits of x and y in turn."""
    cells = ((coordinates + extent) / (2 * extent) * 256).clip(0, 255).astype(np.int64)
    return sum(((cells[:, axis] >> bit) & 1) << (2 * bit + axis) for bit in range(8) for axis in range(2))


def twelve_bits(values: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"]:
    """Values as whole numbers over their range, the largest UNKNOWN - 1; missing values as UNKNOWN."""
    low, high = value_range(values)
    known = np.isfinite(values)
    share = (np.where(known, values, low) - low) / max(high - low, 1e-12)
    return np.where(known, (share * (UNKNOWN - 1)).round(), UNKNOWN).astype(np.uint16)


def value_range(values: Shaped[np.ndarray, " n"]) -> tuple[float, float]:
    """The least and the greatest value that is known; 0 and 1 where none is."""
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)


def _fitted(picture: UInt8[np.ndarray, "h w *c"], side: int) -> UInt8[np.ndarray, "side side *d"]:
    """A picture in the middle of a square of `side` pixels, made smaller if it does not fit.

    Beside a picture with colours the square is clear; a grey one is ink on black.
    """
    image = Image.fromarray(picture)
    if image.mode != "L":
        image = image.convert("RGBA")
    if max(image.size) > side:
        image.thumbnail((side, side))
    square = Image.new(image.mode, (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return np.asarray(square)
