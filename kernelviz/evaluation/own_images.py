"""The images that a run's map was made of, where they are on this machine."""

from collections.abc import Callable

import numpy as np

from kernelviz.data.images import SETS, ImageSet, is_local, load
from kernelviz.sources.listing import SPLITS
from kernelviz.storage import thumbnails
from kernelviz.storage.embedding_map import EmbeddingMap
from kernelviz.storage.record import EmbeddingRun


def own_images(run: EmbeddingRun, points: EmbeddingMap, read: Callable[..., ImageSet] = load) -> ImageSet | None:
    """The images of a run's set, if they are here, its map was made of them, and it has no small pictures of its own.

    Args:
        read: reads an image set, with the arguments of `data.images.load`.
    """
    source = run.recipe["data"]
    beyond_memory = run.recipe.get("views") and source not in SETS
    if run.is_of_vectors or thumbnails.has_thumbnails(run.folder) or beyond_memory or not is_local(source):
        return None
    try:
        images = read(source, allow_download=False, preprocess=run.preprocess, **run.shares)
    except (OSError, ValueError):
        return None
    belong = all(np.array_equal(points.of_split(split).label, images.split(split)[1]) for split in SPLITS)
    return images if belong else None
