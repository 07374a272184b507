"""The map with its uploads as files: a picture, and a page that needs no other file."""

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
from kernelviz.ui.shared.labels import percent, plain
from kernelviz.ui.upload.uploads import Uploads

MAP_SIDE = 1600  # pixels of the picture
CROSS_REACH = 12  # pixels: half of a cross
THUMBNAIL_SIDE = 64  # pixels: longer side of a picture in the page
MAX_THUMBNAILS = 1000  # of the page
TABLE_COLUMNS = {  # of the page, with the format of their values
    "name": str,
    "prediction": lambda value: value or "–",
    "confidence": lambda value: percent(value, 1),
    "grade": str,
    "reasons": str,
    "novelty": "{:.1f}".format,
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
    image = Image.fromarray(on_white(dots(points.coordinates, colours, extent, MAP_SIDE)))
    canvas = ImageDraw.Draw(image)
    for x, y in table[["x", "y"]].dropna().to_numpy():
        left, top = (x + extent) / (2 * extent) * MAP_SIDE, (extent - y) / (2 * extent) * MAP_SIDE
        for width, colour in ((9, "white"), (5, UPLOADED)):
            canvas.line((left - CROSS_REACH, top - CROSS_REACH, left + CROSS_REACH, top + CROSS_REACH), colour, width)
            canvas.line((left - CROSS_REACH, top + CROSS_REACH, left + CROSS_REACH, top - CROSS_REACH), colour, width)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def html_page(run: EmbeddingRun, uploads: Uploads, table: pd.DataFrame) -> str:
    """An interactive map, and the table with the pictures, in one file that loads nothing."""
    figure = map_figure(caches.points_of(run).of_split("test"), run.extent, run.classes, "label")
    on_map = table[table["x"].notna()]
    marked(figure.update_traces(marker_opacity=0.5), on_map[["x", "y"]].to_numpy(), on_map["name"].map(plain).tolist())
    rows = zip(table.index, table[list(TABLE_COLUMNS)].itertuples(index=False), strict=True)
    return PAGE.format(
        title=f"{len(table):,} pictures on the map of {html.escape(run.name)}",
        words=f"The crosses are the uploads, the dots the test images of {html.escape(run.data['name'])}. The "
        "novelty says how many percent of the unseen images of that kind are less unusual.",
        chart=figure.to_html(full_html=False, include_plotlyjs=True, default_height="100%"),
        head="".join(f"<th>{name.replace('_', ' ')}</th>" for name in TABLE_COLUMNS),
        rows="\n".join(_row(uploads, at, number, row) for at, (number, row) in enumerate(rows)),
    )


def _row(uploads: Uploads, at: int, number: int, row: tuple) -> str:
    cells = [
        html.escape("–" if pd.isna(value) else write(value))
        for write, value in zip(TABLE_COLUMNS.values(), row, strict=True)
    ]
    picture = f'<img alt="" src="{_thumbnail(uploads, number)}">' if at < MAX_THUMBNAILS else ""
    return f"<tr><td>{picture}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _thumbnail(uploads: Uploads, number: int) -> str:
    _, image = uploads.image(number)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return data_url(image)
