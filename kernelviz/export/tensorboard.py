"""A folder for TensorBoard's embedding projector: coordinates, metadata, and a sprite with the pictures.

tensors.tsv, metadata.tsv, sprite.png   a row, or a tile, for each point
projector_config.pbtxt                  names them; `tensorboard --logdir FOLDER` reads it

The coordinates have a zero as a third: the projector shows three principal components, and nothing where there are two.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Int
from PIL import Image, ImageOps

from kernelviz.disk import replacing
from kernelviz.export.pictures import AT_ONCE, Pictures, opened, pictures_of
from kernelviz.export.points import Exported, exported
from kernelviz.storage.record import Run
from kernelviz.tables import safe_for_spreadsheets

MOST = 100_000  # points that the projector reads
LARGEST = 8192  # pixels: side of the largest sprite that browsers take as a texture
LARGEST_TILE = 64  # pixels


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the folder: of more than 100,000 points, as many of them evenly; a sprite only with `pictures`."""
    found = exported(run)
    rows = np.flatnonzero(found.points.placed)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(int)] if len(rows) else rows
    files = pictures_of(found.run, found.points) if pictures else None
    path.mkdir(parents=True, exist_ok=True)
    lines = [f"{x:.6g}\t{y:.6g}\t0\n" for x, y in found.points.coordinates[rows]]
    _write(path / "tensors.tsv", "".join(lines))
    _write(path / "metadata.tsv", _metadata(found.table.iloc[rows]))
    config = ['tensor_name: "map"', 'tensor_path: "tensors.tsv"', 'metadata_path: "metadata.tsv"']
    if files:
        sprite, side = _sprite(found, rows, files)
        with replacing(path / "sprite.png") as partial:
            sprite.save(partial, "PNG")
        config.append(f'sprite {{ image_path: "sprite.png" single_image_dim: {side} single_image_dim: {side} }}')
    _write(path / "projector_config.pbtxt", "embeddings {\n" + "".join(f"  {line}\n" for line in config) + "}\n")
    return path


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def _metadata(table: pd.DataFrame) -> str:
    """The table by lines, a header first; the projector knows no quotes, so that tabs and line ends become spaces."""
    texts = safe_for_spreadsheets(table.drop(columns=["x", "y"])).astype(object)
    lines = [texts.columns, *texts.where(texts.notna(), "").itertuples(index=False)]
    return "".join("\t".join(" ".join(_written(value).split()) for value in line) + "\n" for line in lines)


def _written(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sprite(found: Exported, rows: Int[np.ndarray, " m"], files: Pictures) -> tuple[Image.Image, int]:
    """The pictures as square tiles, row by row, and the side of a tile: at most that of the pictures."""
    across = math.ceil(math.sqrt(max(1, len(rows))))
    side = max(1, min(LARGEST_TILE, max(found.run.decoded_shape[1:]), LARGEST // across))
    size = (across * side, max(1, -(-len(rows) // across)) * side)
    mode, ground = ("L", "black") if found.run.decoded_shape[0] == 1 else ("RGB", "white")
    sprite = Image.new(mode, size, ground)
    for start in range(0, len(rows), AT_ONCE):
        for at, file in enumerate(files(rows[start : start + AT_ONCE]), start):
            tile = ImageOps.pad(opened(file).convert(mode), (side, side), color=ground)
            sprite.paste(tile, (at % across * side, at // across * side))
    return sprite, side
