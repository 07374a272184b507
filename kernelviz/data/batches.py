"""Stored images as the tensors that a network takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from torch import Tensor
from torch.nn import functional

from kernelviz.errors import UserError
from kernelviz.networks.devices import on_device

Rows = slice | Int[np.ndarray, "_"]
SHIFTS = 4  # random shifts along each side of a warped image; those between are interpolated


def pixels(
    images: UInt8[np.ndarray, "n h w *c"] | Float32[np.ndarray, "n 1 d"], device: str | torch.device = "cpu"
) -> Float[Tensor, "n channels h w"]:
    """Stored images, uint8 [n, h, w] or [n, h, w, 3], as float32 [n, channels, h, w] in [0, 1] on a device.

    Vectors, float32 [n, 1, d], become [n, 1, 1, d] and keep their values.
    """
    batch = on_device(torch.from_numpy(images), device)
    batch = batch if batch.dtype == torch.float32 else batch.float() / 255
    return batch[:, None] if batch.ndim == 3 else batch.permute(0, 3, 1, 2)


def stored(decoded: Float[Tensor, "n channels h w"]) -> UInt8[np.ndarray, "n h w *c"]:
    """Decoded images, pixels in [0, 1], as images are stored: uint8, grey [n, h, w] or RGB [n, h, w, 3]."""
    images = (255 * decoded).round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return images[..., 0] if images.shape[-1] == 1 else images


@dataclass(frozen=True)
class Jitter:
    """How far an image may be moved at random. Values out of range are a UserError.

    Args:
        shift: largest shift in either direction, as a share of the image's side, 0 to 1.
        turn: largest turn, in degrees, 0 to 180.
        zoom: largest zoom in or out, as a share of the image's size, from 0 to below 1.
        warp: standard deviation of smooth shifts that differ over the image, as a share of its side, 0 to 1.
        pixels: largest shift in whole pixels, which blurs nothing.
        mirror: whether the image may be mirrored, left for right.
    """

    shift: float = 0.0
    turn: float = 0.0
    zoom: float = 0.0
    warp: float = 0.0
    pixels: int = 0
    mirror: bool = False

    def __post_init__(self):
        shares = 0 <= self.shift <= 1 and 0 <= self.zoom < 1 and 0 <= self.warp <= 1
        if not (shares and 0 <= self.turn <= 180 and self.pixels >= 0):
            raise UserError(
                "a jitter has a shift of 0 to 1, a turn of 0 to 180, a zoom of 0 to below 1, a warp of 0 to 1 and "
                f"whole pixels from 0 on, not {self}"
            )


def jitter(
    images: Float[Tensor, "n channels h w"],
    most: Jitter,
    generator: torch.Generator,
    among: tuple[int, Rows] | None = None,
) -> Float[Tensor, "n channels h w"]:
    """Each image shifted, turned, zoomed, warped and mirrored at random; what leaves the frame is lost.

    Args:
        among: of how many images these are, and which of them, where others move the others; None: they are all.
    """
    m, rows = among or (len(images), slice(None))
    if most.pixels or most.mirror:
        images = _moved_by_pixels(images, most, generator, m, rows)
    if not (most.shift or most.turn or most.zoom or most.warp):
        return images
    x, y, turn, zoom = 2 * torch.rand(4, m, generator=generator)[:, rows] - 1
    angle, size = math.radians(most.turn) * turn, (1 + most.zoom) ** zoom
    moves = [
        torch.stack([angle.cos() / size, -angle.sin() / size, 2 * most.shift * x], 1),  # the frame is 2 wide
        torch.stack([angle.sin() / size, angle.cos() / size, 2 * most.shift * y], 1),
    ]
    moves = on_device(torch.stack(moves, 1), images.device)
    flow = functional.affine_grid(moves, list(images.shape), align_corners=False)
    if most.warp:
        shifts = 2 * most.warp * torch.randn(m, 2, SHIFTS, SHIFTS, generator=generator)[rows]
        flow = flow + _between(on_device(shifts, images.device), images.shape[2:]).permute(0, 2, 3, 1)
    return functional.grid_sample(images, flow, align_corners=False)


def _between(shifts: Float[Tensor, "n 2 few few"], size: Sequence[int]) -> Float[Tensor, "n 2 h w"]:
    """Bicubic interpolation as two products, which are several times as fast as `functional.interpolate`."""
    corners = torch.eye(SHIFTS)[:, None, None]
    down, across = (functional.interpolate(corners, (1, side), mode="bicubic")[:, 0, 0].T for side in size)
    with torch.autocast(shifts.device.type, enabled=False):
        return on_device(down, shifts.device) @ (shifts @ on_device(across, shifts.device).T)


def _moved_by_pixels(
    images: Float[Tensor, "n channels h w"], most: Jitter, generator: torch.Generator, m: int, rows: Rows
) -> Float[Tensor, "n channels h w"]:
    """Each image cut out of a black surround at a random offset, and mirrored with probability 1/2 if allowed."""
    n, _, height, width = images.shape
    top, left = torch.randint(2 * most.pixels + 1, (2, m, 1), generator=generator)[:, rows]
    across = torch.arange(width).expand(n, width)
    if most.mirror:
        across = torch.where(torch.rand(m, 1, generator=generator)[rows] < 0.5, across.flip(1), across)
    down, across = (on_device(at, images.device) for at in (top + torch.arange(height), left + across))
    surrounded = functional.pad(images, (most.pixels,) * 4)
    cut = surrounded[torch.arange(n, device=images.device)[:, None, None], :, down[:, :, None], across[:, None, :]]
    return cut.permute(0, 3, 1, 2)
