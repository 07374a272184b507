"""A map with uploads on it, to take along: as a picture, and as a page that needs nothing else."""

import html
import io

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from kernelviz.plots.colours import UPLOADED, palette, rgb
from kernelviz.plots.images import data_url, dots, on_white
from kernelviz.plots.maps import map_figure, marked
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import plain
from kernelviz.ui.upload.uploads import Uploads

SIDE = 1600  # pixels of the picture
REACH = 12  # pixels: half of a cross
SMALL = 64  # pixels: longer side of a picture in the page
PICTURES = 1000  # of the page, at most
TABLE_COLUMNS = {  # columns of the page's table, and how their numbers are written
    "name": str,
    "prediction": lambda value: value or "–",
    "confidence": "{:.1%}".format,
    "novel": lambda value: "novel" if value else "",
    "distance_percentile": "{:.1f}".format,
    "error_percentile": "{:.1f}".format,
    "x": "{:.3f}".format,
    "y": "{:.3f}".format,
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 15px/1.4 sans-serif; margin: 1.5rem auto; max-width: 75rem; padding: 0 1rem; color: #1b2733 }}
.map {{ height: 80vh }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d5dde3; overflow-wrap: anywhere }}
img {{ display: block; max-width: 64px; image-rendering: pixelated }}
</style></head><body>
<h1>{title}</h1>
<p>{words}</p>
<div class="map">{chart}</div>
<table><thead><tr><th></th>{head}</tr></thead><tbody>
{rows}
</tbody></table>
</body></html>
"""


def map_png(run: EmbeddingRun, table: pd.DataFrame) -> bytes:
    """The test images as dots in the colours of their classes, the uploads as crosses."""
    points = caches.points_of(run).of_split("test")
    points = points.where(points.placed)
    colours = np.array([rgb(colour) for _, colour in palette(run.classes, "label")], np.uint8)[points.label]
    extent = run.extent
    image = Image.fromarray(on_white(dots(points.coordinates, colours, extent, SIDE)))
    draw = ImageDraw.Draw(image)
    for x, y in table[["x", "y"]].dropna().to_numpy():
        left, top = (x + extent) / (2 * extent) * SIDE, (extent - y) / (2 * extent) * SIDE
        for width, colour in ((9, "white"), (5, UPLOADED)):
            draw.line((left - REACH, top - REACH, left + REACH, top + REACH), colour, width)
            draw.line((left - REACH, top + REACH, left + REACH, top - REACH), colour, width)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def html_page(run: EmbeddingRun, uploads: Uploads, table: pd.DataFrame) -> str:
    """The map to point at and to move, and the table with the pictures, in one file that loads nothing."""
    figure = map_figure(caches.points_of(run).of_split("test"), run.extent, run.classes, "label")
    placed = table[table["x"].notna()]
    marked(figure.update_traces(marker_opacity=0.5), placed[["x", "y"]].to_numpy(), placed["name"].map(plain).tolist())
    rows = zip(table.index, table[list(TABLE_COLUMNS)].itertuples(index=False), strict=True)
    return PAGE.format(
        title=f"{len(table):,} pictures on the map of {html.escape(run.name)}",
        words=f"Crosses among the test images of {html.escape(run.data['name'])}. Percentiles: how many of a hundred "
        "test images lie nearer to the known ones, and how many are drawn better.",
        chart=figure.to_html(full_html=False, include_plotlyjs=True, default_height="100%"),
        head="".join(f"<th>{name.replace('_', ' ')}</th>" for name in TABLE_COLUMNS),
        rows="\n".join(_row(uploads, at, number, row) for at, (number, row) in enumerate(rows)),
    )


def _row(uploads: Uploads, at: int, number: int, row: tuple) -> str:
    cells = [
        html.escape("–" if pd.isna(value) else write(value))
        for write, value in zip(TABLE_COLUMNS.values(), row, strict=True)
    ]
    picture = f'<img alt="" src="{_small(uploads, number)}">' if at < PICTURES else ""
    return f"<tr><td>{picture}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _small(uploads: Uploads, number: int) -> str:
    _, image = uploads.image(number)
    image.thumbnail((SMALL, SMALL))
    return data_url(image)
