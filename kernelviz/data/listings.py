"""The listing of a named image set, or of what lies at a path."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from kernelviz.data.images import SETS, load
from kernelviz.data.shapes import SHAPES, shapes_listing
from kernelviz.sources.listing import SPLITS, Listing
from kernelviz.sources.reading import read_source


def listing_of(source: str, column: str = "", progress: Callable[[float, str], None] | None = None) -> Listing:
    """The items of the image set of that name (downloaded or painted), or of a path (`read_source`).

    Args:
        column: where the class of an item comes from, a column of its table or path:N; "": found by itself.
        progress: called with the share that is done, 0 where it is unknown, and one line for a person; what it raises
            stops the reading.
    """
    if source == SHAPES:
        return shapes_listing()
    return _named(source, progress) if source in SETS else read_source(source, column or None, progress)


def _named(name: str, progress: Callable[[float, str], None] | None) -> Listing:
    images = load(name, progress)
    parts = [images.split(split) for split in SPLITS]
    pictures = np.concatenate([part for part, _ in parts])
    numbers = [f"{split} {row}" for split, (part, _) in zip(SPLITS, parts, strict=True) for row in range(len(part))]
    return Listing(
        name=name,
        names=numbers,
        stamps=[f"{name} {len(pictures)} {number}" for number in numbers],
        read=lambda rows: (pictures[row] for row in rows),
        files=[None] * len(pictures),
        classes=images.classes,
        labels=np.concatenate([labels for _, labels in parts]),
        splits=np.repeat(np.arange(len(SPLITS)), [len(part) for part, _ in parts]),
        table=pd.DataFrame(index=range(len(pictures))),
    )
