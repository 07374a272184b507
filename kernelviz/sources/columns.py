"""The columns of a table that a person brings: which is which, and values as classes and splits."""

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
from jaxtyping import Int64

from kernelviz.errors import UserError
from kernelviz.sources.names import split_of
from kernelviz.text import shown

PATHS = ("file_name", "filename", "file", "path", "image", "image_path")
LABELS = ("label", "class", "target", "category")
PARTS = ("split", "subset", "partition")
PICTURES = ("image", "img", "picture", "image_bytes", "bytes", "png", "jpg", "jpeg")
VECTORS = ("vectors", "embeddings", "features", "x", "vector", "embedding")
NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
NO_LABEL = -1


def column_of(columns: Iterable[str], names: Iterable[str]) -> str | None:
    """The column that has the first of these names which any column has, in upper or lower case."""
    present = {column.lower(): column for column in reversed(list(columns))}
    return next((present[name] for name in names if name in present), None)


def classes_of(
    values: Iterable[object], known: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], Int64[np.ndarray, " n"]]:
    """Names of the classes, numbers in their order and texts in theirs, and the number of the class of each value.

    Args:
        values: one for each item; missing ones and empty texts are no label.
        known: names of the classes, where the values are their numbers.
    """
    texts = [_text(value) for value in values]
    if known is not None:
        return known, np.array([_within(text, len(known)) for text in texts], np.int64)
    found = set(texts) - {""}
    numbers = all(NUMBER.fullmatch(text) for text in found)
    classes = tuple(sorted(found, key=lambda text: (float(text), text)) if numbers else sorted(found))
    number = {text: at for at, text in enumerate(classes)} | {"": NO_LABEL}
    return classes, np.array([number[text] for text in texts], np.int64)


def splits_of(values: Iterable[object]) -> Int64[np.ndarray, " n"]:
    """Numbers of the splits that the values name; -1 for all others."""
    return np.array([split_of(_text(value)) for value in values], np.int64)


def _text(value: object) -> str:
    """A value as the name of a class; empty where it is missing."""
    if isinstance(value, (list, dict, set, tuple, np.ndarray)):
        raise UserError(f"a label is {str(value)[:50]}; give one text or one number for each item")
    if pd.isna(value):
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return shown(str(value)).strip()


def _within(text: str, n: int) -> int:
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else n
    return number if number < n else NO_LABEL
