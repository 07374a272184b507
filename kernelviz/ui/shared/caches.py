"""The maps and images that all sessions share, cached by the name of a run and the hash of its weights."""

import io
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st
from jaxtyping import Float, Shaped, UInt8
from PIL import Image, UnidentifiedImageError

from kernelviz.data.images import ImageSet, load
from kernelviz.disk import data_folder
from kernelviz.evaluation.own_images import own_images
from kernelviz.plots.clusters import CLUSTER, cluster_column
from kernelviz.plots.colours import COLOURINGS
from kernelviz.plots.columns import Column, columns_of
from kernelviz.storage import calibration, epochs, item_table, thumbnails
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap, load_map, split_sizes
from kernelviz.storage.record import BrokenRun, EmbeddingRun

LARGE = 2_000_000  # points of a map; more are not sent to the page all at once
Pictures = list[np.ndarray] | np.ndarray  # of some points: of any shapes, or of one
BESIDE = (calibration.FILE, epochs.FILE, item_table.FILE, thumbnails.FILE)  # files that a run may have beside its map
NO_PICTURE = np.full((64, 64, 4), 96, np.uint8)  # a clear grey


def points_of(run: EmbeddingRun) -> EmbeddingMap:
    """The map of a run."""
    return _points(run.name, run.weights_sha256, run)


def sizes_of(run: EmbeddingRun) -> dict[str, int]:
    """How many points each split of a run has, by its name."""
    return _sizes(run.name, version(run), run)


def is_large(run: EmbeddingRun) -> bool:
    """Whether the map of a run has so many points that the page is sent tiles and the points in view (`ui.tiles`)."""
    return sum(sizes_of(run).values()) > LARGE


def calibration_of(run: EmbeddingRun) -> calibration.Calibration | None:
    """What is usual for the images of a run, where that was measured."""
    return _calibration(run.name, version(run), run)


def film_of(run: EmbeddingRun) -> epochs.EpochMaps | None:
    """The maps of the epochs of a run's training, where they were kept; a BrokenRun says what is wrong with them."""
    return _film(run.name, version(run), run)


def has_film(run: EmbeddingRun) -> bool:
    """Whether there is a film of a run's training that can be shown: of the first images of one of its splits."""
    try:
        film = film_of(run)
    except BrokenRun:
        return False
    if film is None or len(film) < 2 or is_large(run):
        return False
    rows, labels = np.arange(len(film.index)), points_of(run).of_split(film.split).label
    return np.array_equal(film.index, rows) and np.array_equal(film.labels, labels[rows[: len(labels)]])


def points_in(run: EmbeddingRun, frame: int) -> EmbeddingMap:
    """The images of a run's film as a map at the time of a frame; at the last, as the run's map has them."""
    return _points_in(run.name, version(run), frame, run)


def version(run: EmbeddingRun) -> str:
    """A text that names the weights of a run, its map and what lies beside it in addresses, and changes with them."""
    beside = [path for path in (run.folder / name for name in BESIDE) if path.is_file()]
    try:
        written = [f"{path.stat().st_mtime_ns:x}" for path in (run.folder / "map.parquet", *beside)]
    except OSError as error:
        raise BrokenRun(f"{error.filename} cannot be read ({error.strerror}); train the run again") from None
    return "-".join([run.weights_sha256[:12], *written])


def table_of(run: EmbeddingRun) -> pd.DataFrame:
    """A row for each image of a run: what its map says, and the columns of its own table (`item_table.map_table`)."""
    return _table(run.name, version(run), run)


def columns_in(run: EmbeddingRun) -> list[Column]:
    """The columns by which the points of a run may be coloured: without labels its clusters, and those of its table."""
    return [] if is_large(run) else _columns(run.name, version(run), run)


def colouring_of(run: EmbeddingRun, name: str) -> Column | None:
    """The column of `columns_in` that is shown under a name, if it is one."""
    return next((column for column in columns_in(run) if column.name == name), None)


def has_table(run: EmbeddingRun) -> bool:
    """Whether a run has a table of the user's."""
    return (run.folder / item_table.FILE).is_file()


def name_of(run: EmbeddingRun, split: str, row: int) -> str | None:
    """The name of an image of a split; None in a run without a table."""
    table = table_of(run)
    return table[table["split"] == split].iloc[row][item_table.NAME] if has_table(run) else None


def splits_of(run: EmbeddingRun) -> list[str]:
    """The splits that have points."""
    return [split for split, n in sizes_of(run).items() if n]


def images_of(run: EmbeddingRun) -> ImageSet | None:
    """The images of a run's set, if they are on this machine, the map was made of them, and it has none of its own."""

    def read(source: str, **settings) -> ImageSet:
        return _images(source, os.fspath(data_folder()), **settings)

    return own_images(run, points_of(run), read)


def source_of(run: EmbeddingRun) -> str | None:
    """Where the pictures of a run's points come from: its "thumbnails", "own" images, "decoded" ones, or None."""
    if thumbnails.has_thumbnails(run.folder):
        return "thumbnails"
    return "own" if not is_large(run) and images_of(run) else "decoded" if run.decodes_images else None


def pictures_at(run: EmbeddingRun, points: EmbeddingMap, decoded: bool = False) -> Pictures | None:
    """The images of some points of one split, uint8; those of a run with thumbnails are whole and of any shape.

    Images that are not on this machine, or with `decoded` all, are decoded from their coordinates; None where there
    is no decoder either.
    """
    if not decoded and thumbnails.has_thumbnails(run.folder):
        return [_pixels(picture) for picture in thumbnails_at(run, points)]
    images = None if decoded else images_of(run)
    if images:
        return images.split(SPLITS[points.split[0]])[0][points.index]
    if not run.decodes_images:
        return None
    from kernelviz.ui.shared.network_cache import decoded_at  # torch takes seconds to import, and only this needs it

    return decoded_at(run, points.coordinates)


def pictures_in(run: EmbeddingRun, rows: Shaped[np.ndarray, " n"], coordinates: Float[np.ndarray, "n 2"]) -> Pictures:
    """The pictures of some rows of a large map: their thumbnails, else what is decoded from their coordinates."""
    if thumbnails.has_thumbnails(run.folder):
        return [_pixels(picture) for picture in thumbnails.read_thumbnails(run.folder, rows.tolist())]
    from kernelviz.ui.shared.network_cache import decoded_at

    return decoded_at(run, coordinates)


def thumbnails_at(run: EmbeddingRun, points: EmbeddingMap) -> list[bytes]:
    """The small pictures of some points of a run that has some, as files; empty bytes where there is none."""
    return thumbnails.read_thumbnails(run.folder, points_of(run).rows_of(points).tolist())


def _pixels(picture: bytes) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of a thumbnail; a clear grey where there is none that can be read."""
    try:
        image = Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) if picture else None
        if image is None or max(image.size) > thumbnails.SIDE:
            return NO_PICTURE
        return np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    except (OSError, ValueError, UnidentifiedImageError):
        return NO_PICTURE


@st.cache_resource(max_entries=8, show_spinner=False)
def _points(name: str, sha256: str, _run: EmbeddingRun) -> EmbeddingMap:
    return load_map(_run.folder)


@st.cache_resource(max_entries=8, show_spinner=False)
def _sizes(name: str, version: str, _run: EmbeddingRun) -> dict[str, int]:
    sizes = split_sizes(_run.folder)
    pa.default_memory_pool().release_unused()  # Arrow keeps what it has read a map of millions with
    return sizes


@st.cache_resource(max_entries=8, show_spinner=False)
def _calibration(name: str, version: str, _run: EmbeddingRun) -> calibration.Calibration | None:
    return calibration.load_calibration(_run.folder)


@st.cache_resource(max_entries=4, show_spinner=False)
def _film(name: str, version: str, _run: EmbeddingRun) -> epochs.EpochMaps | None:
    return epochs.load_epochs(_run.folder)


@st.cache_resource(max_entries=8, show_spinner=False)
def _points_in(name: str, version: str, frame: int, _run: EmbeddingRun) -> EmbeddingMap:
    film = film_of(_run)
    if frame < len(film) - 1:
        return film.points(frame)
    return points_of(_run).of_split(film.split).where(film.index)


@st.cache_resource(max_entries=4, show_spinner=False)
def _table(name: str, version: str, _run: EmbeddingRun) -> pd.DataFrame:
    return item_table.map_table(points_of(_run), _run.classes, _run.folder)


@st.cache_resource(max_entries=4, show_spinner=False)
def _columns(name: str, version: str, _run: EmbeddingRun) -> list[Column]:
    table = table_of(_run)
    own = [column for column in table.columns if column not in item_table.MAP_COLUMNS]
    clusters = cluster_column(points_of(_run), _run.extent, table)
    return [*([clusters] if clusters else []), *columns_of(table[own], (*COLOURINGS, CLUSTER))]


@st.cache_resource(max_entries=3, show_spinner=False)
def _images(name: str, folder: str, **settings) -> ImageSet:
    return load(name, **settings)
