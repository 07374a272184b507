"""A dataset for FiftyOne, in its own format, with the map as a visualisation that its Embeddings panel shows.

    metadata.json   the fields of the dataset, and the brain run "map"
    samples.json    a sample for each point: its picture, label, prediction, coordinates, the user's own columns
    brain/map.json  where each sample lies
    data/           the pictures; not where every point has an original file on this machine

`fiftyone.Dataset.from_dir(FOLDER, fiftyone.types.FiftyOneDataset)` opens it. It is written in the form of FiftyOne 1.4,
which later versions read and earlier ones may not.
"""

import base64
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Shaped
from pandas.api import types

from kernelviz.disk import replacing
from kernelviz.errors import UserError
from kernelviz.export.pictures import AT_ONCE, GREY, pictures_of
from kernelviz.export.points import Exported, exported
from kernelviz.sources.listing import PATH
from kernelviz.storage.record import Run
from kernelviz.storage.thumbnails import kind_of

VERSION = "1.4.0"
CORE = "fiftyone.core"
TAKEN = {"id", "filepath", "tags", "metadata", "map", "created_at", "last_modified_at", "media_type", "original"}
LABELS = {"ground_truth": "label", "prediction": "prediction"}  # classifications, and the columns that they are in


def write(run: Run, path: Path, pictures: bool) -> Path:
    """Write the folder: with `pictures` small ones beside it, else the samples are the original files.

    A UserError says that some points have no original file on this machine.
    """
    found = exported(run)
    files = [] if pictures else _originals(found)
    (path / "brain").mkdir(parents=True, exist_ok=True)
    files = list(_pictures(found, path)) if pictures else files
    own = _own_fields(found.table)
    made = {"$date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    _write(path / "samples.json", {"samples": list(_samples(found, files, own))})
    _write(path / "brain" / "map.json", _visualisation(found))
    fields = [
        *(_field(name, "StringField") for name in ("filepath", "_media_type")),
        *(_field(name, "DateTimeField") | {"read_only": True} for name in ("created_at", "last_modified_at")),
        _field("id", "ObjectIdField") | {"db_field": "_id"},
        _field("_dataset_id", "ObjectIdField"),
        _field("_rand", "FloatField"),
        _field("tags", "ListField", subfield=f"{CORE}.fields.StringField"),
        _field("metadata", "EmbeddedDocumentField", embedded_doc_type=f"{CORE}.metadata.ImageMetadata"),
        *(_classification(name) for name in LABELS),
        _field("map", "ListField", subfield=f"{CORE}.fields.FloatField"),
        *(_field(name, kind) for name, (_, kind) in own.items()),
    ]
    brain = {
        "key": "map",
        "version": VERSION,
        "timestamp": made,
        "config": {
            "cls": "fiftyone.brain.visualization.ManualVisualizationConfig",
            "type": "visualization",
            "method": "manual",
            "embeddings_field": None,
            "patches_field": None,
            "num_dims": 2,
        },
        "results": None,
    }
    _write(
        path / "metadata.json",
        {
            "name": run.name,
            "version": VERSION,
            "media_type": "image",
            "tags": ["kernelviz"],
            "info": {"run": run.name, "data": str(found.run.data["name"])},
            "classes": {"ground_truth": list(found.run.classes), "prediction": list(found.run.classes)},
            "sample_fields": [field | {"created_at": made} for field in fields],
            "brain_methods": {"map": brain},
        },
    )
    return path


def _write(path: Path, content: dict) -> None:
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _pictures(found: Exported, path: Path) -> Iterator[str]:
    """Write the picture of each point; yields their paths in the folder."""
    read, n = pictures_of(found.run, found.points), len(found.table)
    (path / "data").mkdir(exist_ok=True)
    for start in range(0, n, AT_ONCE):
        for at, picture in enumerate(read(np.arange(start, min(start + AT_ONCE, n))), start):
            name = f"data/{at:07d}.{'jpg' if kind_of(picture) == 'image/jpeg' else 'png'}"
            (path / name).write_bytes(picture or GREY)
            yield name


def _originals(found: Exported) -> list[str]:
    files = found.table[PATH].astype(str).tolist() if PATH in found.table else []
    if not files or not all(map(_is_here, files)):
        raise UserError(
            "the samples of FiftyOne are files, and not every point has an original on this machine; add --pictures"
        )
    return files


def _is_here(file: str) -> bool:
    try:
        return Path(file).is_absolute() and Path(file).is_file()
    except (OSError, ValueError):
        return False


def _own_fields(table: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """The column and the kind of each field that is not of every dataset, by names that FiftyOne allows."""
    fields: dict[str, tuple[str, str]] = {}
    columns = [name for name in table.columns if name not in ("split", "label", "prediction", PATH)]
    for column in columns:
        name = re.sub(r"\W+", "_", str(column)).strip("_").lower() or "column"
        while name in TAKEN or name in LABELS or name in fields or not name[0].isalpha():
            name = f"own_{name}"
        fields[name] = (column, _kind(table[column]))
    return fields


def _kind(column: pd.Series) -> str:
    if types.is_bool_dtype(column):
        return "BooleanField"
    if types.is_integer_dtype(column):
        return "IntField"
    return "FloatField" if types.is_float_dtype(column) else "StringField"


def _samples(found: Exported, files: list[str], own: dict[str, tuple[str, str]]) -> Iterator[dict]:
    columns = {name: _plain(found.table[column]) for name, (column, _) in own.items()}
    labels = {name: _plain(found.table[column]) for name, column in LABELS.items()}
    confidence, splits = _plain(found.table["confidence"]), found.table["split"].tolist()
    random = np.random.default_rng(0).random(len(files)).tolist()
    for row, (file, at) in enumerate(zip(files, found.points.coordinates.tolist(), strict=True)):
        sample = {"_id": {"$oid": _id(found, row)}, "filepath": file, "_media_type": "image", "metadata": None}
        sample |= {"_rand": random[row], "tags": [splits[row]], "map": at if found.points.placed[row] else None}
        for kind, (name, values) in enumerate(labels.items()):
            label = {"_cls": "Classification", "_id": {"$oid": _id(found, row, kind + 1)}, "tags": []}
            more = {"confidence": confidence[row]} if name == "prediction" else {}
            sample[name] = None if values[row] is None else label | {"label": values[row]} | more
        yield sample | {name: values[row] for name, values in columns.items()}


def _plain(column: pd.Series) -> list:
    """Values as JSON has them; None where there is none."""
    kind = _kind(column)
    values = column.astype(object).where(column.notna(), None).tolist()
    read = {"BooleanField": bool, "IntField": int, "FloatField": _rounded, "StringField": str}[kind]
    return [None if value is None else read(value) for value in values]


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if np.isfinite(value) else None


def _id(found: Exported, row: int, kind: int = 0) -> str:
    """A name of a sample or a label, which is the same in every export of the map."""
    return hashlib.sha256(f"{found.run.weights_sha256} {row} {kind}".encode()).hexdigest()[:24]


def _field(name: str, kind: str, **facts) -> dict:
    usual = {"embedded_doc_type": None, "subfield": None, "fields": [], "description": None, "info": None}
    return usual | {"name": name, "ftype": f"{CORE}.fields.{kind}", "db_field": name, "read_only": False} | facts


def _classification(name: str) -> dict:
    fields = [
        _field("id", "ObjectIdField") | {"db_field": "_id"},
        _field("tags", "ListField", subfield=f"{CORE}.fields.StringField"),
        _field("label", "StringField"),
        _field("confidence", "FloatField"),
        _field("logits", "VectorField"),
    ]
    return _field(name, "EmbeddedDocumentField", embedded_doc_type=f"{CORE}.labels.Classification", fields=fields)


def _visualisation(found: Exported) -> dict:
    rows = np.flatnonzero(found.points.placed)
    return {
        "cls": "fiftyone.brain.visualization.VisualizationResults",
        "points": _packed(found.points.coordinates[rows].astype(np.float64)),
        "sample_ids": _packed(np.array([_id(found, row) for row in rows.tolist()])),
        "label_ids": None,
    }


def _packed(values: Shaped[np.ndarray, "..."]) -> str:
    """An array as FiftyOne stores it: NumPy's own format, compressed, in base 64."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()
