"""The clusters of a map without labels, and a name for each: a word that most of its images share, else a number."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pandas.api import types

from kernelviz.plots.colours import UNKNOWN, class_colours
from kernelviz.plots.columns import MAX_GROUPS, Column, as_texts, kind_of
from kernelviz.plots.density import CELLS, cells_of, smoothed
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.item_table import MAP_COLUMNS, NAME, PATH

CLUSTER = "cluster"  # the colouring, and the word of a name that is only a number
WIDTH = 1 / 24  # of the smoothing, in sides of the map; wider where the points are few
VALLEY = 0.7  # two peaks are one cluster where the density between them stays above this share of the lower one
LEAST = 0.01  # of the points: fewer are no cluster
SHARED, RARER = 0.5, 3  # share of a cluster that has its word, and how many times rarer it is elsewhere
READ = 20_000  # images whose words are counted
LONGEST = 24  # letters of a name
WORD = re.compile(r"[^\W\d_]{3,}")


def cluster_column(points: EmbeddingMap, extent: float, table: pd.DataFrame) -> Column | None:
    """The clusters as a colouring; None for a map with labels or predictions, or with fewer than two clusters.

    Args:
        table: a row for each point (`item_table.map_table`), in which names are looked for.
    """
    if (points.label >= 0).any() or (points.prediction >= 0).any():
        return None
    cluster = clusters(points.coordinates, extent)
    n = int(cluster.max(initial=-1)) + 1
    if n < 2:
        return None
    names = names_of(cluster, table)
    groups = [*zip(names, class_colours(n), strict=True), (f"no {CLUSTER}", UNKNOWN)]
    return Column(CLUSTER, CLUSTER, "category", cluster.astype(np.int16), tuple(groups))


def clusters(coordinates: Float[np.ndarray, "n 2"], extent: float) -> Int[np.ndarray, " n"]:
    """For each point the number of its cluster, 0 for the largest; -1 without coordinates and in no cluster.

    A cluster is a peak of the smoothed density with all that lies uphill to it; a peak that no valley parts from a
    higher one belongs to that (Chazal, Guibas, Oudot, Skraba 2013, on cells in place of points).
    """
    placed = np.flatnonzero(np.isfinite(coordinates).all(1))
    number = np.full(len(coordinates), -1)
    if not len(placed):
        return number
    inside = coordinates[placed].clip(-extent, extent)
    width = max(WIDTH, len(placed) ** (-1 / 6) / 6)
    peak = _peaks(smoothed(inside, extent, width * CELLS))[tuple(cells_of(inside, extent))]
    tops, own, sizes = np.unique(peak, return_inverse=True, return_counts=True)
    large = np.argsort(-sizes, kind="stable")[:MAX_GROUPS]
    large = large[sizes[large] >= LEAST * len(placed)]
    numbers = np.full(len(tops), -1)
    numbers[large] = np.arange(len(large))
    number[placed] = numbers[own]
    return number


def _peaks(density: Float[np.ndarray, "x y"]) -> Int[np.ndarray, "x y"]:
    """For each cell the number of the one at the peak that it belongs to; that of an empty cell is its own."""
    side, flat = len(density) + 2, np.pad(density, 1).ravel()  # no cell at the border has neighbours beyond it
    around = [down * side + across for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across]
    up = list(range(len(flat)))
    seen = np.zeros(len(flat), bool)
    for cell in np.argsort(-flat, kind="stable")[: np.count_nonzero(flat)].tolist():
        seen[cell] = True
        tops = sorted({_top(up, cell + step) for step in around if seen[cell + step]}, key=lambda top: -flat[top])
        for top in tops:
            if top == tops[0]:
                up[cell] = top
            elif flat[cell] > VALLEY * flat[top]:
                up[top] = tops[0]
    return np.array([_top(up, cell) for cell in range(len(flat))]).reshape(side, side)[1:-1, 1:-1]


def _top(up: list[int], cell: int) -> int:
    while up[cell] != cell:
        up[cell] = up[up[cell]]
        cell = up[cell]
    return cell


def names_of(cluster: Int[np.ndarray, " n"], table: pd.DataFrame) -> list[str]:
    """A name for each cluster, all different: its word, with a number where a larger cluster has it; else a number.

    The word of a cluster is the one with the largest lead: the share of its images that have it, less that of all
    others. It comes from the names of files and folders and from the columns of text.
    """
    step = -(-len(cluster) // READ)
    chosen, rows = cluster[::step], table.iloc[::step]
    n = int(cluster.max(initial=-1)) + 1
    sizes = np.bincount(chosen[chosen >= 0], minlength=n)
    inside, all_of_it, written = Counter(), Counter(), {}
    for number, words in zip(chosen.tolist(), _words(rows), strict=True):
        for key, word in words.items():
            inside[key, number] += 1
            all_of_it[key] += 1
            written.setdefault(key, word)
    best: dict[int, tuple[float, int, str]] = {}
    for (key, number), count in inside.items():
        if number < 0 or count < SHARED * sizes[number]:
            continue
        share = count / sizes[number]
        elsewhere = (all_of_it[key] - count) / max(1, len(chosen) - sizes[number])
        if share >= RARER * elsewhere:
            best[number] = max(best.get(number, (0.0, 0, "")), (round(share - elsewhere, 3), len(key), key))
    return _apart([written[best[number][2]] if number in best else "" for number in range(n)])


def _apart(words: list[str]) -> list[str]:
    """Words as names that differ; an empty one is a number."""
    names: list[str] = []
    for number, word in enumerate(words):
        before = words[:number].count(word)
        names.append(f"{CLUSTER} {number + 1}" if not word else f"{word} {before + 1}" if before else word)
    return names


def _words(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    """For each row its words as they are written, by what they are compared by: folders and short texts, also whole."""
    own = [table[name] for name in table if name not in (*MAP_COLUMNS, NAME, PATH)]
    texts = [as_texts(values) for values in own if _is_text(values)]
    paths = table[NAME] if NAME in table else [""] * len(table)
    for path, *values in zip(paths, *texts, strict=True):
        file, wholes = PurePosixPath(path), [text for text in values if text]
        wholes += file.parent.parts
        words = [word for text in (file.stem, *wholes) for word in WORD.findall(text)]
        wholes = [text for text in wholes if WORD.search(text)]
        yield {word.casefold(): word for word in (*words, *wholes) if len(word) <= LONGEST}


def _is_text(values: pd.Series) -> bool:
    return kind_of(values) == "category" and types.infer_dtype(values, skipna=True) != "boolean"
