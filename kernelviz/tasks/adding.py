"""Pictures that have come since a map was trained, put onto it without training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kernelviz.data.listings import listing_of
from kernelviz.data.pictures import PictureSet, prepare
from kernelviz.errors import UserError
from kernelviz.evaluation.inference import embed_rows
from kernelviz.evaluation.novelty import Projection, project_embedded
from kernelviz.networks.devices import best_device
from kernelviz.storage.calibration import load_calibration
from kernelviz.storage.embedding_map import ADDED, COLUMNS, SPLITS, EmbeddingMap, load_map
from kernelviz.storage.item_table import load_item_table, save_item_table
from kernelviz.storage.record import EmbeddingRun
from kernelviz.storage.store import load_mapped
from kernelviz.storage.thumbnails import content_hashes, has_thumbnails, read_thumbnails, save_thumbnails
from kernelviz.storage.weights import load_backbone, load_network

MANY_NOVEL, MANY_ADDED = 0.1, 0.2  # of the added pictures, of the trained ones: beyond these, training again pays


def add(name: str, source: str, progress: Callable[[float, str], None] | None = None) -> dict[str, Any]:
    """Put the pictures of a source onto the map of a run, those aside that are on it already.

    Returns how many were added, how many were known, how many of the added ones are novel, and whether training again
    pays. Raises a UserError for a run that keeps no pictures of its own, and for a map of vectors.
    """
    run = load_mapped(name)
    if run.is_of_vectors:
        raise UserError(
            f"the run {name!r} is a map of vectors, onto which none can be put later; `kernelviz embed {name} VECTORS` "
            "gives their positions"
        )
    if not (run.recipe.get("views") and has_thumbnails(run.folder)):
        raise UserError(
            f"the run {name!r} keeps no pictures of its own; `kernelviz embed {name} PICTURES` gives their positions"
        )
    pictures = _new_pictures(run, source, progress)
    known = set(content_hashes(run.folder))
    new = pictures.where(np.flatnonzero([digest not in known for digest in pictures.hashes]))
    points, network = load_map(run.folder), load_network(run, best_device())
    embedded, usual = embed_rows(network, new.features[:, 0]), load_calibration(run.folder)
    projection = project_embedded(network, points, embedded, new.images, usual)
    whole = _with(points, projection, _labels_on(run, new))
    _store(run, points, new)
    whole.save(run.folder)
    novel, added = int(projection.novel.sum()), len(whole.of_split(ADDED))
    trained = len(points) - len(points.of_split(ADDED))
    return {
        "run": name,
        "added": len(new),
        "known": len(pictures) - len(new),
        "novel": novel,
        "train_again": novel > MANY_NOVEL * max(1, len(new)) or added > MANY_ADDED * trained,
    }


def _new_pictures(run: EmbeddingRun, source: str, progress: Callable[[float, str], None] | None) -> PictureSet:
    return prepare(
        listing_of(source, run.recipe["column"], progress),
        load_backbone(run),
        run.preprocess,
        decoded=run.recipe["decoded"],
        views=run.recipe["views"],
        validation=run.recipe["validation"],
        test=run.recipe["test"],
        device=best_device(),
        progress=progress,
        at_least=1,
    )


def _labels_on(run: EmbeddingRun, pictures: PictureSet) -> np.ndarray:
    """The labels by the run's classes; -1 for a class that it does not know."""
    number = {name: label for label, name in enumerate(run.classes)}
    known = np.array([*(number.get(name, -1) for name in pictures.classes), -1])
    return known[pictures.labels]


def _with(points: EmbeddingMap, projection: Projection, labels: np.ndarray) -> EmbeddingMap:
    """The map with the new pictures at its end."""
    first = len(points.of_split(ADDED))
    coordinates = projection.embedded.coordinates
    columns = {
        "index": first + np.arange(len(labels)),
        "split": np.full(len(labels), SPLITS.index(ADDED)),
        "x": coordinates[:, 0],
        "y": coordinates[:, 1],
        "label": labels,
        "prediction": projection.prediction,
        "confidence": projection.confidence,
        "error": projection.error,
        "clarity": projection.embedded.clarity,
    }
    return EmbeddingMap(**{name: np.concatenate([getattr(points, name), columns[name]]) for name in COLUMNS})


def _store(run: EmbeddingRun, points: EmbeddingMap, new: PictureSet) -> None:
    """Append small pictures and table; the map comes last, and says how many rows of both count."""
    folder: Path = run.folder
    hashes = content_hashes(folder)[: len(points)]
    small = read_thumbnails(folder, range(len(points)))
    save_thumbnails(folder, [*zip(hashes, small, strict=True), *new.small_pictures()])
    table = load_item_table(folder)
    if table is not None:
        save_item_table(folder, pd.concat([table.iloc[: len(points)], new.table], ignore_index=True)[table.columns])
