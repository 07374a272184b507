"""Pictures made of pictures: sheets, animations, and images at their coordinates on the map."""

import base64
import io

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image

COLLAGE = 1600  # pixels: side of a collage
MIN_SHOWN = 84  # pixels: small images are enlarged to at least this side, without smoothing


def enlarged(image: UInt8[np.ndarray, "h w *c"], side: int = MIN_SHOWN) -> UInt8[np.ndarray, "H W *c"]:
    """The image with each pixel repeated, so that its longer side is about `side` pixels, at least its own."""
    times = max(1, round(side / max(image.shape[:2])))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def sheet(
    images: UInt8[np.ndarray, "n h w *c"], columns: int, gap: int = 1, background: int = 0
) -> UInt8[np.ndarray, "H W *c"]:
    """Images side by side, row by row from the top; empty cells at the end stay background."""
    n, height, width = images.shape[:3]
    rows = -(-n // columns)
    shape = (rows * (height + gap) + gap, columns * (width + gap) + gap, *images.shape[3:])
    out = np.full(shape, background, np.uint8)
    for at, image in enumerate(images):
        top, left = gap + (at // columns) * (height + gap), gap + (at % columns) * (width + gap)
        out[top : top + height, left : left + width] = image
    return out


def bump_picture(activation: Float[np.ndarray, " units"], rows: int, columns: int) -> UInt8[np.ndarray, "rows columns"]:
    """An activation as a grey picture, a pixel a unit, its maximum white; y grows upwards as on the map."""
    bump = activation.reshape(rows, columns)[::-1]
    return (255 * bump / max(bump.max(), 1e-12)).round().astype(np.uint8)


def png(image: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """The image as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def signed(values: Float[np.ndarray, "*shape"], most: float) -> UInt8[np.ndarray, "*shape"]:
    """Numbers from -most to most as grey pixels, 0 in the middle."""
    return (127.5 * (1 + (values / (most or 1.0)).clip(-1, 1))).round().astype(np.uint8)


def data_url(image: Image.Image, kind: str = "PNG") -> str:
    """The image as a data URL."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def gif(images: UInt8[np.ndarray, "n h w *c"], milliseconds: int = 80) -> bytes:
    """The images as an endless animation."""
    frames = [Image.fromarray(image) for image in images]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
    return buffer.getvalue()


def tile_side(n: int) -> int:
    """Side in pixels of an image in a collage of n images: the fewer the larger."""
    return int(np.clip(COLLAGE / max(1, n) ** 0.5, 36, 64))


def apart(coordinates: Float[np.ndarray, "n 2"], extent: float, tile: int) -> Int[np.ndarray, " m"]:
    """Rows of the images that fit into a collage: of those that would overlap, the first."""
    occupied = np.zeros((COLLAGE, COLLAGE), bool)
    rows = []
    for row, (top, left) in enumerate(_corners(coordinates, extent, tile)):
        area = occupied[top : top + tile, left : left + tile]
        if not area.any():
            area[:] = True
            rows.append(row)
    return np.array(rows, int)


def collage(
    coordinates: Float[np.ndarray, "m 2"],
    images: UInt8[np.ndarray, "m h w *c"],
    colours: UInt8[np.ndarray, "m 3"],
    extent: float,
    tile: int,
) -> UInt8[np.ndarray, "side side 4"]:
    """Images of `tile` pixels at their coordinates on [-extent, extent]^2 as in Figure 5 (right).

    Grey images are ink in their colour on a clear background.
    """
    out = np.zeros((COLLAGE, COLLAGE, 4), np.uint8)
    for (top, left), image, colour in zip(_corners(coordinates, extent, tile), images, colours, strict=True):
        out[top : top + tile, left : left + tile] = _tile(image, colour, tile)
    return out


def _corners(coordinates: Float[np.ndarray, "n 2"], extent: float, tile: int) -> Int[np.ndarray, "n 2"]:
    """Top and left pixel of the tile at each of the coordinates."""
    share = np.stack([extent - coordinates[:, 1], coordinates[:, 0] + extent], axis=1) / (2 * extent)
    return (share.clip(0, 1) * (COLLAGE - tile)).astype(int)


def dots(
    coordinates: Float[np.ndarray, "n 2"],
    colours: UInt8[np.ndarray, "n 3"],
    extent: float,
    side: int = 1600,
    size: int = 5,
) -> UInt8[np.ndarray, "side side 4"]:
    """Squares of `size` pixels at coordinates on [-extent, extent]^2, later ones on top, on a clear background."""
    out = np.zeros((side, side, 4), np.uint8)
    scale = (side - size) / (2 * extent)
    left = ((coordinates[:, 0] + extent) * scale).round().astype(int).clip(0, side - size)
    top = ((extent - coordinates[:, 1]) * scale).round().astype(int).clip(0, side - size)
    ink = np.concatenate([colours, np.full((len(colours), 1), 255, np.uint8)], axis=1)
    for down in range(size):
        for across in range(size):
            out[top + down, left + across] = ink
    return out


def on_white(picture: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "h w 3"]:
    """A picture with a clear background, laid on white."""
    share = picture[..., 3:] / 255
    return (picture[..., :3] * share + 255 * (1 - share)).round().astype(np.uint8)


def _tile(image: UInt8[np.ndarray, "h w *c"], colour: np.ndarray, tile: int) -> UInt8[np.ndarray, "tile tile 4"]:
    small = np.asarray(Image.fromarray(image).resize((tile, tile), Image.Resampling.LANCZOS))
    if small.ndim == 3:
        return np.dstack([small, np.full((tile, tile), 255, np.uint8)])
    return np.dstack([np.broadcast_to(colour, (tile, tile, 3)), small])
