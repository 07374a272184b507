"""What a page without a server shows: plain values, and data by the names under which the scripts ask for them."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace

import pandas as pd

from kernelviz.evaluation.novelty import usual
from kernelviz.ingest.image_file import MAX_BYTES
from kernelviz.ingest.preprocessing import alternatives
from kernelviz.plots.clusters import CLUSTER
from kernelviz.plots.colours import COLOURINGS, VALUES
from kernelviz.plots.columns import as_numbers, as_texts
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH
from kernelviz.storage.record import EmbeddingRun
from kernelviz.ui.canvas import payloads, probe_of, told_of
from kernelviz.ui.canvas.messages import ChosenUpload, InspectorTold, ProbeStanding, UploadsTold
from kernelviz.ui.canvas.packing import gzipped
from kernelviz.ui.explore.search import Field, fields
from kernelviz.ui.probe.page import home_of
from kernelviz.ui.server.items import described
from kernelviz.ui.shared import caches
from kernelviz.ui.shared.labels import GRADES, plain, shortened
from kernelviz.ui.shared.map_source import ImageMap
from kernelviz.ui.standalone.network import calibration_payload, encoder_payload

MAX_PICTURED = 15_000  # images that have pictures in the page, those of the test split first
ALLOWED = "PNG, JPEG, WebP, GIF, AVIF, BMP"  # what browsers read
UPLOADS = "/kernelviz/uploads/page"

Data = Iterator[tuple[str, bytes]]


def facts_of(run: EmbeddingRun, pictures: bool, places: bool) -> dict:
    """Plain values for the scripts: what each page tells the canvas, and what its controls offer.

    Args:
        places: whether the page has the encoder, and so can place new pictures.
    """
    source = ImageMap(run, closed=not pictures)
    splits = caches.splits_of(run)
    own = [column for column in caches.columns_in(run) if pictures or column.name == CLUSTER]
    names = {column.key: column.name for column in own}
    first = [column.key for column in own if column.name == CLUSTER]
    colourings = [*first, *VALUES] if first else [*COLOURINGS]
    colourings += [key for key in names if key not in colourings]
    probe = run.has_decoder and not run.is_of_vectors
    standing = ProbeStanding(*home_of(run), run.probe["width"], run.probe["amplitude"])
    return {
        "run": run.name,
        "unit": run.unit,
        "splits": splits,
        "told": {split: asdict(_told(source, split)) for split in splits},
        "colourings": [[key, shortened(names.get(key, key))] for key in colourings],
        "fields": {split: [_field(field) for field in fields(_table(run, split, pictures))] for split in splits},
        "probe": asdict(probe_of(run, standing, [])) if probe else None,
        "place": _place(run) if places else None,
        "command": f"kernelviz app --run {run.name}",
    }


def data_of(run: EmbeddingRun, pictures: bool) -> Data:
    """The data of a run by their names; most of them are compressed."""
    from kernelviz.ui.shared.network_cache import network_of  # torch takes seconds to import

    source = ImageMap(run, closed=not pictures)
    for split in caches.splits_of(run):
        yield f"points/{split}", gzipped(payloads.points_payload(source, split))
        yield f"contours/{split}", gzipped(payloads.contours_payload(source, split))
        if NAME in caches.table_of(run) and pictures:
            yield f"items/{split}", gzipped(json.dumps(_items(_table(run, split, pictures))).encode())
        yield from _sheets(source, split)
    decoder = None if run.is_of_vectors or not run.has_decoder else payloads.decoder_payload(run)
    if decoder:
        yield "decoder", gzipped(decoder)
    encoder, calibration = encoder_payload(network_of(run)), caches.calibration_of(run) or usual(caches.points_of(run))
    if encoder:
        yield "encoder", gzipped(encoder)
        if calibration.spreads:
            yield "calibration", gzipped(calibration_payload(calibration))


def _sheets(source: ImageMap, split: str) -> Data:
    for side in _sides(source, split):
        n, on_one = len(payloads.ordered(source, split)[1]), (payloads.SHEET // side) ** 2
        for number in range(-(-n // on_one)):
            yield f"sheets/{split}/{side}/{number}", payloads.sheet_payload(source, split, side, number)


def _sides(source: ImageMap, split: str) -> tuple[int, ...]:
    """Pixels of an image along each side on the sheets of every level; none for a split without pictures."""
    if source.picture_source() is None:
        return ()
    splits = sorted(caches.splits_of(source.run), key=["test", "validation", "train"].index)
    n = sum(len(source.points(one)) for one in splits[: splits.index(split) + 1])
    return payloads.tile_sides(source) if n <= MAX_PICTURED else ()


def _told(source: ImageMap, split: str):
    told = told_of(source, split)
    pictured = bool(_sides(source, split))
    shown = replace(told.maps[0], base=f"/kernelviz/runs/{source.run.name}/page")
    shown = shown if pictured else replace(shown, source=None)
    alike = pictured and source.picture_source() == "own"
    sides = told.sides if pictured else ()
    return replace(
        told, keeps=False, maps=[shown], sides=sides, inspector=InspectorTold(source.run.name, alike), scripts=""
    )


def _place(run: EmbeddingRun) -> dict:
    digits = run.preprocess.name == "digit"
    told = UploadsTold(
        address=UPLOADS,
        preprocessing=run.preprocess.name,
        revision=0,
        total=0,
        chosen=ChosenUpload(),
        digits=digits,
        allowed=ALLOWED,
        largest_file=MAX_BYTES,
        largest_archive=0,
    )
    return {
        "told": asdict(told),
        "preprocessing": {name: asdict(one) for name, one in alternatives(run.preprocess).items()},
        "grades": {grade: words for grade, (_, words) in GRADES.items()},
        "nearest": "train" if "train" in caches.splits_of(run) else caches.splits_of(run)[0],
    }


def _table(run: EmbeddingRun, split: str, pictures: bool) -> pd.DataFrame:
    table = caches.table_of(run)
    table = table[table["split"] == split]
    return table if pictures else table[[name for name in table if name in MAP_COLUMNS]]


def _field(field: Field) -> dict:
    values = [str(value) for value in field.values]
    if field.form == "number":
        low, high = field.values
        values = [low, high] if isinstance(low, int) else [math.floor(1000 * low) / 1000, math.ceil(1000 * high) / 1000]
    elif field.name in ("label", "prediction"):
        values = [plain(value) for value in values]
    elif field.form == "wrong only":
        values = []
    return {"name": field.name, "title": plain(field.name), "form": field.form, "values": values}


def _items(table: pd.DataFrame) -> dict:
    """Of each row what is written of it, and the values of its own columns for the search and the filter."""
    own = [name for name in table if name not in (*MAP_COLUMNS, NAME, PATH)]
    forms = {field.name: field.form for field in fields(table)}
    values = {}
    for name in own:
        form = forms.get(name, "category")
        known = as_texts(table[name]) if form == "category" else as_numbers(table[name])
        values[name] = [None if value is None or value != value else value for value in known.tolist()]
    return {"described": [described(row) for _, row in table.iterrows()], "values": values}
