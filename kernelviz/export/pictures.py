"""The small picture of every point of a run, as files."""

import io
from collections.abc import Callable

import numpy as np
from jaxtyping import Int
from PIL import Image

from kernelviz.errors import UserError
from kernelviz.evaluation.inference import decode_probes
from kernelviz.evaluation.own_images import own_images
from kernelviz.layers.probe import Probe
from kernelviz.plots.images import png
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.thumbnails import has_thumbnails, kind_of, read_thumbnails
from kernelviz.storage.weights import load_network

AT_ONCE = 1024  # pictures that are in memory at a time
GREY = png(np.full((8, 8), 160, np.uint8))  # for an image without a picture
Pictures = Callable[[Int[np.ndarray, " m"]], list[bytes]]


def pictures_of(run: EmbeddingRun, points: EmbeddingMap) -> Pictures:
    """A function from rows of the map to PNG or JPEG files; empty bytes where there is no picture.

    The pictures are the run's own small ones, else the images of its set, else what its decoder makes of their
    coordinates; a UserError where there are none.
    """
    if has_thumbnails(run.folder):
        return lambda rows: [one if kind_of(one) else b"" for one in read_thumbnails(run.folder, rows.tolist())]
    if images := own_images(run, points):
        arrays = [images.split(name)[0] for name in SPLITS[:3]]
        return lambda rows: [png(arrays[points.split[row]][points.index[row]]) for row in rows]
    if not run.decodes_images:
        raise UserError(
            f"the pictures of {run.name} are not on this machine, and it decodes none; leave out --pictures"
        )
    network, probe = load_network(run), Probe(**run.probe)

    def decoded(rows: Int[np.ndarray, " m"]) -> list[bytes]:
        placed = rows[points.placed[rows]]
        made = dict(
            zip(placed, decode_probes(network, points.coordinates[placed], probe) if len(placed) else (), strict=True)
        )
        return [png(made[row]) if row in made else b"" for row in rows]

    return decoded


def opened(picture: bytes) -> Image.Image:
    """A picture that `pictures_of` gave, grey or RGB on white; GREY in place of none."""
    image = Image.open(io.BytesIO(picture or GREY), formats=("PNG", "JPEG"))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image if image.mode == "L" else image.convert("RGB")
