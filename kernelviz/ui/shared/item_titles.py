"""The items of a recommender as the pages show them: by their titles, where these are known, and on a map."""

import numpy as np
import pandas as pd
import streamlit as st

from kernelviz.data import movielens
from kernelviz.disk import data_folder
from kernelviz.storage.embedding_map import SPLITS, EmbeddingMap
from kernelviz.storage.items import FILE, Items, load_items
from kernelviz.storage.record import RecommenderRun
from kernelviz.ui.shared.labels import shortened

SPLIT = "train"  # a recommender learns from every item
GENRES = movielens.GENRES[1:]


def items_of(run: RecommenderRun) -> Items:
    """The items of a run."""
    return _items(run.name, run.weights_sha256, run)


def titles_of(run: RecommenderRun) -> pd.DataFrame:
    """Title, year and genres of every item, row by row; an unknown title is replaced by the name of the item."""
    return _titles(run.name, run.weights_sha256, _stamp(run), run)


def has_titles(run: RecommenderRun) -> bool:
    """Whether the titles of a run's set are on this machine, or the user's own items have titles or telling names."""
    items = items_of(run)
    return bool(_stamp(run)) or items.title is not None or items.item.dtype.kind not in "iuf"


def points_of(run: RecommenderRun) -> EmbeddingMap:
    """The items as points of a map; the label of an item is the first of its genres."""
    items, table = items_of(run), titles_of(run)
    n, unknown = len(items), np.full(len(items), np.nan, np.float32)
    first = [genres.split("|")[0] for genres in table["genres"]]
    label = np.array([GENRES.index(genre) if genre in GENRES else -1 for genre in first], np.int16)
    unpredicted = np.full(n, -1, np.int16)
    split = np.full(n, SPLITS.index(SPLIT), np.uint8)
    x, y = items.coordinates.T
    return EmbeddingMap(np.arange(n, dtype=np.int32), split, x, y, label, unpredicted, unknown, unknown, unknown)


def names_of(run: RecommenderRun) -> list[str]:
    """The title and year of every item."""
    table = titles_of(run)
    years = [f" ({year})" if year else "" for year in table["year"]]
    return [title + year for title, year in zip(table["title"], years, strict=True)]


def version(run: RecommenderRun) -> str:
    """A text that names the map of a run in addresses, and changes with the map and its titles."""
    return f"{run.weights_sha256[:12]}-{(run.folder / FILE).stat().st_mtime_ns:x}-{_stamp(run):x}"


def _stamp(run: RecommenderRun) -> int:
    """When the file of titles was written; 0 where there is none."""
    known = movielens.SETS.get(run.data["name"])
    path = data_folder() / run.data["name"] / known.titles if known else None
    return path.stat().st_mtime_ns if path and path.is_file() else 0


def _name(item: object) -> str:
    """An item without a title: a number is said to be one."""
    return shortened(item) if isinstance(item, str) and not item.isdecimal() else f"no. {item}"


@st.cache_resource(max_entries=8, show_spinner=False)
def _items(name: str, sha256: str, _run: RecommenderRun) -> Items:
    return load_items(_run.folder)


@st.cache_resource(max_entries=8, show_spinner=False)
def _titles(name: str, sha256: str, stamp: int, _run: RecommenderRun) -> pd.DataFrame:
    known = movielens.titles(_run.data["name"])
    items = items_of(_run)
    table = known.reindex(items.item)
    if items.title is not None:
        table["title"] = [shortened(title) or None for title in items.title]
        table["year"], table["genres"] = 0, ""
    numbers = pd.Series([_name(one) for one in items.item], index=table.index)
    return pd.DataFrame(
        {
            "title": table["title"].where(table["title"].notna(), numbers),
            "year": table["year"].where(table["title"].notna(), 0).astype(int),
            "genres": table["genres"].where(table["title"].notna(), ""),
        }
    )
